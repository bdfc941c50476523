//! Fuzzing a card that somebody else wrote: our commands, and what must be true of any card's answers.
//!
//! The card is a program that we start ([`CommandCard`]) or one that connects to us as it would to vpcd
//! ([`SocketCard`]). Both speak the same frames: a big-endian length of two bytes and so many bytes. A frame of one
//! byte is a control, from us only: `00` power off, `01` power on, `02` reset, none of them answered, and `04`, which
//! the card answers with a frame that holds its ATR. Every other frame is a command APDU, which the card answers with
//! one frame that holds the response APDU.
//!
//! [`run`] sends what a [`Grammar`](crate::grammar::Grammar) draws and holds each answer against a [`Watch`]. What is
//! found is confirmed on the card started anew and cut down to few commands, as a [`Script`] that can be played again.

mod campaign;
mod coverage;
mod line;
mod process;
mod reduce;
mod script;
mod socket;
mod watch;

use std::time::Duration;

use thiserror::Error;

pub use campaign::{Confirmed, Ending, Event, Finding, Options, Report, run};
pub use coverage::Coverage;
pub use process::CommandCard;
pub use reduce::{Pace, Trouble, play};
pub use script::{Script, ScriptError, Step};
pub use socket::SocketCard;
pub use watch::{Breach, Promise, Watch};

/// A card that may do anything.
pub trait ForeignCard {
    /// Gives it power: a new process, or the next connection, or the same one switched off and on. Returns the ATR.
    ///
    /// # Errors
    /// [`StartError`] where there is no card, or none that gives an ATR.
    fn start(&mut self) -> Result<Vec<u8>, StartError>;

    /// Resets it. Returns the ATR.
    ///
    /// # Errors
    /// [`Failure`] where it does not come back within the limit.
    fn reset(&mut self, limit: Duration) -> Result<Vec<u8>, Failure>;

    /// Sends a command and returns whatever the card answers, unlooked at.
    ///
    /// # Errors
    /// [`Failure`] where no answer comes within the limit.
    fn transmit(&mut self, command: &[u8], limit: Duration) -> Result<Vec<u8>, Failure>;

    /// Bytes that came within this time although nothing was asked; `None` where none did, or where it cannot be
    /// seen. After some the card must be started before it is used again.
    fn unasked(&mut self, _wait: Duration) -> Option<usize> {
        None
    }

    /// Whether [`ForeignCard::start`] gives a card without a past.
    fn is_fresh_when_started(&self) -> bool;

    /// The last lines of what the card wrote to its standard error, where that can be seen.
    fn last_words(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a card gave no answer. It must be started before it is used again, except after [`Failure::Stopped`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The process or the connection ended.
    #[error("the card ended: {0}")]
    Ended(String),
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// More came than one answer.
    #[error("{0} bytes came behind the answer, unasked")]
    Unasked(usize),
    /// The user wants to stop.
    #[error("stopped")]
    Stopped,
}

/// Why there is no card to talk to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program does not start.
    #[error("cannot start {program}: {error}")]
    Program {
        /// Its first word.
        program: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Nobody connected.
    #[error("no card connected within {0} s")]
    NobodyConnected(u64),
    /// The socket cannot be used.
    #[error("cannot wait for a card: {0}")]
    Listen(#[source] std::io::Error),
    /// The card gives no ATR.
    #[error("the card gives no ATR when it gets power: {0}{1}")]
    NoAtr(Failure, LastWords),
    /// The user wants to stop.
    #[error("stopped")]
    Stopped,
}

/// What a program said last, behind a colon; nothing where it said nothing.
#[derive(Debug)]
pub struct LastWords(pub Option<String>);

impl std::fmt::Display for LastWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |words| write!(f, "; it said: {words}"))
    }
}
