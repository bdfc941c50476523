//! `--trace FILE`: what happened in the readers, one line each, for people to read. PINs and keys are not in it.
//!
//! A line is the seconds since the start, the reader's number or `-`, the handle or `-`, and what happened: `> ` and a
//! command, `< ` and its answer with the time that the card took, or words. Lines appear once it is sure what in them is
//! secret: a chain of commands is complete, or its card is reset.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use card_conformance::record::Part;
use card_conformance::report::redact::{RawExchange, Secrets};
use card_wire::{Class, Ins};
use pcsc_service::{Event, What};

/// So many lines wait for the end of a chain at most; then everything in them that may be secret is hidden.
const MOST: usize = 1000;

/// The first line, with the version of the format.
const HEAD: &str = "# cardlab trace 1: seconds, reader, handle, what";

/// Whoever watches a service.
pub(crate) struct Tracer {
    begin: Instant,
    /// What is written to and read from files is shown, too.
    files: bool,
    state: Mutex<State>,
}

struct State {
    out: File,
    /// The first failure to write.
    failure: Option<io::Error>,
    readers: Vec<Known>,
    lines: Vec<Line>,
}

/// A reader that has been seen.
struct Known {
    name: String,
    /// Class and instruction of a chain that is not complete.
    chain: Option<[u8; 2]>,
    /// A chain was broken off: until a reset, what follows may be its rest.
    broken: bool,
}

struct Line {
    at: Duration,
    /// Where it belongs among [`State::readers`].
    reader: Option<usize>,
    handle: Option<u32>,
    what: Said,
}

enum Said {
    Words(String),
    Exchange { exchange: RawExchange, took: Duration },
}

impl Tracer {
    /// Writes to this file. Data of files on the card is hidden unless `files` is set: keys can be among it.
    pub(crate) fn new(mut out: File, files: bool) -> io::Result<Self> {
        writeln!(out, "{HEAD}")?;
        let state = State { out, failure: None, readers: Vec::new(), lines: Vec::new() };
        Ok(Self { begin: Instant::now(), files, state: Mutex::new(state) })
    }

    /// Takes an event down.
    pub(crate) fn note(&self, event: &Event<'_>) {
        let at = self.begin.elapsed();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = event.reader.map(|name| state.number(name));
        let words = |text: &str| Said::Words(text.to_owned());
        let what = match event.what {
            What::Call { name, result: 0 } => Said::Words(format!("{name} ok")),
            What::Call { name, result } => Said::Words(format!("{name} {result:08X}")),
            What::Command { command, answer, took } => {
                if let Some(known) = reader.and_then(|reader| state.readers.get_mut(reader)) {
                    known.follow(command);
                }
                let answer = (!answer.is_empty()).then(|| answer.to_vec());
                let command = Some(command.to_vec());
                let key_file = !self.files;
                Said::Exchange {
                    exchange: RawExchange { part: Part::Case, command, answer, micros: None, key_file },
                    took,
                }
            }
            What::Atr([]) => words("mute"),
            What::Atr(atr) => Said::Words(format!("ATR {}", hex::encode_upper(atr))),
            What::PoweredOff => words("power off"),
            What::Inserted => words("inserted"),
            What::Removed => words("removed"),
            What::Replaced => words("replaced"),
            What::Unplugged => words("unplugged"),
            _ => words("something new"),
        };
        if matches!(event.what, What::Atr(_) | What::Removed | What::PoweredOff | What::Unplugged)
            && let Some(known) = reader.and_then(|reader| state.readers.get_mut(reader))
        {
            (known.chain, known.broken) = (None, false);
        }
        state.lines.push(Line { at, reader, handle: event.handle, what });
        let is_quiet = state.readers.iter().all(|known| known.chain.is_none() && !known.broken);
        if is_quiet || state.lines.len() >= MOST {
            state.flush(is_quiet);
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The first write that failed: then lines are missing.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.flush(false);
        state.failure.take().map_or(Ok(()), Err)
    }
}

impl Known {
    /// Notes where in a chain the card is.
    fn follow(&mut self, command: &[u8]) {
        let [class, ins] = [command.first().copied().unwrap_or(0), command.get(1).copied().unwrap_or(0)];
        let unchained = Class(class).unchained().0;
        let key = [unchained, ins];
        self.broken |= self.chain.is_some_and(|chain| chain != key);
        let goes_on = unchained != class || Ins(ins) == Ins::ENVELOPE;
        self.chain = goes_on.then_some(key);
    }
}

impl State {
    /// The reader's number; one that is new is told.
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.readers.iter().position(|known| known.name == name) {
            return number;
        }
        let number = self.readers.len();
        self.readers.push(Known { name: name.to_owned(), chain: None, broken: false });
        self.write(&format!("# reader {number}: {name}\n"));
        number
    }

