//! Frames to and from a card, on threads of their own: neither a full pipe nor a mute card can hold us up.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use card_wire::vpcd::{Message, length_field};

use super::Failure;

const HEADER: usize = 2;
/// What is read at once.
const PIECE: usize = 16 * 1024;
/// How often somebody who waits looks whether the user wants to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The way to one card, until it or the card ends.
pub(crate) struct Line {
    requests: Sender<Vec<u8>>,
    /// Bytes as they come, whether somebody waits for them or not.
    pieces: Receiver<Result<Vec<u8>, Failure>>,
    /// The end, noticed while nobody had asked: said when next asked.
    ended: Option<Failure>,
    stop: Arc<AtomicBool>,
}

impl Line {
    pub(crate) fn new(
        source: impl Read + Send + 'static,
        sink: impl Write + Send + 'static,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let (requests, orders) = channel();
        let (results, pieces) = channel();
        let failures = results.clone();
        thread::spawn(move || write_all(sink, &orders, &failures));
        thread::spawn(move || read_all(source, &results));
        Self { requests, pieces, ended: None, stop }
    }

    /// Power on, or reset; returns the ATR.
    pub(crate) fn wake(&mut self, how: Message<'_>, limit: Duration) -> Result<Vec<u8>, Failure> {
        self.say(how);
        self.ask(Message::GetAtr.body(), limit)
    }

    /// A control without an answer. A line that is down says so when next asked.
    pub(crate) fn say(&self, what: Message<'_>) {
        let _ = self.requests.send(what.body().to_vec());
    }

    /// How many bytes came within this time although nobody had asked; `None` where none did.
    pub(crate) fn unasked(&mut self, wait: Duration) -> Option<usize> {
        if self.ended.is_some() {
            return None;
        }
        let piece = if wait.is_zero() { self.pieces.try_recv().ok() } else { self.pieces.recv_timeout(wait).ok() };
        match piece? {
            Ok(bytes) => Some(bytes.len()),
            Err(failure) => {
                self.ended = Some(failure);
                None
            }
        }
    }

    pub(crate) fn ask(&mut self, body: &[u8], limit: Duration) -> Result<Vec<u8>, Failure> {
        let gone = || Failure::Ended("the connection is closed".to_owned());
        if let Some(failure) = &self.ended {
            return Err(failure.clone());
        }
        // A writer that has ended has said why.
        let _ = self.requests.send(body.to_vec());
        let begin = Instant::now();
        let mut filled = Vec::new();
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Err(Failure::Stopped);
            }
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Failure::Silent(limit));
            }
            match self.pieces.recv_timeout(left.min(LOOK)) {
                Ok(Ok(piece)) => filled.extend(piece),
                Ok(Err(failure)) => return Err(ended_amid(failure, filled.len())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
            if let Some(frame) = frame(&filled)? {
                return Ok(frame);
            }
        }
    }
}

/// A failure that came in the middle of an answer says so.
fn ended_amid(failure: Failure, filled: usize) -> Failure {
    match failure {
        Failure::Ended(how) if filled > 0 => Failure::Ended(format!("{how} after {filled} bytes of an answer")),
        failure => failure,
    }
}

/// The body, once it is whole.
fn frame(filled: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let Some((field, body)) = filled.split_first_chunk::<HEADER>() else { return Ok(None) };
    match body.len().checked_sub(usize::from(u16::from_be_bytes(*field))) {
        None => Ok(None),
        Some(0) => Ok(Some(body.to_vec())),
        Some(more) => Err(Failure::Unasked(more)),
    }
}

/// The writing thread. It ends with the line or the first failure.
fn write_all(mut sink: impl Write, orders: &Receiver<Vec<u8>>, failures: &Sender<Result<Vec<u8>, Failure>>) {
    while let Ok(body) = orders.recv() {
        if let Err(error) = send(&mut sink, &body) {
            // Nobody needs to hear it where the line is gone.
            let _ = failures.send(Err(Failure::Ended(format!("it takes no more commands ({error})"))));
            break;
        }
    }
}

/// The reading thread. It ends with the card, or when something comes and the line is gone.
fn read_all(mut source: impl Read, results: &Sender<Result<Vec<u8>, Failure>>) {
    let mut buffer = vec![0; PIECE];
    loop {
        let result = match source.read(&mut buffer) {
            Ok(0) => Err(Failure::Ended("it closed the connection".to_owned())),
            Ok(count) => Ok(buffer[..count].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(Failure::Ended(error.to_string())),
        };
        let last = result.is_err();
        if results.send(result).is_err() || last {
            break;
        }
    }
}

fn send(sink: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = length_field(body).map_err(|_| io::Error::other("a frame holds at most 65535 bytes"))?;
    let mut frame = Vec::with_capacity(HEADER + body.len());
    frame.extend_from_slice(&length);
    frame.extend_from_slice(body);
    sink.write_all(&frame)?;
    sink.flush()
}
