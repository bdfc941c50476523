//! The card of the project as a target, whole or behind a lie.

use std::collections::BTreeMap;

use card_conformance::dishonest::{Dishonest, Lie};
use card_conformance::target::UnknownPreset;
use card_conformance::{
    Case, ForkingTarget, FreshError, InProcessTarget, Jobs, Outcome, Part, Suite, Target, run_case, run_parallel,
};
use card_os::crypto::rsa::{Rsa, SoftRsa};
use card_os::preset::Preset;
use card_os::sim::SimCard;
use card_wire::Icc;
use ready_keys::{ReadyRsa, Switch};

/// The seed of every card in these tests.
const SEED: u64 = 7;

pub(crate) fn suite() -> Suite {
    Suite::embedded().unwrap_or_else(|error| panic!("{error}"))
}

/// A blank card of this preset with this provider.
pub(crate) fn seeded<R: Rsa>(preset: &str, rsa: R) -> Result<SimCard<R>, FreshError> {
    let preset = Preset::named(preset).ok_or_else(|| FreshError::failed(UnknownPreset(preset.to_owned())))?;
    SimCard::from_seed(&preset, SEED, rsa).map_err(|error| FreshError::failed(format!("{error:?}")))
}

/// A blank card of this preset, which computes its keys.
pub(crate) fn blank(preset: &str) -> Result<Box<dyn Icc>, FreshError> {
    Ok(Box::new(seeded(preset, SoftRsa)?))
}

/// A blank card of this preset, which is given its keys.
fn ready(preset: &str) -> Result<Box<dyn Icc>, FreshError> {
    Ok(Box::new(seeded(preset, ReadyRsa::new(SoftRsa))?))
}

/// A card that is forked from prepared ones and takes ready keys while the switch is off.
pub(crate) fn forking(switch: Switch) -> Box<dyn Target> {
    let rsa = ReadyRsa::switched(SoftRsa, switch);
    Box::new(ForkingTarget::new(move |preset: &str| seeded(preset, rsa.clone()), SimCard::fork))
}

/// The same, where cases about key generation have computed keys.
pub(crate) fn switching() -> Box<dyn Target> {
    let switch = Switch::default();
    let rsa = ReadyRsa::switched(SoftRsa, switch.clone());
    let target = ForkingTarget::new(move |preset: &str| seeded(preset, rsa.clone()), SimCard::fork);
    Box::new(target.on_part(move |case, part| switch.compute(part == Part::Steps && case.is_about_generation())))
}

/// Plays a case on an honest card.
pub(crate) fn play(suite: &Suite, case: &Case) -> Outcome {
    run_case(suite, case, &mut InProcessTarget::new(blank))
}

/// Plays a case on a card that lies once the setups are through.
pub(crate) fn play_after_setup(suite: &Suite, case: &Case, lie: Lie) -> Outcome {
    let honest = case.setup_commands();
    let make = |preset: &str| Ok(Box::new(Dishonest::after(ready(preset)?, lie, honest)) as Box<dyn Icc>);
    run_case(suite, case, &mut InProcessTarget::new(make))
}

/// Plays the whole suite on a card that lies from the beginning; the ids of the cases that fail.
pub(crate) fn failures_with(suite: &Suite, lie: Lie) -> Vec<String> {
    let target = || {
        let make = move |preset: &str| Ok(Box::new(Dishonest::new(ready(preset)?, lie)) as Box<dyn Icc>);
        Box::new(InProcessTarget::new(make)) as Box<dyn Target>
    };
    let cases: Vec<&Case> = suite.cases.iter().collect();
    let report = run_parallel(suite, &cases, Jobs::available(), target, |_| {}, |_| {});
    report.failures().into_iter().map(str::to_owned).collect()
}

/// The ids of the cases whose outcome does not pass, with the reason.
pub(crate) fn not_passed<'s>(outcomes: impl Iterator<Item = &'s Outcome>) -> BTreeMap<String, String> {
    outcomes
        .filter(|outcome| !outcome.verdict.is_passed())
        .map(|outcome| (outcome.case.clone(), format!("{:?}", outcome.verdict)))
        .collect()
}
