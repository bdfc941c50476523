//! Sequences that the model steers, on the card and on the model.
//!
//! A sequence is a list of seeds: each makes the next commands from the model as it is then, for the right answer to
//! a challenge is known only once the challenge has come. `CARD_MODEL_CASES` and `CARD_MODEL_SEED` as for the dialect.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use card_model::Model;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::cards::ready;
use super::maker::next;
use crate::cards::{Event, Played, follow};
use crate::generator::Dice;
use crate::machine::setting;

/// What the sequences reached.
#[derive(Default)]
struct Seen {
    cells: BTreeMap<u8, BTreeSet<u16>>,
    steps: usize,
    good: usize,
    runs: usize,
}

impl Seen {
    fn note(&mut self, event: &Event, answer: &[u8]) {
        let (Event::Command(command), Some((_, status))) = (event, answer.split_last_chunk()) else { return };
        let status = u16::from_be_bytes(*status);
        self.steps += 1;
        self.good += usize::from(matches!(status >> 8, 0x90 | 0x61 | 0x62));
        if let Some(ins) = command.get(1) {
            let cell = if status >> 8 == 0x61 { 0x6100 } else { status };
            self.cells.entry(*ins).or_default().insert(cell);
        }
    }
}

/// Plays the commands of one seed; the mismatch, if there is one.
pub(crate) fn one(
    card: &mut impl Played,
    model: &mut Model,
    seed: u64,
    mut note: impl FnMut(&Event, &[u8]),
) -> Result<(), String> {
    for event in next(model, &mut Dice(seed)) {
        let answer = card.play(&event);
        note(&event, &answer);
        follow(model, &event, &answer)?;
    }
    Ok(())
}

/// Plays a sequence, and prints it if it ends badly.
fn replay(equipped: bool, seeds: &[u64]) -> String {
    let (mut card, mut model) = ready(equipped);
    let mut shown = String::new();
    for seed in seeds {
        let outcome = one(&mut card, &mut model, *seed, |event, answer| {
            let answer = hex::encode_upper(answer);
            shown.push_str(&format!("{event:?}\n    {}\n", &answer[..answer.len().min(200)]));
        });
        if let Err(mismatch) = outcome {
            return format!("{shown}{mismatch}");
        }
    }
    shown
}

#[test]
fn card_and_model_agree_on_the_iso_card() {
    let seen = RefCell::new(Seen::default());
    let cases = u32::try_from(setting("CARD_MODEL_CASES", 400)).unwrap();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&setting("CARD_MODEL_SEED", 1).to_be_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let sequences = (proptest::bool::weighted(0.6), proptest::collection::vec(any::<u64>().no_shrink(), 20..100));
    let outcome = runner.run(&sequences, |(equipped, seeds)| {
        let (mut card, mut model) = ready(equipped);
        seen.borrow_mut().runs += 1;
        for seed in seeds {
            one(&mut card, &mut model, seed, |event, answer| seen.borrow_mut().note(event, answer))
                .map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
    match outcome {
        Ok(()) => report(&seen.borrow()),
        Err(TestError::Fail(reason, (equipped, seeds))) => {
            panic!("{reason}\nequipped: {equipped}\n{}", replay(equipped, &seeds))
        }
        Err(error) => panic!("{error}"),
    }
}

/// Prints what was reached, and requires that it is enough to mean something.
fn report(seen: &Seen) {
    for (ins, words) in seen.cells.iter().filter(|(_, words)| words.len() > 1) {
        let words: Vec<_> = words.iter().map(|word| format!("{word:04X}")).collect();
        println!("{ins:02X}: {}", words.join(" "));
    }
    let known = seen.cells.values().filter(|words| words.len() > 1).map(BTreeSet::len).sum::<usize>();
    println!("{} runs, {} steps, {} good; {known} cells of INS and status word", seen.runs, seen.steps, seen.good);
    assert!(2 * seen.good >= seen.steps, "fewer than half of the steps are good");
    assert!(known >= 370, "the sequences reach fewer cells than they did");
}
