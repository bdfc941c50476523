//! What a card needs from the world: memory, randomness, the RSA operation, and somebody who listens.

use crate::crypto::rsa::Rsa;
use crate::nvm::Nvm;

/// The four things that a card is built on.
pub trait Platform {
    /// Memory that outlives the power.
    type Nvm: Nvm;
    /// Randomness: keys, salts, nonces and challenges come from here and nowhere else.
    type Rng: rand_core::CryptoRng;
    /// RSA key generation and the raw private operation.
    type Rsa: Rsa;
    /// The listener.
    type Events: Events;
}

/// One value of each of the four.
#[derive(Clone, Debug)]
pub struct Parts<P: Platform> {
    /// Memory.
    pub nvm: P::Nvm,
    /// Randomness.
    pub rng: P::Rng,
    /// RSA.
    pub rsa: P::Rsa,
    /// Listener.
    pub events: P::Events,
}

/// What happened in the card. Never carries data fields, PINs or keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The card got power.
    PowerOn,
    /// The powered card was reset.
    Reset,
    /// The card lost power, by the reader or in the middle of a write.
    PowerOff,
    /// A command arrived; the first bytes of it, at most four.
    Command(&'a [u8]),
    /// A try at a PIN or PUK was spent.
    PinTry {
        /// Reference of the PIN.
        reference: u8,
        /// Whether it was right.
        success: bool,
        /// Tries left afterwards.
        tries_left: u8,
    },
    /// A key pair was generated or imported into a slot.
    KeyStored {
        /// The slot.
        slot: u8,
    },
    /// The private key of a slot was used.
    KeyUsed {
        /// The slot.
        slot: u8,
    },
    /// The command wrote to memory.
    MemoryWritten {
        /// Bytes written, journal included.
        bytes: u64,
    },
    /// The command was answered.
    Answer {
        /// Status word.
        status: card_wire::Status,
        /// Length of the answer's data field in bytes.
        len: usize,
    },
}

/// Somebody who listens to a card.
pub trait Events {
    /// Called in the order in which things happen, before the answer is returned.
    fn event(&mut self, event: Event<'_>) {
        let _ = event;
    }
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl Events for NoEvents {}
