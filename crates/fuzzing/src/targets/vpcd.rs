//! The card's end of a vpcd socket, under any bytes from the reader's end.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use card_wire::vpcd::{Message, length_field};
use card_wire::{Icc, Protocol};
use virtual_reader::{Ended, LinkError, Slot, serve};

/// A reader that waits longer than this has been left alone.
const PATIENCE: Duration = Duration::from_secs(10);
const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];

/// Answers a command with itself and 9000; a command that begins with FE makes it mute.
struct Echo {
    powered: bool,
}

impl Icc for Echo {
    fn power_on(&mut self, _: Protocol) -> &[u8] {
        self.powered = true;
        &ATR
    }

    fn reset(&mut self) -> &[u8] {
        if self.powered { &ATR } else { &[] }
    }

    fn power_off(&mut self) {
        self.powered = false;
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        if !self.powered || command.first() == Some(&0xFE) {
            self.powered = false;
            return &[];
        }
        let len = command.len().min(response.len() - 2);
        response[..len].copy_from_slice(&command[..len]);
        response[len..len + 2].copy_from_slice(&[0x90, 0x00]);
        &response[..len + 2]
    }
}

/// What the socket must say, and how it must end: by itself with a mute card, at the end of the bytes, or within a frame.
struct Expected {
    answers: Vec<u8>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Mute,
    Truncated(usize),
}

/// Reads the frames and does what they say, without a socket.
fn expected(mut bytes: &[u8]) -> Expected {
    let mut answers = Vec::new();
    let mut powered = false;
    let end = loop {
        let Some((length, body)) = bytes.split_first_chunk::<2>() else {
            break if bytes.is_empty() { End::Closed } else { End::Truncated(bytes.len()) };
        };
        let Some((body, rest)) = body.split_at_checked(usize::from(u16::from_be_bytes(*length))) else {
            break End::Truncated(bytes.len());
        };
        bytes = rest;
        match body {
            [0] => powered = false,
            // A reset wakes a card without power.
            [1 | 2] => powered = true,
            // So does the question for the ATR, once.
            [4] => answer(&mut answers, &ATR),
            _ if !powered || body.first() == Some(&0xFE) => break End::Mute,
            _ => {
                let len = body.len().min(0xFFFF - 2);
                answer(&mut answers, &[&body[..len], &[0x90, 0x00]].concat());
            }
        }
    };
    Expected { answers, end }
}

fn answer(answers: &mut Vec<u8>, body: &[u8]) {
    answers.extend(u16::try_from(body.len()).unwrap_or(0).to_be_bytes());
    answers.extend(body);
}

/// Sends the bytes to a card and reads what it says.
///
/// # Panics
/// Where the card's end says anything else than the frames ask for, or does not end.
pub fn check(data: &[u8]) {
    messages(data);
    let Some((reader, card)) = connected() else { return };
    let (said, end) = exchange(&reader, card, data);
    hold(data, &said, &end);
}

/// What is parsed as a message is written as the same bytes.
fn messages(body: &[u8]) {
    match Message::parse(body) {
        Ok(message) => assert_eq!(message.body(), body),
        Err(_) => assert!(body.len() < 2, "{body:02X?} is a command"),
    }
    let written = length_field(body).ok().map(|length| usize::from(u16::from_be_bytes(length)));
    assert_eq!(written, Some(body.len()).filter(|len| *len <= 0xFFFF));
}

/// Compares what a card's end said with what the frames ask for.
fn hold(data: &[u8], said: &[u8], end: &Result<Ended, LinkError>) {
    let expected = expected(data);
    let end = match end {
        Ok(Ended::Closed) => End::Closed,
        Ok(Ended::Mute) => End::Mute,
        Err(LinkError::Truncated { got }) => End::Truncated(*got),
        other => panic!("the connection ended with {other:?}"),
    };
    assert_eq!(end, expected.end);
    assert!(said == expected.answers, "said {said:02X?}, expected {:02X?}", expected.answers);
}

/// Two ends of a connection, through one listener for all runs. Nothing if the machine has no free port just now.
fn connected() -> Option<(TcpStream, TcpStream)> {
    thread_local! {
        static LISTENER: Option<TcpListener> = TcpListener::bind(("127.0.0.1", 0)).ok();
    }
    LISTENER.with(|listener| {
        let listener = listener.as_ref()?;
        let reader = TcpStream::connect(listener.local_addr().ok()?).ok()?;
        let (card, _) = listener.accept().ok()?;
        reader.set_read_timeout(Some(PATIENCE)).ok()?;
        Some((reader, card))
    })
}

/// Plays the reader's part on one end and the card's on the other.
fn exchange(mut reader: &TcpStream, card: TcpStream, data: &[u8]) -> (Vec<u8>, Result<Ended, LinkError>) {
    // The sockets' buffers hold what a small input says; only a large one needs somebody who reads meanwhile.
    let small = data.len() < 16_000;
    let (mut said, mut end) = (Vec::new(), Ok(Ended::Stopped));
    if small {
        // A card that has hung up early does not read all.
        let _ = reader.write_all(data).and_then(|()| reader.shutdown(Shutdown::Write));
        end = obey(card);
    } else {
        std::thread::scope(|scope| {
            let card = scope.spawn(move || obey(card));
            scope.spawn(move || {
                let _ = reader.write_all(data).and_then(|()| reader.shutdown(Shutdown::Write));
            });
            let _ = reader.read_to_end(&mut said);
            end = card.join().expect("the card's end does not panic");
        });
    }
    let _ = reader.read_to_end(&mut said);
    (said, end)
}

fn obey(card: TcpStream) -> Result<Ended, LinkError> {
    let slot = Mutex::new(Slot::new(Box::new(Echo { powered: false })));
    let end = serve(&card, &slot, &AtomicBool::new(false));
    // What was not read would turn the end of the connection into a reset, and that can swallow the last answers.
    let _ = card.shutdown(Shutdown::Write);
    let _ = card.set_nonblocking(true);
    let mut rest = [0; 4096];
    while (&card).read(&mut rest).is_ok_and(|count| count > 0) {}
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_broken_frames() {
        for data in [
            &b""[..],
            b"\0",
            b"\0\x01\x01\0\x01\x04",
            b"\0\x01\x04",
            b"\0\x01\x01\0\x05\0\xA4\x04\0\0\0\x01\x02\0\x01\x00\0\x02ab",
            b"\0\x01\x01\0\x00\0\x01\x07",
            b"\0\x01\x01\0\x02\xFE\x00\0\x01\x04",
            b"\0\x01\x01\xFF\xFFab",
        ] {
            check(data);
        }
        let long = [&b"\0\x01\x01\xFF\xFF"[..], &vec![7; 0xFFFF], b"\0\x01\x04"].concat();
        check(&long);
    }

    #[test]
    fn a_wrong_answer_and_a_wrong_end_are_found() {
        let data = b"\0\x01\x01\0\x01\x04";
        let atr = [&[0, 5], &ATR[..]].concat();
        hold(data, &atr, &Ok(Ended::Closed));
        let wrong: [(&[u8], Result<Ended, LinkError>); 3] =
            [(&atr[..6], Ok(Ended::Closed)), (&atr, Ok(Ended::Mute)), (&atr, Err(LinkError::Truncated { got: 1 }))];
        for (said, end) in wrong {
            let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hold(data, said, &end)));
            assert!(found.is_err(), "{said:02X?} {end:?}");
        }
    }
}
