//! Access rules: compact, expanded, by reference, and the dialect's.

use super::card::{Call, Card};
use super::files::{CREATION, File, INITIALISATION, Kind, ROOT};
use crate::apdu;

/// What is to be done with a file: its bit in an access mode byte, and whether it writes.
#[derive(Clone, Copy)]
pub(crate) struct Right {
    bit: u8,
    writes: bool,
}

impl Right {
    pub(crate) const DELETE: Self = Self { bit: 0x40, writes: false };
    pub(crate) const TERMINATE: Self = Self { bit: 0x20, writes: false };
    pub(crate) const ACTIVATE: Self = Self { bit: 0x10, writes: false };
    pub(crate) const DEACTIVATE: Self = Self { bit: 0x08, writes: false };
    pub(crate) const CREATE_DF: Self = Self { bit: 0x04, writes: true };
    pub(crate) const CREATE_EF: Self = Self { bit: 0x02, writes: true };
    pub(crate) const DELETE_CHILD: Self = Self { bit: 0x01, writes: false };
    pub(crate) const WRITE: Self = Self { bit: 0x04, writes: true };
    pub(crate) const UPDATE: Self = Self { bit: 0x02, writes: true };
    /// Also the public key.
    pub(crate) const READ: Self = Self { bit: 0x01, writes: false };
    pub(crate) const USE: Self = Self { bit: 0x04, writes: false };
    /// Enabling and disabling a PIN.
    pub(crate) const ENABLE: Self = Self { bit: 0x04, writes: false };
}

/// The access rule in a file's control information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Absent,
    Compact(Vec<u8>),
    Expanded(Vec<u8>),
    Reference(Vec<u8>),
    /// Seven condition bytes.
    Dialect([u8; 7]),
}

impl Rule {
    /// `None` where it is malformed. The tags are 8B, AB, 8C and 86.
    pub(crate) fn parse([reference, expanded, compact, dialect]: [Option<&[u8]>; 4]) -> Option<Self> {
        let compact = match compact {
            Some([mode @ 0..=0x7F, conditions @ ..]) if mode.count_ones() as usize == conditions.len() => {
                Some(Self::Compact([&[*mode], conditions].concat()))
            }
            Some(_) => return None,
            None => None,
        };
        let dialect = match dialect {
            // The dialect does not look at the first byte.
            Some([_, rest @ ..]) => Some(Self::Dialect(rest.try_into().ok()?)),
            Some(_) => return None,
            None => None,
        };
        let reference = match reference {
            Some(value) if matches!(value.len(), 1 | 3) => Some(Self::Reference(value.to_vec())),
            Some(value) if value.len() >= 4 && value.len().is_multiple_of(2) => Some(Self::Reference(value.to_vec())),
            Some(_) => return None,
            None => None,
        };
        let expanded = match expanded {
            Some(value) if is_whole(value) => Some(Self::Expanded(value.to_vec())),
            Some(_) => return None,
            None => None,
        };
        Some(reference.or(expanded).or(compact).or(dialect).unwrap_or(Self::Absent))
    }
}

/// Whether objects follow each other without a rest.
fn is_whole(bytes: &[u8]) -> bool {
    apdu::find(bytes, []).is_some()
}

/// Whether the bit that means writing elsewhere means using or enabling here.
const fn is_used(file: &File) -> bool {
    matches!(file.kind, Kind::Pin(_) | Kind::Aes(_) | Kind::Pair(..))
}

/// How deep conditions are nested at most.
const LEVELS: usize = 4;

impl Card {
    /// Whether the command may do this with the file.
    pub(crate) fn allows(&self, file: &File, right: Right, call: &Call<'_>) -> bool {
        file.state == CREATION
            || (file.state == INITIALISATION && right.writes && !(right.bit == Right::USE.bit && is_used(file)))
            || file.rule == Rule::Absent
            || self.holds(file, right, call)
    }

    /// Whether a rule says that the command may do this; without a rule it does not.
    pub(crate) fn allows_by_rule(&self, file: &File, right: Right, call: &Call<'_>) -> bool {
        file.rule != Rule::Absent && self.allows(file, right, call)
    }

    fn holds(&self, file: &File, right: Right, call: &Call<'_>) -> bool {
        let home = file.home();
        match &file.rule {
            Rule::Absent => true,
            Rule::Compact(rule) => {
                let mode = rule[0];
                let place = (mode & !(right.bit | (right.bit - 1))).count_ones() as usize;
                mode & right.bit != 0 && rule.get(1 + place).is_some_and(|byte| self.condition(*byte, home, call))
            }
            Rule::Dialect(conditions) => match conditions[right.bit.leading_zeros() as usize - 1] {
                0x00 => true,
                byte if byte == 0x90 || byte & 0x9F == 0x10 => self.pin_holds(home, 1, call),
                _ => false,
            },
            Rule::Expanded(rule) => self.groups(rule, right, home, call),
            Rule::Reference(reference) => {
                let record = self.referenced(reference, home);
                record.is_some_and(|record| self.groups(&record, right, home, call))
            }
        }
    }

