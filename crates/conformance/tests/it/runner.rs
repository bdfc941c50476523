//! The runner against a target that answers from a list.

use std::collections::VecDeque;

use card_conformance::outcome::{Mismatch, Verdict};
use card_conformance::{FreshError, Outcome, Report, SkipReason, Source, Suite, Target, run_case, run_suite};
use card_wire::Status;
use host_driver::TransportError;

/// Answers in order, then falls silent. Writes down what it was sent.
#[derive(Default)]
struct Listed {
    answers: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    fixed: bool,
}

impl Listed {
    fn answering(answers: &[&str]) -> Self {
        Self { answers: answers.iter().map(|hex| hex::decode(hex).unwrap()).collect(), ..Self::default() }
    }
}

impl Target for Listed {
    fn fresh(&mut self, _preset: &str) -> Result<(), FreshError> {
        if self.fixed { Err(FreshError::CannotReset) } else { Ok(()) }
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(vec![0x3B, 0x00])
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent.push(command.to_vec());
        self.answers.pop_front().ok_or(TransportError::CardGone)
    }

    fn describe(&self) -> String {
        "list".to_owned()
    }
}

fn suite(steps: &str, more: &str) -> Suite {
    let text = format!(
        "[values]\nv = \"0102\"\n[setups.s]\nsteps = [{{ send = \"00\", status = \"9000\" }}]\n[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"unsourced\"\npreset = \"p\"\n{more}\nsteps = [{steps}]\n"
    );
    let clauses = Source { name: "clauses.toml", text: "" };
    Suite::load(clauses, &[Source { name: "s.toml", text: &text }]).unwrap_or_else(|error| panic!("{error}"))
}

fn run(steps: &str, answers: &[&str]) -> (Outcome, Vec<Vec<u8>>) {
    let suite = suite(steps, "");
    let mut target = Listed::answering(answers);
    (run_case(&suite, &suite.cases[0], &mut target), target.sent)
}

