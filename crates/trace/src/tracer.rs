//! Who writes a trace: takes down what happens, and writes it once it is sure what in it is secret.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use card_conformance::record::Part;
use card_conformance::report::redact::{RawExchange, Secrets, Shown, read};
use card_wire::{Command, Icc, Status};
use host_driver::Transport;
use zeroize::Zeroize as _;

use crate::chain::Chain;
use crate::doubt::{Doubt, Hide, Reveal};
use crate::format::{Event, Line, MAX_READERS, VERSION, What};
use crate::{RecordedIcc, RecordedTransport};

/// So many lines wait for the end of a chain at most; then everything in them that may be secret is hidden.
const MOST: usize = 1000;

/// The first line of a trace is shorter, in bytes.
const HEAD: u64 = 256;

/// Writes a trace. Copies write the same one, from any thread.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

struct Inner {
    begin: Instant,
    ahead: OnceLock<Ahead>,
    reveal: Reveal,
    state: Mutex<State>,
}

type Ahead = Box<dyn Fn() -> Duration + Send + Sync>;

struct State {
    out: Box<dyn Write + Send>,
    /// The first failure to write. Nothing is written after it.
    failure: Option<io::Error>,
    readers: Vec<Known>,
    waiting: Vec<Waiting>,
}

/// A reader that has been seen.
struct Known {
    name: String,
    chain: Chain,
    doubt: Doubt,
}

/// What is not written yet.
struct Waiting {
    at: Duration,
    reader: Option<usize>,
    handle: Option<u32>,
    what: Said,
}

enum Said {
    Plain(What),
    Exchange { exchange: RawExchange, took: Duration, hide: Hide },
}

