//! A card that is written down: for cards in this process, and those put into a reader of pcscd through vpcd.

use std::time::Instant;

use card_wire::{Icc, Protocol};

use crate::Tracer;
use crate::format::What;

/// A card around a card. Its commands are taken down as the card sees them.
pub struct RecordedIcc {
    tracer: Tracer,
    reader: String,
    card: Box<dyn Icc>,
}

impl RecordedIcc {
    pub(crate) fn new(tracer: Tracer, reader: &str, card: Box<dyn Icc>) -> Self {
        Self { tracer, reader: reader.to_owned(), card }
    }

    /// Gives the card back, as it is.
    #[must_use]
    pub fn into_card(self) -> Box<dyn Icc> {
        self.card
    }
}

impl std::fmt::Debug for RecordedIcc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedIcc").field("reader", &self.reader).finish_non_exhaustive()
    }
}

/// What is said of an ATR.
pub(crate) fn reset(atr: &[u8]) -> What {
    if atr.is_empty() { What::Mute } else { What::Atr(atr.to_vec()) }
}

impl Icc for RecordedIcc {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        let atr = self.card.power_on(protocol);
        self.tracer.note(Some(&self.reader), None, reset(atr));
        atr
    }

    fn reset(&mut self) -> &[u8] {
        let atr = self.card.reset();
        self.tracer.note(Some(&self.reader), None, reset(atr));
        atr
    }

    fn power_off(&mut self) {
        self.card.power_off();
        self.tracer.note(Some(&self.reader), None, What::PowerOff);
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        let begin = Instant::now();
        let answer = self.card.transmit(command, response);
        self.tracer.exchange(&self.reader, None, command, answer, begin.elapsed());
        answer
    }
}
