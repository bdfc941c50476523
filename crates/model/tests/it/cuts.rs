//! Power that goes in the middle of a command: the card is in one of the states that the model foresees.

use card_model::{Candidates, Mismatch, Model, probe};

use crate::cards::{Event, PIN, PUK, Played as _, RealCard, SELECT, follow};
use crate::generator::{Dice, next};
use crate::machine::{ready, setting};

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

/// The command, with the power going after so many bytes of writing. Whether it went; the card is powered again.
fn cut(card: &mut RealCard, command: &[u8], bytes: u64) -> bool {
    card.nvm_mut().cut_power_after(bytes);
    let answer = card.play(&Event::Command(command.to_vec()));
    card.nvm_mut().restore_power();
    if answer.is_empty() {
        card.play(&Event::PowerCycle);
    }
    answer.is_empty()
}

/// The model after [`settle`], if it was right.
fn settled(model: &Model) -> Model {
    let mut model = model.clone();
    model.reset();
    for _ in 0..3 {
        for command in probe(&model) {
            model.assume(&command);
        }
    }
    model
}

/// How often the power went, and how the card came back.
#[derive(Debug, Default)]
struct Tally {
    cuts: usize,
    /// As it was before, where the command would have changed something.
    before: usize,
    after: usize,
    /// With one try less than before.
    spent: usize,
}

/// Cuts the command at several places, on a copy of the card for each.
fn cut_everywhere(card: &RealCard, model: &Model, command: &[u8], dice: &mut Dice, tally: &mut Tally) {
    let mut after = model.clone();
    after.assume(command);
    let (before, after) = (settled(model), settled(&after));
    let mut bytes = 1 + dice.roll() % 40;
    loop {
        let mut card = card.fork();
        if !cut(&mut card, command, bytes) {
            return;
        }
        let mut asked = card.fork();
        asked.play(&Event::Command(SELECT.to_vec()));
        let left = asked.play(&Event::Command(vec![0, 0x20, 0, 1]));
        let mut candidates = model.cut(command);
        if let Err(mismatch) = settle(&mut card, &mut candidates) {
            panic!("{:?} cut after {bytes} bytes: {mismatch}", Event::Command(command.to_vec()));
        }
        let state = &candidates.states()[0];
        tally.cuts += 1;
        tally.spent +=
            usize::from(model.tries().pin.is_some_and(|tries| tries > 0 && left == [0x63, 0xC0 | (tries - 1)]));
        if !before.same_memory(&after) {
            tally.before += usize::from(state.same_memory(&before));
            tally.after += usize::from(state.same_memory(&after));
        }
        bytes += 1 + dice.roll() % 200;
    }
}

#[test]
fn a_cut_leaves_the_card_in_a_state_that_was_foreseen() {
    let mut tally = Tally::default();
    for number in 0..setting("CARD_MODEL_CUTS", 12) {
        let (mut card, mut model) = ready("isoapplet", number % 3 != 0);
        let mut dice = Dice(setting("CARD_MODEL_SEED", 1) << 32 | number);
        for _ in 0..25 {
            for event in next(&model, &mut dice) {
                if let Event::Command(command) = &event
                    && matches!(command[..], [0, 0x20 | 0x24 | 0x2C | 0x46 | 0xD6 | 0xDB | 0xE0 | 0xE4, ..])
                {
                    cut_everywhere(&card, &model, command, &mut dice, &mut tally);
                }
                let answer = card.play(&event);
                follow(&mut model, &event, &answer).unwrap();
            }
        }
    }
    println!("{tally:?}");
    assert!(tally.before > 50 && tally.after > 50 && tally.spent > 20, "{tally:?}");
}

/// A personalised card after `commands`, its model, and the states after a cut of `command`.
fn prepared(commands: &[Vec<u8>], command: &[u8]) -> (RealCard, Candidates) {
    let (mut card, mut model) = ready("isoapplet", true);
    for command in commands {
        let event = Event::Command(command.clone());
        let answer = card.play(&event);
        follow(&mut model, &event, &answer).unwrap();
    }
    (card, model.cut(command))
}

/// Does this to the card behind the model's back, and has it power-cycled.
fn secretly(mut card: RealCard, commands: &[Vec<u8>]) -> RealCard {
    for command in commands {
        let answer = card.play(&Event::Command(command.clone()));
        assert!(!answer.is_empty());
    }
    card.play(&Event::PowerCycle);
    card
}

