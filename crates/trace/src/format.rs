//! A line of a trace: written and parsed, inverse to each other. Knows no file.

use std::fmt;
use std::time::Duration;

use card_conformance::report::redact::{self, Shown};

/// The version that is written and read.
pub const VERSION: u32 = 1;

/// More readers than this no trace has.
pub const MAX_READERS: u32 = 4096;

const HEAD: &str = "cardlab trace ";
const FIELDS: &str = ": seconds, reader, handle, what";
const READER: &str = "reader ";

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The first one, with the version of the format.
    Head(u32),
    /// A reader is given a number.
    Reader {
        /// The number.
        number: u32,
        /// The name.
        name: String,
    },
    /// For people only; without the `#`.
    Remark(String),
    /// Something happened.
    Event(Event),
}

/// What happened, when and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Since the trace began, in whole microseconds.
    pub at: Duration,
    /// The reader's number.
    pub reader: Option<u32>,
    /// The handle through which a program reached it.
    pub handle: Option<u32>,
    /// What it was.
    pub what: What,
}

/// Kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A command went to the card.
    Command(Shown),
    /// The answer to the command before it.
    Answer {
        /// The answer; nothing where none came.
        bytes: Option<Shown>,
        /// How long the card took, in whole microseconds.
        took: Duration,
    },
    /// The card was given power or was reset, and answered so.
    Atr(Vec<u8>),
    /// The card was given power or was reset, and did not answer.
    Mute,
    /// The card lost its power.
    PowerOff,
    /// A card was put in.
    Inserted,
    /// The card was pulled.
    Removed,
    /// Another card is in its place, without an event.
    Replaced,
    /// The reader was pulled out, with its card.
    Unplugged,
    /// A program called a function of PC/SC.
    Call {
        /// Its name without `SCard`.
        name: String,
        /// Its result; 0 is success.
        result: u32,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Fewer than four fields.
    #[error("a line is `SECONDS READER HANDLE WHAT`")]
    Fields,
    /// The first field is no time.
    #[error("it does not begin with seconds like 12.000345")]
    Time,
    /// The second field is no reader.
    #[error("the second word is no reader: a number below {MAX_READERS}, or -")]
    Reader,
    /// The third field is no handle.
    #[error("the third word is no handle: a number, or -")]
    Handle,
    /// Bytes are not hexadecimal.
    #[error("the bytes are not hexadecimal (·· stands for a hidden byte)")]
    Bytes,
    /// The time of an answer is missing.
    #[error("an answer ends with its time, like (250 us)")]
    Took,
    /// None of the words.
    #[error("what happened is none of the words of version {VERSION}")]
    Word,
}

impl Line {
    /// The line in this text, without its end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        match text.strip_prefix('#') {
            Some(remark) => Ok(special(remark).unwrap_or_else(|| Self::Remark(remark.to_owned()))),
            None => Event::parse(text).map(Self::Event),
        }
    }
}

/// The remarks that say something to us.
fn special(remark: &str) -> Option<Line> {
    let remark = remark.strip_prefix(' ')?;
    if let Some(rest) = remark.strip_prefix(HEAD) {
        let digits = rest.split_once(':').map_or(rest, |(digits, _)| digits);
        return Some(Line::Head(number(digits)?));
    }
    let (digits, name) = remark.strip_prefix(READER)?.split_once(':')?;
    let name = name.strip_prefix(' ').unwrap_or(name);
    let number = number(digits).filter(|number| *number < MAX_READERS)?;
    Some(Line::Reader { number, name: unescape(name)? })
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(version) => write!(f, "# {HEAD}{version}{FIELDS}"),
            Self::Reader { number, name } => write!(f, "# {READER}{number}: {}", escape(name)),
            Self::Remark(text) => write!(f, "#{text}"),
            Self::Event(event) => event.fmt(f),
        }
    }
}

impl Event {
    /// The event in this text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let (seconds, rest) = text.trim_start_matches(' ').split_once(' ').ok_or(Mistake::Fields)?;
        let at = time(seconds).ok_or(Mistake::Time)?;
        let (reader, rest) = rest.split_once(' ').ok_or(Mistake::Fields)?;
        let reader = or_none(reader).ok_or(Mistake::Reader)?;
        if reader.is_some_and(|reader| reader >= MAX_READERS) {
            return Err(Mistake::Reader);
        }
        let (handle, what) = rest.split_once(' ').ok_or(Mistake::Fields)?;
        let handle = or_none(handle).ok_or(Mistake::Handle)?;
        Ok(Self { at, reader, handle, what: What::parse(what)? })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5}.{:06} ", self.at.as_secs(), self.at.subsec_micros())?;
        for number in [self.reader, self.handle] {
            match number {
                Some(number) => write!(f, "{number} ")?,
                None => f.write_str("- ")?,
            }
        }
        self.what.fmt(f)
    }
}