/// How the case fails.
fn mismatch(steps: &str, answers: &[&str]) -> Mismatch {
    match run(steps, answers).0.verdict {
        Verdict::Failed(failure) => failure.what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_captured_is_sent_again() {
    let steps = "{ send = \"A0 ${v}\", status = \"6102\", data = \"81 02 *\", capture = { x = \"81\", y = \"0..1\" } }, { send = \"${x} ${y} ${v[1..]}\", status = \"9000\" }";
    let (outcome, sent) = run(steps, &["8102AABB6102", "9000"]);
    assert!(outcome.verdict.is_passed(), "{:?}", outcome.verdict);
    assert_eq!(sent, [vec![0xA0, 1, 2], vec![0xAA, 0xBB, 0x81, 2]]);
    assert_eq!(outcome.transcript.to_string(), "case a\nfresh p\n> A00102\n< 8102AABB6102\n> AABB8102\n< 9000\n");
}

#[test]
fn a_repeated_command_is_judged_each_time() {
    let steps = "{ send = \"00\", repeat = 3, status = \"9000\" }";
    let (outcome, sent) = run(steps, &["9000", "9000", "9000"]);
    assert!(outcome.verdict.is_passed());
    assert_eq!(sent.len(), 3);
    assert!(matches!(mismatch(steps, &["9000", "6F00"]), Mismatch::Status { got: Status(0x6F00), .. }));
}

#[test]
fn a_counted_command_is_another_each_time() {
    let steps = "{ send = \"E0 ${n} ${n[1..]}\", repeat = 3, count = \"40FF\", status = \"9000\" }";
    let (outcome, sent) = run(steps, &["9000", "9000", "9000"]);
    assert!(outcome.verdict.is_passed());
    assert_eq!(sent, [[0xE0, 0x40, 0xFF, 0xFF], [0xE0, 0x41, 0x00, 0x00], [0xE0, 0x41, 0x01, 0x01]]);
}

#[test]
fn what_the_host_computes_is_captured() {
    let steps = "{ aes = { key = \"00*16\", block = \"00*16\" }, data = \"66E94BD4EF8A2C3B884CFA59CA342B2E\", capture = { x = \"..1\" } }, { send = \"${x}\", status = \"9000\" }";
    let (outcome, sent) = run(steps, &["9000"]);
    assert!(outcome.verdict.is_passed(), "{:?}", outcome.verdict);
    assert_eq!(sent, [[0x66]]);
    let oaep = "{ oaep = { modulus = \"C3 11*255\", message = \"01\", hash = \"sha1\" }, data = \"nonzero:256\" }";
    assert!(run(oaep, &[]).0.verdict.is_passed());
    assert!(matches!(mismatch("{ aes = { key = \"00\", block = \"00*16\" } }", &[]), Mismatch::Verify(_)));
    assert!(matches!(mismatch(&oaep.replace("255", "9"), &[]), Mismatch::Verify(_)));
}

#[test]
fn every_kind_of_mismatch_is_found() {
    let ok = "{ send = \"00\", status = \"9000\" }";
    assert!(
        matches!(mismatch(ok, &["6A82"]), Mismatch::Status { expected, got: Status::NOT_FOUND } if expected == [Status::OK])
    );
    assert!(matches!(mismatch(ok, &["009000"]), Mismatch::Data { .. }), "data where none is expected");
    assert!(matches!(mismatch(ok, &["90"]), Mismatch::ShortAnswer));
    assert!(matches!(mismatch(ok, &[]), Mismatch::Transport(TransportError::CardGone)));
    let data = |extra: &str| format!("{{ send = \"00\", status = \"9000\", {extra} }}");
    assert!(matches!(mismatch(&data("data = \"01 ??\""), &["9000"]), Mismatch::Data { .. }));
    assert!(matches!(mismatch(&data("tlv = { \"6F/81\" = \"len:1\" }"), &["6F038001019000"]), Mismatch::Object { .. }));
    assert!(matches!(
        mismatch(&data("data = \"*\", capture = { x = \"3..\" }"), &["01029000"]),
        Mismatch::Capture { .. }
    ));
    let verify = "verify = { scheme = \"ecdsa\", key = \"00\", over = \"00\" }";
    assert!(matches!(mismatch(&data(verify), &["01029000"]), Mismatch::Verify(_)));
    let part = "{ send = \"00 ${v[0..3]}\", status = \"9000\" }";
    assert!(matches!(mismatch(part, &["9000"]), Mismatch::Template(_)));
}

#[test]
fn checks_and_resets_send_nothing() {
    let steps = "{ reset = true, data = \"3B00\" }, { check = \"${v}\", data = \"0102\", capture = { w = \"all\" } }, { check = \"${w}\", data = \"0102\" }";
    let (outcome, sent) = run(steps, &[]);
    assert!(outcome.verdict.is_passed() && sent.is_empty());
    assert!(matches!(mismatch("{ check = \"${v}\", data = \"not:${v}\" }", &[]), Mismatch::Data { .. }));
}

#[test]
fn a_failure_says_where_and_whether_it_is_the_setup() {
    let with_setup = suite("{ send = \"01\", status = \"9000\" }", "setup = [\"s\"]");
    let outcome = run_case(&with_setup, &with_setup.cases[0], &mut Listed::answering(&["6F00"]));
    let Verdict::Failed(failure) = &outcome.verdict else { panic!("{:?}", outcome.verdict) };
    assert!(failure.setup);
    assert!(failure.to_string().starts_with("s.toml:4: in the setup: expected 9000"), "{failure}");
    let outcome = run_case(&with_setup, &with_setup.cases[0], &mut Listed::answering(&["9000", "6F00"]));
    let Verdict::Failed(failure) = &outcome.verdict else { panic!("{:?}", outcome.verdict) };
    assert_eq!((failure.setup, failure.line), (false, 11));
}

#[test]
fn a_card_that_cannot_be_made_anew_skips_what_needs_that() {
    let fixed = || Listed { fixed: true, ..Listed::answering(&["9000"]) };
    let step = "{ send = \"00\", status = \"9000\" }";
    let needs = suite(step, "");
    let mut target = fixed();
    let outcome = run_case(&needs, &needs.cases[0], &mut target);
    assert!(matches!(outcome.verdict, Verdict::Skipped(SkipReason::NeedsFreshCard)));
    assert!(target.sent.is_empty());
    let stateless = suite(step, "stateless = true");
    assert!(run_case(&stateless, &stateless.cases[0], &mut fixed()).verdict.is_passed());
}

#[test]
fn reports_count_and_choose_the_exit_code() {
    let suite = suite("{ send = \"00\", status = \"9000\" }", "");
    let report = |target: &mut Listed| {
        let mut seen = 0;
        let report = run_suite(&suite, &suite.cases, target, |_| seen += 1);
        assert_eq!(seen, 1);
        report
    };
    let passed = report(&mut Listed::answering(&["9000"]));
    assert_eq!((passed.summary().as_str(), passed.exit_code()), ("1 passed, 0 failed, 0 skipped", 0));
    let failed = report(&mut Listed::answering(&["6A82"]));
    assert_eq!((failed.summary().as_str(), failed.exit_code()), ("0 passed, 1 failed, 0 skipped", 1));
    assert_eq!(failed.failures(), ["a"]);
    let table = failed.table().to_string();
    assert!(table.contains("FAILED   a  t\n         s.toml:11: expected 9000"), "{table}");
    assert!(table.ends_with("0 passed, 1 failed, 0 skipped\n"));
    let skipped = report(&mut Listed { fixed: true, ..Listed::default() });
    assert_eq!((skipped.summary().as_str(), skipped.exit_code()), ("0 passed, 0 failed, 1 skipped", 2));
    assert_eq!(Report::default().exit_code(), 2);
}
