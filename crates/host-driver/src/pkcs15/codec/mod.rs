//! The directory files of PKCS#15 and ISO/IEC 7816-15: what is read from a card and what is written to one.
//!
//! Everything here comes from a card, and a card may lie. So reading is bounded (64 KiB, 128 entries, a fixed depth)
//! and never panics, fields that we do not know are read over, and an [`Entry`] keeps the bytes it was read from:
//! a directory that is written again changes nothing in entries of others.
//!
//! Times are GeneralizedTime of 15 characters, `YYYYMMDDHHMMSSZ`. They can be rewritten where they stand:
//! [`TokenInfo::last_update_at`] and [`PrivateKey::validity_at`] say where that is.

mod application;
mod basic;
mod certificate;
mod data;
mod directory;
mod flags;
mod key;
mod object;
mod odf;
mod pin;
mod tlv;
mod token;

pub use application::Application;
pub use basic::{Id, Path, is_time};
pub use certificate::Certificate;
pub use data::DataObject;
pub use der::asn1::ObjectIdentifier;
pub use directory::{Directory, Entry, MAX_ENTRIES, MAX_LEN, Object};
pub use flags::{KeyAccess, KeyUsage, ObjectFlags, PinFlags, TokenFlags};
pub use key::{PrivateKey, PublicKey};
pub use odf::OdfEntry;
pub use pin::{AuthObject, PinObject, PinType};
pub use token::TokenInfo;

/// Why bytes are not what they should be, or why a value cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes are not DER, or not of this kind. The place is counted from the start of the part that was looked at.
    #[error("the encoding is wrong at byte {at}")]
    Malformed {
        /// Where it was seen.
        at: usize,
    },
    /// A value is longer than the format or the card takes.
    #[error("{what} is {len} bytes long, and {max} is the limit")]
    TooLong {
        /// Which value.
        what: &'static str,
        /// How long it is.
        len: usize,
        /// How long it may be.
        max: usize,
    },
    /// A value that cannot be.
    #[error("{what} is not a possible value")]
    Impossible {
        /// Which value.
        what: &'static str,
    },
}

impl From<der::Error> for CodecError {
    fn from(error: der::Error) -> Self {
        let at = error.position().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        Self::Malformed { at }
    }
}
