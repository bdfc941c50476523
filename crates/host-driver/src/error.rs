//! The errors of the host's side: it did not arrive, or the card said no.

use std::io;

use card_wire::{ParseError, Status};

/// Why a call to the card failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The command or its answer did not arrive. Whether the card executed it is unknown.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The card answered something that contradicts the protocol or the command.
    #[error("the card's answer makes no sense")]
    Malformed,
    /// The PIN or PUK is wrong; so many tries are left.
    #[error("wrong PIN, {tries} tries left")]
    WrongPin {
        /// Tries that are left, at least 1.
        tries: u8,
    },
    /// The PIN or PUK has no tries left. Says nothing about whether the one presented was right.
    #[error("blocked: no tries left")]
    Blocked,
    /// The card refused the command with this status word.
    #[error("the card refused: {0}")]
    Refused(Status),
    /// Something is longer than the card or the format takes. Nothing was sent.
    #[error("{len} bytes where at most {max} fit")]
    TooLong {
        /// The length that was asked for.
        len: usize,
        /// The longest that is possible.
        max: usize,
    },
}

impl Error {
    /// Whether the command or its answer did not arrive; otherwise the card answered, or nothing was sent.
    #[must_use]
    pub const fn is_transport(&self) -> bool {
        matches!(self, Self::Transport(_))
    }

    /// The status word, where the card refused with one that has no variant of its own.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        match self {
            Self::Refused(status) => Some(*status),
            _ => None,
        }
    }
}

impl From<ParseError> for Error {
    fn from(_: ParseError) -> Self {
        Self::Malformed
    }
}

/// Why bytes did not reach the card or its answer did not come back.
///
/// After each of them the state of the card is unknown: select the application and verify the PIN again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No card is in the reader, or it was pulled, or it fell silent.
    #[error("there is no card, or it was removed or fell silent")]
    CardGone,
    /// Somebody else reset the card; the transport is usable again and the card has forgotten everything.
    #[error("the card was reset by another program")]
    CardReset,
    /// The card is there and does not answer to a reset.
    #[error("the card does not respond")]
    Unresponsive,
    /// The answer did not come in time. It may still come, so the connection has been given up.
    #[error("no answer in time")]
    Timeout,
    /// The reader service does not run, or its client library is not installed.
    #[error("no reader service: is pcscd installed and running?")]
    NoService,
    /// There is no reader, or none with this name.
    #[error("no such reader: {wanted:?}")]
    NoReader {
        /// The name or part of a name that was asked for; empty where any reader would do.
        wanted: String,
    },
    /// More than one reader fits.
    #[error("more than one reader fits {wanted:?}: {}", candidates.join(", "))]
    AmbiguousReader {
        /// The part of a name that was asked for; empty where any reader would do.
        wanted: String,
        /// The names that fit.
        candidates: Vec<String>,
    },
    /// Another program has the card for itself.
    #[error("the card is in use by another program")]
    Busy,
    /// The answer is too short to hold a status word.
    #[error("an answer of {len} bytes has no status word")]
    ShortAnswer {
        /// Its length in bytes.
        len: usize,
    },
    /// The transport cannot carry a command of this length. Nothing was sent.
    #[error("a command of {len} bytes does not fit the transport (2 to {max})")]
    CommandLength {
        /// The length of the command.
        len: usize,
        /// The longest that is possible.
        max: usize,
    },
    /// The card's end of the socket sends what its protocol does not allow; the connection has been given up.
    #[error("the other end of the socket breaks its protocol")]
    Protocol,
    /// The socket failed.
    #[error("socket failed: {0}")]
    Io(io::ErrorKind),
    /// The reader service failed with this PC/SC error number.
    #[error("reader service failed with {code:#010X}")]
    Service {
        /// The number, as in the PC/SC headers.
        code: u32,
    },
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::WouldBlock | Kind::TimedOut => Self::Timeout,
            Kind::UnexpectedEof
            | Kind::BrokenPipe
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected => Self::CardGone,
            kind => Self::Io(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_told_apart() {
        assert!(Error::from(TransportError::CardGone).is_transport());
        for error in [Error::Malformed, Error::Blocked, Error::WrongPin { tries: 2 }, Error::Refused(Status::NOT_FOUND)]
        {
            assert!(!error.is_transport(), "{error}");
        }
        assert_eq!(Error::Refused(Status::NOT_FOUND).status(), Some(Status::NOT_FOUND));
    }

    #[test]
    fn sockets_tell_removal_from_slowness() {
        assert_eq!(TransportError::from(io::Error::from(io::ErrorKind::ConnectionReset)), TransportError::CardGone);
        assert_eq!(TransportError::from(io::Error::from(io::ErrorKind::WouldBlock)), TransportError::Timeout);
        assert!(matches!(TransportError::from(io::Error::from(io::ErrorKind::AddrInUse)), TransportError::Io(_)));
    }
}