    /// Writes all lines. Where it is not sure that each chain is complete, everything doubtful is hidden.
    fn flush(&mut self, is_sure: bool) {
        let mut lines = std::mem::take(&mut self.lines);
        let mut text = String::new();
        // Each reader's exchanges are judged together.
        let mut shown: Vec<_> = (0..self.readers.len())
            .map(|reader| {
                let own = lines.iter_mut().filter(|line| line.reader == Some(reader));
                let exchanges: Vec<RawExchange> = own
                    .filter_map(|line| match &mut line.what {
                        Said::Exchange { exchange, .. } => {
                            exchange.key_file |= !is_sure;
                            Some(exchange.clone())
                        }
                        Said::Words(_) => None,
                    })
                    .collect();
                Secrets::default().redact(&exchanges).into_iter()
            })
            .collect();
        for line in &lines {
            let reader = line.reader.map_or_else(|| "-".to_owned(), |reader| reader.to_string());
            let handle = line.handle.map_or_else(|| "-".to_owned(), |handle| handle.to_string());
            let head = |at: Duration| format!("{:12.6} {reader} {handle}", at.as_secs_f64());
            // Writing to a text cannot fail.
            let _ = match &line.what {
                Said::Words(words) => writeln!(text, "{} {words}", head(line.at)),
                Said::Exchange { took, .. } => {
                    let record = line.reader.and_then(|reader| shown.get_mut(reader)?.next());
                    let (command, answer) = record.map_or((None, None), |record| (record.command, record.answer));
                    let command = command.unwrap_or_default();
                    let answer = answer.unwrap_or_else(|| "nothing".to_owned());
                    let began = line.at.saturating_sub(*took);
                    writeln!(text, "{} > {command}", head(began))
                        .and_then(|()| writeln!(text, "{} < {answer} ({} us)", head(line.at), took.as_micros()))
                }
            };
        }
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if let Err(error) = self.out.write_all(text.as_bytes()) {
            self.failure.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a trace says of these commands, each answered 9000.
    fn trace(files: bool, commands: &[&str], sure: bool) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        let tracer = Tracer::new(File::create(&path).unwrap(), files).unwrap();
        for command in commands {
            let command = hex::decode(command).unwrap();
            let answer: &[u8] = &[0xAA, 0x90, 0x00];
            let what = What::Command { command: &command, answer, took: Duration::from_micros(5) };
            tracer.note(&Event { reader: Some("R 00 00"), handle: Some(1), what });
        }
        if sure {
            tracer.finish().unwrap();
        }
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter_map(|line| line.split_once(" > ")).map(|(_, command)| format!("{command}\n")).collect()
    }

    #[test]
    fn pins_and_keys_are_hidden_and_headers_are_not() {
        assert_eq!(trace(false, &["00A4040003112233"], false), "00A4040003112233\n");
        assert_eq!(trace(false, &["0020000106313233343536"], false), "0020000106············\n");
        // What is written to a file may be a key.
        assert_eq!(trace(false, &["00D6000003112233"], false), "00D6000003······\n");
        assert_eq!(trace(true, &["00D6000003112233"], false), "00D6000003112233\n");
    }

    #[test]
    fn a_chain_is_shown_when_it_is_complete_or_at_the_end() {
        let parts = ["10DB3FFF047F480292", "00DB3FFF0101"];
        assert_eq!(trace(true, &parts[..1], false), "");
        assert!(!trace(true, &parts, false).contains("0292"));
        assert_eq!(trace(true, &["10200001023132", "00200001023334"], false), "1020000102····\n0020000102····\n");
        // A chain that was broken off: nobody knows what follows.
        assert_eq!(trace(true, &["10DB3FFF047F480292", "00B0000000"], false), "");
    }
}
