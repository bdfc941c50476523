//! Any bytes as a card's memory: refused with a reason, or a card that answers well.
//!
//! The first byte chooses. 00 takes the rest as the memory. 01 to 05 take a good memory and change it: patches of a
//! place (three bytes), a length (one byte) and that many bytes, a length of zero ending them; even numbers repair the
//! checksums of what was touched, so that the checks behind them are reached. What follows are steps, as in sequences.

use std::cell::{OnceCell, RefCell};

use card_os::sim::SimNvm;
use crc::{CRC_32_ISO_HDLC, Crc};

use crate::cards;
use crate::device::{FuzzCard, Subject, open};
use crate::invariants::{MAX_ANSWER, bounded, well_formed};
use crate::sequence::{Step, Steps};

const HEADER: usize = 512;
const SLOT: usize = 512;
const SEAL: usize = 16;
const FIRST_PAGE: usize = 1536;
const PAGE: usize = 128;
const ENTRY: usize = 126;
/// Patches of one input.
const MAX_PATCHES: usize = 32;
/// Commands that an opened card is asked, besides those of the input.
const QUESTIONS: [&[u8]; 9] = [
    b"\x00\xA4\x04\x00\x0C\xF2\x76\xA2\x88\xBC\xFB\xA6\x9D\x34\xF3\x10\x01\x00",
    b"\x00\x20\x00\x01",
    b"\x00\x20\x00\x01\x08\x31\x32\x33\x34\x35\x36\x00\x00",
    b"\x00\xA4\x08\x00\x04\x50\x15\x50\x31\x00",
    b"\x00\xB0\x00\x00\x00",
    b"\x00\xD6\x00\x00\x02ab",
    b"\x00\xE0\x00\x00\x17\x6F\x15\x81\x02\x01\x00\x82\x01\x01\x83\x02\x66\x66\x86\x08\xFF\0\0\0\0\0\0\x00",
    b"\x00\x22\x41\xB6\x06\x80\x01\x11\x84\x01\x00",
    b"\x00\x2A\x9E\x9A\x04abcd\x00",
];

static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

fn checksum(salt: u32, bytes: &[u8]) -> [u8; 4] {
    let mut digest = CRC.digest_with_initial(salt);
    digest.update(bytes);
    digest.finalize().to_le_bytes()
}

