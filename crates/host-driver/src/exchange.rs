//! How one command travels: extended length or chaining on the way there, 61xx and 6Cxx on the way back.
//!
//! The only place that knows these, and the only one that writes log lines: header and lengths, and the data
//! of a few commands that never carry a secret. A card that lies can neither panic, nor hang, nor fill memory.

use card_wire::{Class, Command, Ins, Status};
use zeroize::Zeroizing;

use crate::error::{Error, TransportError};
use crate::transport::Transport;

/// The longest data field of a short command.
pub const SHORT_DATA: usize = 255;
/// The longest answer that a short command can ask for.
pub const SHORT_NE: usize = 256;
/// The longest answer that is collected. The largest honest ones are a few kilobytes.
const MAX_ANSWER: usize = 0x1_0000;
/// The longest chain that is sent.
const MAX_CHAINED: usize = 0x1_0000;
/// How many GET RESPONSE commands one answer may take: twice what a full one needs.
const MAX_ROUNDS: usize = 2 * MAX_ANSWER / SHORT_NE;

/// What card and reader can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Extended length fields.
    pub extended: bool,
    /// Command chaining.
    pub chaining: bool,
}

impl Default for Limits {
    /// What nearly every card can: short commands and chaining.
    fn default() -> Self {
        Self { extended: false, chaining: true }
    }
}

/// A whole answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its data, collected over all GET RESPONSE commands.
    pub data: Vec<u8>,
    /// The last status word.
    pub status: Status,
}

impl core::fmt::Debug for Answer {
    /// Tells the length only: the data may be what a key has just deciphered.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Answer({} bytes, {})", self.data.len(), self.status)
    }
}

impl Answer {
    /// The data, where the status word is 9000.
    ///
    /// # Errors
    /// [`Error::Refused`] with any other status word.
    pub fn ok(self) -> Result<Vec<u8>, Error> {
        if self.status.is_ok() { Ok(self.data) } else { Err(Error::Refused(self.status)) }
    }

    /// Nothing, where the status word is 9000.
    ///
    /// # Errors
    /// [`Error::Refused`] with any other status word.
    pub fn done(&self) -> Result<(), Error> {
        if self.status.is_ok() { Ok(()) } else { Err(Error::Refused(self.status)) }
    }
}

/// Sends whole commands and collects whole answers.
#[derive(Debug)]
pub struct Exchange<T> {
    /// The way to the card.
    pub transport: T,
    /// What card and reader can carry.
    pub limits: Limits,
}

impl<T: Transport> Exchange<T> {
    /// An exchange over `transport` that uses what nearly every card can.
    pub fn new(transport: T) -> Self {
        Self { transport, limits: Limits::default() }
    }

    /// Sends a command in as many APDUs as it takes and returns the whole answer, whatever its status word.
    ///
    /// The command is short unless its data or its `ne` do not fit. Where the card has no extended length, data
    /// is chained and `ne` is cut to 256; the rest of a longer answer comes by GET RESPONSE.
    ///
    /// # Errors
    /// [`Error::Transport`]; [`Error::TooLong`] for data that the limits do not allow; [`Error::Malformed`] for
    /// an answer that contradicts the protocol or exceeds 65,536 bytes.
    pub fn send(&mut self, command: &Command<'_>) -> Result<Answer, Error> {
        let long = command.data.len() > SHORT_DATA || command.ne > SHORT_NE;
        if command.extended || (long && self.limits.extended) {
            return self.finish(command);
        }
        let last = match self.send_chain(command)? {
            Ok(last) => last,
            Err(refused) => return Ok(refused),
        };
        self.finish(&last)
    }

