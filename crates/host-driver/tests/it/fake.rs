//! A transport that records what is sent and answers from a list.

use std::collections::VecDeque;

use host_driver::transport::Transacted;
use host_driver::{Card, Pin, Transport, TransportError};

/// The PIN of all tests: no other test data contains it, so that it can be searched for.
pub(crate) const PIN: &str = "739184";
/// The new PIN where one is set.
pub(crate) const NEW_PIN: &str = "9042857";
/// The PUK of all tests.
pub(crate) const PUK: &str = "q7w3e9r1t5z8u2i6";

/// Answers from a list, then 9000 for ever.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    /// What the card says next.
    pub answers: VecDeque<Result<Vec<u8>, TransportError>>,
    /// What was sent, in hexadecimal.
    pub sent: Vec<String>,
    /// How many resets there were.
    pub resets: usize,
    /// How many transactions were begun and ended.
    pub transactions: (usize, usize),
}

impl Transport for Fake {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent.push(hex::encode_upper(command));
        self.answers.pop_front().unwrap_or_else(|| Ok(vec![0x90, 0x00]))
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.resets += 1;
        self.atr()
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(vec![0x3B, 0x80, 0x80, 0x01, 0x01])
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        self.transactions.0 += 1;
        body(self);
        self.transactions.1 += 1;
        Ok(())
    }

    fn describe(&self) -> String {
        "fake".to_owned()
    }
}

/// A card that will give these answers, in hexadecimal.
pub(crate) fn card(answers: &[&str]) -> Card<Fake> {
    let answers = answers.iter().map(|answer| Ok(hex::decode(answer).unwrap())).collect();
    Card::new(Fake { answers, ..Fake::default() })
}

/// What the card was sent.
pub(crate) fn sent(card: &mut Card<Fake>) -> Vec<String> {
    card.transport().sent.clone()
}

/// The PIN of all tests.
pub(crate) fn pin() -> Pin {
    Pin::new(PIN).unwrap()
}