impl Tracer {
    /// Writes to a file, which is made, readable by its owner only, or emptied, and is ours until the trace is complete.
    ///
    /// # Errors
    /// The file cannot be written, it holds something that is no trace, or another program writes a trace to it: two would
    /// spoil each other's.
    pub fn create(path: impl AsRef<Path>, reveal: Reveal) -> io::Result<Self> {
        let path = path.as_ref();
        if std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) && !is_trace(path)? {
            let words = "it is there and holds no trace; nothing was changed, so name another file or remove it";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, words));
        }
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        // What is no file cannot be emptied, and may not be locked either.
        if file.metadata()?.is_file() {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program writes a trace to it"));
                }
                // A file system without locks.
                Ok(()) | Err(TryLockError::Error(_)) => file.set_len(0)?,
            }
        }
        Self::new(file, reveal)
    }

    /// Writes to anything. Each write is of whole lines.
    ///
    /// # Errors
    /// The first line cannot be written.
    pub fn new(mut out: impl Write + Send + 'static, reveal: Reveal) -> io::Result<Self> {
        out.write_all(format!("{}\n", Line::Head(VERSION)).as_bytes())?;
        let state = State { out: Box::new(out), failure: None, readers: Vec::new(), waiting: Vec::new() };
        Ok(Self(Arc::new(Inner { begin: Instant::now(), ahead: OnceLock::new(), reveal, state: Mutex::new(state) })))
    }

    /// A card that does what this card does, and is written down as the card in the reader of this name.
    #[must_use]
    pub fn icc(&self, reader: &str, card: Box<dyn Icc>) -> RecordedIcc {
        RecordedIcc::new(self.clone(), reader, card)
    }

    /// A way to a card that does what this one does, and is written down under this name.
    pub fn transport<T: Transport>(&self, reader: &str, transport: T) -> RecordedTransport<T> {
        RecordedTransport::new(self.clone(), reader, transport)
    }

    /// Takes down anything but a command and its answer, which are left out here: [`Tracer::exchange`] hides their secrets.
    pub fn note(&self, reader: Option<&str>, handle: Option<u32>, what: What) {
        if matches!(what, What::Command(_) | What::Answer { .. }) {
            return;
        }
        let what = if what == What::Atr(Vec::new()) { What::Mute } else { what };
        let at = self.now();
        let mut state = self.state();
        let reader = reader.and_then(|name| state.number(name));
        if what.is_reset()
            && let Some(reader) = reader
        {
            state.give_up(reader);
            if let Some(known) = state.readers.get_mut(reader) {
                (known.chain, known.doubt) = (Chain::default(), Doubt::default());
            }
        }
        state.waiting.push(Waiting { at, reader, handle, what: Said::Plain(what) });
        state.write_if_sure();
    }

    /// Takes down a command that a card has just answered; an empty answer is none.
    pub fn exchange(&self, reader: &str, handle: Option<u32>, command: &[u8], answer: &[u8], took: Duration) {
        let at = self.now();
        let reveal = self.0.reveal;
        let mut state = self.state();
        let reader = state.number(reader);
        if let Some(reader) = reader.filter(|reader| state.readers[*reader].chain.is_broken_by(command)) {
            state.give_up(reader);
        }
        let mut hide = Hide { command: true, answer: true };
        if let Some(known) = reader.and_then(|reader| state.readers.get_mut(reader)) {
            hide = known.doubt.of(command, reveal);
            known.chain.follow(command);
            hide.command |= known.chain.is_lost(command);
        }
        let answer = (!answer.is_empty()).then(|| answer.to_vec());
        let command = Some(command.to_vec());
        let exchange = RawExchange { part: Part::Case, command, answer, micros: None, key_file: !reveal.files };
        state.waiting.push(Waiting { at, reader, handle, what: Said::Exchange { exchange, took, hide } });
        state.write_if_sure();
    }

    /// Writes what still waits. In a chain that is not complete all data is hidden.
    ///
    /// # Errors
    /// The first write that failed: from there on lines are missing.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = self.state();
        state.write_all();
        let flushed = state.out.flush();
        state.failure.take().map_or(flushed, Err)
    }

    /// From now on times are ahead by this: cards say how long they would have taken, and nobody has waited for it. Only the
    /// first call counts.
    pub fn ahead(&self, ahead: impl Fn() -> Duration + Send + Sync + 'static) {
        // Another one has been given before.
        let _ = self.0.ahead.set(Box::new(ahead));
    }

    /// The time since the trace began.
    fn now(&self) -> Duration {
        self.0.begin.elapsed() + self.0.ahead.get().map_or(Duration::ZERO, |ahead| ahead())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").field("reveal", &self.0.reveal).finish_non_exhaustive()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // Who wants to know of failures has called `finish`.
        self.write_all();
    }
}

impl State {
    /// The reader's number; one that is new is told. None where there are too many.
    fn number(&mut self, name: &str) -> Option<usize> {
        if let Some(number) = self.readers.iter().position(|known| known.name == name) {
            return Some(number);
        }
        let number = u32::try_from(self.readers.len()).ok().filter(|number| *number < MAX_READERS)?;
        self.readers.push(Known { name: name.to_owned(), chain: Chain::default(), doubt: Doubt::default() });
        let line = Line::Reader { number, name: name.to_owned() };
        self.put(&format!("{line}\n"));
        Some(self.readers.len() - 1)
    }

