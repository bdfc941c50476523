//! Which answers were reached.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use card_wire::Status;

/// Pairs of instruction and status word, with how often each came. 61xx and 6Cxx count as one word each.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    cells: BTreeMap<(u8, u16), u64>,
}

impl Coverage {
    /// Counts an exchange.
    pub fn count(&mut self, command: &[u8], answer: &[u8]) {
        let (Some(ins), Some((_, status))) = (command.get(1), Status::split(answer)) else { return };
        let word = match status.0 >> 8 {
            0x61 | 0x6C => status.0 & 0xFF00,
            _ => status.0,
        };
        *self.cells.entry((*ins, word)).or_default() += 1;
    }

    /// The pairs and their counts.
    pub fn cells(&self) -> impl Iterator<Item = (u8, u16, u64)> {
        self.cells.iter().map(|((ins, word), count)| (*ins, *word, *count))
    }

    /// How many pairs were reached.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How many of the counted answers were 9000 or 61xx.
    #[must_use]
    pub fn successes(&self) -> u64 {
        self.cells().filter(|(_, word, _)| matches!(word, 0x9000 | 0x6100)).map(|(.., count)| count).sum()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |ins: &u8| card_wire::Ins(*ins).name().is_some();
        let instructions: BTreeSet<u8> = self.cells.keys().map(|(ins, _)| *ins).filter(known).collect();
        let words: BTreeSet<u16> = self.cells.keys().map(|(_, word)| *word).collect();
        let total: u64 = self.cells.values().sum();
        let share = (self.successes() * 100).checked_div(total).unwrap_or(0);
        write!(
            f,
            "{} pairs of instruction and status word ({} known instructions, {} words), {share} % success",
            self.len(),
            instructions.len(),
            words.len(),
        )
    }
}
