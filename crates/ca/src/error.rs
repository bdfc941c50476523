//! What can go wrong in the authority. A refusal (the request is not in order) and a failure (it could not run) are apart.

use std::io;
use std::path::PathBuf;

use card_pki::refusal::Refusal;
use thiserror::Error;

use crate::audit::Broken;

/// Why a command gave no result.
#[derive(Debug, Error)]
pub enum CaError {
    /// The request is not in order; nothing was issued.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another process works in the directory.
    #[error(
        "another process works in {dir}; nothing was changed. Wait until it has ended, or give this one time to wait"
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The passphrase does not open the keys.
    #[error(
        "the passphrase is wrong; nothing was changed. Try again with the passphrase given when the authority was made"
    )]
    WrongPassphrase,
    /// There is no authority in the directory.
    #[error("there is no authority in {dir}; make one with `cardlab ca init`")]
    NoAuthority {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory is in use.
    #[error("{dir} is not empty; nothing was changed. A new authority needs a directory of its own")]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// The system refused something.
    #[error("{what} failed: {error}. Every answer given before is kept; the same command may be given again")]
    Io {
        /// What was being done.
        what: String,
        /// What the system says; the sentence holds it already, so it is no source of its own.
        error: io::Error,
    },
    /// The state file is not ours or was damaged.
    #[error("{file} cannot be read: {what}. Nothing was changed; restore the directory from a copy")]
    State {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// A key file is damaged.
    #[error("{name} cannot be used as a key; restore the directory from a copy")]
    KeyFile {
        /// The file.
        name: String,
    },
    /// A key of this size cannot be made.
    #[error("a key of {bits} bits cannot be made; 2048 or more are needed")]
    KeySize {
        /// The size asked for.
        bits: usize,
    },
    /// The audit log does not fit together.
    #[error(transparent)]
    Audit(#[from] Broken),
    /// A piece of the registration cannot be used.
    #[error("{field}: {what}. Nothing was registered")]
    Registration {
        /// Which piece.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The subscriber is registered with other data.
    #[error(
        "{subscriber} is registered with other data ({differs}); nothing was changed. To replace the record, register again with the update option"
    )]
    RegisteredOtherwise {
        /// The subscriber.
        subscriber: String,
        /// Which piece differs.
        differs: &'static str,
    },
    /// There is no certificate with this serial number.
    #[error("no certificate with the serial number {serial} was issued here; `cardlab ca list` shows them")]
    NoCertificate {
        /// The serial number.
        serial: String,
    },
    /// A certificate cannot be revoked twice.
    #[error("the certificate {serial} was revoked already ({reason}); nothing was changed")]
    RevokedAlready {
        /// The serial number.
        serial: String,
        /// Why it was revoked then.
        reason: String,
    },
    /// No PUK of the card was handed over.
    #[error(
        "no PUK of the card {card} is kept here; it comes sealed through the channel when the card is personalised, and `cardlab ca answer` takes it over"
    )]
    NoPuk {
        /// The card.
        card: String,
    },
    /// What a sealed PUK holds cannot be opened.
    #[error(
        "the sealed PUK of the card {card} cannot be opened with this authority's key; it was sealed for another one or is damaged, and was not taken over"
    )]
    BadSeal {
        /// The card.
        card: String,
    },
    /// Another PUK of the card is kept already.
    #[error(
        "a PUK of the card {card} is kept already and another one came; the first is kept. For a card that was personalised anew, let the first one be forgotten"
    )]
    OtherSeal {
        /// The card.
        card: String,
    },
    /// The confirmation was not made with the key of the certificate.
    #[error("the confirmation for the certificate {serial} is not signed by its key; the case stays open")]
    BadConfirmation {
        /// The certificate.
        serial: String,
    },
    /// The authority's own certificate has ended.
    #[error("the authority's own certificate is valid from {from} to {to} only; make a new authority")]
    NotValidNow {
        /// The first moment.
        from: String,
        /// The last moment.
        to: String,
    },
    /// A certificate, a CRL or a name could not be put together.
    #[error("{what} could not be made: {why}")]
    Encoding {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// An earlier write failed, so that memory and disk may differ.
    #[error("an earlier write failed; open the authority again, which completes or forgets it")]
    Reopen,
    /// The channel cannot be used.
    #[error("{0}")]
    Channel(String),
}

impl CaError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }

    /// The refusal, where this is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the request was understood and turned down, so that the same one would be turned down again.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::RegisteredOtherwise { .. }
                | Self::Registration { .. }
                | Self::NoCertificate { .. }
                | Self::RevokedAlready { .. }
                | Self::NoPuk { .. }
                | Self::BadSeal { .. }
                | Self::OtherSeal { .. }
                | Self::BadConfirmation { .. }
        )
    }
}
