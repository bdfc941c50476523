//! A card in a reader of a running PC/SC service: the card's end of the vpcd socket.
//!
//! [`VirtualReader`] keeps a card connected from a thread of its own; [`serve`] is the same exchange over one
//! stream, without the thread. Both know a card only as [`card_wire::Icc`] and must not know what it does.
//!
//! A card that gives no answer has lost power: the socket is closed, which the reader sees as a removed card,
//! and opened again as soon as the card gives an ATR when power is applied to it.
#![forbid(unsafe_code)]

mod address;
mod frame;
mod link;
mod reader;
mod slot;

pub use address::{AddressError, VpcdAddress};
pub use link::{Ended, LinkError, serve};
pub use reader::{LinkEvent, LinkState, VirtualReader};
pub use slot::Slot;
