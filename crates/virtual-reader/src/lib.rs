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
//! # fn card() -> Box<dyn card_wire::Icc> { unimplemented!() }
//! # fn main() { if false {
//! use virtual_reader::{Clock, Profile, Slow};
//! let clock = Clock::fast_forward();
//! let median = Profile::named("median").expect("one that is built in");
//! let mut card = Slow::new(card(), median, clock.clone(), 1);
//! // … and whatever is done with the card, clock.now() says how long a real one would have taken.
//! # let _ = &mut card;
//! # } }
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
