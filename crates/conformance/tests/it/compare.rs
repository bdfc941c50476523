//! Two cards side by side, and a card beside what it once answered.

use card_conformance::compare::{Comparison, Difference, Differential, Likeness, Side};
use card_conformance::dishonest::{Dishonest, Lie};
use card_conformance::golden::{self, Golden, GoldenError};
use card_conformance::{Case, FreshError, InProcessTarget, Player, Suite, Target};
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use card_os::sim::SimCard;
use card_wire::{Icc, Status};

use crate::cards::{blank, is_slow, suite};

/// The seed of the other card.
const OTHER: u64 = 4711;

fn seeded(preset: &str, seed: u64) -> Box<dyn Icc> {
    Box::new(SimCard::from_seed(&Preset::named(preset).unwrap(), seed, SoftRsa).unwrap())
}

/// A card of the preset that the case asks for, from the other seed.
fn other() -> InProcessTarget<impl FnMut(&str) -> Result<Box<dyn Icc>, FreshError>> {
    InProcessTarget::new(|preset: &str| Ok(seeded(preset, OTHER)))
}

fn liar(lie: Lie) -> InProcessTarget<impl FnMut(&str) -> Result<Box<dyn Icc>, FreshError>> {
    InProcessTarget::new(move |preset: &str| Ok(Box::new(Dishonest::new(seeded(preset, OTHER), lie)) as Box<dyn Icc>))
}

fn quick(suite: &Suite) -> impl Iterator<Item = &Case> {
    suite.cases.iter().filter(|case| !is_slow(case))
}

fn compared(suite: &Suite, id: &str, target: &mut dyn Target) -> Comparison {
    let case = suite.case(id).unwrap_or_else(|| panic!("no case {id}"));
    Differential::new(suite).play(case, &mut InProcessTarget::new(blank), target)
}

#[test]
fn cards_of_two_seeds_are_alike() {
    let suite = suite();
    let mut differential = Differential::new(&suite);
    let (mut reference, mut target) = (InProcessTarget::new(blank), other());
    let mut different = Vec::new();
    for case in quick(&suite) {
        let comparison = differential.play(case, &mut reference, &mut target);
        if comparison.likeness != Likeness::Same {
            different.push(comparison.to_string());
        }
    }
    assert!(different.is_empty(), "{} cases:\n{}", different.len(), different.join("\n"));
}

#[test]
fn a_golden_file_of_one_seed_passes_with_another() {
    let suite = suite();
    let secrets = golden::secrets(&suite.values);
    let mut golden = Golden::new("test 1", Some(vec![0x3B, 0]), None);
    let (mut player, mut target) = (Player::new(&suite), InProcessTarget::new(blank));
    for case in quick(&suite) {
        golden.record(case, &player.play(case, &mut target), &secrets);
    }
    let text = golden.to_string();
    let golden = Golden::read(&text).unwrap();
    assert_eq!(golden.to_string(), text);
    golden.fits(&suite, None).unwrap();
    assert!(!text.contains("313233343536") && text.contains("··"));
    let (mut player, mut target) = (Player::new(&suite), other());
    let mut different = Vec::new();
    for case in quick(&suite) {
        let comparison = golden.compare(&suite, case, &player.play(case, &mut target), &secrets).unwrap();
        if comparison.likeness != Likeness::Same {
            different.push(comparison.to_string());
        }
    }
    assert!(different.is_empty(), "{} cases:\n{}", different.len(), different.join("\n"));
}