impl What {
    /// Whether the card has forgotten what was begun.
    #[must_use]
    pub const fn is_reset(&self) -> bool {
        matches!(self, Self::Atr(_) | Self::Mute | Self::PowerOff | Self::Removed | Self::Replaced | Self::Unplugged)
    }

    fn parse(text: &str) -> Result<Self, Mistake> {
        let bytes = |text: &str| redact::read(text).ok_or(Mistake::Bytes);
        match text {
            "mute" => return Ok(Self::Mute),
            "power off" => return Ok(Self::PowerOff),
            "inserted" => return Ok(Self::Inserted),
            "removed" => return Ok(Self::Removed),
            "replaced" => return Ok(Self::Replaced),
            "unplugged" => return Ok(Self::Unplugged),
            ">" => return Ok(Self::Command(Shown::new())),
            _ => {}
        }
        match text.split_once(' ').ok_or(Mistake::Word)? {
            (">", command) => Ok(Self::Command(bytes(command)?)),
            ("<", answer) => {
                let (answer, took) = answer.split_once(" (").ok_or(Mistake::Took)?;
                let took = took.strip_suffix(" us)").and_then(number).ok_or(Mistake::Took)?;
                let answer = if answer == "nothing" { None } else { Some(bytes(answer)?) };
                Ok(Self::Answer { bytes: answer, took: Duration::from_micros(took) })
            }
            ("ATR", atr) => Ok(Self::Atr(hex::decode(atr).map_err(|_| Mistake::Bytes)?)),
            (name, _) if name.chars().any(char::is_control) => Err(Mistake::Word),
            (name, "ok") if !name.is_empty() => Ok(Self::Call { name: name.to_owned(), result: 0 }),
            (name, result) if !name.is_empty() && result.len() == 8 => {
                let result = u32::from_str_radix(result, 16).ok().filter(|result| *result != 0);
                Ok(Self::Call { name: name.to_owned(), result: result.ok_or(Mistake::Word)? })
            }
            _ => Err(Mistake::Word),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(bytes) if bytes.is_empty() => f.write_str(">"),
            Self::Command(bytes) => write!(f, "> {}", redact::write(bytes)),
            Self::Answer { bytes: None, took } => write!(f, "< nothing ({} us)", took.as_micros()),
            Self::Answer { bytes: Some(bytes), took } => {
                write!(f, "< {} ({} us)", redact::write(bytes), took.as_micros())
            }
            Self::Atr(atr) => write!(f, "ATR {}", hex::encode_upper(atr)),
            Self::Mute => f.write_str("mute"),
            Self::PowerOff => f.write_str("power off"),
            Self::Inserted => f.write_str("inserted"),
            Self::Removed => f.write_str("removed"),
            Self::Replaced => f.write_str("replaced"),
            Self::Unplugged => f.write_str("unplugged"),
            Self::Call { name, result: 0 } => write!(f, "{name} ok"),
            Self::Call { name, result } => write!(f, "{name} {result:08X}"),
        }
    }
}

/// Digits and nothing else: `parse` by itself takes a sign, too.
fn number<N: std::str::FromStr>(digits: &str) -> Option<N> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn or_none(word: &str) -> Option<Option<u32>> {
    if word == "-" { Some(None) } else { number(word).map(Some) }
}

fn time(seconds: &str) -> Option<Duration> {
    let (whole, micros) = seconds.split_once('.')?;
    if micros.len() != 6 {
        return None;
    }
    // The longest time has to fit 64 bits in microseconds, too.
    let whole: u32 = number(whole)?;
    Some(Duration::new(whole.into(), number::<u32>(micros)?.checked_mul(1000)?))
}

/// A reader's name as it stands in a trace and can be shown at a terminal: without control characters.
#[must_use]
pub fn escape(name: &str) -> String {
    let (inner, last) = (name.trim_matches(' '), name.len() - name.trim_end_matches(' ').len());
    let first = if inner.is_empty() { 0 } else { name.len() - name.trim_start_matches(' ').len() };
    let plain = |c: char| c != '\\' && !c.is_control();
    let middle = inner.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_unicode().to_string() });
    let blanks = |count: usize| ' '.escape_unicode().to_string().repeat(count);
    format!("{}{}{}", blanks(first), middle.collect::<String>(), blanks(last))
}

fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('\\');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (code, rest) = part.strip_prefix("u{")?.split_once('}')?;
        name.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        name.push_str(rest);
    }
    Some(name)
}
