//! Commands to a card of which nothing is known, and what may come back.

use std::fmt;

use card_wire::{Ins, Status};

use crate::tags;
use crate::target::Target;

/// Longest answer that is put together from GET RESPONSE, in commands.
const MAX_MORE: usize = 4;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The command was done; its data.
    Done(Vec<u8>),
    /// It was not; the status word.
    Refused(u16),
    /// Nothing came.
    Silence,
}

impl Answer {
    /// The command was done.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// Begins a sentence of which the name of a command is the end.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(_) => f.write_str("answers"),
            Self::Refused(0x6D00) => f.write_str("does not know"),
            Self::Refused(status) => write!(f, "answers {status:04X} to"),
            Self::Silence => f.write_str("says nothing to"),
        }
    }
}

/// Somebody who asks a card.
pub(super) struct Asker<'t> {
    target: &'t mut dyn Target,
    is_silent: bool,
}

impl<'t> Asker<'t> {
    pub(super) fn new(target: &'t mut dyn Target) -> Self {
        Self { target, is_silent: false }
    }

    /// Nothing comes from the card any more, not even behind a reset.
    pub(super) const fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Resets the card. The ATR is empty where none came.
    pub(super) fn reset(&mut self) -> Vec<u8> {
        let atr = self.target.reset();
        self.is_silent = atr.is_err();
        atr.unwrap_or_default()
    }

    /// Sends a command and fetches what waits. A card that says nothing is reset, so that the next command is heard.
    pub(super) fn send(&mut self, command: &[u8]) -> Answer {
        if self.is_silent {
            return Answer::Silence;
        }
        let mut answer = self.exchange(command);
        if let (Some((_, status)), [header @ .., _]) = (&answer, command)
            && let (Some(ne), 4) = (status.corrected_ne(), header.len())
        {
            let le = u8::try_from(ne).unwrap_or(0);
            answer = self.exchange(&[header, &[le]].concat());
        }
        let Some((mut data, mut status)) = answer else {
            self.reset();
            return Answer::Silence;
        };
        for _ in 0..MAX_MORE {
            let Some(waiting) = status.waiting() else { break };
            let le = u8::try_from(waiting).unwrap_or(0);
            let Some((more, next)) = self.exchange(&[0x00, Ins::GET_RESPONSE.0, 0x00, 0x00, le]) else { break };
            data.extend(more);
            status = next;
        }
        if tags::is_done(status) { Answer::Done(data) } else { Answer::Refused(status.0) }
    }

    fn exchange(&mut self, command: &[u8]) -> Option<(Vec<u8>, Status)> {
        let answer = self.target.transmit(command).ok()?;
        Status::split(&answer).map(|(data, status)| (data.to_vec(), status))
    }
}
