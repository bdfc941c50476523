//! Cases do not see each other: whatever is played before, beside or without a case, the same bytes go over its wire as
//! when it is played alone on a fresh card.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use card_conformance::outcome::{Mismatch, Verdict};
use card_conformance::{
    Case, FreshError, InProcessTarget, Jobs, Outcome, Report, Target, run_parallel, run_suite, shuffle,
};
use card_os::crypto::rsa::SoftRsa;
use card_wire::Icc;
use host_driver::TransportError;
use ready_keys::{ReadyRsa, Switch};

use crate::cards::{forking, seeded, suite};

/// Transcript and verdict of each case.
type Bytes = BTreeMap<String, (String, bool)>;

fn bytes(report: &Report) -> Bytes {
    let of = |outcome: &Outcome| (outcome.transcript.to_string(), outcome.verdict.is_passed());
    report.outcomes.iter().map(|outcome| (outcome.case.clone(), of(outcome))).collect()
}

/// Each case alone, in the order of the suite, on a card made for it.
fn alone<'s>(suite: &card_conformance::Suite, cases: impl Iterator<Item = &'s Case>) -> Bytes {
    let make = |preset: &str| Ok(Box::new(seeded(preset, ReadyRsa::new(SoftRsa))?) as Box<dyn Icc>);
    bytes(&run_suite(suite, cases, &mut InProcessTarget::new(make), |_| {}))
}

fn assert_same(expected: &Bytes, report: &Report, what: &str) {
    for (case, (transcript, passed)) in &bytes(report) {
        let (wanted, wanted_passed) = &expected[case];
        assert!(wanted == transcript && wanted_passed == passed, "{what}: {case}\n{wanted}---\n{transcript}");
    }
}

#[test]
fn any_order_any_subset_and_any_number_of_threads_give_the_same_bytes() {
    let suite = suite();
    let expected = alone(&suite, suite.cases.iter());
    assert!(expected.values().all(|(_, passed)| *passed));
    let ready = || forking(Switch::default());
    for (seed, threads) in [(1, 1), (2, 2), (3, 4), (4, 2), (5, 4)] {
        let mut cases: Vec<&Case> = suite.cases.iter().collect();
        shuffle(&mut cases, seed);
        let report = run_parallel(&suite, &cases, threads, ready, |_| {}, |_| {});
        assert_same(&expected, &report, &format!("seed {seed}, {threads} threads"));
        let ids: Vec<_> = report.outcomes.iter().map(|outcome| outcome.case.as_str()).collect();
        assert_eq!(ids, suite.cases.iter().map(|case| case.id.as_str()).collect::<Vec<_>>(), "order of the suite");
        // The order that the seed gives is played as it is, too: the threads group cases that begin alike.
        assert_same(&expected, &run_suite(&suite, cases, &mut ready(), |_| {}), &format!("seed {seed}, as it is"));
    }
    for seed in 100..140 {
        let mut cases: Vec<&Case> = suite.cases.iter().collect();
        shuffle(&mut cases, seed);
        let mut size = [0, 1, 2, 3, 7, 30, 100, 400];
        shuffle(&mut size, seed);
        cases.truncate(size[0]);
        let threads = [1, 2, 4][usize::try_from(seed % 3).unwrap()];
        let report = run_parallel(&suite, &cases, threads, ready, |_| {}, |_| {});
        assert_eq!(report.outcomes.len(), size[0]);
        assert_same(&expected, &report, &format!("{} of seed {seed}", size[0]));
    }
}

/// Each case twice in a run, so that the second is played behind everything that the first can have left.
#[test]
fn a_case_that_is_played_again_says_the_same() {
    let suite = suite();
    let expected = alone(&suite, suite.cases.iter());
    let twice: Vec<&Case> = suite.cases.iter().flat_map(|case| [case, case]).collect();
    let report = run_suite(&suite, twice, &mut forking(Switch::default()), |_| {});
    for pair in report.outcomes.chunks(2) {
        assert_eq!(pair[0].transcript, pair[1].transcript);
        assert_eq!(pair[0].transcript.to_string(), expected[&pair[0].case].0);
    }
}

