//! Cases on somebody's card: right, wrong, and with a counter that must not be lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use card_conformance::card_file::{CardFile, Pin, Puk, SecretSource};
use card_conformance::resident::{Decision, Resident};
use card_conformance::safety::{Allowed, Guard, OwnPin, Stop};
use card_conformance::{CardState, Case, InProcessTarget, Outcome, Report, Suite, Target, Verdict};
use card_os::crypto::rsa::SoftRsa;
use card_os::sim::SimCard;
use card_wire::Protocol;
use host_driver::TransportError;
use zeroize::Zeroizing;

use crate::cards::{blank, seeded, suite};

const SELECT: &str = "00A404000CF276A288BCFBA69D34F31001";
const VERIFY_RIGHT: &str = "002000011031323334353600000000000000000000";
const VERIFY_WRONG: &str = "002000011039393939393900000000000000000000";
const PUK: &[u8] = b"0123456789abcdef";

/// What the card does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// A wrong PIN costs two tries.
    CountsTwice,
    /// A wrong old PIN in CHANGE costs two tries, and says that it was one.
    ChangeCountsTwice,
    /// The same, and GET CHALLENGE costs one.
    ChallengeCosts,
    /// A wrong PIN costs nothing.
    NeverCounts,
    /// An empty VERIFY says nothing of the tries.
    Silent,
}

/// A personalised card that stays, and what was sent to it.
struct Somebodys {
    card: SimCard<SoftRsa>,
    fault: Fault,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

impl Somebodys {
    fn new(fault: Fault) -> Self {
        let mut card = seeded("isoapplet", SoftRsa).unwrap();
        card.power_on(Protocol::T1);
        let mut somebodys = Self { card, fault, sent: Arc::default() };
        for command in [SELECT, "002401021030313233343536373839616263646566", "0024010106313233343536"] {
            let answer = somebodys.pass(&hex(command));
            assert!(answer.ends_with(&[0x90, 0x00]), "{command}");
        }
        somebodys
    }

    fn pass(&mut self, command: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; 70_000];
        self.card.transmit(command, &mut buffer).to_vec()
    }

    /// A wrong try that the host did not send.
    fn lose_a_try(&mut self) {
        self.pass(&hex(VERIFY_WRONG));
    }

    /// The tries that are left.
    fn left(&mut self) -> u16 {
        self.card.reset();
        self.pass(&hex(SELECT));
        let answer = self.pass(&hex("00200001"));
        u16::from_be_bytes([answer[0], answer[1]])
    }
}

impl Target for Somebodys {
    fn fresh(&mut self, _preset: &str) -> Result<(), card_conformance::FreshError> {
        Err(card_conformance::FreshError::CannotReset)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(self.card.reset().to_vec())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent.lock().unwrap().push(command.to_vec());
        let answer = self.pass(command);
        let counted = answer[0] == 0x63 && command.len() > 5;
        match (self.fault, command[1]) {
            (Fault::CountsTwice, 0x20) | (Fault::ChangeCountsTwice, 0x24) if counted => self.lose_a_try(),
            (Fault::ChallengeCosts, 0x84) => self.lose_a_try(),
            (Fault::NeverCounts, 0x20) if counted => {
                self.pass(&hex(VERIFY_RIGHT));
            }
            (Fault::Silent, 0x20) if command.len() == 4 => return Ok(vec![0x69, 0x85]),
            _ => {}
        }
        Ok(answer)
    }

    fn describe(&self) -> String {
        "somebody's card".to_owned()
    }
}

fn card_file() -> CardFile {
    let value = SecretSource::Prompt;
    CardFile {
        name: "mine".to_owned(),
        preset: "isoapplet".to_owned(),
        state: CardState::Operational,
        serial: None,
        aid: Some(hex("F276A288BCFBA69D34F31001")),
        pin: Some(Pin { reference: 1, min: 4, max: 16, tries: 3, padded: Some(16), value: value.clone() }),
        puk: Some(Puk { tries: 5, value }),
        keys: BTreeMap::new(),
        spare: Some(0),
        area: None,
        max_command: None,
        max_response: None,
        capabilities: BTreeMap::new(),
        values: BTreeMap::new(),
    }
}

fn guard(pin: &[u8], puk: Option<&[u8]>) -> Guard {
    let mut sent = Zeroizing::new(pin.to_vec());
    sent.resize(16, 0);
    Guard::new(Some(&hex("F276A288BCFBA69D34F31001")), OwnPin { reference: 1, sent }, 3, puk)
}

const ALL: Allowed = Allowed { write: true, spend_tries: true, destructive: true, own_card: false };

struct Run {
    report: Report,
    stop: Option<Stop>,
    left: u16,
    sent: Vec<Vec<u8>>,
}

