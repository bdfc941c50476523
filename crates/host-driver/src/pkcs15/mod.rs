//! The PKCS#15 application on a card: the format of its files, and in which order they are written.
//!
//! Knows files, keys and PINs of the card, and nothing of X.509, of authorities or of people.

pub mod codec;
pub mod error;
pub mod generations;
pub mod journal;
pub mod layout;
pub mod personalise;
mod public_key;
mod sets;
pub mod token;
mod write;

pub use error::{Error, Full};
pub use generations::{Leftover, Naming, Place};
pub use journal::{Journal, Stage};
pub use personalise::{Personalisation, personalise};
pub use token::{DirectoryFile, Generation, Token};
