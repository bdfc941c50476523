//! Broken cards: each is the real card with something in front of it that breaks one promise.
//!
//! A fork lets them be broken deeply: run a command, look at the answer, take it back.

use crate::cards::{Event, PIN, PUK, Played, RealCard};

/// What a broken card does with a command.
pub(crate) type Spoil = fn(&mut Broken, &[u8]) -> Vec<u8>;

/// A card and what breaks it.
pub(crate) struct Broken {
    pub(crate) card: RealCard,
    spoil: Spoil,
    /// What it does after a reset or a power cycle.
    after_reset: fn(&mut Broken),
    /// The PIN as far as it has seen it set.
    pub(crate) pin: [u8; 16],
    pub(crate) puk: [u8; 16],
    /// The last command of interest to it.
    pub(crate) kept: Option<Vec<u8>>,
    /// The card at another time.
    pub(crate) past: Option<Box<RealCard>>,
    pub(crate) verified: bool,
    in_chain: bool,
}

/// A flaw: its name, what it does to commands, and what it does after a reset or a power cycle.
pub(crate) type Flaw = (&'static str, Spoil, fn(&mut Broken));

/// Status word of an answer.
pub(crate) fn word(answer: &[u8]) -> u16 {
    answer.split_last_chunk().map_or(0, |(_, status)| u16::from_be_bytes(*status))
}

pub(crate) fn is(command: &[u8], ins: u8) -> bool {
    matches!(command, [0, found, _, _, ..] if *found == ins)
}

/// Data field of a short command.
pub(crate) fn data(command: &[u8]) -> &[u8] {
    match command {
        [_, _, _, _, lc, rest @ ..] if *lc != 0 => &rest[..rest.len().min(usize::from(*lc))],
        _ => &[],
    }
}

pub(crate) fn is_wrong_try(answer: &[u8]) -> bool {
    word(answer) & 0xFFF0 == 0x63C0
}

pub(crate) const OK: [u8; 2] = [0x90, 0];

impl Broken {
    pub(crate) fn new(card: RealCard, spoil: Spoil, after_reset: fn(&mut Broken)) -> Self {
        Self { card, spoil, after_reset, pin: PIN, puk: PUK, kept: None, past: None, verified: false, in_chain: false }
    }

    /// The honest answer.
    pub(crate) fn send(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.card.play(&Event::Command(command.to_vec()));
        // What came in parts is not put together here.
        if word(&answer) == 0x9000 && !self.in_chain {
            self.learn(command);
        }
        self.in_chain = command.first() == Some(&0x10);
        answer
    }

    fn learn(&mut self, command: &[u8]) {
        let mut pin = [0; 16];
        let new = match command {
            [0, 0x24, 1, 1, ..] => data(command),
            [0, 0x24, 0, 1, ..] | [0, 0x2C, 0, 1, ..] => data(command).get(16..).unwrap_or_default(),
            [0, 0x20, 0, 1, _, ..] if !data(command).is_empty() => {
                self.verified = true;
                data(command)
            }
            [0, 0x24, 1, 2, ..] => {
                self.puk = data(command).try_into().unwrap_or(self.puk);
                return;
            }
            _ => return,
        };
        pin[..new.len()].copy_from_slice(new);
        self.pin = pin;
    }

    /// VERIFY with the right PIN, which nobody asked for.
    pub(crate) fn verify(&mut self) {
        let command = [&[0, 0x20, 0, 1, 16][..], &self.pin].concat();
        self.card.play(&Event::Command(command));
    }

    /// Whether the card counts the PIN as verified.
    pub(crate) fn is_verified(&self) -> bool {
        self.card.fork().play(&Event::Command(vec![0, 0x20, 0, 1])) == OK
    }

    /// Takes back what the card did, but for what it forgot of chains and waiting answers.
    pub(crate) fn restore(&mut self, before: RealCard) {
        self.card = before;
        self.card.play(&Event::Command(vec![0, 0xFF, 0, 0]));
    }

    /// The honest answer, and what the card was before.
    pub(crate) fn send_and_remember(&mut self, command: &[u8]) -> (Vec<u8>, RealCard) {
        let before = self.card.fork();
        (self.send(command), before)
    }
}

impl Played for Broken {
    fn play(&mut self, event: &Event) -> Vec<u8> {
        if let Event::Command(command) = event {
            return (self.spoil)(self, command);
        }
        self.card.play(event);
        (self.after_reset)(self);
        Vec::new()
    }
}
