//! A smart-card operating system: what is on the other side of the contacts.
//!
//! [`Card::transmit`] is a function from a command APDU to an answer; it cannot fail, block, or read a clock or a
//! global. What the card needs comes through [`platform::Platform`]: memory, randomness, the RSA operation and a
//! listener for events. Readers, sockets, files and logs live outside.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod card;
mod commands;
pub mod crypto;
mod fs;
mod keys;
mod link;
pub mod nvm;
mod pin;
pub mod platform;
pub mod preset;
mod reference;
mod reply;
mod rules;
mod session;
#[cfg(feature = "sim")]
pub mod sim;

pub use card::{Card, OpenError};
pub use platform::{Event, Events, NoEvents, Parts, Platform};
pub use preset::Preset;
