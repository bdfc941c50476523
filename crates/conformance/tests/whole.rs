//! The suite and nothing else on the card of the project: what `cargo xtask mutants` holds broken cards against.
#![forbid(unsafe_code)]

use card_conformance::{Case, ForkingTarget, FreshError, Jobs, Part, Suite, Target, run_parallel};
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use card_os::sim::SimCard;
use ready_keys::{ReadyRsa, Switch};

/// A card that is forked from prepared ones and takes ready keys where keys are not what the case is about.
fn target() -> Box<dyn Target> {
    let switch = Switch::default();
    let rsa = ReadyRsa::switched(SoftRsa, switch.clone());
    let make = move |preset: &str| {
        let preset = Preset::named(preset).ok_or_else(|| FreshError::failed(format!("no preset {preset}")))?;
        SimCard::from_seed(&preset, 7, rsa.clone()).map_err(|error| FreshError::failed(format!("{error:?}")))
    };
    let target = ForkingTarget::new(make, SimCard::fork);
    Box::new(target.on_part(move |case, part| switch.compute(part == Part::Steps && case.is_about_generation())))
}

#[test]
fn every_case_passes() {
    let suite = Suite::embedded().unwrap();
    let cases: Vec<&Case> = suite.cases.iter().collect();
    let report = run_parallel(&suite, &cases, Jobs::available(), target, |_| {}, |_| {});
    assert_eq!(report.passed(), cases.len(), "{}", report.table());
}
