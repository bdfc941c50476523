//! A card behind the contacts of a reader: power, resets, commands. Knows nothing of who uses it.

use card_wire::{Icc, Protocol};

use crate::proto::MAX_DATA;

/// The protocols of PC/SC as bits (`SCARD_PROTOCOL_…`).
pub(crate) const T0: u32 = 1;
pub(crate) const T1: u32 = 2;

/// What is in the reader. Its owner's lock is held while the card executes a command.
#[derive(Default)]
pub(crate) struct Slot {
    card: Option<Box<dyn Icc>>,
    on: bool,
    /// The card has given an empty answer: it is mute until it gets power anew.
    dead: bool,
    protocol: Protocol,
    /// Where answers are written, made when the first one is.
    answer: Vec<u8>,
}

impl Slot {
    pub(crate) fn is_empty(&self) -> bool {
        self.card.is_none()
    }

    /// Puts a card in, without power. There must be none.
    pub(crate) fn put(&mut self, card: Box<dyn Icc>) {
        (self.card, self.on, self.dead) = (Some(card), false, false);
    }

    /// Takes the card out.
    pub(crate) fn take(&mut self) -> Option<Box<dyn Icc>> {
        self.power_off();
        self.card.take()
    }

    /// The protocol that the card has been told.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Takes power away and gives it again, in this protocol, or else in T=1 where the card offers it. Returns the ATR;
    /// empty where the card stays mute.
    pub(crate) fn power_up(&mut self, protocol: Option<Protocol>) -> Vec<u8> {
        let atr = self.cold(protocol.unwrap_or(Protocol::T1));
        if protocol.is_none() && !atr.is_empty() && offered(&atr) & T1 == 0 {
            return self.cold(Protocol::T0);
        }
        atr
    }

    fn cold(&mut self, protocol: Protocol) -> Vec<u8> {
        self.power_off();
        let Some(card) = &mut self.card else { return Vec::new() };
        (self.on, self.dead, self.protocol) = (true, false, protocol);
        card.power_on(protocol).to_vec()
    }

    /// A warm reset; a cold one where the card has no power or has lost it. Returns the ATR.
    pub(crate) fn reset(&mut self) -> Vec<u8> {
        match &mut self.card {
            Some(card) if self.on && !self.dead => card.reset().to_vec(),
            _ => self.power_up(Some(self.protocol)),
        }
    }

    /// Takes the power away.
    pub(crate) fn power_off(&mut self) {
        if std::mem::take(&mut self.on)
            && let Some(card) = &mut self.card
        {
            card.power_off();
        }
    }

    /// Has the card execute a command. Empty where it gives no answer.
    pub(crate) fn transmit(&mut self, command: &[u8]) -> &[u8] {
        let Some(card) = self.card.as_mut().filter(|_| self.on && !self.dead) else { return &[] };
        self.answer.resize(MAX_DATA, 0);
        let answer = card.transmit(command, &mut self.answer);
        self.dead = answer.is_empty();
        answer
    }
}

/// The protocols that an ATR offers, as bits: those of its TDs, T=0 where there is none, and only TA2's where that
/// is there (ISO/IEC 7816-3:2006). Of an ATR that contradicts itself, what can be read of it.
pub(crate) fn offered(atr: &[u8]) -> u32 {
    let (mut bits, mut at, mut level) = (0, 2, 1);
    let mut present = atr.get(1).map_or(0, |t0| t0 >> 4);
    loop {
        if level == 2 && present & 1 != 0 {
            bits = atr.get(at).map_or(bits, |ta2| 1 << (ta2 & 0x0F));
            break;
        }
        at += (present & 0x07).count_ones() as usize;
        let Some(td) = atr.get(at).filter(|_| present & 0x08 != 0) else { break };
        bits |= 1 << (td & 0x0F);
        present = td >> 4;
        (at, level) = (at + 1, level + 1);
    }
    if bits & (T0 | T1) == 0 { T0 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atr_says_its_protocols() {
        assert_eq!(offered(&[0x3B, 0x80, 0x80, 0x01, 0x01]), T0 | T1);
        assert_eq!(offered(&[0x3B, 0x02, 0x14, 0x50]), T0);
        assert_eq!(offered(&[0x3B, 0x80, 0x01, 0x81]), T1);
        // TA2 says T=1 and nothing else.
        assert_eq!(offered(&[0x3B, 0x80, 0x90, 0x01, 0x01]), T1);
        assert_eq!([offered(&[]), offered(&[0x3B]), offered(&[0x3B, 0xF0]), offered(&[0xFF; 33])], [T0; 4]);
    }

    #[test]
    fn an_empty_slot_is_mute() {
        let mut slot = Slot::default();
        assert!(slot.power_up(None).is_empty() && slot.reset().is_empty() && slot.transmit(&[0; 5]).is_empty());
    }
}
