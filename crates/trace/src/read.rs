//! A trace read from its beginning to its end, in memory that does not grow with it. Judges no card.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};
use std::time::Duration;

use card_conformance::report::redact::Shown;

use crate::format::{Event, Line, Mistake, VERSION, What};

/// No line is longer, in bytes: the longest command or answer, all of it hidden, and what stands around it.
const LONGEST: u64 = 65_546 * 4 + 256;

/// Something that happened, with the line that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line, from 1.
    pub line: u64,
    /// What it says. Never an answer.
    pub event: Event,
    /// The answer, where the event is a command whose answer is there.
    pub answer: Option<Answer>,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it was there.
    pub at: Duration,
    /// The answer; nothing where none came.
    pub bytes: Option<Shown>,
    /// How long the card took.
    pub took: Duration,
}

/// Why a trace cannot be read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refuses to.
    #[error("line {line}: {source}")]
    Io {
        /// The line.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing.
    #[error("it is empty, and so no trace")]
    Empty,
    /// It is something else.
    #[error("it is no trace: its first line is not `{}`", Line::Head(VERSION))]
    NotATrace,
    /// Another version.
    #[error("it is of version {0} of the format; this program reads version {VERSION}")]
    Version(u32),
    /// Not UTF-8.
    #[error("line {0} is not text")]
    NotText(u64),
    /// Longer than any line can be.
    #[error("line {0} is longer than any line of a trace")]
    TooLong(u64),
    /// A line that says nothing.
    #[error("line {line}: {mistake}")]
    Line {
        /// The line.
        line: u64,
        /// What is wrong.
        mistake: Mistake,
    },
    /// An answer to nothing.
    #[error("line {0}: an answer without its command in front of it")]
    StrayAnswer(u64),
    /// A command without an answer, and not at the end.
    #[error("line {0}: a command without its answer behind it")]
    Unanswered(u64),
}

/// A trace, from its first event to its last. After an error nothing more comes.
#[derive(Debug)]
pub struct Trace<R> {
    input: R,
    buffer: Vec<u8>,
    line: u64,
    readers: BTreeMap<u32, String>,
    cut: Option<u64>,
    is_over: bool,
}

impl<R: BufRead> Trace<R> {
    /// Reads the first line, which says that it is a trace.
    ///
    /// # Errors
    /// [`ReadError::Empty`], [`ReadError::NotATrace`], [`ReadError::Version`], [`ReadError::Io`].
    pub fn new(input: R) -> Result<Self, ReadError> {
        let (buffer, readers) = (Vec::new(), BTreeMap::new());
        let mut trace = Self { input, buffer, line: 0, readers, cut: None, is_over: false };
        match trace.next_line() {
            Ok(Some((_, Line::Head(VERSION)))) => Ok(trace),
            Ok(Some((_, Line::Head(version)))) => Err(ReadError::Version(version)),
            Ok(None) if trace.cut.is_none() => Err(ReadError::Empty),
            Err(error @ ReadError::Io { .. }) => Err(error),
            _ => Err(ReadError::NotATrace),
        }
    }

    /// The name of a reader that has been met.
    #[must_use]
    pub fn reader(&self, number: u32) -> Option<&str> {
        self.readers.get(&number).map(String::as_str)
    }

    /// The readers that have been met, by number.
    pub fn readers(&self) -> impl Iterator<Item = (u32, &str)> {
        self.readers.iter().map(|(number, name)| (*number, name.as_str()))
    }

    /// The line in which the trace breaks off, as that of a killed process does. Known once all has been read.
    #[must_use]
    pub const fn cut(&self) -> Option<u64> {
        self.cut
    }

    /// The next line that says something; nothing at the end, also where that is in the middle of a line.
    fn next_line(&mut self) -> Result<Option<(u64, Line)>, ReadError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let line = self.line;
            let mut limited = (&mut self.input).take(LONGEST);
            let read = limited.read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|source| ReadError::Io { line, source })?;
            if read == 0 {
                return Ok(None);
            }
            let is_whole = self.buffer.last() == Some(&b'\n');
            if !is_whole && u64::try_from(read).is_ok_and(|read| read >= LONGEST) {
                return Err(ReadError::TooLong(line));
            }
            let text = str::from_utf8(&self.buffer);
            // Some editors begin a file so.
            let text = text.map(|text| if line == 1 { text.trim_start_matches('\u{feff}') } else { text });
            let parsed = match text {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => Line::parse(text.trim_end_matches(['\n', '\r', ' ']))
                    .map_err(|mistake| ReadError::Line { line, mistake }),
                Err(_) => Err(ReadError::NotText(line)),
            };
            if !is_whole && !parsed.as_ref().is_ok_and(ends_by_itself) {
                self.cut = Some(line);
                return Ok(None);
            }
            return parsed.map(|parsed| Some((line, parsed)));
        }
    }

    /// The next event, with remarks taken in.
    fn next_event(&mut self) -> Result<Option<(u64, Event)>, ReadError> {
        while let Some((line, content)) = self.next_line()? {
            match content {
                Line::Event(event) => return Ok(Some((line, event))),
                Line::Reader { number, name } => {
                    self.readers.insert(number, name);
                }
                Line::Head(_) | Line::Remark(_) => {}
            }
        }
        Ok(None)
    }

    fn entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let Some((line, event)) = self.next_event()? else { return Ok(None) };
        match event.what {
            What::Answer { .. } => Err(ReadError::StrayAnswer(line)),
            What::Command(_) => match self.next_event()? {
                Some((_, Event { at, reader, handle, what: What::Answer { bytes, took } }))
                    if (reader, handle) == (event.reader, event.handle) =>
                {
                    Ok(Some(Entry { line, event, answer: Some(Answer { at, bytes, took }) }))
                }
                Some(_) => Err(ReadError::Unanswered(line)),
                None => {
                    self.cut.get_or_insert(line);
                    Ok(Some(Entry { line, event, answer: None }))
                }
            },
            _ => Ok(Some(Entry { line, event, answer: None })),
        }
    }
}

/// A line of which nothing can be missing.
const fn ends_by_itself(line: &Line) -> bool {
    matches!(line, Line::Event(Event { what: What::Answer { .. }, .. }))
}

impl<R: BufRead> Iterator for Trace<R> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let entry = self.entry().transpose();
        self.is_over = !matches!(entry, Some(Ok(_)));
        entry
    }
}
