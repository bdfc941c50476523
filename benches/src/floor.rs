//! The floor: a card without a card. It answers 9000 to everything, with as many bytes in front as a READ BINARY
//! asks for; what it takes is the transport's share.

use card_wire::Ins;
use card_wire::vpcd::{self, Message};
use std::env;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];

/// The environment variable that names another floor card: a program that takes a port and the word `quick`.
pub const PROGRAM: &str = "CARDLAB_FLOORCARD";

/// A floor card in a reader: the program that [`PROGRAM`] names, otherwise a thread of our own. Ends on drop.
pub enum FloorCard {
    /// Our own, and its thread.
    Own(TcpStream, Option<JoinHandle<()>>),
    /// Another program.
    Program(Child),
}

impl FloorCard {
    /// Puts a floor card into a reader that waits on loopback.
    ///
    /// # Errors
    /// Where nobody waits there, or the program cannot be started.
    pub fn connect(port: u16) -> io::Result<Self> {
        match env::var_os(PROGRAM) {
            Some(program) => {
                Command::new(program).args([&port.to_string(), "quick"]).stdin(Stdio::null()).spawn().map(Self::Program)
            }
            None => Self::own(port),
        }
    }

    fn own(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        let served = stream.try_clone()?;
        // The reader's end closes the socket: an error ends every run of this card.
        let thread = thread::spawn(move || drop(serve(served)));
        Ok(Self::Own(stream, Some(thread)))
    }
}

impl Drop for FloorCard {
    fn drop(&mut self) {
        // What fails here has ended already.
        match self {
            Self::Own(stream, thread) => {
                drop(stream.shutdown(Shutdown::Both));
                drop(thread.take().map(JoinHandle::join));
            }
            Self::Program(child) => {
                drop(child.kill());
                drop(child.wait());
            }
        }
    }
}

/// Answers until the socket closes. Two reads and one write per command, as few as vpcd's two writes allow.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut frame = vec![0; vpcd::MAX_BODY];
    let mut answer = vec![0; 2 + vpcd::MAX_BODY];
    loop {
        let mut length = [0; 2];
        stream.set_quickack(true)?;
        stream.read_exact(&mut length)?;
        let body = &mut frame[..usize::from(u16::from_be_bytes(length))];
        stream.read_exact(body)?;
        let len = match Message::parse(body) {
            Ok(Message::GetAtr) => {
                answer[2..2 + ATR.len()].copy_from_slice(ATR);
                ATR.len()
            }
            Ok(Message::Apdu(apdu)) => fill(apdu, &mut answer[2..]),
            _ => continue,
        };
        let length = vpcd::length_field(&answer[2..2 + len]).map_err(io::Error::other)?;
        answer[..2].copy_from_slice(&length);
        stream.write_all(&answer[..2 + len])?;
    }
}

/// The length of the answer to a command: bytes 5A if it reads, and 9000.
fn fill(apdu: &[u8], answer: &mut [u8]) -> usize {
    let wanted = match card_wire::Command::parse(apdu) {
        Ok(command) if command.ins == Ins::READ_BINARY => command.ne.min(answer.len() - 2),
        _ => 0,
    };
    answer[..wanted].fill(0x5A);
    answer[wanted..wanted + 2].copy_from_slice(&[0x90, 0x00]);
    wanted + 2
}
