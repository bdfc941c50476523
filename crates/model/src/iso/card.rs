//! The card's state, and which function answers which instruction.

use std::sync::Arc;

use super::body::Body;
use super::change::Counter;
use super::environment::Environment;
use super::files::{File, Memory, ROOT, TERMINATED};
use super::link::Link;
use super::words;
use crate::apdu::Apdu;
use crate::profile::Profile;

/// What a command answers: data on success, else a status word.
pub(crate) type Outcome = Result<Body, u16>;

/// What a channel forgets when it closes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) df: u32,
    pub(crate) ef: Option<u32>,
    /// Another channel deleted the current DF: only SELECT helps.
    pub(crate) lost_df: bool,
    /// Another channel deleted the current EF.
    pub(crate) lost_ef: bool,
    /// Number of the current record of the current EF.
    pub(crate) pointer: Option<usize>,
    /// PINs and keys, the oldest first.
    pub(crate) verified: Vec<u32>,
    pub(crate) environment: Environment,
    pub(crate) challenge: Option<[u8; 16]>,
    /// There is a challenge that was never shown.
    pub(crate) unseen: bool,
    pub(crate) hash: Option<Vec<u8>>,
}

impl Session {
    pub(crate) fn at(df: u32) -> Self {
        let environment = Environment::default();
        Self {
            df,
            ef: None,
            lost_df: false,
            lost_ef: false,
            pointer: None,
            verified: Vec::new(),
            environment,
            challenge: None,
            unseen: false,
            hash: None,
        }
    }
}

/// One command as the handlers see it.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) apdu: Apdu<'a>,
    /// Le is a number, not "as much as there is".
    pub(crate) exact: bool,
    pub(crate) channel: usize,
    /// The status word of the card's answer, which decides where several are right.
    pub(crate) said: Option<u16>,
}

impl<'a> Call<'a> {
    pub(crate) const fn ins(&self) -> u8 {
        self.apdu.header[1]
    }

    pub(crate) const fn p1(&self) -> u8 {
        self.apdu.header[2]
    }

    pub(crate) const fn p2(&self) -> u8 {
        self.apdu.header[3]
    }

    pub(crate) const fn p1p2(&self) -> u16 {
        self.apdu.p1p2()
    }

    pub(crate) const fn data(&self) -> &'a [u8] {
        self.apdu.data
    }

    /// 1 to 4 (ISO/IEC 7816-3).
    pub(crate) const fn case(&self) -> u8 {
        match (self.apdu.data.is_empty(), self.apdu.ne == 0) {
            (true, true) => 1,
            (true, false) => 2,
            (false, true) => 3,
            (false, false) => 4,
        }
    }

    pub(crate) fn is_case(&self, cases: &[u8]) -> Result<(), u16> {
        cases.contains(&self.case()).then_some(()).ok_or(words::LENGTH)
    }
}

/// A card as it should be.
#[derive(Clone)]
pub(crate) struct Card {
    pub(crate) profile: Arc<Profile>,
    pub(crate) memory: Memory,
    pub(crate) channels: [Option<Session>; 4],
    pub(crate) link: Link,
    pub(crate) counter: Counter,
    /// Signatures are checked.
    pub(crate) strict: bool,
    /// What this command did stays although it is refused: a try was spent, or a challenge used.
    pub(crate) stays: bool,
    /// The secret that this command tried.
    pub(crate) tried: Option<u32>,
    /// The last challenge on any channel.
    pub(crate) last_challenge: Option<[u8; 16]>,
}

