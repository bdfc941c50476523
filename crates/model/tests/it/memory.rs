//! A full memory: the card may refuse only above one bound and must above another; between them it decides.

use card_model::{Model, Profile};

use crate::cards::{Event, Played as _, SELECT, follow};
use crate::machine::ready;

/// CREATE FILE for an open file.
fn create(id: u16, descriptor: u8, len: u16) -> Vec<u8> {
    let ([id1, id2], [len1, len2]) = (id.to_be_bytes(), len.to_be_bytes());
    let body = [0x81, 2, len1, len2, 0x82, 1, descriptor, 0x83, 2, id1, id2];
    [&[0, 0xE0, 0, 0, 13, 0x6F, 11][..], &body].concat()
}

#[test]
fn the_real_card_is_full_between_the_bounds() {
    let mut full = 0;
    for len in [1u16, 59, 60, 124, 300, 1116, 1117, 5000, 0x8000] {
        let (mut card, mut model) = ready("certificate", false);
        let mut send = |command: Vec<u8>| {
            let event = Event::Command(command);
            let answer = card.play(&event);
            follow(&mut model, &event, &answer).unwrap_or_else(|mismatch| panic!("{len}: {mismatch}"));
            answer
        };
        send(SELECT.to_vec());
        let mut refused = 0;
        for id in 0x1000..0x1600u16 {
            // 256 files fit a DF.
            if id % 0x100 == 0 {
                send(vec![0, 0xA4, 0, 0x0C]);
                send(create(id | 0x4000, 0x38, 0));
            }
            refused = if send(create(id, 0x01, len)) == [0x6A, 0x84] { refused + 1 } else { 0 };
            if refused == 3 {
                full += 1;
                break;
            }
        }
    }
    assert_eq!(full, 9, "some memory did not become full");
}

#[test]
fn a_card_that_is_full_too_early_or_never_is_found() {
    let mut model = Model::new(Profile::isoapplet());
    model.step(&SELECT, &[0, 6, 6, 0x90, 0]).unwrap();
    assert!(model.clone().step(&create(0x1000, 1, 0x8000), &[0x6A, 0x84]).is_err(), "too early");
    let never = (0x1000..0x1008).try_for_each(|id| model.step(&create(id, 1, 0x8000), &[0x90, 0]));
    assert!(never.is_err(), "more than the memory holds");
}