    /// The record of EF.ARR that a rule means.
    fn referenced(&self, reference: &[u8], home: u32) -> Option<Vec<u8>> {
        let (id, number) = match *reference {
            [number] => (0x2F06, number),
            [high, low, number] | [high, low, _, number, ..] => (u16::from_be_bytes([high, low]), number),
            _ => return None,
        };
        let mut all = self.memory.downwards(home).into_iter();
        let ef = all.find_map(|df| self.memory.child(df.number, id).filter(|file| !file.is_df()))?;
        if !self.memory.answers(ef) {
            return None;
        }
        let Kind::Records(_, records) = &ef.kind else { return None };
        records.get(usize::from(number).checked_sub(1)?).cloned()
    }

    /// A condition byte.
    fn condition(&self, byte: u8, home: u32, call: &Call<'_>) -> bool {
        match byte {
            0x00 => return true,
            0xFF => return false,
            _ => (),
        }
        let number = byte & 0x0F;
        let secure = (byte & 0x40 != 0).then_some(false);
        let key = (byte & 0x20 != 0).then(|| self.key_holds(home, number, call));
        let pin = (byte & 0x10 != 0).then(|| self.pin_holds(home, number, call));
        let mut all = [secure, key, pin].into_iter().flatten().peekable();
        all.peek().is_some() && if byte & 0x80 != 0 { all.all(|held| held) } else { all.any(|held| held) }
    }

    /// Groups of an access mode object and its conditions.
    fn groups(&self, mut rule: &[u8], right: Right, home: u32, call: &Call<'_>) -> bool {
        let mut meant = false;
        while let Some((tag, value, rest)) = apdu::object(rule) {
            rule = rest;
            match tag {
                0x80 => meant = matches!(value, [mode] if mode & 0x80 == 0 && mode & right.bit != 0),
                0x84 => meant = matches!(value, [ins] if *ins == call.ins()),
                // Other access mode objects mean nothing that a command does here.
                0x81..=0x8F => meant = false,
                _ if meant && self.expanded(tag, value, home, call, LEVELS) => return true,
                _ => (),
            }
        }
        false
    }

    /// One condition object.
    fn expanded(&self, tag: u32, value: &[u8], home: u32, call: &Call<'_>, levels: usize) -> bool {
        let inner = || {
            let mut rest = value;
            core::iter::from_fn(move || {
                let (tag, value, after) = apdu::object(rest)?;
                rest = after;
                Some((tag, value))
            })
        };
        match tag {
            0x90 => value.is_empty(),
            0x9E => matches!(value, [byte] if self.condition(*byte, home, call)),
            0xA4 => match apdu::find(value, [0x83, 0x95]) {
                Some([Some(&[p2]), Some(&[0x80])]) => self.reference_holds(home, p2, false, call),
                Some([Some(&[p2]), None | Some(&[0x08])]) => self.reference_holds(home, p2, true, call),
                _ => false,
            },
            _ if levels == 1 || !is_whole(value) => false,
            0xA0 => inner().any(|(tag, value)| self.expanded(tag, value, home, call, levels - 1)),
            0xAF => {
                inner().next().is_some()
                    && inner().all(|(tag, value)| self.expanded(tag, value, home, call, levels - 1))
            }
            _ => false,
        }
    }

    fn pin_holds(&self, home: u32, number: u8, call: &Call<'_>) -> bool {
        self.secret_holds(home, number, true, call)
    }

    fn key_holds(&self, home: u32, number: u8, call: &Call<'_>) -> bool {
        self.secret_holds(home, number, false, call)
    }

    /// Whether the PIN or key that P2 of VERIFY would name is verified: one of the MF, or of the first DF below it.
    fn reference_holds(&self, home: u32, p2: u8, pin: bool, call: &Call<'_>) -> bool {
        let number = p2 & 0x7F;
        let mut all = self.memory.downwards(home).into_iter().filter(|df| (df.number == ROOT) == (p2 & 0x80 == 0));
        let found = all.find_map(|df| self.memory.secret_in(df.number, number, pin));
        found.is_some_and(|file| self.counts_as_verified(file, call.channel))
    }

    /// Whether the PIN or key of this number in the first DF that has one is verified. 0 is any of the first DF that
    /// has any.
    fn secret_holds(&self, home: u32, number: u8, pin: bool, call: &Call<'_>) -> bool {
        let verified = |file: &File| self.counts_as_verified(file, call.channel);
        match number {
            0 => {
                let of = |df: &File| {
                    let mut all = self.memory.children(df.number);
                    all.retain(|file| matches!(file.kind, Kind::Pin(_)) == pin && file.secret().is_some());
                    all
                };
                let first = self.memory.downwards(home).into_iter().map(of).find(|all| !all.is_empty());
                first.is_some_and(|all| all.into_iter().any(verified))
            }
            1..=14 => self.memory.first(home, number, pin).is_some_and(verified),
            _ => false,
        }
    }
}