/// Cases that are about key generation compute keys, the others do not, in either order.
#[test]
fn which_keys_are_computed_does_not_depend_on_the_order() {
    let suite = suite();
    let is_short = |case: &&Case| !case.id.contains("4096") && !case.id.contains("3072");
    let mut cases: Vec<&Case> = suite.select("generate", None).filter(is_short).collect();
    cases.extend(suite.select("certificate", None));
    let ready = alone(&suite, cases.iter().copied());
    let once = run_suite(&suite, cases.iter().copied(), &mut forking(Switch::default()), |_| {});
    let computed: BTreeSet<_> = once
        .outcomes
        .iter()
        .filter(|o| o.transcript.to_string() != ready[&o.case].0)
        .map(|o| o.case.as_str())
        .collect();
    assert_eq!(computed, BTreeSet::from([""; 0]), "without a switch nothing is computed");
    let switched = || crate::cards::switching();
    let first = run_suite(&suite, cases.iter().copied(), &mut switched(), |_| {});
    let computed: BTreeSet<_> = first
        .outcomes
        .iter()
        .filter(|o| o.transcript.to_string() != ready[&o.case].0)
        .map(|o| o.case.as_str())
        .collect();
    assert_eq!(computed, ["generate-rsa-short", "generate-rsa-extended", "generate-rsa-without-le"].into());
    cases.reverse();
    assert_same(&bytes(&first), &run_suite(&suite, cases.iter().copied(), &mut switched(), |_| {}), "backwards");
    assert_same(&bytes(&first), &run_parallel(&suite, &cases, 4, switched, |_| {}, |_| {}), "in parallel");
}

/// A card that panics at one command.
struct Panicking(Box<dyn Target>);

impl Target for Panicking {
    fn fresh(&mut self, preset: &str) -> Result<(), FreshError> {
        self.0.fresh(preset)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.0.reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        assert!(command.get(1) != Some(&0x84), "GET CHALLENGE broke the reader");
        self.0.transmit(command)
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[test]
fn a_target_that_panics_fails_its_case_and_no_other() {
    let suite = suite();
    let cases: Vec<&Case> = suite.select("challenge", None).chain(suite.select("select-", None)).collect();
    let seen = AtomicUsize::new(0);
    let panicking = || Box::new(Panicking(forking(Switch::default()))) as Box<dyn Target>;
    let count = |_: &Outcome| {
        seen.fetch_add(1, Ordering::Relaxed);
    };
    let report = run_parallel(&suite, &cases, 2, panicking, |_| {}, count);
    assert_eq!((report.outcomes.len(), seen.into_inner()), (cases.len(), cases.len()));
    let broken = report.outcomes.iter().filter(|outcome| match &outcome.verdict {
        Verdict::Failed(failure) => matches!(&failure.what, Mismatch::Panicked(text) if text.contains("the reader")),
        _ => false,
    });
    assert!(broken.count() > 5);
    assert!(report.passed() > 20, "{}", report.summary());
}

#[test]
fn a_run_that_is_stopped_ends_between_cases() {
    let suite = suite();
    let cases: Vec<&Case> = suite.select("select-", None).collect();
    let (stop, seen) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let after_three = |outcome: &Outcome| {
        let mut seen = seen.lock().unwrap();
        seen.push(outcome.case.clone());
        stop.store(seen.len() >= 3, Ordering::Relaxed);
    };
    let jobs = Jobs::new(2).until(&stop);
    let report = run_parallel(&suite, &cases, jobs, || forking(Switch::default()), |_| {}, after_three);
    let (played, seen) = (report.outcomes.len(), seen.into_inner().unwrap());
    assert!((3..=4).contains(&played) && played == seen.len() && played < cases.len(), "{played}");
    assert!(report.outcomes.iter().all(|outcome| outcome.verdict.is_passed()), "what was begun was ended");
}

#[test]
fn the_player_of_every_thread_is_configured() {
    let suite = suite();
    let cases: Vec<&Case> = suite.cases.iter().take(100).collect();
    let configured = AtomicUsize::new(0);
    let configure = |player: &mut card_conformance::Player<'_>| {
        player.values.insert("unused".to_owned(), vec![1].into());
        configured.fetch_add(1, Ordering::Relaxed);
    };
    run_parallel(&suite, &cases, 3, || forking(Switch::default()), configure, |_| {});
    assert!((1..=3).contains(&configured.into_inner()));
    assert!(run_parallel(&suite, &[], 0, || forking(Switch::default()), |_| {}, |_| {}).outcomes.is_empty());
}
