//! The exchange over one connection: what the reader says, and what the card answers.

use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use card_wire::vpcd::{MAX_BODY, Message};
use thiserror::Error;

use crate::frame::{FrameReader, QuickAck, write_frame};
use crate::slot::Slot;

/// How a connection came to its end without a fault of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The reader closed the connection.
    Closed,
    /// The caller's stop flag was set.
    Stopped,
    /// The card gave no answer; the caller should close the stream, which removes the card from the reader.
    Mute,
}

/// Why a connection broke.
#[derive(Debug, Error)]
pub enum LinkError {
    /// Nothing more can be read.
    #[error("cannot read from vpcd: {0}")]
    Read(#[source] io::Error),
    /// The answer cannot be sent.
    #[error("cannot write to vpcd: {0}")]
    Write(#[source] io::Error),
    /// The stream ended within a frame.
    #[error("vpcd closed the connection within a frame, after {got} bytes of it")]
    Truncated {
        /// Bytes of the frame that arrived, its length field included.
        got: usize,
    },
    /// The card's answer does not fit into a frame.
    #[error("the card answered {len} bytes, a frame holds 65535")]
    AnswerTooLong {
        /// Bytes of the answer.
        len: usize,
    },
}

/// Serves a card over a connected stream until the line ends, the card falls mute or `stop` is set.
///
/// Blocks. To end it from another thread, set `stop` and shut a clone of the stream down. The card is without power
/// afterwards. Bodies that are no control message go to the card, even empty ones: vpcd waits without limit for
/// the answer to whatever a program has sent.
///
/// # Errors
/// [`LinkError`] where the line breaks or an answer cannot be sent; not once `stop` is set.
pub fn serve(stream: &TcpStream, slot: &Mutex<Slot>, stop: &AtomicBool) -> Result<Ended, LinkError> {
    // Without it only latency suffers.
    let _ = stream.set_nodelay(true);
    let end = exchange(stream, slot, stop);
    lock(slot).power_off();
    if stop.load(Ordering::Acquire) { Ok(Ended::Stopped) } else { end }
}

fn exchange(stream: &TcpStream, slot: &Mutex<Slot>, stop: &AtomicBool) -> Result<Ended, LinkError> {
    let mut frames = FrameReader::new();
    let mut response = vec![0; MAX_BODY];
    while !stop.load(Ordering::Acquire) {
        let Some(body) = frames.next(QuickAck(stream))? else { return Ok(Ended::Closed) };
        match obey(&mut lock(slot), body, &mut response) {
            None => {}
            Some([]) => return Ok(Ended::Mute),
            // The card is free for others while a slow reader takes the answer.
            Some(answer) => write_frame(stream, answer)?,
        }
    }
    Ok(Ended::Stopped)
}

/// Does what the reader says. Only ATR requests and APDUs have an answer; an empty one means a mute card.
fn obey<'r>(slot: &mut Slot, body: &[u8], response: &'r mut [u8]) -> Option<&'r [u8]> {
    match Message::parse(body).unwrap_or(Message::Apdu(body)) {
        Message::PowerOff => slot.power_off(),
        Message::PowerOn => slot.power_on(),
        Message::Reset => slot.reset(),
        Message::GetAtr => return Some(slot.atr(response)),
        Message::Apdu(command) => return Some(slot.transmit(command, response)),
    }
    None
}

/// A card that panicked in another thread is still the card: whoever comes next may look at it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
