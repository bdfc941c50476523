//! Each fault of a card fails the check that it is for, and the same sequence on the good card passes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use card_fuzz::sequence::{Control, OwnedStep, Sequence, Torn};
use card_fuzz::targets::{power, sequence};
use card_fuzz::{canary, cards};

use crate::broken::{Broken, Fault};

/// Reads a file, asks for one that is missing, shows wrong PINs and the right one, asks for random bytes.
fn ordinary() -> Sequence {
    let verify = |pin: &[u8]| cards::command([0, 0x20, 0, 1], pin);
    Sequence::of(
        2,
        [
            cards::command([0, 0xA4, 8, 0x0C], &[0x50, 0x15, 0x50, 0x31]),
            vec![0, 0xB0, 0, 0, 16],
            cards::command([0, 0xA4, 0, 0x0C], &[0x77, 0x77]),
            vec![0, 0x84, 0, 0, 8],
            verify(&[0x39; 16]),
            verify(&[0x38; 16]),
            vec![0, 0x20, 0, 1],
        ],
    )
}

/// Writes, loses the power in the middle of it, and goes on.
fn interrupted(command: Vec<u8>, after: u16) -> Sequence {
    let cut = Control::Cut { after, torn: Torn::Garbage };
    let steps = [
        OwnedStep::Command(cards::command([0, 0xA4, 4, 0x0C], &cards::AID)),
        OwnedStep::Command(cards::command([0, 0x20, 0, 1], &[0x39; 16])),
        OwnedStep::Control(Control::PowerCycle),
        OwnedStep::Command(cards::command([0, 0xA4, 4, 0x0C], &cards::AID)),
        OwnedStep::Control(cut),
        OwnedStep::Command(command),
    ];
    Sequence { choice: 2, steps: steps.into() }
}

fn wrong_pin_again() -> Vec<u8> {
    cards::command([0, 0x20, 0, 1], &[0x38; 16])
}

/// Whether the check of `sequence` finds the fault; with the model or without it.
fn found(fault: Fault, with_model: bool) -> bool {
    let input = ordinary().encode();
    let mut card = Broken::new(input[0], fault);
    let (_, model) = cards::fork(input[0]);
    let mut watcher = sequence::Watcher::new(with_model.then_some(model), card.memory());
    catch_unwind(AssertUnwindSafe(|| sequence::play(&mut card, &mut watcher, &input))).is_err()
}

/// The same for `power`.
fn found_after_cut(fault: Fault, after: u16) -> bool {
    let input = interrupted(wrong_pin_again(), after).encode();
    let mut card = Broken::new(input[0], fault);
    let (_, model) = cards::fork(input[0]);
    let mut watcher = sequence::Watcher::new(None, card.memory());
    catch_unwind(AssertUnwindSafe(|| power::play(&mut card, model, &mut watcher, &input))).is_err()
}

#[test]
fn the_good_card_passes() {
    assert!(!found(Fault::None, true) && !found(Fault::None, false));
    for after in [0, 1, 100, 150, 400, 5000] {
        assert!(!found_after_cut(Fault::None, after), "cut after {after}");
    }
}

#[test]
fn the_invariants_find_each_fault_without_the_model() {
    for fault in [
        Fault::LeaksPin,
        Fault::LeaksKey,
        Fault::OneByte,
        Fault::Mute,
        Fault::CountsUp,
        Fault::DataWithError,
        Fault::TooMuch,
        Fault::Busy,
    ] {
        assert!(found(fault, false), "{fault:?} is not found");
    }
}

#[test]
fn the_model_finds_what_looks_well_formed() {
    for fault in [Fault::WrongData, Fault::WrongStatus, Fault::TakesAnyPin] {
        assert!(!found(fault, false), "{fault:?} breaks no invariant");
        assert!(found(fault, true), "{fault:?} is not found");
    }
}

#[test]
fn a_card_that_a_cut_breaks_is_found() {
    for fault in [Fault::DiesOfCut, Fault::Forgets, Fault::GivesTriesBack] {
        assert!(found_after_cut(fault, 100), "{fault:?} is not found");
    }
    // A cut that is far away is no excuse for silence.
    assert!(found_after_cut(Fault::Mute, 60_000));
}

#[test]
fn a_secret_that_the_host_stored_itself_is_no_leak() {
    let select = cards::command([0, 0xA4, 8, 0x0C], &[0x50, 0x15, 0x50, 0x31]);
    let write = cards::command([0, 0xD6, 0, 0], &canary::puk());
    let input = Sequence::of(2, [select, write, vec![0, 0xB0, 0, 0, 16]]).encode();
    sequence::check(&input);
    power::check(&input);
}

#[test]
fn every_card_takes_a_sequence_in_every_mode() {
    for choice in 0..=u8::MAX {
        let input = Sequence { choice, ..ordinary() }.encode();
        sequence::check(&input);
        if choice < 8 {
            power::check(&input);
        }
    }
}
