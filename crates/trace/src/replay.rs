//! A trace played to a card again: each command in its order, each answer held against the one in the trace.
//!
//! Hidden bytes of answers compare with anything. Hidden bytes of commands cannot be sent; those of PIN commands are
//! filled from [`Pins`], and every other command that has some is left out and counted.

mod answer;
mod pins;
mod risk;

use card_conformance::compare::is_made_random;
use card_conformance::report::redact::Shown;
use card_wire::{Ins, Status};
use host_driver::{Transport, TransportError};

pub use answer::Difference;
pub use pins::{Pins, WrongPins};
pub use risk::Risk;

use crate::format::What;
use crate::read::Entry;

/// Why a command was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// Bytes of it are hidden, and they are no PIN.
    Hidden,
    /// It needs a PIN that was not given.
    NoPin,
    /// It could do this to the card, and may not.
    NotAllowed(Risk),
    /// It is no command that could be sent.
    NoCommand,
}

/// What came of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to send or to compare.
    Nothing,
    /// Answered as in the trace, as far as that is not hidden and not random.
    Same,
    /// Sent; the trace has no answer to compare with, or one that depends on a key that is another one now.
    NotCompared,
    /// Not sent.
    Skipped(Skip),
    /// Answered otherwise.
    Differs(Difference),
}

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A PIN that was given does not fit.
    #[error("line {line}: {source}; nothing of this command was sent")]
    Pins {
        /// The line of the command.
        line: u64,
        /// What is wrong.
        source: WrongPins,
    },
    /// The card cannot be reached.
    #[error("line {line}: the card was not reached: {source}")]
    Transport {
        /// The line of the command.
        line: u64,
        /// Why.
        source: TransportError,
    },
}

/// Plays the entries of one reader to one card.
#[derive(Debug)]
pub struct Replay {
    pins: Pins,
    is_strict: bool,
    only_reads: bool,
    /// The card was reset, or a command was sent.
    has_begun: bool,
    has_new_key: bool,
    /// The last answer is random: GET RESPONSE brings the rest of it.
    is_random: bool,
}

impl Replay {
    /// A replay with these PINs. `strict` compares what is random, too; `only_reads` leaves out what could change the card.
    #[must_use]
    pub const fn new(pins: Pins, strict: bool, only_reads: bool) -> Self {
        Self { pins, is_strict: strict, only_reads, has_begun: false, has_new_key: false, is_random: false }
    }

    /// Plays one entry.
    ///
    /// # Errors
    /// [`ReplayError`]: a PIN does not fit, or the card cannot be reached.
    pub fn play(&mut self, entry: &Entry, card: &mut dyn Transport) -> Result<Outcome, ReplayError> {
        let line = entry.line;
        match &entry.event.what {
            What::Atr(atr) => self.reset(Some(atr), line, card),
            What::Mute => self.reset(None, line, card),
            What::Command(command) => self.command(command, entry, card),
            _ => Ok(Outcome::Nothing),
        }
    }

    fn reset(&mut self, atr: Option<&[u8]>, line: u64, card: &mut dyn Transport) -> Result<Outcome, ReplayError> {
        self.has_begun = true;
        let got = match card.reset() {
            Ok(atr) => Some(atr),
            Err(TransportError::Unresponsive | TransportError::CardGone) => None,
            Err(source) => return Err(ReplayError::Transport { line, source }),
        };
        if got.as_deref() == atr {
            return Ok(Outcome::Same);
        }
        let expected = atr.map(|atr| atr.iter().copied().map(Some).collect());
        Ok(Outcome::Differs(Difference::of_atr(expected, got)))
    }

    fn command(&mut self, command: &Shown, entry: &Entry, card: &mut dyn Transport) -> Result<Outcome, ReplayError> {
        let line = entry.line;
        let answer = entry.answer.as_ref().and_then(|answer| answer.bytes.as_ref());
        let status = answer.and_then(answer::status);
        if self.only_reads
            && let Some(risk) = Risk::of(command)
        {
            return Ok(Outcome::Skipped(Skip::NotAllowed(risk)));
        }
        let bytes = match self.pins.fill(command, status) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(skip)) => return Ok(Outcome::Skipped(skip)),
            Err(source) => return Err(ReplayError::Pins { line, source }),
        };
        if !self.has_begun {
            self.reset(None, line, card)?;
        }
        let got = match card.transmit(&bytes) {
            Ok(got) => Some(got),
            Err(TransportError::CardGone | TransportError::ShortAnswer { .. }) => None,
            Err(TransportError::CommandLength { .. }) => return Ok(Outcome::Skipped(Skip::NoCommand)),
            Err(source) => return Err(ReplayError::Transport { line, source }),
        };
        let got_status = got.as_deref().and_then(Status::split).map(|(_, status)| status);
        self.pins.answered(&bytes, got_status);
        let is_random = self.follow(&bytes) && !self.is_strict;
        let Some(answer) = entry.answer.as_ref() else { return Ok(Outcome::NotCompared) };
        match (&answer.bytes, got) {
            // A card that was pulled, or a fault: whether it had done the command nobody knows.
            (None, None) => Ok(Outcome::Same),
            (None, Some(_)) => Ok(Outcome::NotCompared),
            (Some(expected), got) => match Difference::between(expected, got.as_deref(), is_random) {
                None => Ok(Outcome::Same),
                // What was enciphered for the key of then is nothing to the key of now.
                Some(_) if is_random && deciphers(&bytes) => Ok(Outcome::NotCompared),
                Some(difference) => Ok(Outcome::Differs(difference)),
            },
        }
    }

    /// Whether the answer to this command is random by nature.
    fn follow(&mut self, command: &[u8]) -> bool {
        if command.get(1).copied().map(Ins) != Some(Ins::GET_RESPONSE) {
            self.is_random = is_made_random(command, &mut self.has_new_key);
        }
        self.is_random
    }
}

/// Whether a plain value is asked for.
fn deciphers(command: &[u8]) -> bool {
    matches!(command, [_, ins, 0x80, ..] if Ins(*ins) == Ins::PERFORM_SECURITY_OPERATION)
}
