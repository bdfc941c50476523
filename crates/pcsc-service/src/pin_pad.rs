//! PIN pads: readers at which a PIN is typed, so that no program ever has it (PC/SC part 10, verify and modify direct).
//!
//! A program sends a structure (`order.rs`) that says how long PINs may be and how they go into a command (`format.rs`). The
//! pad is asked for each PIN on a thread of its own (`entering.rs`); the finished command goes to the card, and the program
//! gets the card's status word. Knows neither sockets nor who shares the card.

pub(crate) mod entering;
mod format;
pub(crate) mod order;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

pub use entering::EntryControl;

/// Most digits that a pad says it takes.
pub(crate) const MAX_DIGITS: u8 = 32;

/// Somebody at a pad, who is asked for PINs. A closure `FnMut(&PinRequest) -> Entry` is one.
pub trait PinPad: Send {
    /// Asks for one PIN. May wait: it is called on a thread of its own, and neither the reader nor its other programs wait
    /// for it once the entry is over, which `control` tells. What comes after that is thrown away; until then the pad
    /// is not asked again.
    fn enter(&mut self, request: &PinRequest, control: &EntryControl) -> Entry;
}

impl<F: FnMut(&PinRequest) -> Entry + Send> PinPad for F {
    fn enter(&mut self, request: &PinRequest, _: &EntryControl) -> Entry {
        self(request)
    }
}

/// How an entry ended.
#[derive(Debug)]
pub enum Entry {
    /// With a PIN. One that is shorter or longer than was asked for is refused by the reader (6403).
    Pin(Pin),
    /// Somebody pressed the key for that (6401).
    Cancelled,
    /// Nobody pressed anything, or not enough (6400).
    TimedOut,
}

/// A PIN as it was typed. Wipes itself, and prints as `…`.
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// These characters, `0` to `9`. None where there are others, or more than 255.
    #[must_use]
    pub fn new(digits: &[u8]) -> Option<Self> {
        let is_pin = digits.len() <= 255 && digits.iter().all(u8::is_ascii_digit);
        is_pin.then(|| Self(Zeroizing::new(digits.to_vec())))
    }

    pub(crate) fn digits(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// Which PIN is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The PIN that is to be verified.
    Pin,
    /// The PIN, or PUK, that is to be replaced or allows it.
    Current,
    /// The new PIN.
    New,
    /// The new PIN once more. Another one is refused by the reader (6402).
    NewAgain,
}

/// What a pad is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinRequest {
    /// The reader's name.
    pub reader: String,
    /// Which PIN.
    pub wanted: Wanted,
    /// How many digits it must have.
    pub min: u8,
    /// How many digits it may have.
    pub max: u8,
    /// Number of the message that the program wants shown; none for the pad's own, or none at all.
    pub message: Option<u8>,
    /// How long the entry may take. The reader ends it a little later by itself.
    pub timeout: Duration,
    /// What ends the entry.
    pub ends: Ends,
}

/// What ends an entry (bEntryValidationCondition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The last digit that fits.
    pub at_max: bool,
    /// The key for that, which every pad has.
    pub with_key: bool,
    /// The end of the time: then what was typed counts.
    pub with_time: bool,
}

/// A status word that the reader gives instead of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) u16);

impl Refusal {
    pub(crate) const TIMED_OUT: Self = Self(0x6400);
    pub(crate) const CANCELLED: Self = Self(0x6401);
    pub(crate) const NOT_THE_SAME: Self = Self(0x6402);
    pub(crate) const LENGTH: Self = Self(0x6403);
    pub(crate) const STRUCTURE: Self = Self(0x6B80);
}