/// Plays the cases of which `wanted` says so, in place of others on a built-in card.
fn run(card: &mut Somebodys, allowed: Allowed, guard: Guard, wanted: impl Fn(&Case) -> bool) -> Run {
    let suite = suite();
    let file = card_file();
    let cases: Vec<&Case> = suite.cases.iter().filter(|case| wanted(case)).collect();
    let resident = Resident {
        suite: &suite,
        card: Some(&file),
        values: BTreeMap::new(),
        capabilities: Vec::new(),
        allowed,
        guard: Some(guard),
    };
    let stand_in: Box<dyn Target> = Box::new(InProcessTarget::new(blank));
    let (report, stop) = resident.play(&cases, card, Some(stand_in), || false, |_| {});
    let sent = card.sent.lock().unwrap().clone();
    Run { report, stop, left: card.left(), sent }
}

fn of_pins(case: &Case) -> bool {
    matches!(case.file.as_str(), "pin.toml" | "verify.toml" | "challenge.toml")
}

fn on_card(report: &Report) -> Vec<&Outcome> {
    let is_on_card = |outcome: &&Outcome| outcome.simulated.is_none() && !outcome.transcript.events().is_empty();
    report.outcomes.iter().filter(is_on_card).collect()
}

#[test]
fn a_right_card_passes_and_keeps_its_tries() {
    let mut card = Somebodys::new(Fault::None);
    let run = run(&mut card, ALL, guard(b"123456", Some(PUK)), |_| true);
    assert!(run.stop.is_none(), "{:?}", run.stop);
    assert_eq!(run.left, 0x63C3);
    let suite = suite();
    let mut counts = BTreeMap::new();
    for outcome in &run.report.outcomes {
        let on_card = outcome.simulated.is_none();
        assert!(!outcome.verdict.is_failed(), "{}: {:?}", outcome.case, outcome.verdict);
        if !on_card {
            assert!(outcome.verdict.is_passed(), "{}: {:?}", outcome.case, outcome.verdict);
        }
        let case = suite.case(&outcome.case).unwrap();
        assert_eq!(matches!(outcome.verdict, Verdict::NotApplicable(_)), case.preset != "isoapplet", "{}", case.id);
        *counts.entry((outcome.verdict.word(), on_card)).or_insert(0) += 1;
    }
    assert!(counts[&("passed", true)] > 150, "{counts:?}");
    assert_eq!(run.report.passed(), counts[&("passed", true)], "what was simulated does not count");
    let pin = |outcome: &&Outcome| outcome.case.starts_with("verify-") && outcome.simulated.is_none();
    assert!(run.report.outcomes.iter().filter(pin).count() > 5, "hardly anything spends a try");
}

#[test]
fn without_leave_nothing_is_sent_that_could_cost_anything() {
    let mut card = Somebodys::new(Fault::None);
    let run = run(&mut card, Allowed::default(), guard(b"123456", None), |_| true);
    assert!(run.stop.is_none() && run.left == 0x63C3);
    assert!(on_card(&run.report).len() > 80, "{}", on_card(&run.report).len());
    let costs = |command: &&Vec<u8>| {
        let is_right = hex::encode_upper(command) == VERIFY_RIGHT;
        let harmless = [0xA4, 0xB0, 0x84, 0xCA, 0xC0, 0x70, 0x20, 0x22, 0xCB, 0x2A, 0x46];
        let is_pin = command[1] == 0x20 && command.len() > 5;
        (is_pin && !is_right)
            || [0xE0, 0xE4, 0xD6, 0xDB, 0x24, 0x2C, 0x44, 0x04, 0xE6, 0xE8, 0xFE].contains(&command[1])
            || (command[0] & 0xEF == 0
                && !harmless.contains(&command[1])
                && command[1] & 0xF0 != 0x60
                && command.len() > 5)
    };
    let costly: Vec<String> = run.sent.iter().filter(costs).map(hex::encode_upper).collect();
    assert!(costly.is_empty(), "{costly:?}");
    let generates = |command: &&Vec<u8>| command[1] == 0x46 && !matches!(command[2], 0x81 | 0x83);
    assert_eq!(run.sent.iter().filter(generates).count(), 0);
}

#[test]
fn a_card_that_counts_twice_stops_the_run_with_a_try_left() {
    let mut card = Somebodys::new(Fault::CountsTwice);
    let run = run(&mut card, ALL, guard(b"123456", None), of_pins);
    let stop = run.stop.unwrap();
    assert!(matches!(stop, Stop::Counting { restored: false, .. }), "{stop}");
    assert_eq!(run.left, 0x63C1, "one wrong PIN was sent, no other");
}

#[test]
fn a_change_that_counts_twice_is_found_and_blocks_nothing() {
    let mut card = Somebodys::new(Fault::ChangeCountsTwice);
    let run = run(&mut card, ALL, guard(b"123456", None), |case| case.preset == "isoapplet");
    assert!(run.stop.is_none(), "{:?}", run.stop);
    assert_eq!(run.left, 0x63C3);
}

