//! Where in a chain of commands a card is: until the chain is complete nobody can say what in it is secret.

use std::collections::BTreeSet;

use card_wire::apdu::MAX_COMMAND;
use card_wire::{Class, Command, Ins};
use zeroize::Zeroizing;

/// The chains of one card since its last reset.
#[derive(Default)]
pub(crate) struct Chain {
    /// Class and instruction of a chain that is not complete.
    open: Option<[u8; 2]>,
    /// Instructions whose chains nobody has followed to their end: a command of one can be the rest of such a chain.
    lost: BTreeSet<u8>,
    /// What ENVELOPE has brought so far.
    envelope: Zeroizing<Vec<u8>>,
}

impl Chain {
    /// Whether a chain is open.
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The instruction of the open chain.
    pub(crate) fn ins(&self) -> Option<u8> {
        self.open.map(|[_, ins]| ins)
    }

    /// Whether the command can be the rest of something that nobody knows.
    pub(crate) fn is_lost(&self, command: &[u8]) -> bool {
        command.get(1).is_some_and(|ins| self.lost.contains(ins))
    }

    /// Whether the command breaks the open chain off.
    pub(crate) fn is_broken_by(&self, command: &[u8]) -> bool {
        self.open.is_some_and(|open| key(command) != Some(open))
    }

    /// Notes a command that has not broken the chain off.
    pub(crate) fn follow(&mut self, command: &[u8]) {
        let Some(key) = key(command).filter(|[_, ins]| !self.lost.contains(ins)) else { return };
        let goes_on = command.first().is_some_and(|class| is_chained(*class));
        let goes_on = if Ins(key[1]) == Ins::ENVELOPE { self.carry(command, goes_on) } else { goes_on };
        self.open = goes_on.then_some(key);
    }

    /// Nobody will know how the open chain ends: what can be the rest of it is lost until a reset.
    pub(crate) fn lose(&mut self) {
        self.lost.extend(self.open.take().map(|[_, ins]| ins));
        self.envelope.clear();
    }

    /// Takes in what an ENVELOPE carries. Whether more of it must come.
    fn carry(&mut self, command: &[u8], goes_on: bool) -> bool {
        let data = Command::parse(command).map_or(&[][..], |command| command.data);
        if self.envelope.len() + data.len() > MAX_COMMAND {
            self.envelope.clear();
            return true;
        }
        self.envelope.extend_from_slice(data);
        let inner = Command::parse(&self.envelope).ok();
        // A chain inside of envelopes nobody follows.
        if inner.is_some_and(|inner| is_chained(inner.cla.0)) {
            self.lost.extend(inner.map(|inner| inner.ins.0).into_iter().chain([Ins::ENVELOPE.0]));
        }
        let is_over = data.is_empty() || (!goes_on && inner.is_some());
        if is_over {
            self.envelope.clear();
        }
        !is_over
    }
}

/// Class without the chain bit, and instruction. In proprietary classes that bit means anything, so no chain is seen there.
fn key(command: &[u8]) -> Option<[u8; 2]> {
    match *command {
        [class, ins, ..] => Some([Class(class).unchained().0, ins]),
        _ => None,
    }
}

fn is_chained(class: u8) -> bool {
    Class(class).unchained().0 != class
}
