//! The reader's end of the vpcd socket: the card connects to us, as it would to vpcd inside pcscd.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use card_wire::vpcd::{MAX_BODY, Message, length_field};
use zeroize::Zeroizing;

use super::{Transacted, Transport};
use crate::error::TransportError;

/// How long a card may take to answer, unless told otherwise: key generation is slow.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a listener looks for a card. The standard library cannot wait for one with a time limit.
const ACCEPT_INTERVAL: Duration = Duration::from_millis(2);
const LENGTH_FIELD: usize = 2;

/// Waits for a card to connect.
#[derive(Debug)]
pub struct VpcdListener {
    listener: TcpListener,
    address: SocketAddr,
}

/// A card on a socket, powered on.
#[derive(Debug)]
pub struct Vpcd {
    /// `None` once the card is gone or the stream can no longer be trusted.
    stream: Option<TcpStream>,
    local: SocketAddr,
    atr: Vec<u8>,
    timeout: Duration,
    buffer: Box<[u8]>,
}

impl Vpcd {
    /// Listens where a card can connect; port 0 takes any free one.
    ///
    /// # Errors
    /// [`TransportError::Io`] if the address cannot be used.
    pub fn listen(address: impl ToSocketAddrs) -> Result<VpcdListener, TransportError> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(VpcdListener { listener, address })
    }

    /// Sets how long the card may take for one answer; two minutes unless told otherwise.
    pub const fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    fn power_up(stream: TcpStream, local: SocketAddr, timeout: Duration) -> Result<Self, TransportError> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let buffer = vec![0; LENGTH_FIELD + MAX_BODY].into_boxed_slice();
        let mut vpcd = Self { stream: Some(stream), local, atr: Vec::new(), timeout, buffer };
        vpcd.send(Message::PowerOn)?;
        vpcd.read_atr()?;
        vpcd.timeout = DEFAULT_TIMEOUT;
        Ok(vpcd)
    }

    fn read_atr(&mut self) -> Result<Vec<u8>, TransportError> {
        self.atr = self.ask(Message::GetAtr)?;
        self.atr()
    }

    /// Sends a frame and gives the connection up if that fails: nobody knows how much of it arrived.
    fn send(&mut self, message: Message<'_>) -> Result<(), TransportError> {
        let stream = self.stream.as_mut().ok_or(TransportError::CardGone)?;
        let sent = write_frame(stream, message.body(), self.timeout);
        if sent.is_err() {
            self.stream = None;
        }
        sent
    }

    /// Sends a frame and reads the answer. An answer that comes late or is out of order would be taken for
    /// that of the next command, so every failure gives the connection up.
    fn ask(&mut self, message: Message<'_>) -> Result<Vec<u8>, TransportError> {
        self.send(message)?;
        let stream = self.stream.as_mut().ok_or(TransportError::CardGone)?;
        let answer = read_frame(stream, &mut self.buffer, self.timeout);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }
}

impl VpcdListener {
    /// The TCP port on which the card is awaited.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits for a card, powers it on and reads its ATR. May be called again when a card is gone.
    ///
    /// # Errors
    /// [`TransportError::Timeout`] if no card connects, or the one that does gives no ATR in time.
    pub fn accept(&self, timeout: Duration) -> Result<Vpcd, TransportError> {
        let deadline = deadline(timeout);
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => return Vpcd::power_up(stream, self.address, remaining(deadline)?),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    std::thread::sleep(ACCEPT_INTERVAL.min(remaining(deadline)?));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Transport for Vpcd {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        // One byte would be taken for a control message, and an empty frame for nothing at all.
        if !(2..=MAX_BODY).contains(&command.len()) {
            return Err(TransportError::CommandLength { len: command.len(), max: MAX_BODY });
        }
        let answer = self.ask(Message::Apdu(command))?;
        match answer.len() {
            0 => Err(TransportError::CardGone),
            len @ 1 => Err(TransportError::ShortAnswer { len }),
            _ => Ok(answer),
        }
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.send(Message::Reset)?;
        self.read_atr()
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        if self.atr.is_empty() { Err(TransportError::Unresponsive) } else { Ok(self.atr.clone()) }
    }

    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        format!("vpcd on {}", self.local)
    }
}

impl Drop for Vpcd {
    fn drop(&mut self) {
        // A reader that is unplugged takes the power away; if the card is gone already, all the better.
        let _ = self.send(Message::PowerOff);
    }
}

/// Bounded, because an instant cannot be arbitrarily far away.
fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(Duration::from_secs(365 * 24 * 3600))
}

fn remaining(deadline: Instant) -> Result<Duration, TransportError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(TransportError::Timeout) } else { Ok(left) }
}

/// One write per frame: two would meet the delayed acknowledgement of the other end.
fn write_frame(stream: &mut TcpStream, body: &[u8], timeout: Duration) -> Result<(), TransportError> {
    let too_long = |_| TransportError::CommandLength { len: body.len(), max: MAX_BODY };
    let length = length_field(body).map_err(too_long)?;
    // The command may hold a PIN.
    let mut frame = Zeroizing::new(Vec::with_capacity(length.len() + body.len()));
    frame.extend_from_slice(&length);
    frame.extend_from_slice(body);
    stream.set_write_timeout(Some(timeout.max(Duration::from_millis(1))))?;
    Ok(stream.write_all(&frame)?)
}

/// Reads one frame before the deadline. What follows it is a breach of the protocol: nothing was asked.
fn read_frame(stream: &mut TcpStream, buffer: &mut [u8], timeout: Duration) -> Result<Vec<u8>, TransportError> {
    let deadline = deadline(timeout);
    let mut filled = 0;
    loop {
        if let Some((field, body)) = buffer[..filled].split_first_chunk::<LENGTH_FIELD>() {
            let len = usize::from(u16::from_be_bytes(*field));
            match body.len().cmp(&len) {
                core::cmp::Ordering::Less => {}
                core::cmp::Ordering::Equal => return Ok(body.to_vec()),
                core::cmp::Ordering::Greater => return Err(TransportError::Protocol),
            }
        }
        stream.set_read_timeout(Some(remaining(deadline)?))?;
        quick_ack(stream)?;
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(TransportError::CardGone),
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Acknowledges at once. The kernel forgets the setting, so it is made before each read: a peer that writes
/// length and payload apart would otherwise lose 40 ms per frame.
#[cfg(target_os = "linux")]
fn quick_ack(stream: &TcpStream) -> std::io::Result<()> {
    use std::os::linux::net::TcpStreamExt as _;
    stream.set_quickack(true)
}

/// Other systems have no such setting.
#[cfg(not(target_os = "linux"))]
fn quick_ack(_: &TcpStream) -> std::io::Result<()> {
    Ok(())
}