    /// The open chain of this reader will not be completed: all data that it has brought is hidden.
    fn give_up(&mut self, reader: usize) {
        let Some(ins) = self.readers.get(reader).and_then(|known| known.chain.ins()) else { return };
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.reader == Some(reader)) {
            if let Said::Exchange { exchange, hide, .. } = &mut waiting.what {
                let of_chain = exchange.command.as_ref().and_then(|command| command.get(1)) == Some(&ins);
                hide.command |= of_chain;
            }
        }
        if let Some(known) = self.readers.get_mut(reader) {
            known.chain.lose();
        }
    }

    fn write_if_sure(&mut self) {
        if self.waiting.len() >= MOST {
            self.write_all();
        } else if self.readers.iter().all(|known| !known.chain.is_open()) {
            self.write();
        }
    }

    /// Writes all that waits, whatever is still open.
    fn write_all(&mut self) {
        (0..self.readers.len()).for_each(|reader| self.give_up(reader));
        self.write();
    }

    /// Writes what waits, as it is decided.
    fn write(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut shown: Vec<_> =
            (0..self.readers.len()).map(|reader| redacted(&mut waiting, reader).into_iter()).collect();
        let mut text = String::new();
        for Waiting { at, reader, handle, what } in waiting {
            let number = reader.and_then(|reader| u32::try_from(reader).ok());
            let event = |at, what| Line::Event(Event { at, reader: number, handle, what });
            match what {
                Said::Plain(what) => text.push_str(&format!("{}\n", event(at, what))),
                Said::Exchange { took, .. } => {
                    let next = reader.and_then(|reader| shown.get_mut(reader)?.next());
                    let (command, bytes) = next.unwrap_or_default();
                    let command = event(at.saturating_sub(took), What::Command(command));
                    let answer = event(at, What::Answer { bytes, took });
                    text.push_str(&format!("{command}\n{answer}\n"));
                }
            }
        }
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        if self.failure.is_none() && !text.is_empty() {
            self.failure = self.out.write_all(text.as_bytes()).err();
        }
    }
}

/// The exchanges of one reader as they may be shown; judged together, with its resets between them, and wiped.
fn redacted(waiting: &mut [Waiting], reader: usize) -> Vec<(Shown, Option<Shown>)> {
    let mut exchanges = Vec::new();
    let mut hides = Vec::new();
    let reset = |what: &What| RawExchange {
        part: Part::Case,
        command: None,
        answer: matches!(what, What::Atr(_)).then(Vec::new),
        micros: None,
        key_file: false,
    };
    for waiting in waiting.iter_mut().filter(|waiting| waiting.reader == Some(reader)) {
        match &mut waiting.what {
            Said::Exchange { exchange, hide, .. } => {
                exchanges.push(exchange.clone());
                hides.push(*hide);
                exchange.command.zeroize();
                exchange.answer.zeroize();
            }
            Said::Plain(what) if what.is_reset() => {
                exchanges.push(reset(what));
                hides.push(Hide::default());
            }
            Said::Plain(_) => {}
        }
    }
    let records = Secrets::default().redact(&exchanges);
    let shown = exchanges.iter_mut().zip(records).zip(hides);
    let shown = shown.filter(|((exchange, _), _)| exchange.command.is_some()).map(|((exchange, record), hide)| {
        let mut command = record.command.as_deref().and_then(read).unwrap_or_default();
        let mut answer = record.answer.as_deref().and_then(read);
        if hide.command {
            let range = data_range(exchange.command.as_deref().unwrap_or_default());
            command.get_mut(range).unwrap_or_default().fill(None);
        }
        if hide.answer
            && let Some(answer) = &mut answer
        {
            let len =
                exchange.answer.as_deref().map_or(0, |bytes| Status::split(bytes).map_or(0, |(data, _)| data.len()));
            answer.get_mut(..len).unwrap_or_default().fill(None);
        }
        exchange.command.zeroize();
        exchange.answer.zeroize();
        (command, answer)
    });
    shown.collect()
}

/// Whether the file begins as a trace of any version.
fn is_trace(path: &Path) -> io::Result<bool> {
    let mut head = String::new();
    // What is no text is no trace either.
    let read = BufReader::new(File::open(path)?.take(HEAD)).read_line(&mut head);
    Ok(read.is_ok() && matches!(Line::parse(head.trim_end()), Ok(Line::Head(_))))
}

/// Where the data field of a command is; all behind the header where its lengths are wrong.
fn data_range(command: &[u8]) -> std::ops::Range<usize> {
    match Command::parse(command) {
        Ok(parsed) if parsed.data.is_empty() => 0..0,
        Ok(parsed) => {
            let start = if parsed.extended { 7 } else { 5 };
            start..start + parsed.data.len()
        }
        Err(_) => command.len().min(4)..command.len(),
    }
}
