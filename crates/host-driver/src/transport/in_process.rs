//! A card in the same process.

use card_wire::{Icc, Protocol};

use super::{Transacted, Transport};
use crate::error::TransportError;

/// Room for the longest answer: 65,536 bytes and a status word.
const MAX_ANSWER: usize = 0x1_0000 + 2;

/// A powered card behind [`Icc`].
pub struct InProcess {
    card: Box<dyn Icc>,
    atr: Vec<u8>,
    protocol: Protocol,
    response: Vec<u8>,
}

impl InProcess {
    /// Takes a card and powers it on, speaking T=1.
    #[must_use]
    pub fn new(card: Box<dyn Icc>) -> Self {
        Self::with_protocol(card, Protocol::T1)
    }

    /// Takes a card and powers it on.
    #[must_use]
    pub fn with_protocol(mut card: Box<dyn Icc>, protocol: Protocol) -> Self {
        let atr = card.power_on(protocol).to_vec();
        Self { card, atr, protocol, response: vec![0; MAX_ANSWER] }
    }

    /// The card.
    pub fn card(&mut self) -> &mut dyn Icc {
        &mut *self.card
    }

    /// Gives the card back, still powered.
    #[must_use]
    pub fn into_card(self) -> Box<dyn Icc> {
        self.card
    }
}

impl core::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InProcess").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Transport for InProcess {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command, &mut self.response);
        match answer.len() {
            // The card has lost power.
            0 => Err(TransportError::CardGone),
            len @ 1 => Err(TransportError::ShortAnswer { len }),
            _ => Ok(answer.to_vec()),
        }
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.atr = self.card.reset().to_vec();
        if self.atr.is_empty() {
            // A card that has lost power needs more than a warm reset, as in a reader.
            self.card.power_off();
            self.atr = self.card.power_on(self.protocol).to_vec();
        }
        self.atr()
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        if self.atr.is_empty() { Err(TransportError::Unresponsive) } else { Ok(self.atr.clone()) }
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        "in-process card".to_owned()
    }
}
