//! A card as a reader sees it: power, reset, APDUs.

/// Transmission protocol that the reader has settled on (ISO/IEC 7816-3:2006).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Character oriented; answers with data come by GET RESPONSE.
    T0,
    /// Block oriented; answers come with the command.
    #[default]
    T1,
}

/// An integrated circuit card: the only way in which readers, drivers and test runners see a card.
///
/// Object safe and `Send`, so that a card can move to the thread of its reader.
pub trait Icc: Send {
    /// Applies power and resets the card. Returns the ATR, or nothing if the card stays mute.
    fn power_on(&mut self, protocol: Protocol) -> &[u8];

    /// Resets the powered card. Returns the ATR, or nothing if the card stays mute.
    fn reset(&mut self) -> &[u8];

    /// Takes the power away. What is not in the card's memory is forgotten.
    fn power_off(&mut self);

    /// Executes one command APDU. The answer is the used part of `response`, which has at least 258 bytes;
    /// where that is less than the answer needs, the rest waits for GET RESPONSE.
    ///
    /// An empty answer means that the card has lost power: it stays mute until [`Icc::power_on`].
    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8];
}

impl<T: Icc + ?Sized> Icc for alloc::boxed::Box<T> {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        (**self).power_on(protocol)
    }

    fn reset(&mut self) -> &[u8] {
        (**self).reset()
    }

    fn power_off(&mut self) {
        (**self).power_off();
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        (**self).transmit(command, response)
    }
}
