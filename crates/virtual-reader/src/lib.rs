//! What stands between a card and a PC: the card's end of the vpcd socket, and how long a real card takes.
//!
//! [`VirtualReader`] keeps a card connected from a thread of its own; [`serve`] is the same exchange over one
//! stream, without the thread. Both know a card only as [`card_wire::Icc`] and must not know what it does.
//!
//! A card that gives no answer has lost power: the socket is closed, which the reader sees as a removed card,
//! and opened again as soon as the card gives an ATR when power is applied to it.
//!
//! [`Slow`] is a card around a card that takes as long as a [`Profile`] of real ones says, on a [`Clock`] that waits or,
//! for tests, only counts:
//!
//! ```
//! use std::time::Duration;
//! use card_os::{Preset, sim::{SimCard, SoftRsa}};
//! use card_wire::Icc as _;
//! use virtual_reader::{Clock, Profile, Slow};
//! let clock = Clock::fast_forward();
//! let card = SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa)?;
//! let mut card = Slow::new(card, Profile::named("median").expect("built in"), clock.clone(), 1);
//! card.transmit(&[0x00, 0xA4, 0x04, 0x00, 0x00], &mut [0; 258]);
//! assert!(clock.now() >= Duration::from_millis(42), "as long as a real card, and nobody has waited");
//! # Ok::<(), card_os::OpenError>(())
//! ```
#![forbid(unsafe_code)]

mod address;
mod clock;
mod dice;
mod frame;
mod latency;
mod link;
mod pattern;
mod reader;
mod slot;

pub use address::{AddressError, VpcdAddress};
pub use clock::Clock;
pub use dice::Dice;
pub use latency::{Profile, ProfileError, Slow};
pub use link::{Ended, LinkError, serve};
pub use pattern::{Pattern, PatternError};
pub use reader::{LinkEvent, LinkState, VirtualReader};
pub use slot::Slot;