#[test]
fn a_case_that_should_spend_nothing_and_does_stops_the_run() {
    let mut card = Somebodys::new(Fault::ChallengeCosts);
    let run = run(&mut card, Allowed::default(), guard(b"123456", None), |case| case.id == "challenge-one");
    let stop = run.stop.unwrap();
    let told = stop.to_string();
    // Two challenges cost two tries; the right PIN is not risked on the last one.
    assert!(matches!(stop, Stop::Counter { restored: false, .. }), "{told}");
    assert!(told.contains("behind `challenge-one` the PIN has 1 instead of 3 tries"), "{told}");
}

#[test]
fn a_card_that_never_counts_stops_the_run() {
    let mut card = Somebodys::new(Fault::NeverCounts);
    let run = run(&mut card, ALL, guard(b"123456", None), of_pins);
    assert!(matches!(run.stop, Some(Stop::Counting { .. })), "{:?}", run.stop);
    assert_eq!(run.left, 0x63C3);
}

#[test]
fn a_wrong_pin_in_the_card_file_costs_one_try() {
    let mut card = Somebodys::new(Fault::None);
    let run = run(&mut card, ALL, guard(b"123457", None), of_pins);
    assert!(matches!(run.stop, Some(Stop::WrongPin(_))), "{:?}", run.stop);
    assert!(run.report.outcomes.is_empty());
    assert_eq!(run.left, 0x63C2);
}

#[test]
fn no_pin_is_sent_where_the_counter_is_not_full_or_not_known() {
    for (fault, lost) in [(Fault::None, 1), (Fault::None, 3), (Fault::Silent, 0)] {
        let mut card = Somebodys::new(fault);
        (0..lost).for_each(|_| card.lose_a_try());
        let before = card.left();
        let run = run(&mut card, ALL, guard(b"123456", Some(PUK)), |case| case.preset == "isoapplet");
        assert!(run.stop.is_none(), "{:?}", run.stop);
        assert_eq!(run.left, before);
        let pins = run.sent.iter().filter(|command| matches!(command[1], 0x20 | 0x24 | 0x2C) && command.len() > 5);
        assert_eq!(pins.count(), 0);
        assert!(on_card(&run.report).len() > 80);
    }
}

#[test]
fn the_pin_is_blocked_and_unblocked_with_leave_and_puk_alone() {
    let wanted = |case: &Case| case.id == "verify-block-survives-reset";
    for (allowed, puk, played) in [
        (ALL, Some(PUK), true),
        (ALL, None, false),
        (ALL, Some(&b"0000000000000000"[..]), false),
        (Allowed { destructive: false, ..ALL }, Some(PUK), false),
    ] {
        let mut card = Somebodys::new(Fault::None);
        let run = run(&mut card, allowed, guard(b"123456", puk), wanted);
        assert!(run.stop.is_none(), "{:?}", run.stop);
        assert_eq!(on_card(&run.report).len(), usize::from(played), "{:?}", run.report.outcomes);
        assert_eq!(run.left, 0x63C3);
    }
}

#[test]
fn what_cannot_be_undone_is_refused_or_comes_last() {
    let text = "[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"unsourced\"\npreset = \"isoapplet\"\nstateless = true\nsteps = [{ send = \"00FE0000\", status = \"6E00\" }]\n[[case]]\nid = \"b\"\ntitle = \"t\"\nclause = \"unsourced\"\npreset = \"isoapplet\"\nstateless = true\nsteps = [{ send = \"00A40000\", status = \"6A82\" }]\n";
    let source = card_conformance::Source { name: "s.toml", text };
    let suite = Suite::load(card_conformance::Source { name: "clauses.toml", text: "" }, &[source]).unwrap();
    let play = |own_card| {
        let allowed = Allowed { own_card, ..ALL };
        let cases: Vec<&Case> = suite.cases.iter().collect();
        let resident =
            Resident { suite: &suite, card: None, values: BTreeMap::new(), capabilities: vec![], allowed, guard: None };
        let decision = resident.decide(cases[0]);
        let (report, _) = resident.play(&cases, &mut Somebodys::new(Fault::None), None, || false, |_| {});
        (decision, report)
    };
    let (decision, report) = play(false);
    assert!(matches!(&decision, Decision::Elsewhere(why) if why.contains("--i-own-this-card")), "{decision:?}");
    assert!(matches!(report.outcomes[0].verdict, Verdict::Refused(_)));
    let (_, report) = play(true);
    let order: Vec<&str> = report.outcomes.iter().map(|outcome| outcome.case.as_str()).collect();
    assert_eq!(order, ["b", "a"]);
}
