//! PINs that a card has, asked for free of charge.

use card_wire::{Class, Ins, Status};

use super::ask::{Answer, Asker};
use crate::target::Target;

/// Numbers that PINs commonly have: global ones, and those of an application or DF.
const REFERENCES: [u8; 8] = [0x01, 0x02, 0x03, 0x04, 0x81, 0x82, 0x83, 0x84];

/// A PIN that the card counts tries of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundPin {
    /// Its number, P2 of VERIFY.
    pub reference: u8,
    /// Tries that are left, where the card says how many.
    pub tries_left: Option<u8>,
    /// No tries are left.
    pub blocked: bool,
}

/// Asks for the tries of some PINs by VERIFY without data, in the application where the card has it. A PIN that is not
/// set is not among them. Begins and ends with a reset.
#[must_use]
pub fn pins(target: &mut dyn Target, aid: &[u8]) -> Vec<FoundPin> {
    let mut asker = Asker::new(target);
    asker.reset();
    if let Ok(len @ 1..=16) = u8::try_from(aid.len()) {
        let mut select = |p2| asker.send(&[&[0x00, 0xA4, 0x04, p2, len], aid].concat()).is_done();
        let _ = select(0x00) || select(0x0C);
    }
    let found = REFERENCES.into_iter().filter_map(|reference| {
        let answer = asker.send(&[Class::PLAIN.0, Ins::VERIFY.0, 0x00, reference]);
        let Answer::Refused(status) = answer else { return None };
        match (Status(status).retries(), Status(status)) {
            (Some(left), _) => Some(FoundPin { reference, tries_left: Some(left), blocked: left == 0 }),
            (None, Status::BLOCKED) => Some(FoundPin { reference, tries_left: Some(0), blocked: true }),
            _ => None,
        }
    });
    let found = found.collect();
    asker.reset();
    found
}
