//! The change counter: it is not predicted, but held against what it must not do.

use super::card::{Call, Card};
use super::files::Memory;

/// What happened since the counter was seen.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Since {
    #[default]
    Nothing,
    /// A command that may count as a change.
    Perhaps,
    Change,
}

/// The counter as far as it was seen.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counter {
    seen: Option<u32>,
    pub(crate) since: Since,
}

impl Counter {
    pub(crate) fn see(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let now = bytes.try_into().map(u32::from_be_bytes).map_err(|_| "four bytes")?;
        let good = match (self.seen, self.since) {
            (None, _) => true,
            (Some(last), Since::Nothing) => now == last,
            (Some(last), Since::Perhaps) => now >= last,
            (Some(last), Since::Change) => now > last,
        };
        *self = Self { seen: Some(now), since: Since::Nothing };
        good.then_some(()).ok_or("a change counter that counts the changes")
    }
}

impl Card {
    /// After a good command: whether it changed what the counter counts.
    pub(crate) fn note_change(&mut self, before: &Memory, call: &Call<'_>) {
        let since = match call.ins() {
            // A new key is a change even where it was not seen.
            0x46 if call.p1() != 0x81 => Since::Change,
            _ if !self.memory.same_but_tries(before) => Since::Change,
            // Counters of tries are no change, nor is enabling what is enabled.
            0x2C if matches!(call.p1(), 1 | 3) => Since::Nothing,
            // The same bytes once more may count.
            0xD0 | 0xD1 | 0xD2 | 0xD6 | 0xD7 | 0xDC | 0xE2 | 0x0E | 0x0F | 0xDA | 0xDB | 0x24 | 0x2C | 0x22 => {
                Since::Perhaps
            }
            _ => Since::Nothing,
        };
        self.counter.since = self.counter.since.max(since);
    }
}
