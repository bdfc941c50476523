//! The model finds broken iso cards, each within some thousand sequences, and nothing in the card that has no flaw.

use super::broken::Broken;
use super::cards::ready;
use super::flaws::{FLAWS, honest};
use super::machine::one;
use crate::generator::Dice;
use crate::machine::setting;

/// Sequences within which every flaw shows.
const SEQUENCES: u64 = 3000;
/// Events, or groups of them, in one sequence.
const LENGTH: u64 = 60;

/// Plays sequences until the model contradicts; how many that took and what it said.
fn hunt(spoil: fn(&mut Broken, &[u8]) -> Vec<u8>, sequences: u64, seed: u64) -> Option<(u64, String)> {
    (0..sequences).find_map(|number| {
        let (card, mut model) = ready(number % 3 != 0);
        let mut card = Broken::new(card, spoil);
        let mut dice = Dice(seed << 32 | number);
        let mismatch = (0..LENGTH).find_map(|_| one(&mut card, &mut model, dice.roll(), |_, _| ()).err());
        mismatch.map(|mismatch| (number + 1, mismatch))
    })
}

#[test]
fn every_flaw_of_an_iso_card_shows() {
    let seed = setting("CARD_MODEL_SEED", 1);
    let mut alive = Vec::new();
    for (name, spoil) in FLAWS {
        match hunt(*spoil, SEQUENCES, seed) {
            Some((taken, how)) => println!("{taken:4} {name}: {how}"),
            None => alive.push(*name),
        }
    }
    assert!(alive.is_empty(), "not found in {SEQUENCES} sequences: {alive:#?}");
    assert!(FLAWS.len() >= 54);
}

#[test]
fn the_honest_iso_card_survives_the_same_hunt() {
    assert_eq!(hunt(honest, 100, setting("CARD_MODEL_SEED", 1)), None);
}
