//! The host's side of a card: transports, the exchange of commands, and a typed API over the PKI applet.
//!
//! A call goes through three layers: [`Card`] knows what commands mean, [`Exchange`] knows how long ones travel
//! (61xx, 6Cxx, chaining, extended length) and writes the only log lines, a [`Transport`] knows how bytes reach
//! the card. PINs and keys are types of their own ([`Pin`], [`Puk`]) and appear in no log, error or `Debug` output.
//!
//! What a PIN protects can be called only on [`Verified`], which [`Card::verify`] lends out:
//!
//! ```
//! use host_driver::{Card, Digest, Error, KeySlot, Pin, Transport};
//!
//! fn sign(transport: impl Transport, pin: &Pin, hash: [u8; 32]) -> Result<Vec<u8>, Error> {
//!     let mut card = Card::new(transport);
//!     card.transaction(|card| {
//!         card.select_application()?;
//!         card.verify(pin)?.sign_pkcs1(KeySlot::FIRST, &Digest::Sha256(hash))
//!     })?
//! }
//! ```
//!
//! It cannot be written without one:
//!
//! ```compile_fail,E0599
//! use host_driver::{Card, Digest, Error, KeySlot, Transport};
//!
//! fn sign(card: &mut Card<impl Transport>, hash: [u8; 32]) -> Result<Vec<u8>, Error> {
//!     card.sign_pkcs1(KeySlot::FIRST, &Digest::Sha256(hash))
//! }
//! ```
//!
//! Nor can the permission outlive a later use of the card:
//!
//! ```compile_fail,E0499
//! use host_driver::{Card, Digest, Error, KeySlot, Pin, Transport};
//!
//! fn sign(card: &mut Card<impl Transport>, pin: &Pin, hash: [u8; 32]) -> Result<Vec<u8>, Error> {
//!     let mut verified = card.verify(pin)?;
//!     card.select_application()?;
//!     verified.sign_pkcs1(KeySlot::FIRST, &Digest::Sha256(hash))
//! }
//! ```
#![forbid(unsafe_code)]

pub mod card;
pub mod curve;
pub mod error;
pub mod exchange;
pub mod file;
pub mod key;
#[cfg(feature = "pkcs15")]
pub mod pkcs15;
#[cfg(feature = "pcsc")]
pub mod readers;
mod request;
pub mod secret;
pub mod transport;
pub mod verified;

pub use card::{Application, Card, Version};
pub use curve::{Curve, EcPublicKey};
pub use error::{Error, TransportError};
pub use exchange::{Answer, Exchange, Limits};
pub use file::{Access, FileInfo, FileKind, NewFile};
pub use key::{Digest, KeySlot, RsaParts, RsaPublicKey, RsaSize};
#[cfg(feature = "pcsc")]
pub use readers::{Presence, Reader, readers, wait_for_card};
pub use secret::{Pin, PinPolicy, Puk, SecretLength};
#[cfg(feature = "in-process")]
pub use transport::InProcess;
#[cfg(feature = "pcsc")]
pub use transport::Pcsc;
pub use transport::Transport;
#[cfg(feature = "vpcd")]
pub use transport::{Vpcd, VpcdListener};
pub use verified::Verified;
