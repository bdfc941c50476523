//! What can be wrong with a PKCS#15 application, besides the card refusing a command.

use crate::error::Error as CardError;

/// Why an operation on the application failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The exchange failed, or the card refused.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The card has no PKCS#15 application.
    #[error("the card is blank: it has no PKCS#15 application")]
    Blank,
    /// The card has a PKCS#15 application already, or a part of one.
    #[error("the card is personalised already")]
    AlreadyPersonalised,
    /// A file of the application makes no sense.
    #[error("file {file:04X} of the card is damaged at byte {at}")]
    Damaged {
        /// Its identifier.
        file: u16,
        /// The offset of the first byte that makes no sense.
        at: usize,
    },
    /// Something of what an operation needs is used up. Nothing was changed.
    #[error("the card is full: {0}")]
    Full(#[from] Full),
    /// What was read back is not what was written.
    #[error("file {file:04X} was written and reads back differently")]
    ReadBack {
        /// Its identifier.
        file: u16,
    },
    /// Another program has changed a directory since it was read. Nothing was changed by this call.
    #[error("another program has changed directory {file:04X} in the meantime; call again")]
    Changed {
        /// Its identifier.
        file: u16,
    },
    /// A value does not fit its format.
    #[error("{what} cannot be encoded")]
    Unencodable {
        /// What.
        what: &'static str,
    },
    /// The card lists no such key.
    #[error("the card lists no such key")]
    NoSuchKey,
}

/// What of a card is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All key slots are in use.
    #[error("all {slots} key slots are in use; retire an old certificate first")]
    Slots {
        /// How many there are.
        slots: u8,
    },
    /// All file numbers are in use.
    #[error("all {files} places for key and certificate files are in use; retire an old certificate first")]
    Files {
        /// How many there are.
        files: u16,
    },
    /// A directory has no room for another entry.
    #[error("directory {file:04X} has {free} bytes left and {needed} are needed; retire an old certificate first")]
    Directory {
        /// Its identifier.
        file: u16,
        /// Bytes that are left.
        free: usize,
        /// Bytes that the entry needs.
        needed: usize,
    },
    /// The card's memory has no room for another file.
    #[error("the memory has no room for a file of {needed} bytes; retire an old certificate first")]
    Memory {
        /// The size of the file in bytes.
        needed: usize,
    },
}
