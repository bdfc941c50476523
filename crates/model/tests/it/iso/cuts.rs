//! Power that goes in the middle of a command: the iso card is in one of the states that the model foresees.

use card_model::{Candidates, Mismatch, Model, probe};

use super::cards::ready;
use super::maker::next;
use crate::cards::{Event, Played as _, RealCard, follow};
use crate::generator::Dice;
use crate::machine::setting;

/// Instructions that may write.
const WRITES: [u8; 22] = [
    0x04, 0x0E, 0x0F, 0x20, 0x22, 0x24, 0x26, 0x28, 0x2C, 0x44, 0x46, 0x82, 0xD0, 0xD2, 0xD6, 0xDA, 0xDB, 0xDC, 0xE0,
    0xE2, 0xE4, 0xE8,
];

/// Reads everything from the card, once for each state it may be in.
fn settle(card: &mut RealCard, candidates: &mut Candidates) -> Result<(), Mismatch> {
    for _ in 0..3 {
        for command in probe(&candidates.states()[0]) {
            let answer = card.play(&Event::Command(command.clone()));
            candidates.step(&command, &answer)?;
        }
    }
    Ok(())
}

/// How often the power went, and how the card came back.
#[derive(Debug, Default)]
struct Tally {
    cuts: usize,
    /// Several states were possible, and one was left.
    resolved: usize,
    before: usize,
    after: usize,
    /// Neither before nor after.
    between: usize,
}

/// Cuts the command at several places, on a copy of the card for each.
fn cut_everywhere(card: &RealCard, model: &Model, command: &[u8], dice: &mut Dice, tally: &mut Tally) {
    let mut bytes = 1 + dice.roll() % 40;
    loop {
        let mut card = card.fork();
        card.nvm_mut().cut_power_after(bytes);
        let answer = card.play(&Event::Command(command.to_vec()));
        card.nvm_mut().restore_power();
        if !answer.is_empty() {
            return;
        }
        card.play(&Event::PowerCycle);
        let mut candidates = model.cut(command);
        // What can be told apart at once; reading it gives tries back.
        let mut asked = candidates.clone();
        let foreseen = asked.states().len();
        if let Err(mismatch) = settle(&mut card.fork(), &mut asked).and_then(|()| settle(&mut card, &mut candidates)) {
            panic!("{:?} cut after {bytes} bytes: {mismatch}", Event::Command(command.to_vec()));
        }
        tally.cuts += 1;
        if foreseen > 1 && asked.states().len() == 1 {
            tally.resolved += 1;
            let mut after = model.clone();
            after.assume(command);
            let settled = |model: &Model| {
                let mut model = model.clone();
                model.reset();
                for command in (0..3).flat_map(|_| probe(&model.clone())).collect::<Vec<_>>() {
                    model.assume(&command);
                }
                model
            };
            let (is_before, is_after) =
                (asked.states()[0].same_memory(&settled(model)), asked.states()[0].same_memory(&settled(&after)));
            tally.before += usize::from(is_before && !is_after);
            tally.after += usize::from(is_after && !is_before);
            tally.between += usize::from(!is_before && !is_after);
        }
        bytes += 1 + dice.roll() % 200;
    }
}

#[test]
fn a_cut_leaves_the_iso_card_in_a_state_that_was_foreseen() {
    let mut tally = Tally::default();
    for number in 0..setting("CARD_MODEL_CUTS", 60) {
        let (mut card, mut model) = ready(number % 3 != 0);
        let mut dice = Dice(setting("CARD_MODEL_SEED", 1) << 32 | number);
        for _ in 0..25 {
            for event in next(&model, &mut dice) {
                if let Event::Command(command) = &event
                    && matches!(command[..], [0, ins, ..] if WRITES.contains(&ins))
                {
                    cut_everywhere(&card, &model, command, &mut dice, &mut tally);
                }
                let answer = card.play(&event);
                follow(&mut model, &event, &answer).unwrap();
            }
        }
    }
    println!("{tally:?}");
    assert!(tally.before > 100 && tally.after > 100 && tally.between > 30, "{tally:?}");
}
