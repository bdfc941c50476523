//! The reader's end of the socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use virtual_reader::VpcdAddress;

/// Nothing in these tests takes longer, whatever else the machine does.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const OFF: &[u8] = &[0];
pub(crate) const ON: &[u8] = &[1];
pub(crate) const RESET: &[u8] = &[2];
pub(crate) const GET_ATR: &[u8] = &[4];

/// A vpcd without a reader behind it.
pub(crate) struct Vpcd {
    listener: TcpListener,
}

impl Vpcd {
    pub(crate) fn listen() -> Self {
        Self { listener: TcpListener::bind(("127.0.0.1", 0)).unwrap() }
    }

    /// A vpcd that was started again on its old port.
    pub(crate) fn listen_on(port: u16) -> Self {
        Self { listener: TcpListener::bind(("127.0.0.1", port)).unwrap() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(crate) fn address(&self) -> VpcdAddress {
        VpcdAddress::local(self.port())
    }

    /// The next card that connects.
    pub(crate) fn card(&self) -> Line {
        self.card_within(LIMIT).expect("a card connects")
    }

    /// The next card that connects, if one does in time.
    pub(crate) fn card_within(&self, limit: Duration) -> Option<Line> {
        let end = Instant::now() + limit;
        self.listener.set_nonblocking(true).unwrap();
        loop {
            if let Ok((stream, _)) = self.listener.accept() {
                stream.set_nonblocking(false).unwrap();
                return Some(Line::new(stream));
            }
            if Instant::now() > end {
                return None;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// A connected card, seen from the reader.
pub(crate) struct Line(pub(crate) TcpStream);

impl Line {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, body: &[u8]) {
        let mut frame = u16::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(body);
        self.0.write_all(&frame).unwrap();
    }

    /// The card's next frame, or nothing where it has hung up.
    pub(crate) fn receive(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 2];
        match self.0.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer within {LIMIT:?}"),
            Err(_) => return None,
        }
        let mut body = vec![0; usize::from(u16::from_be_bytes(header))];
        self.0.read_exact(&mut body).unwrap();
        Some(body)
    }

    pub(crate) fn ask(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        self.send(body);
        self.receive()
    }
}