    /// Sends all but the last part of a long command. Returns the last part, or what refused an earlier one.
    fn send_chain<'c>(&mut self, command: &Command<'c>) -> Result<Result<Command<'c>, Answer>, Error> {
        let mut last = command.with_ne(command.ne.min(SHORT_NE));
        let len = last.data.len();
        let max = if self.limits.chaining { MAX_CHAINED } else { SHORT_DATA };
        if len > max {
            return Err(Error::TooLong { len, max });
        }
        while let Some((part, rest)) = last.data.split_at_checked(SHORT_DATA).filter(|(_, rest)| !rest.is_empty()) {
            let chained = Class(last.cla.0 | Class::CHAIN_BIT);
            let answer = self.one(&Command { cla: chained, ne: 0, ..last.with_data(part) })?;
            if !answer.status.is_ok() {
                return Ok(Err(answer));
            }
            if !answer.data.is_empty() {
                return Err(Error::Malformed);
            }
            last.data = rest;
        }
        Ok(Ok(last))
    }

    /// Sends the last or only APDU of a command and collects its answer.
    fn finish(&mut self, command: &Command<'_>) -> Result<Answer, Error> {
        let mut answer = self.corrected(command)?;
        let mut rounds = 0;
        while let Some(waiting) = answer.status.waiting() {
            rounds += 1;
            let next = Command { cla: command.cla.unchained(), ..Command::new(Ins::GET_RESPONSE, 0, 0) };
            let part = self.corrected(&next.with_ne(waiting))?;
            let stuck = part.data.is_empty() && part.status.waiting().is_some();
            if stuck || rounds > MAX_ROUNDS || answer.data.len() + part.data.len() > MAX_ANSWER {
                return Err(Error::Malformed);
            }
            answer.data.extend_from_slice(&part.data);
            answer.status = part.status;
            drop(Zeroizing::new(part.data));
        }
        Ok(answer)
    }

    /// Sends one APDU, and once more with the right Le where the card names it.
    fn corrected(&mut self, command: &Command<'_>) -> Result<Answer, Error> {
        let answer = self.one(command)?;
        match answer.status.corrected_ne() {
            Some(ne) if command.ne > 0 => self.one(&command.with_ne(ne)),
            _ => Ok(answer),
        }
    }

    /// One APDU there, one answer back, one line in the log.
    fn one(&mut self, command: &Command<'_>) -> Result<Answer, Error> {
        let len = command.data.len();
        // The command may hold a PIN or a key.
        let bytes =
            Zeroizing::new(command.encode().map_err(|_| Error::TooLong { len, max: card_wire::apdu::MAX_DATA })?);
        let answer = self.transport.transmit(&bytes).map_err(Error::from).and_then(split);
        log_line(command, &answer);
        answer
    }
}

/// Takes the status word off an answer, in place.
fn split(mut bytes: Vec<u8>) -> Result<Answer, Error> {
    let len = bytes.len();
    let Some((data, status)) = Status::split(&bytes) else {
        return Err(TransportError::ShortAnswer { len }.into());
    };
    let end = data.len();
    bytes.truncate(end);
    Ok(Answer { data: bytes, status })
}

/// Commands whose data names files and says nothing that must be kept.
const HARMLESS: [Ins; 3] = [Ins::SELECT, Ins::CREATE_FILE, Ins::DELETE_FILE];

fn log_line(command: &Command<'_>, answer: &Result<Answer, Error>) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let Command { cla, ins, p1, p2, data, ne, .. } = command;
    let shown = Hex(if cla.unchained() == Class::PLAIN && HARMLESS.contains(ins) { data } else { &[] });
    let head = format_args!("{ins}: {:02X} {:02X} {p1:02X} {p2:02X} Lc={} Le={ne}{shown}", cla.0, ins.0, data.len());
    match answer {
        Ok(answer) => log::debug!("{head} -> {} bytes, {}", answer.data.len(), answer.status),
        Err(error) => log::debug!("{head} -> {error}"),
    }
}

/// Bytes in hexadecimal behind a space, or nothing.
struct Hex<'a>(&'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if !self.0.is_empty() {
            f.write_str(" ")?;
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
