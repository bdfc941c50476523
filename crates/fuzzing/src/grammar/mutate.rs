//! Changes to good bytes: most of what a parser must survive is nearly right.

use card_wire::{Command, tlv};

use super::dice::Dice;
use super::encode;

/// The longest command that a vpcd frame carries.
const LONGEST: usize = 0xFFFF;

/// A command that is wrong in one place, or right in an unusual form.
pub(crate) fn command(dice: &mut Dice, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    match dice.below(12) {
        0 => header(dice, &mut bytes),
        1 => flip(dice, &mut bytes),
        2 => bytes.truncate(2 + dice.below(bytes.len().saturating_sub(2))),
        3 => {
            let more = 1 + dice.below(4);
            bytes.extend(dice.bytes(more));
        }
        4 => {
            if let Some(length) = bytes.get_mut(4) {
                *length = dice.pick(&[0, 1, 0x7F, 0x80, 0xFE, 0xFF, length.wrapping_add(1), length.wrapping_sub(1)]);
            }
        }
        5 | 6 => bytes = reencoded(dice, &bytes),
        7 => bytes = longer(dice, &bytes),
        8..=10 => {
            if let Ok(parsed) = Command::parse(good) {
                let data = objects(dice, parsed.data);
                let le = (parsed.ne > 0).then_some(parsed.ne);
                bytes = encode([parsed.cla.0, parsed.ins.0, parsed.p1, parsed.p2], &data, le, parsed.extended);
            }
        }
        _ => {
            if let Some(class) = bytes.first_mut() {
                *class = class_byte(dice, *class);
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

fn header(dice: &mut Dice, bytes: &mut [u8]) {
    let at = dice.below(bytes.len().min(4));
    if let Some(byte) = bytes.get_mut(at) {
        let other = dice.byte();
        *byte = dice.pick(&[0, 0xFF, 0x80, byte.wrapping_add(1), *byte ^ 1, other]);
    }
}

fn class_byte(dice: &mut Dice, class: u8) -> u8 {
    let other = dice.byte();
    dice.pick(&[
        class | 0x10,
        class | 1,
        class | 3,
        class | 0x0C,
        class | 0x04,
        0x40,
        0x4F,
        0x50,
        0x60,
        0x80,
        0xFF,
        other,
    ])
}

/// Turns one bit over.
pub(crate) fn flip(dice: &mut Dice, bytes: &mut [u8]) {
    let (at, bit) = (dice.below(bytes.len()), dice.below(8));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

/// The same command with its lengths written in another form, or with another Le.
fn reencoded(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let Ok(parsed) = Command::parse(bytes) else { return bytes.to_vec() };
    let le = match dice.below(6) {
        0 => None,
        1 => Some(256),
        2 => Some(0x1_0000),
        3 => Some(1),
        4 => Some(dice.below(0x1_0000)),
        _ => (parsed.ne > 0).then_some(parsed.ne),
    };
    let extended = dice.chance(60);
    encode([parsed.cla.0, parsed.ins.0, parsed.p1, parsed.p2], parsed.data, le, extended)
}

/// The same command with far more data than it wants.
fn longer(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let Ok(parsed) = Command::parse(bytes) else { return bytes.to_vec() };
    let len = match dice.below(20) {
        0 => 65_526,
        1 => dice.below(65_000),
        2..=5 => dice.below(4_000),
        6..=10 => dice.pick(&[254, 255, 256, 257, 511, 512]),
        _ => dice.below(300),
    };
    let mut data = parsed.data.to_vec();
    data.extend(dice.bytes(len));
    data.truncate(65_526);
    encode([parsed.cla.0, parsed.ins.0, parsed.p1, parsed.p2], &data, (parsed.ne > 0).then_some(parsed.ne), false)
}

/// Data objects with one of them spoiled: lengths that lie, tags that end nowhere, nesting without end.
pub(crate) fn objects(dice: &mut Dice, data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    match dice.below(9) {
        0 => flip(dice, &mut bytes),
        1 => bytes.truncate(dice.below(bytes.len() + 1)),
        2 => bytes.extend_from_slice(data),
        3 => {
            let depth = 1 + dice.below(120);
            bytes = [0x6F, 0x80].repeat(depth);
        }
        4 => {
            let at = dice.below(bytes.len() + 1);
            let tag: &[u8] = [&[0x1F, 0xFF, 0xFF, 0xFF][..], &[0x5F, 0x80, 0x01], &[0x7F], &[0x00]][dice.below(4)];
            bytes.splice(at..at, tag.iter().copied());
        }
        _ => lengths(dice, &mut bytes),
    }
    bytes
}

/// Spoils the length field of an object, also of one inside another.
fn lengths(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let mut starts = Vec::new();
    let (mut start, mut end) = (0, bytes.len());
    for _ in 0..2 {
        let mut reader = tlv::Reader::new(&bytes[start..end]);
        let mut inner = None;
        loop {
            let at = start + reader.position();
            let Some(Ok(object)) = reader.next() else { break };
            let tag = if object.tag.0 > 0xFFFF { 3 } else { 1 + usize::from(object.tag.0 > 0xFF) };
            starts.push(at + tag);
            if object.tag.is_constructed() && inner.is_none() {
                let after = start + reader.position();
                inner = Some((after - object.value.len(), after));
            }
        }
        let Some(next) = inner else { break };
        (start, end) = next;
    }
    let at = dice.pick(&starts);
    let Some(old) = bytes.get(at).copied() else { return };
    match dice.below(3) {
        0 => bytes[at] = dice.pick(&[0, old.wrapping_add(1), old.wrapping_sub(1), 0x7F, 0x80, 0xFF]),
        1 => {
            bytes.splice(at..=at, [0x81, old]);
        }
        _ => {
            let field: &[u8] =
                [&[0x82, 0xFF, 0xFF][..], &[0x84, 0xFF, 0xFF, 0xFF, 0xFF], &[0x82, 0, 0], &[0x88]][dice.below(4)];
            bytes.splice(at..=at, field.iter().copied());
        }
    }
}
