//! The card in the reader and what the reader knows of it: power, protocol, ATR.

use std::mem;

use card_wire::{Atr, Icc, Protocol};

/// A card behind the contacts of a reader. New cards are without power.
pub struct Slot {
    card: Box<dyn Icc>,
    powered: bool,
    protocol: Protocol,
    /// The last ATR, empty while none is known. A reader asks for it also while the card has no power.
    atr: Vec<u8>,
}

impl Slot {
    /// Puts a card in.
    #[must_use]
    pub fn new(card: Box<dyn Icc>) -> Self {
        Self { card, powered: false, protocol: Protocol::T1, atr: Vec::new() }
    }

    /// The card itself.
    pub fn card(&mut self) -> &mut dyn Icc {
        &mut self.card
    }

    /// Exchanges the card; where the reader has power on, the new card gets it at once. Returns the old card.
    pub fn replace(&mut self, card: Box<dyn Icc>) -> Box<dyn Icc> {
        let powered = self.powered;
        self.power_off();
        let old = mem::replace(self, Self::new(card)).card;
        if powered {
            self.power_on();
        }
        old
    }

    /// Applies power in the protocol that PC/SC will choose: T=1 where the ATR offers it, else T=0.
    pub(crate) fn power_on(&mut self) {
        self.apply_power();
        let only_t0 = Atr::parse(&self.atr).is_ok_and(|atr| !atr.offers(Protocol::T1));
        if only_t0 && self.protocol == Protocol::T1 {
            self.protocol = Protocol::T0;
            self.card.power_off();
            self.apply_power();
        }
    }

    fn apply_power(&mut self) {
        self.powered = true;
        let atr = self.card.power_on(self.protocol);
        self.atr.clear();
        self.atr.extend_from_slice(atr);
    }

    /// Takes the power away; the ATR stays known.
    pub(crate) fn power_off(&mut self) {
        if mem::take(&mut self.powered) {
            self.card.power_off();
        }
    }

    /// Resets the card. One without power gets it: readers take a reset for a way to wake a card.
    pub(crate) fn reset(&mut self) {
        if !self.powered {
            return self.power_on();
        }
        let atr = self.card.reset();
        self.atr.clear();
        self.atr.extend_from_slice(atr);
    }

    /// Writes the ATR to `response`. Empty where the card stays mute.
    pub(crate) fn atr<'r>(&mut self, response: &'r mut [u8]) -> &'r [u8] {
        self.wakes();
        let len = self.atr.len().min(response.len());
        let atr = &mut response[..len];
        atr.copy_from_slice(&self.atr[..len]);
        atr
    }

    /// Whether the card has an ATR to give. A card without power is woken for it once.
    pub(crate) fn wakes(&mut self) -> bool {
        if self.atr.is_empty() && !self.powered {
            self.power_on();
            self.power_off();
        }
        !self.atr.is_empty()
    }

    /// Passes a command to the card. Empty where it has no power or loses it: then its ATR is unknown as well.
    pub(crate) fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        if !self.powered {
            return &[];
        }
        let answer = self.card.transmit(command, response);
        if answer.is_empty() {
            self.atr.clear();
        }
        answer
    }
}
