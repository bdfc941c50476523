//! Broken iso cards: each is the real card with something in front of it that breaks one promise.

use crate::cards::{Event, Played, RealCard};

/// A flaw: its name, and what it does to commands.
pub(crate) type Flaw = (&'static str, fn(&mut Broken, &[u8]) -> Vec<u8>);

/// A card and what breaks it.
pub(crate) struct Broken {
    pub(crate) card: RealCard,
    spoil: fn(&mut Broken, &[u8]) -> Vec<u8>,
    /// Something to remember, until a reset.
    pub(crate) kept: Vec<u8>,
    /// The same as a number.
    pub(crate) number: u8,
    /// The card at another time.
    pub(crate) past: Option<Box<RealCard>>,
    /// Identifiers of files, the rules that they have, and those that they should have.
    pub(crate) disguise: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>,
}

/// Status word of an answer.
pub(crate) fn word(answer: &[u8]) -> u16 {
    answer.split_last_chunk().map_or(0, |(_, status)| u16::from_be_bytes(*status))
}

/// Whether the command has this instruction and no chaining bit.
pub(crate) fn is(command: &[u8], ins: u8) -> bool {
    matches!(command, [0..=3, found, _, _, ..] if *found == ins)
}

/// Data field of a short command.
pub(crate) fn data(command: &[u8]) -> &[u8] {
    match command {
        [_, _, _, _, lc, rest @ ..] if *lc != 0 && usize::from(*lc) <= rest.len() => &rest[..usize::from(*lc)],
        _ => &[],
    }
}

/// The command with another data field, short and without Le.
pub(crate) fn with(command: &[u8], data: &[u8]) -> Vec<u8> {
    match u8::try_from(data.len()) {
        Ok(lc) if lc > 0 => [&command[..4], &[lc], data].concat(),
        _ => command.to_vec(),
    }
}

/// The command with the largest Le of its form.
fn with_le(command: &[u8]) -> Vec<u8> {
    match command {
        [_, _, _, _, 0, high, low, rest @ ..] if !rest.is_empty() => {
            let lc = usize::from(u16::from_be_bytes([*high, *low]));
            [&command[..(7 + lc).min(command.len())], &[0, 0]].concat()
        }
        _ if data(command).is_empty() => [&command[..4.min(command.len())], &[0]].concat(),
        _ => [&with(command, data(command))[..], &[0]].concat(),
    }
}

pub(crate) const OK: [u8; 2] = [0x90, 0];

impl Broken {
    pub(crate) fn new(card: RealCard, spoil: fn(&mut Broken, &[u8]) -> Vec<u8>) -> Self {
        Self { card, spoil, kept: Vec::new(), number: 0, past: None, disguise: Vec::new() }
    }

    /// The honest answer.
    pub(crate) fn send(&mut self, command: &[u8]) -> Vec<u8> {
        self.card.play(&Event::Command(command.to_vec()))
    }

    /// What the card would answer.
    pub(crate) fn ask(&self, commands: &[&[u8]]) -> Vec<u8> {
        let mut card = self.card.fork();
        commands.iter().map(|command| card.play(&Event::Command(command.to_vec()))).last().unwrap_or_default()
    }

    /// The honest answer, and what the card was before.
    pub(crate) fn send_and_remember(&mut self, command: &[u8]) -> (Vec<u8>, RealCard) {
        let before = self.card.fork();
        (self.send(command), before)
    }

    /// Takes back what the card did, but for what it forgot of chains and waiting answers.
    pub(crate) fn restore(&mut self, before: RealCard) {
        self.card = before;
        self.send(&[0, 0xFF, 0, 0]);
    }

    /// Creates with other access rules, and shows those that were meant.
    pub(crate) fn other_rules(&mut self, command: &[u8], change: fn(u8) -> u8) -> Vec<u8> {
        let mut changed = command.to_vec();
        if is(command, 0xE0)
            && let Some(at) = data(command).windows(2).position(|pair| pair[0] == 0x8C && (2..9).contains(&pair[1]))
        {
            let (at, len) = (5 + at, usize::from(changed[5 + at + 1]));
            if let Some(conditions) = changed.get_mut(at + 3..at + 2 + len) {
                conditions.iter_mut().for_each(|byte| *byte = change(*byte));
            }
            let rule = |command: &[u8]| command[at..(at + 2 + len).min(command.len())].to_vec();
            let id = data(command).windows(4).find(|bytes| bytes.starts_with(&[0x83, 2]));
            self.disguise.push((id.unwrap_or_default().to_vec(), rule(&changed), rule(command)));
        }
        self.in_disguise(&changed)
    }

    /// Creates with another reference in A4 objects of an expanded rule, and shows the one that was meant.
    pub(crate) fn other_reference(&mut self, command: &[u8], change: fn(u8) -> u8) -> Vec<u8> {
        let mut changed = command.to_vec();
        if is(command, 0xE0)
            && let Some(at) = data(command).windows(4).position(|part| part[0] == 0xA4 && part[2..4] == [0x83, 1])
            && let Some(byte) = changed.get_mut(5 + at + 4)
        {
            *byte = change(*byte);
            let rule = |command: &[u8]| command[5 + at..5 + at + 5].to_vec();
            let id = data(command).windows(4).find(|bytes| bytes.starts_with(&[0x83, 2]));
            self.disguise.push((id.unwrap_or_default().to_vec(), rule(&changed), rule(command)));
        }
        self.in_disguise(&changed)
    }

    /// The honest answer, with the rules in control information that were meant.
    fn in_disguise(&mut self, command: &[u8]) -> Vec<u8> {
        if self.disguise.is_empty() {
            return self.send(command);
        }
        let whole = if is(command, 0xA4) { self.ask(&[&with_le(command)]) } else { Vec::new() };
        let mut answer = self.send(command);
        let (len, number) = (answer.len().saturating_sub(2), usize::from(self.number));
        if is(command, 0xA4) {
            self.kept = whole;
            let place = |bytes: &[u8]| self.kept.windows(bytes.len().max(1)).position(|found| found == bytes);
            // The last file of an identifier is the one that is left.
            let found = self.disguise.iter().rev().find(|(id, real, _)| place(id).is_some() && place(real).is_some());
            if let Some((_, real, meant)) = found.cloned()
                && let Some(at) = place(&real)
            {
                self.kept[at..at + real.len()].copy_from_slice(&meant);
            }
            if let Some(meant) = self.kept.get(..len).filter(|_| !self.kept.is_empty()) {
                answer[..len].copy_from_slice(meant);
            }
            self.number = u8::try_from(len).unwrap_or(0);
        } else if is(command, 0xC0) && number > 0 {
            if let Some(meant) = self.kept.get(number..number + len) {
                answer[..len].copy_from_slice(meant);
            }
            self.number = u8::try_from(number + len).unwrap_or(0);
        } else {
            self.number = 0;
        }
        answer
    }
}

impl Played for Broken {
    fn play(&mut self, event: &Event) -> Vec<u8> {
        if let Event::Command(command) = event {
            return (self.spoil)(self, command);
        }
        self.card.play(event);
        (self.kept, self.number, self.past) = (Vec::new(), 0, None);
        Vec::new()
    }
}
