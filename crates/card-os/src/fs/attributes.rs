//! The eight attribute bytes of files of the ISO file system, as the index keeps them: what commands ask about a
//! file without reading memory.

use super::life::LifeCycle;

/// Life-cycle state, short identifier, longest record, number of records, internal kind, its number, data coding
/// byte or flags of a PIN, flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes(pub(crate) [u8; 8]);

const LIFE_CYCLE: usize = 0;
const SHORT_ID: usize = 1;
const RECORD_LEN: usize = 2;
const RECORDS: usize = 3;
const INTERNAL: usize = 4;
const NUMBER: usize = 5;
const CODING: usize = 6;
const FLAGS: usize = 7;

/// The control information has a DF name; at the place where the dialect's attributes have this flag.
const NAMED: u8 = super::access::NAMED;
/// The short identifier was given, not derived.
const EXPLICIT: u8 = 0x02;
/// The verification of the PIN is not required.
const DISABLED: u8 = 0x01;

/// What an internal EF holds; the numbers are those of tag 80 in its proprietary information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Internal {
    /// A PIN, by number.
    Pin = 1,
    /// An administration key (AES), by number.
    Key = 2,
    /// A key pair, by slot.
    Pair = 3,
}

impl Attributes {
    /// Of a file in this state, with nothing else.
    pub(crate) fn new(state: LifeCycle) -> Self {
        let mut attributes = Self([0; 8]);
        attributes.set_life_cycle(state);
        attributes
    }

    pub(crate) const fn life_cycle(self) -> LifeCycle {
        LifeCycle::from_stored(self.0[LIFE_CYCLE])
    }

    pub(crate) fn set_life_cycle(&mut self, state: LifeCycle) {
        self.0[LIFE_CYCLE] = state as u8;
    }

    /// The short identifier, or 0.
    pub(crate) const fn short_id(self) -> u8 {
        self.0[SHORT_ID]
    }

    pub(crate) const fn has_explicit_short_id(self) -> bool {
        self.0[FLAGS] & EXPLICIT != 0
    }

    pub(crate) fn set_short_id(&mut self, sfi: u8, explicit: bool) {
        self.0[SHORT_ID] = sfi;
        if explicit {
            self.0[FLAGS] |= EXPLICIT;
        }
    }

    /// The exact or longest length of a record, in bytes.
    pub(crate) const fn record_len(self) -> u8 {
        self.0[RECORD_LEN]
    }

    /// The most records that the EF takes.
    pub(crate) const fn records(self) -> u8 {
        self.0[RECORDS]
    }

    pub(crate) fn set_records(&mut self, len: u8, number: u8) {
        self.0[RECORD_LEN] = len;
        self.0[RECORDS] = number;
    }

    /// What an internal EF holds, and its number.
    pub(crate) const fn internal(self) -> Option<(Internal, u8)> {
        let kind = match self.0[INTERNAL] {
            1 => Internal::Pin,
            2 => Internal::Key,
            3 => Internal::Pair,
            _ => return None,
        };
        Some((kind, self.0[NUMBER]))
    }

    pub(crate) fn set_internal(&mut self, kind: Internal, number: u8) {
        self.0[INTERNAL] = kind as u8;
        self.0[NUMBER] = number;
    }

    /// The data coding byte of a transparent or record EF.
    pub(crate) const fn coding(self) -> u8 {
        self.0[CODING]
    }

    pub(crate) fn set_coding(&mut self, coding: u8) {
        self.0[CODING] = coding;
    }

    /// The verification of the PIN in this file is not required.
    pub(crate) const fn is_disabled(self) -> bool {
        self.0[CODING] & DISABLED != 0
    }

    pub(crate) fn set_disabled(&mut self, disabled: bool) {
        self.0[CODING] = u8::from(disabled);
    }

    pub(crate) fn set_named(&mut self) {
        self.0[FLAGS] |= NAMED;
    }
}
