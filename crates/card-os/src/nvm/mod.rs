//! Non-volatile memory: the trait that a chip, a file or a test double implements, and the journalled store on it.
//!
//! The memory is byte-writable without erase. Nobody borrows it whole, so that copy-on-write, flipped bits and
//! power cuts stay possible. The store is the only user of [`Nvm`]; nothing here knows files, PINs or APDUs.
//!
//! Bytes, from address 0:
//!
//! | bytes | content |
//! |---|---|
//! | 512 | header: magic, format version, preset, CRC; written last when a card is made |
//! | 2 x 512 | journal slots A and B: seal (16 bytes) and the page images of one commit |
//! | rest | pages of 128 bytes: 124 of payload and a CRC-32 that also covers the page number |
//!
//! The first pages are the object map, one bit a page: a set bit says that the page holds an object. Objects
//! point at their content pages; what no object points at is free, and free pages are all zero.

pub(crate) mod header;
pub(crate) mod index;
pub(crate) mod journal;
pub(crate) mod object;
pub(crate) mod page;
pub(crate) mod store;
pub(crate) mod transaction;

use core::fmt;

/// Why a read or write did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NvmError {
    /// The power went away; a write may have stopped after any of its bytes.
    PowerLoss,
    /// The memory refused the write; nothing was written.
    Write,
    /// The memory refused the read, or the range lies outside it.
    Read,
}

impl fmt::Display for NvmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerLoss => "the memory lost power",
            Self::Write => "the memory refused a write",
            Self::Read => "the memory refused a read",
        })
    }
}

impl core::error::Error for NvmError {}

/// Byte-writable memory that keeps its content without power.
pub trait Nvm {
    /// Size in bytes; never changes.
    fn len(&self) -> usize;

    /// Whether the memory has no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` from address `at`.
    ///
    /// # Errors
    /// [`NvmError::Read`] for a refused read or a range outside the memory, [`NvmError::PowerLoss`].
    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError>;

    /// Writes `data` to address `at`. After [`NvmError::PowerLoss`] any prefix of it may have been written.
    ///
    /// # Errors
    /// [`NvmError::Write`] for a refused write or a range outside the memory, [`NvmError::PowerLoss`].
    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError>;

    /// Returns when everything written so far has reached the medium. Memory without a cache does nothing.
    ///
    /// # Errors
    /// As for [`Nvm::write`].
    fn sync(&mut self) -> Result<(), NvmError> {
        Ok(())
    }
}

/// What the store reports to the layers above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The medium failed.
    Medium(NvmError),
    /// A checksum does not match or a pointer leads nowhere.
    Damaged,
    /// The card has no room for this.
    Full,
}

impl From<NvmError> for Error {
    fn from(error: NvmError) -> Self {
        Self::Medium(error)
    }
}

impl From<Error> for card_wire::Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::NO_MEMORY,
            Error::Medium(_) | Error::Damaged => Self::MEMORY_FAILURE,
        }
    }
}
