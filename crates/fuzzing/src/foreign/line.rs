//! Frames to and from a card, on a thread of their own: neither a full pipe nor a mute card can hold us up.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use card_wire::vpcd::{MAX_BODY, Message, length_field};

use super::Failure;

const HEADER: usize = 2;
/// How often somebody who waits looks whether the user wants to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The way to one card, until it or the card ends.
pub(crate) struct Line {
    requests: Sender<Request>,
    answers: Receiver<Result<Vec<u8>, Failure>>,
    stop: Arc<AtomicBool>,
}

struct Request {
    body: Vec<u8>,
    answered: bool,
}

impl Line {
    pub(crate) fn new(
        source: impl Read + Send + 'static,
        sink: impl Write + Send + 'static,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let (requests, orders) = channel();
        let (results, answers) = channel();
        thread::spawn(move || serve(source, sink, &orders, &results));
        Self { requests, answers, stop }
    }

    /// Power on, or reset; returns the ATR.
    pub(crate) fn wake(&self, how: Message<'_>, limit: Duration) -> Result<Vec<u8>, Failure> {
        self.say(how);
        self.ask(Message::GetAtr.body(), limit)
    }

    /// A control without an answer. A line that is down says so when next asked.
    pub(crate) fn say(&self, what: Message<'_>) {
        let _ = self.requests.send(Request { body: what.body().to_vec(), answered: false });
    }

    pub(crate) fn ask(&self, body: &[u8], limit: Duration) -> Result<Vec<u8>, Failure> {
        let gone = || Failure::Ended("the connection is closed".to_owned());
        self.requests.send(Request { body: body.to_vec(), answered: true }).map_err(|_| gone())?;
        let begin = Instant::now();
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Err(Failure::Stopped);
            }
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Failure::Silent(limit));
            }
            match self.answers.recv_timeout(left.min(LOOK)) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
        }
    }
}

/// The thread's part. It ends with the line, its owner, or the first failure.
fn serve(
    mut source: impl Read,
    mut sink: impl Write,
    orders: &Receiver<Request>,
    results: &Sender<Result<Vec<u8>, Failure>>,
) {
    let mut buffer = vec![0; HEADER + MAX_BODY];
    while let Ok(request) = orders.recv() {
        let sent = send(&mut sink, &request.body);
        let result = match (sent, request.answered) {
            (Ok(()), false) => continue,
            (Ok(()), true) => receive(&mut source, &mut buffer),
            (Err(error), _) => Err(Failure::Ended(format!("it takes no more commands ({error})"))),
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

fn receive(source: &mut impl Read, buffer: &mut [u8]) -> Result<Vec<u8>, Failure> {
    let mut filled = 0;
    loop {
        if let Some((field, body)) = buffer[..filled].split_first_chunk::<HEADER>() {
            let len = usize::from(u16::from_be_bytes(*field));
            match body.len().checked_sub(len) {
                None => {}
                Some(0) => return Ok(body.to_vec()),
                Some(more) => return Err(Failure::Unasked(more)),
            }
        }
        match source.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Err(Failure::Ended("it closed the connection".to_owned())),
            Ok(0) => return Err(Failure::Ended(format!("it closed the connection after {filled} bytes of an answer"))),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Ended(error.to_string())),
        }
    }
}
