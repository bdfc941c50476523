//! Sequences for people: each command taken apart, each answer explained.

use std::fmt::Write as _;

use card_wire::tlv::{Reader, Tag};
use card_wire::{Class, Ins, Status};

use crate::cards;
use crate::device::Subject;
use crate::invariants::MAX_ANSWER;
use crate::sequence::{Control, OwnedStep, Sequence};
use crate::targets::apdu::oracle;

/// Bytes of a data field that are shown.
const SHOWN: usize = 48;
/// Levels of objects within objects that are shown.
const DEPTH: usize = 4;

/// One command in words: class, instruction, parameters, lengths, data as objects where it is that.
#[must_use]
pub fn command(bytes: &[u8]) -> String {
    let [cla, ins, p1, p2, ..] = bytes else { return format!("{} (no whole header)", hex::encode_upper(bytes)) };
    let mut text = format!("{cla:02X} {ins:02X} {p1:02X} {p2:02X}  {}", Ins(*ins));
    let _ = write!(text, ", {}", class(Class(*cla)));
    match oracle(bytes) {
        None => {
            let _ = write!(text, "\n      lengths contradict the {} bytes: {}", bytes.len(), shown(&bytes[4..]));
        }
        Some((data, ne)) => {
            if !data.is_empty() {
                let _ = write!(text, ", Lc={}", data.len());
            }
            if ne > 0 {
                let _ = write!(text, ", Le={ne}");
            }
            if !data.is_empty() {
                let _ = write!(text, "\n      {}", shown(data));
                objects(data, 1, &mut text);
            }
        }
    }
    text
}

fn class(class: Class) -> &'static str {
    match class.0 {
        0x00 => "basic channel",
        0x10 => "basic channel, chained",
        0x01..=0x0F => "a channel or secure messaging",
        0x80..=0xFE => "proprietary class",
        0xFF => "no class",
        _ => "another class",
    }
}

fn shown(bytes: &[u8]) -> String {
    let more = if bytes.len() > SHOWN { format!("… ({} bytes)", bytes.len()) } else { String::new() };
    hex::encode_upper(&bytes[..bytes.len().min(SHOWN)]) + &more
}

/// The objects in `data`, one a line, if it is made of them.
fn objects(data: &[u8], depth: usize, text: &mut String) {
    let all: Result<Vec<_>, _> = Reader::new(data).collect();
    let Ok(all) = all else { return };
    // Two bytes or a lone zero tag are rarely meant as objects.
    if data.len() < 3 || all.iter().any(|object| object.tag == Tag(0)) {
        return;
    }
    for object in all {
        let indent = " ".repeat(4 + 2 * depth);
        let _ = write!(text, "\n{indent}{:02X} [{}] {}", object.tag.0, object.value.len(), shown(object.value));
        if object.tag.is_constructed() && depth < DEPTH {
            objects(object.value, depth + 1, text);
        }
    }
}

/// One answer in words.
#[must_use]
pub fn answer(bytes: &[u8]) -> String {
    match Status::split(bytes) {
        None if bytes.is_empty() => "no answer: the power is gone".to_owned(),
        None => format!("{} (no status word)", hex::encode_upper(bytes)),
        Some(([], status)) => status.to_string(),
        Some((data, status)) => format!("{status}, {} bytes\n      {}", data.len(), shown(data)),
    }
}

/// A control in words.
#[must_use]
pub fn control(control: Control) -> String {
    match control {
        Control::Reset => "reset".to_owned(),
        Control::PowerCycle => "power off and on".to_owned(),
        Control::Cut { after, torn } => {
            format!("the power goes after {after} bytes of writing, the next byte {torn:?}")
        }
    }
}

/// The whole sequence with the answers of the card that it begins with. Nothing is checked; `cuts` says whether
/// cuts are armed or the power just goes and comes back, as in the target `sequence`.
#[must_use]
pub fn sequence(sequence: &Sequence, cuts: bool) -> String {
    let (mut card, _) = cards::fork(sequence.choice);
    let index = cards::index(sequence.choice);
    let mut text = format!("card {index}: {} (first byte {:02X})\n", cards::NAMES[index], sequence.choice);
    let mut buffer = vec![0; if sequence.choice & cards::SHORT == 0 { MAX_ANSWER } else { 258 }];
    for (number, step) in (1..).zip(&sequence.steps) {
        match step {
            OwnedStep::Command(bytes) => {
                let said = card.transmit(bytes, &mut buffer);
                let _ = writeln!(text, "{number:>3} > {}\n    < {}", command(bytes), answer(said));
                if said.is_empty() {
                    card.power_cycle();
                    let _ = writeln!(text, "      the power comes back");
                }
            }
            OwnedStep::Control(what) => {
                let _ = writeln!(text, "{number:>3} ! {}", control(*what));
                match what {
                    Control::Reset => drop(Subject::reset(&mut card)),
                    Control::Cut { after, torn } if cuts => card.cut_power(*after, *torn),
                    _ => drop(card.power_cycle()),
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_and_its_answer_are_explained() {
        let text = command(
            b"\x00\xE0\x00\x00\x17\x6F\x15\x81\x02\x01\x00\x82\x01\x01\x83\x02\x50\x31\x86\x08\xFF\0\0\0\0\0\0\0",
        );
        for part in ["CREATE FILE", "Lc=23", "6F [21]", "83 [2] 5031"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(command(&[0, 0xA4, 0, 0, 5, 1]).contains("contradict"));
        assert!(answer(&[0x6A, 0x82]).contains("not found"));
    }

    #[test]
    fn a_sequence_is_played() {
        let text = sequence(&Sequence::of(2, [vec![0, 0xB0, 0, 0, 0]]), false);
        assert!(text.contains("READ BINARY") && text.contains("success"), "{text}");
    }
}
