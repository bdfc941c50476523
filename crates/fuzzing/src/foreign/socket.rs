//! A card that connects to us as it would to vpcd.

use std::io::{self, Read};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use card_wire::vpcd::Message;

use super::line::Line;
use super::{Failure, ForeignCard, LastWords, StartError};

/// How long a card that has connected may take to its ATR.
const ATR: Duration = Duration::from_secs(10);
/// How long a card that was here may take to come back.
const AGAIN: Duration = Duration::from_secs(10);
/// How often we look whether somebody has connected.
const LOOK: Duration = Duration::from_millis(2);

/// The reader's end of a vpcd socket.
pub struct SocketCard {
    listener: TcpListener,
    stop: Arc<AtomicBool>,
    wait: Duration,
    connected: Option<(TcpStream, Line)>,
}

impl SocketCard {
    /// Listens; port 0 takes any free one. A card may take `wait` to connect, and at most ten seconds to come back.
    ///
    /// # Errors
    /// What the system says where the port cannot be had.
    pub fn listen(address: impl ToSocketAddrs, wait: Duration, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, stop, wait, connected: None })
    }

    /// The port on which the card is awaited.
    ///
    /// # Errors
    /// What the system says where it does not know.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    fn accept(&self) -> Result<TcpStream, StartError> {
        let begin = Instant::now();
        loop {
            if self.stop.load(Ordering::Acquire) {
                return Err(StartError::Stopped);
            }
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream
                        .set_nonblocking(false)
                        .and_then(|()| stream.set_nodelay(true))
                        .map_err(StartError::Listen)?;
                    return Ok(stream);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && begin.elapsed() < self.wait => {
                    std::thread::sleep(LOOK);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(StartError::NobodyConnected(self.wait.as_secs()));
                }
                Err(error) => return Err(StartError::Listen(error)),
            }
        }
    }

    fn connect(&mut self) -> Result<Vec<u8>, StartError> {
        let stream = self.accept()?;
        self.wait = self.wait.min(AGAIN);
        let copy = || stream.try_clone().map_err(StartError::Listen);
        let mut line = Line::new(QuickAck(copy()?), copy()?, Arc::clone(&self.stop));
        let woken = line.wake(Message::PowerOn, ATR);
        self.connected = Some((stream, line));
        woken.map_err(|failure| self.no_atr(failure))
    }

    fn no_atr(&mut self, failure: Failure) -> StartError {
        self.disconnect();
        match failure {
            Failure::Stopped => StartError::Stopped,
            failure => StartError::NoAtr(failure, LastWords(None)),
        }
    }

    fn disconnect(&mut self) {
        if let Some((stream, _)) = self.connected.take() {
            // A card that has gone already needs no farewell.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// After a failure the next answer could be a late one to an old question, so the card is let go.
    fn with_line(&mut self, ask: impl FnOnce(&mut Line) -> Result<Vec<u8>, Failure>) -> Result<Vec<u8>, Failure> {
        let Some((_, line)) = &mut self.connected else { return Err(Failure::Ended("it is not connected".to_owned())) };
        let result = ask(line);
        if result.is_err() {
            self.disconnect();
        }
        result
    }
}

impl ForeignCard for SocketCard {
    fn start(&mut self) -> Result<Vec<u8>, StartError> {
        if let Some((_, line)) = &mut self.connected {
            line.say(Message::PowerOff);
            match line.wake(Message::PowerOn, ATR) {
                Ok(atr) => return Ok(atr),
                Err(Failure::Stopped) => return Err(StartError::Stopped),
                Err(_) => self.disconnect(),
            }
        }
        self.connect()
    }

    fn reset(&mut self, limit: Duration) -> Result<Vec<u8>, Failure> {
        self.with_line(|line| line.wake(Message::Reset, limit))
    }

    fn transmit(&mut self, command: &[u8], limit: Duration) -> Result<Vec<u8>, Failure> {
        self.with_line(|line| line.ask(command, limit))
    }

    fn unasked(&mut self, wait: Duration) -> Option<usize> {
        let came = self.connected.as_mut()?.1.unasked(wait);
        if came.is_some() {
            self.disconnect();
        }
        came
    }

    fn is_fresh_when_started(&self) -> bool {
        false
    }
}

impl Drop for SocketCard {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// Acknowledges at once what it reads: a card that writes length and body apart would otherwise wait 40 ms for us.
struct QuickAck(TcpStream);

impl Read for QuickAck {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::net::TcpStreamExt as _;
            // A refusal costs time only.
            let _ = self.0.set_quickack(true);
        }
        self.0.read(out)
    }
}
