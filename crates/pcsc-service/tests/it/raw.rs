//! The client's side of the protocol, by hand: what libpcsclite would never say, and a program that dies.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub(crate) const SUCCESS: u32 = 0;
pub(crate) const SHARED: u32 = 2;
pub(crate) const EXCLUSIVE: u32 = 1;

/// A connection.
pub(crate) struct Raw(pub(crate) UnixStream);

/// The word at this place of an answer.
pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

impl Raw {
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    /// Sends a request without waiting for its answer; the words are its body.
    pub(crate) fn send(&mut self, command: u32, body: &[u32], data: &[u8]) {
        self.try_send(command, body, data).unwrap();
    }

    /// Like [`Self::send`], for those that the service may have cut off.
    pub(crate) fn try_send(&mut self, command: u32, body: &[u32], data: &[u8]) -> std::io::Result<()> {
        let size = u32::try_from(4 * body.len()).unwrap();
        let words = [&[size, command], body].concat();
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.extend(data);
        self.0.write_all(&bytes)
    }

    /// So many bytes; none where the service has closed the connection.
    pub(crate) fn receive(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).ok().map(|()| bytes)
    }

    /// A request and its answer, which is as long as the request's body.
    pub(crate) fn ask(&mut self, command: u32, body: &[u32]) -> Vec<u8> {
        self.send(command, body, &[]);
        self.receive(4 * body.len()).expect("the service answers")
    }

    /// Handshake and context, as each program begins.
    pub(crate) fn begin_with(socket: &Path, minor: u32) -> (Self, u32) {
        let mut raw = Self::connect(socket);
        assert_eq!(word(&raw.ask(0x11, &[4, minor, 0]), 8), SUCCESS);
        let answer = raw.ask(0x01, &[2, 0, 0]);
        assert_eq!(word(&answer, 8), SUCCESS);
        let context = word(&answer, 4);
        (raw, context)
    }

    /// CONNECT for any protocol; the handle.
    pub(crate) fn card(&mut self, context: u32, reader: &str, share: u32) -> u32 {
        let answer = self.ask(0x04, &connect_body(context, reader, share));
        assert_eq!(word(&answer, 148), SUCCESS);
        word(&answer, 140)
    }

    /// A client that has a handle on this reader.
    pub(crate) fn on(socket: &Path, reader: &str, share: u32) -> (Self, u32) {
        let (mut raw, context) = Self::begin_with(socket, 4);
        let card = raw.card(context, reader, share);
        (raw, card)
    }

    /// TRANSMIT in T=1; the result, and the answer.
    pub(crate) fn transmit(&mut self, card: u32, command: &[u8]) -> (u32, Vec<u8>) {
        self.transmit_as(card, 2, command)
    }

    /// TRANSMIT with this protocol's number.
    pub(crate) fn transmit_as(&mut self, card: u32, pci: u32, command: &[u8]) -> (u32, Vec<u8>) {
        let length = u32::try_from(command.len()).unwrap();
        self.send(0x09, &[card, pci, 16, length, pci, 16, 65_548, 0], command);
        let head = self.receive(32).expect("the service answers");
        let length = usize::try_from(word(&head, 24)).unwrap();
        let rv = word(&head, 28);
        (rv, if rv == SUCCESS { self.receive(length).unwrap() } else { Vec::new() })
    }
}

/// The body of CONNECT.
pub(crate) fn connect_body(context: u32, reader: &str, share: u32) -> Vec<u32> {
    let mut name = reader.as_bytes().to_vec();
    name.resize(128, 0);
    let name = name.chunks(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
    [context].into_iter().chain(name).chain([share, 3, 0, 0, 0]).collect()
}
