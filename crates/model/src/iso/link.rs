//! Class, instruction and lengths; chains, answers that wait, and commands in envelopes.

use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::words;
use crate::apdu::Apdu;

#[derive(Clone)]
struct Chain {
    /// With the class of the last command.
    header: [u8; 4],
    data: Vec<u8>,
}

/// An answer that has not been fetched whole.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) channel: usize,
    pub(crate) body: Body,
    /// What has been fetched.
    pub(crate) seen: Vec<u8>,
}

/// What the link remembers between two commands.
#[derive(Clone, Default)]
pub(crate) struct Link {
    chain: Option<Chain>,
    pub(crate) waiting: Option<Box<Waiting>>,
    envelope: Option<(usize, Vec<u8>)>,
}

impl Link {
    pub(crate) fn chain(&self) -> Option<[u8; 4]> {
        self.chain.as_ref().map(|chain| chain.header)
    }
}

/// The prediction for one command, and how much of the data it may carry.
pub(crate) struct Reply {
    pub(crate) channel: usize,
    pub(crate) outcome: Outcome,
    pub(crate) ne: usize,
    /// What was fetched before.
    pub(crate) seen: Vec<u8>,
}

impl Reply {
    const fn refusal(status: u16) -> Self {
        Self { channel: 0, outcome: Err(status), ne: 0, seen: Vec::new() }
    }

    fn done() -> Self {
        Self { channel: 0, outcome: Ok(Body::empty()), ne: 0, seen: Vec::new() }
    }
}

const KNOWN: [u8; 39] = [
    0x04, 0x0E, 0x0F, 0x20, 0x22, 0x24, 0x26, 0x28, 0x2A, 0x2C, 0x44, 0x46, 0x70, 0x82, 0x84, 0x88, 0xA2, 0xA4, 0xB0,
    0xB1, 0xB2, 0xC0, 0xC2, 0xCA, 0xCB, 0xD0, 0xD1, 0xD2, 0xD6, 0xD7, 0xDA, 0xDB, 0xDC, 0xE0, 0xE2, 0xE4, 0xE6, 0xE8,
    0xFE,
];
/// The longest command.
const LONGEST: usize = 65_544;

/// Whether Le is a number: neither absent nor all zeros.
fn is_exact(bytes: &[u8], apdu: &Apdu<'_>) -> bool {
    let extended = if apdu.data.is_empty() { bytes.len() == 7 } else { bytes.get(4) == Some(&0) };
    match apdu.ne {
        0 | 0x1_0000 => false,
        256 => extended,
        _ => true,
    }
}

impl Card {
    /// Executes a command. `said` is the status word of the card's answer, which decides where several are right.
    pub(crate) fn perform(&mut self, bytes: &[u8], said: Option<u16>) -> Reply {
        let (chained, channel, apdu) = match self.admit(bytes) {
            Ok(admitted) => admitted,
            Err(status) => {
                self.link = Link::default();
                return Reply::refusal(status);
            }
        };
        let ins = apdu.header[1];
        if ins == 0xC0 && !chained && self.link.chain.is_none() {
            return self.get_response(channel, &apdu);
        }
        self.link.waiting = None;
        let assembled = match self.assemble(&apdu, chained) {
            Ok(assembled) => assembled,
            Err(status) => {
                self.link.envelope = None;
                return Reply::refusal(status);
            }
        };
        let exact = is_exact(bytes, &apdu);
        let apdu = match &assembled {
            None => apdu,
            Some(_) if chained => return Reply::done(),
            Some(data) => Apdu { data, ..apdu },
        };
        if ins == 0xC2 {
            let more = assembled.is_none() && apdu.data.len() == 255 && bytes.get(4) == Some(&255);
            return self.envelope(&Call { apdu, exact, channel, said }, more);
        }
        self.link.envelope = None;
        let outcome = self.execute(&Call { apdu, exact, channel, said });
        Reply { channel, outcome, ne: apdu.ne, seen: Vec::new() }
    }

