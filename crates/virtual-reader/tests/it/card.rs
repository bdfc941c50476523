//! A card that does as told and records what was done to it.

use std::sync::{Arc, Mutex};

use card_wire::{Icc, Protocol};

pub(crate) const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];
pub(crate) const ATR_T0: &[u8] = &[0x3B, 0x02, 0x14, 0x50];

/// What was done to a card, one word each.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    fn add(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    /// What was recorded since the last look.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Answers each command with its own bytes and 9000. INS 10 makes it mute, INS 20 makes it answer P1-P2 bytes.
pub(crate) struct EchoCard {
    pub(crate) record: Record,
    pub(crate) atr: &'static [u8],
    /// Power-ons to which it still stays mute.
    pub(crate) dead: usize,
    /// Put before the echo, to tell cards apart.
    pub(crate) name: u8,
}

impl EchoCard {
    pub(crate) fn new(name: u8) -> (Box<Self>, Record) {
        let record = Record::default();
        (Box::new(Self { record: record.clone(), atr: ATR, dead: 0, name }), record)
    }
}

impl Icc for EchoCard {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        self.record.add(format!("on {protocol:?}"));
        if self.dead > 0 {
            self.dead -= 1;
            return &[];
        }
        self.atr
    }

    fn reset(&mut self) -> &[u8] {
        self.record.add("reset");
        self.atr
    }

    fn power_off(&mut self) {
        self.record.add("off");
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        self.record.add(format!("apdu {}", command.len()));
        if command.get(1) == Some(&0x10) {
            return &[];
        }
        if let [_, 0x20, high, low, ..] = command {
            return &response[..usize::from(u16::from_be_bytes([*high, *low]))];
        }
        let echoed = command.len().min(response.len() - 3);
        response[0] = self.name;
        response[1..=echoed].copy_from_slice(&command[..echoed]);
        response[echoed + 1..echoed + 3].copy_from_slice(&[0x90, 0x00]);
        &response[..echoed + 3]
    }
}