const WRONG: [u8; 9] = [0, 0x20, 0, 1, 4, 1, 2, 3, 4];

fn verify(pin: &[u8]) -> Vec<u8> {
    [&[0, 0x20, 0, 1, 16][..], pin].concat()
}

/// UPDATE of the first `len` bytes of the current EF.
fn update(len: u8) -> Vec<u8> {
    [&[0, 0xD6, 0, 0, len][..], &vec![0xA7; usize::from(len)]].concat()
}

/// Ends logged in, with the file of 256 bytes selected.
fn selected() -> Vec<Vec<u8>> {
    vec![SELECT.to_vec(), verify(&PIN), vec![0, 0xA4, 0, 0x0C, 2, 0x44, 0x01]]
}

/// Name, commands before, the one that is cut, what the card did instead, and whether that may be.
type Case = (&'static str, Vec<Vec<u8>>, Vec<u8>, Vec<Vec<u8>>, bool);

#[test]
fn every_foreseen_state_is_accepted_and_no_other() {
    let unblock = |new: &[u8]| [&[0, 0x2C, 0, 1, 32][..], &PUK, new].concat();
    let change = |new: &[u8]| [&[0, 0x24, 0, 1, 32][..], &PIN, new].concat();
    let (new, third) = (*b"abcdef\0\0\0\0\0\0\0\0\0\0", *b"ABCDEF\0\0\0\0\0\0\0\0\0\0");
    let delete = vec![0, 0xE4, 0, 0, 2, 0x50, 0x15];
    let wrong = WRONG.to_vec();
    let cases: [Case; 14] = [
        ("no try spent yet", vec![wrong.clone()], wrong.clone(), vec![], true),
        ("a try spent", vec![wrong.clone()], wrong.clone(), vec![wrong.clone()], true),
        ("a right try spent only", vec![wrong.clone()], verify(&PIN), vec![wrong.clone()], true),
        ("two tries spent", vec![], wrong.clone(), vec![wrong.clone(); 2], false),
        ("the counter rose", vec![wrong.clone(); 2], wrong.clone(), vec![verify(&PIN)], false),
        ("the counter rose by a command without a try", vec![wrong.clone()], update(9), vec![verify(&PIN)], false),
        ("the PIN is the new one", vec![], change(&new), vec![change(&new)], true),
        ("the PIN is a third one", vec![], change(&new), vec![change(&third)], false),
        ("unblocked with the old PIN", vec![wrong.clone(); 2], unblock(&new), vec![unblock(&PIN)], false),
        ("the file is updated", selected(), update(250), vec![update(250)], true),
        ("the file is mixed", selected(), update(250), vec![update(124)], false),
        ("the DF is deleted", selected(), delete.clone(), vec![delete.clone()], true),
        ("half of the DF is deleted", selected(), delete, vec![vec![0, 0xE4, 0, 0, 2, 0x44, 0x01]], false),
        ("another file went", selected(), update(250), vec![vec![0, 0xE4, 0, 0, 2, 0x35, 0x01]], false),
    ];
    for (name, before, command, instead, allowed) in cases {
        let (card, mut candidates) = prepared(&before, &command);
        let mut card = secretly(card, &instead);
        assert_eq!(settle(&mut card, &mut candidates).is_ok(), allowed, "{name}");
    }
}

#[test]
fn a_key_of_another_slot_is_refused() {
    let store = |slot| vec![0, 0x22, 0x41, 0, 6, 0x80, 1, 0xEC, 0x84, 1, slot];
    let scalar = [0x11; 32];
    let import = [&[0, 0xDB, 0x3F, 0xFF, 0][..], &crate::keys::ec_import(crate::keys::P256, &scalar)].concat();
    let len = u8::try_from(import.len() - 5).unwrap();
    let import = [&[0, 0xDB, 0x3F, 0xFF, len][..], &import[5..]].concat();
    for (slot, allowed) in [(1, true), (2, false)] {
        let before = vec![SELECT.to_vec(), verify(&PIN), store(1)];
        let (card, mut candidates) = prepared(&before, &import);
        let mut card = secretly(card, &[store(slot), import.clone()]);
        assert_eq!(settle(&mut card, &mut candidates).is_ok(), allowed, "slot {slot}");
    }
}