impl Card {
    pub(crate) fn new(profile: Arc<Profile>) -> Self {
        let channels = [Some(Session::at(ROOT)), None, None, None];
        let (memory, link, counter) = (Memory::blank(), Link::default(), Counter::default());
        Self {
            profile,
            memory,
            channels,
            link,
            counter,
            strict: false,
            stays: false,
            tried: None,
            last_challenge: None,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.channels = [Some(Session::at(ROOT)), None, None, None];
        self.link = Link::default();
        self.last_challenge = None;
    }

    pub(crate) fn session(&self, channel: usize) -> Result<&Session, u16> {
        self.channels.get(channel).and_then(Option::as_ref).ok_or(words::CHANNEL)
    }

    pub(crate) fn session_mut(&mut self, channel: usize) -> Result<&mut Session, u16> {
        self.channels.get_mut(channel).and_then(Option::as_mut).ok_or(words::CHANNEL)
    }

    /// The current DF.
    pub(crate) fn df(&self, channel: usize) -> Result<&File, u16> {
        self.memory.get(self.session(channel)?.df).ok_or(words::NOT_FOUND)
    }

    /// The current EF.
    pub(crate) fn ef(&self, channel: usize) -> Result<&File, u16> {
        self.session(channel)?.ef.and_then(|ef| self.memory.get(ef)).ok_or(words::NO_EF)
    }

    /// The current DF, if it can be used.
    pub(crate) fn usable_df(&self, channel: usize) -> Result<&File, u16> {
        let df = self.df(channel)?;
        if self.memory.is_usable(df) { Ok(df) } else { Err(words::CONDITIONS) }
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.memory.get(ROOT).is_some_and(|mf| mf.state == TERMINATED)
    }

    /// Executes a command whose class, instruction and lengths are good. A refused one changes nothing, but for
    /// tries and challenges.
    pub(crate) fn execute(&mut self, call: &Call<'_>) -> Outcome {
        let (memory, channels) = (self.memory.clone(), self.channels.clone());
        (self.stays, self.tried) = (false, None);
        let exempt = matches!(call.ins(), 0xA4 | 0xCA | 0xCB | 0xC0 | 0x70);
        let lost = !matches!(call.ins(), 0xA4 | 0xC0 | 0x70)
            && self.session(call.channel).is_ok_and(|session| session.lost_df);
        if lost || (self.is_terminated() && !exempt) {
            // What is wrong with the command itself may be told before, and that there is no such file.
            let early = call.said.filter(|said| {
                matches!(
                    *said,
                    words::LENGTH
                        | words::PARAMETERS
                        | words::DATA
                        | words::UNSUPPORTED
                        | words::NO_EF
                        | words::NOT_FOUND
                        | words::NO_REFERENCE
                )
            });
            return Err(early.unwrap_or(words::CONDITIONS));
        }
        let outcome = self.dispatch(call);
        if outcome.is_err() {
            if !self.stays {
                (self.memory, self.channels) = (memory, channels);
            }
        } else {
            self.note_change(&memory, call);
        }
        outcome
    }

    fn dispatch(&mut self, call: &Call<'_>) -> Outcome {
        match call.ins() {
            0x04 | 0x44 | 0xE4 | 0xE6 | 0xE8 => self.life_cycle(call),
            0xFE => self.terminate_card(call),
            0xE0 => self.create(call),
            0xA4 => self.select(call),
            0xB0 | 0xD0 | 0xD6 | 0x0E => self.binary(call),
            0xB1 | 0xD1 | 0xD7 | 0x0F => self.binary_odd(call),
            0xB2 => self.read_record(call),
            0xDC | 0xD2 => self.update_record(call),
            0xE2 => self.append_record(call),
            0xA2 => self.search_record(call),
            0xCA | 0xCB => self.get_data(call),
            0xDA | 0xDB => self.put_data(call),
            0x20 => self.verify(call),
            0x24 => self.change_reference(call),
            0x2C => self.reset_counter(call),
            0x26 | 0x28 => self.enable_or_disable(call),
            0x84 => self.get_challenge(call),
            0x82 => self.authenticate(call),
            0x22 => self.manage_environment(call),
            0x46 => self.generate(call),
            0x2A => self.operate(call),
            0x88 => self.internal_authenticate(call),
            0x70 => self.manage_channel(call),
            _ => Err(words::CONDITIONS),
        }
    }
}
