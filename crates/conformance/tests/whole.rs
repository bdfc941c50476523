//! The suite and nothing else on the card of the project: what `cargo xtask mutants` holds broken cards against.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

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
    let suite = Suite::embedded().expect("the scripts of the suite are sound");
    let cases: Vec<&Case> = suite.cases.iter().collect();
    // One case is enough to know a broken card by.
    let found = AtomicBool::new(false);
    let report = run_parallel(
        &suite,
        &cases,
        Jobs::available().until(&found),
        target,
        |_| {},
        |outcome| {
            if !outcome.verdict.is_passed() {
                found.store(true, Ordering::Relaxed);
            }
        },
    );
    assert_eq!(report.passed(), cases.len(), "{}", report.table());
}