/// Opens what the input describes and asks it a few things.
///
/// # Panics
/// Where opening panics, or an opened card answers badly.
pub fn check(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let (image, steps) = match kind % 6 {
        0 => (rest.to_vec(), &[][..]),
        kind => patched(usize::from(kind - 1) / 2, kind % 2 == 0, rest),
    };
    match open(SimNvm::from_image(&image)) {
        Ok(card) => ask(card, steps),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A good memory with patches; also what follows them.
fn patched(base: usize, repaired: bool, mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut image = base_image(base);
    for _ in 0..MAX_PATCHES {
        let [a, b, c, len, body @ ..] = rest else { break };
        rest = body;
        if *len == 0 {
            break;
        }
        let (bytes, tail) = body.split_at(usize::from(*len).min(body.len()));
        rest = tail;
        let at = u32::from_be_bytes([0, *a, *b, *c]);
        let at = usize::try_from(at).unwrap_or(0) % image.len();
        let end = (at + bytes.len()).min(image.len());
        image[at..end].copy_from_slice(&bytes[..end - at]);
        if repaired {
            repair(&mut image, at, end);
        }
    }
    (image, rest)
}

/// Sets the checksums of everything between `from` and `to`.
pub fn repair(image: &mut [u8], from: usize, to: usize) {
    if from < HEADER && image.len() >= HEADER {
        let sum = checksum(0, &image[..HEADER - 4]);
        image[HEADER - 4..HEADER].copy_from_slice(&sum);
    }
    for slot in 1..3 {
        let at = slot * SLOT;
        if from < at + SLOT && to > at && image.len() >= at + SLOT {
            seal(&mut image[at..at + SLOT]);
        }
    }
    let first = from.saturating_sub(FIRST_PAGE) / PAGE;
    let last = to.saturating_sub(FIRST_PAGE).div_ceil(PAGE);
    for page in first..last {
        let at = FIRST_PAGE + page * PAGE;
        let Some(bytes) = image.get_mut(at..at + PAGE) else { break };
        let sum = checksum(u32::try_from(page).unwrap_or(0), &bytes[..PAGE - 4]);
        bytes[PAGE - 4..].copy_from_slice(&sum);
    }
}

/// The seal of a journal slot over what it holds.
fn seal(slot: &mut [u8]) {
    let number = u32::from_be_bytes([slot[4], slot[5], slot[6], slot[7]]);
    let body = SEAL..(SEAL + usize::from(slot[8]) * ENTRY).min(SLOT);
    let inner = u32::from_le_bytes(checksum(number, &slot[4..12]));
    let sum = checksum(inner, &slot[body]);
    slot[..4].copy_from_slice(&sum);
}

/// Good memories: of a blank card, of a rich one, and of one whose last command lost its power after the seal.
fn base_image(base: usize) -> Vec<u8> {
    thread_local! {
        static BASES: [OnceCell<Vec<u8>>; 3] = const { [const { OnceCell::new() }; 3] };
    }
    BASES.with(|bases| bases[base % 3].get_or_init(|| make_base(base % 3)).clone())
}

fn make_base(base: usize) -> Vec<u8> {
    let little = 7;
    if base == 0 {
        let card = crate::device::blank(&cards::preset(usize::from(little))).expect("the preset makes a card");
        return card.nvm().memory().image();
    }
    let (mut card, _) = cards::fork(little);
    if base == 2 {
        // The journal is written and sealed, the pages are not.
        card.cut_power(2 * ENTRY_AND_SEAL, crate::sequence::Torn::Old);
        card.transmit(b"\x00\xE4\x00\x00\x02\x50\x16", &mut [0; 258]);
    }
    card.nvm().memory().image()
}

/// Bytes of a journal entry and its seal, about.
const ENTRY_AND_SEAL: u16 = 142;

fn ask(mut card: FuzzCard, steps: &[u8]) {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; MAX_ANSWER]);
    }
    let memory = u64::from(card.preset().nvm_len);
    card.take_work();
    if !card.power_cycle() {
        return;
    }
    card.take_work();
    BUFFER.with_borrow_mut(|buffer| {
        let mut ask = |card: &mut FuzzCard, command: &[u8]| {
            let answer = card.transmit(command, buffer);
            well_formed(command, answer, false);
            bounded(card.take_work(), memory, command.len() + answer.len());
        };
        QUESTIONS.iter().for_each(|command| ask(&mut card, command));
        for step in Steps::new(steps).take(20) {
            if let Step::Command(command) = step {
                ask(&mut card, command);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_memories_are_opened_and_repairing_changes_nothing() {
        for base in 0..3 {
            let image = base_image(base);
            let mut repaired = image.clone();
            let len = repaired.len();
            repair(&mut repaired, 0, HEADER);
            repair(&mut repaired, FIRST_PAGE + 20 * PAGE, len.min(FIRST_PAGE + 21 * PAGE));
            assert!(open(SimNvm::from_image(&image)).is_ok(), "base {base}");
            assert_eq!(repaired[..HEADER], image[..HEADER], "base {base}");
        }
    }

    #[test]
    fn a_patch_without_repair_is_refused_and_a_repaired_one_is_not() {
        // The name of the preset, in the header.
        let patch = [0, 0, 19, 1, b'x'];
        let refused = patched(1, false, &patch).0;
        assert!(open(SimNvm::from_image(&refused)).is_err());
        let taken = patched(1, true, &patch).0;
        assert!(open(SimNvm::from_image(&taken)).is_ok());
    }

    #[test]
    fn the_seal_is_the_cards_own() {
        let image = base_image(2);
        for at in [SLOT, 2 * SLOT] {
            let mut slot = image[at..at + SLOT].to_vec();
            seal(&mut slot);
            assert_eq!(slot[..4], image[at..at + 4], "slot at {at}");
        }
    }
}
