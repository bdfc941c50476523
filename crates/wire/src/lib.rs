//! The words that both sides of a card share: command APDUs, status words, BER-TLV, the ATR and the frames
//! of the vpcd socket. Knows neither a card nor a host.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod apdu;
pub mod atr;
pub mod class;
pub mod error;
pub mod icc;
pub mod ins;
pub mod status;
pub mod tlv;
pub mod vpcd;

pub use apdu::{Case, Command};
pub use atr::Atr;
pub use class::Class;
pub use error::{ParseError, ParseErrorKind};
pub use icc::{Icc, Protocol};
pub use ins::Ins;
pub use status::Status;
