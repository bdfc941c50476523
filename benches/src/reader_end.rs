//! The reader's end of the vpcd socket, with as little as possible between the clock and the card.

use card_wire::vpcd::{self, Message};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::time::{Duration, Instant};

/// A reader that waits for its card.
pub struct Waiting(TcpListener);

/// A reader with a card that has power.
pub struct ReaderEnd(TcpStream);

impl Waiting {
    /// A reader on a free loopback port.
    ///
    /// # Errors
    /// Where there is no port.
    pub fn new() -> io::Result<Self> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(Self)
    }

    /// Where the card is to connect.
    ///
    /// # Errors
    /// What the system says.
    pub fn port(&self) -> io::Result<u16> {
        self.0.local_addr().map(|address| address.port())
    }

    /// Waits for the card, at most for `limit`, and gives it power.
    ///
    /// # Errors
    /// `TimedOut`, or what the socket says.
    pub fn accept(self, limit: Duration) -> io::Result<ReaderEnd> {
        self.0.set_nonblocking(true)?;
        let deadline = Instant::now() + limit;
        let stream = loop {
            match self.0.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if Instant::now() > deadline {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    std::thread::sleep(Duration::from_micros(50));
                }
                Err(error) => return Err(error),
            }
        };
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut reader = ReaderEnd(stream);
        reader.send(&Message::PowerOn)?;
        Ok(reader)
    }
}

impl ReaderEnd {
    /// Sends a command and returns the used part of `answer`.
    ///
    /// # Errors
    /// What the socket says, and `InvalidData` for an answer longer than the buffer.
    pub fn transmit<'a>(&mut self, command: &[u8], answer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        self.send(&Message::Apdu(command))?;
        let mut length = [0; 2];
        self.0.set_quickack(true)?;
        self.0.read_exact(&mut length)?;
        let len = usize::from(u16::from_be_bytes(length));
        let used = answer.get_mut(..len).ok_or(io::ErrorKind::InvalidData)?;
        self.0.read_exact(used)?;
        Ok(used)
    }

    fn send(&mut self, message: &Message<'_>) -> io::Result<()> {
        let body = message.body();
        let mut frame = Vec::with_capacity(2 + body.len());
        frame.extend(vpcd::length_field(body).map_err(io::Error::other)?);
        frame.extend(body);
        self.0.write_all(&frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::floor::FloorCard;

    #[test]
    fn the_floor_card_answers_and_reads() {
        let waiting = Waiting::new().unwrap();
        let card = FloorCard::connect(waiting.port().unwrap()).unwrap();
        let mut reader = waiting.accept(Duration::from_secs(5)).unwrap();
        let mut answer = [0; 300];
        assert_eq!(reader.transmit(&[0, 0xA4, 0, 0], &mut answer).unwrap(), [0x90, 0x00]);
        let read = reader.transmit(&[0, 0xB0, 0, 0, 0], &mut answer).unwrap();
        assert_eq!((read.len(), read[0], read[255]), (258, 0x5A, 0x5A));
        drop(card);
        assert!(reader.transmit(&[0, 0xA4, 0, 0], &mut answer).is_err());
    }

    #[test]
    fn a_reader_without_a_card_gives_up() {
        let waiting = Waiting::new().unwrap();
        assert_eq!(waiting.accept(Duration::from_millis(20)).err().map(|e| e.kind()), Some(io::ErrorKind::TimedOut));
    }
}