    /// Class, instruction and lengths, in this order.
    fn admit<'c>(&self, bytes: &'c [u8]) -> Result<(bool, usize, Apdu<'c>), u16> {
        let [cla, ins, ..] = bytes else { return Err(words::LENGTH) };
        match cla {
            0x00..=0x03 | 0x10..=0x13 => (),
            0x40..=0x5F => return Err(words::CHANNEL),
            0x04..=0x1F | 0x60..=0x7F => return Err(words::SECURE_MESSAGING),
            _ => return Err(words::CLASS),
        }
        let channel = usize::from(cla & 3);
        self.session(channel)?;
        if !KNOWN.contains(ins) {
            return Err(words::INSTRUCTION);
        }
        Ok((cla & 0x10 != 0, channel, Apdu::parse(bytes).ok_or(words::LENGTH)?))
    }

    /// Data of the chain so far with that of this part; `None` for a command outside of chains.
    fn assemble(&mut self, apdu: &Apdu<'_>, chained: bool) -> Result<Option<Vec<u8>>, u16> {
        if self.link.chain.is_none() && !chained {
            return Ok(None);
        }
        let [cla, ins, p1, p2] = apdu.header;
        let header = [cla & 3, ins, p1, p2];
        let mut chain = self.link.chain.take().unwrap_or(Chain { header, data: Vec::new() });
        if chain.header != header {
            return Err(words::END_OF_CHAIN);
        }
        if chain.data.len() + apdu.data.len() > 0xFFFF || (chained && apdu.ne != 0) {
            return Err(words::LENGTH);
        }
        chain.data.extend_from_slice(apdu.data);
        if chained {
            self.link.chain = Some(chain);
            return Ok(Some(Vec::new()));
        }
        Ok(Some(chain.data))
    }

    fn get_response(&mut self, channel: usize, apdu: &Apdu<'_>) -> Reply {
        if apdu.p1p2() != 0 {
            return Reply::refusal(words::PARAMETERS);
        }
        if !apdu.asks_only() {
            return Reply::refusal(words::LENGTH);
        }
        match self.link.waiting.take().filter(|waiting| waiting.channel == channel) {
            None => Reply::refusal(words::CONDITIONS),
            Some(waiting) => Reply { channel, outcome: Ok(waiting.body), ne: apdu.ne, seen: waiting.seen },
        }
    }

    /// One part of a command, or the last. One that is followed by `more` has 255 bytes in one short command.
    fn envelope(&mut self, call: &Call<'_>, more: bool) -> Reply {
        let (channel, said) = (call.channel, call.said);
        if call.p1p2() != 0 {
            self.link.envelope = None;
            return Reply::refusal(words::PARAMETERS);
        }
        let before = self.link.envelope.take().filter(|(of, _)| *of == channel).map_or(Vec::new(), |(_, data)| data);
        let whole = [&before[..], call.data()].concat();
        if whole.len() > LONGEST {
            return Reply::refusal(words::LENGTH);
        }
        // No command begins so; that may be told at once or at the end.
        if whole.first() == Some(&0xFF) && (!more || said == Some(words::CLASS)) {
            return Reply::refusal(words::CLASS);
        }
        if more {
            self.link.envelope = Some((channel, whole));
            return Reply::done();
        }
        let Some(apdu) = Apdu::parse(&whole) else { return Reply::refusal(words::LENGTH) };
        let [cla, ins, ..] = apdu.header;
        let refusal = match cla {
            0x00..=0x03 if ins == 0xC2 => Some(words::LENGTH),
            // Whether it is an ENVELOPE, or of what class, may be asked first.
            _ if ins == 0xC2 && said == Some(words::LENGTH) => Some(words::LENGTH),
            0x00..=0x03 | 0x10..=0x13 if self.session(usize::from(cla & 3)).is_err() => Some(words::CHANNEL),
            0x00..=0x03 if !KNOWN.contains(&ins) => Some(words::INSTRUCTION),
            0x00..=0x03 => None,
            0x10..=0x13 => Some(words::LENGTH),
            0x40..=0x5F => Some(words::CHANNEL),
            0x04..=0x1F | 0x60..=0x7F => Some(words::SECURE_MESSAGING),
            _ => Some(words::CLASS),
        };
        if let Some(status) = refusal {
            return Reply::refusal(status);
        }
        let outcome = self.execute(&Call { apdu, exact: is_exact(&whole, &apdu), channel, said });
        Reply { channel, outcome, ne: apdu.ne.min(call.apdu.ne), seen: Vec::new() }
    }
}
