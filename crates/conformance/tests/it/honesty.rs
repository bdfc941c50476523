//! The suite against cards that lie: it must not pass what is false.

use std::collections::BTreeSet;

use card_conformance::dishonest::{BROKEN, Lie};
use card_conformance::script::Step;
use card_conformance::{Case, InProcessTarget, Suite, run_case};
use card_wire::{Icc, Protocol};

use crate::cards::{failures_with, play_after_setup, suite};

/// Cases that a card of zeros passes although they look at data, each with the reason.
const ZEROS_ARE_RIGHT: &[(&str, &str)] =
    &[("detect-atr", "its only data is the ATR, which is not an answer to a command")];

/// Cases that a card may pass that answers 9000 to all of a case but its setup, each with the reason.
const NINES_ARE_RIGHT: &[(&str, &str)] = &[];

/// A card that never was a card: one answer for everything.
struct Parrot(Lie);

impl Icc for Parrot {
    fn power_on(&mut self, _protocol: Protocol) -> &[u8] {
        &[0x3B, 0x80, 0x80, 0x01, 0x01]
    }

    fn reset(&mut self) -> &[u8] {
        &[0x3B, 0x80, 0x80, 0x01, 0x01]
    }

    fn power_off(&mut self) {}

    fn transmit<'r>(&mut self, _command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        let word = if self.0 == Lie::AlwaysOk { [0x90, 0x00] } else { [0x6F, 0x00] };
        response[..2].copy_from_slice(&word);
        &response[..2]
    }
}

fn passed_by(suite: &Suite, mut passes: impl FnMut(&Case) -> bool) -> BTreeSet<&str> {
    suite.cases.iter().filter(|case| passes(case)).map(|case| case.id.as_str()).collect()
}

fn listed(list: &[(&'static str, &str)]) -> BTreeSet<&'static str> {
    list.iter().map(|(id, _)| *id).collect()
}

#[test]
fn one_answer_for_everything_passes_nothing() {
    let suite = suite();
    for lie in [Lie::AlwaysOk, Lie::AlwaysNoDiagnosis] {
        let mut target = InProcessTarget::new(|_: &str| Ok(Box::new(Parrot(lie)) as Box<dyn Icc>));
        let passed = passed_by(&suite, |case| run_case(&suite, case, &mut target).verdict.is_passed());
        assert!(passed.is_empty(), "{lie:?}: {passed:?}");
    }
}

#[test]
fn one_answer_for_everything_behind_an_honest_setup_passes_only_what_is_listed() {
    let suite = suite();
    let passed = |lie| passed_by(&suite, |case| play_after_setup(&suite, case, lie).verdict.is_passed());
    assert_eq!(passed(Lie::AlwaysOk), listed(NINES_ARE_RIGHT));
    assert_eq!(passed(Lie::AlwaysNoDiagnosis), BTreeSet::new());
}

/// The steps of a case itself look at data.
fn is_about_data(case: &Case) -> bool {
    let own = &case.steps[case.setup_steps..];
    own.iter().any(|step: &Step| {
        let pattern = step.data.to_string();
        !step.tlv.is_empty() || step.verify.is_some() || (pattern != "no data" && pattern != "*")
    })
}

#[test]
fn right_statuses_with_zeros_for_data_pass_no_case_about_data() {
    let suite = suite();
    let about_data = suite.cases.iter().filter(|case| is_about_data(case)).count();
    assert!(about_data > 100, "{about_data}");
    let passed = passed_by(&suite, |case| {
        is_about_data(case) && play_after_setup(&suite, case, Lie::ZeroedData).verdict.is_passed()
    });
    assert_eq!(passed, listed(ZEROS_ARE_RIGHT));
}

#[test]
fn each_broken_card_is_found_and_not_by_everything() {
    let suite = suite();
    let lists: Vec<_> = BROKEN.iter().map(|(name, lie)| (name, failures_with(&suite, *lie))).collect();
    for (name, failures) in &lists {
        assert!(!failures.is_empty(), "{name} is not found");
        assert!(failures.len() < suite.cases.len() * 3 / 4, "{name} fails {} cases", failures.len());
    }
    let different: BTreeSet<_> = lists.iter().map(|(_, failures)| failures).collect();
    assert_eq!(different.len(), BROKEN.len(), "two broken cards look the same");
}
