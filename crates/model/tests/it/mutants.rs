//! The model finds broken cards: each flaw within a thousand sequences, and none in the card that has none.

use card_model::Model;

use crate::cards::{Played as _, follow};
use crate::flaws::{FLAWS, honest};
use crate::generator::{Dice, next};
use crate::machine::{ready, setting};
use crate::mutation::{Broken, Spoil};

/// Sequences within which every flaw shows.
const SEQUENCES: u64 = 1000;
/// Events, or groups of them, in one sequence.
const LENGTH: u64 = 60;

/// Plays sequences until the model contradicts; how many that took and what it said.
fn hunt(spoil: Spoil, after_reset: fn(&mut Broken), sequences: u64, seed: u64) -> Option<(u64, String)> {
    (0..sequences).find_map(|number| {
        let (preset, personalised) = match number % 5 {
            4 => ("certificate", true),
            3 => ("isoapplet", false),
            _ => ("isoapplet", true),
        };
        let (card, mut model) = ready(preset, personalised);
        let mut card = Broken::new(card, spoil, after_reset);
        let mut dice = Dice(seed << 32 | number);
        let mismatch = (0..LENGTH).find_map(|_| one(&mut card, &mut model, &mut dice).err());
        mismatch.map(|mismatch| (number + 1, mismatch))
    })
}

fn one(card: &mut Broken, model: &mut Model, dice: &mut Dice) -> Result<(), String> {
    for event in next(model, dice) {
        let answer = card.play(&event);
        follow(model, &event, &answer)?;
    }
    Ok(())
}

#[test]
fn every_flaw_shows_within_a_thousand_sequences() {
    let seed = setting("CARD_MODEL_SEED", 1);
    let mut alive = Vec::new();
    for (name, spoil, after_reset) in FLAWS {
        match hunt(*spoil, *after_reset, SEQUENCES, seed) {
            Some((taken, how)) => println!("{taken:4} {name}: {how}"),
            None => alive.push(*name),
        }
    }
    assert!(alive.is_empty(), "not found in {SEQUENCES} sequences: {alive:#?}");
    assert!(FLAWS.len() >= 20);
}

#[test]
fn the_honest_card_survives_the_same_hunt() {
    assert_eq!(hunt(honest, |_| (), 50, setting("CARD_MODEL_SEED", 1)), None);
}
