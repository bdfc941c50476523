//! The thread that keeps a card in the reader.

use std::fmt;
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use card_wire::Icc;

use crate::address::VpcdAddress;
use crate::link::{Ended, LinkError, lock, serve};
use crate::slot::Slot;

/// Pauses between attempts to connect grow from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(500);

/// How long a card that was pulled or fell mute stays away. pcscd looks for a card every 0.4 s and would take a
/// shorter absence for none: it would go on talking to a card that has lost its power.
const ABSENCE: Duration = Duration::from_millis(900);

/// Where the card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// On its way into the reader: nobody listens yet, or the line has just broken.
    Connecting,
    /// In the reader.
    Connected,
    /// Not presented to the reader, because it gives no ATR. It is asked again about twice a second.
    Mute,
    /// Pulled by [`VirtualReader::remove`].
    Removed,
    /// For good: the reader was stopped.
    Stopped,
}

/// What happened to the link, for logs. Never holds a byte of an APDU.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkEvent {
    /// The card is in the reader.
    Connected,
    /// Nobody listens at the address; told once per outage.
    Unreachable(std::io::Error),
    /// The reader closed the connection.
    Closed,
    /// The connection broke.
    Broken(LinkError),
    /// The card gave no answer and was taken out of the reader.
    Mute,
    /// The card was pulled.
    Removed,
    /// The reader was stopped.
    Stopped,
}

impl fmt::Display for LinkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("card connected to vpcd"),
            Self::Unreachable(error) => write!(f, "no vpcd yet ({error}), trying again"),
            Self::Closed => f.write_str("vpcd closed the connection, connecting again"),
            Self::Broken(error) => write!(f, "{error}, connecting again"),
            Self::Mute => f.write_str("the card is mute and was taken out of the reader"),
            Self::Removed => f.write_str("card removed"),
            Self::Stopped => f.write_str("reader stopped"),
        }
    }
}

/// A card in a running reader service, served by a thread of its own until it is stopped or dropped.
///
/// It connects at once and for ever again: when the service is not there yet, when it restarts, and after the
/// card has lost its power (then after 0.9 s, so that the reader has seen it go).
pub struct VirtualReader {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and its owner share. The slot's lock is taken once per frame, the other one per connection.
struct Shared {
    slot: Mutex<Slot>,
    control: Mutex<Control>,
    changed: Condvar,
    leave: AtomicBool,
}

struct Control {
    wish: Wish,
    state: LinkState,
    line: Option<TcpStream>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Inserted,
    Removed,
    Stopped,
}

impl VirtualReader {
    /// Puts the card into the slot at the address.
    #[must_use]
    pub fn start(card: Box<dyn Icc>, address: VpcdAddress) -> Self {
        Self::start_with(card, address, |_| {})
    }

    /// Like [`Self::start`], and tells `report` what happens to the link. It is called on the reader's thread.
    ///
    /// # Panics
    /// Where the system refuses a thread.
    #[must_use]
    pub fn start_with(
        card: Box<dyn Icc>,
        address: VpcdAddress,
        report: impl FnMut(&LinkEvent) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::new(card));
        let worker = Worker {
            shared: Arc::clone(&shared),
            address,
            report: Box::new(report),
            pause: FIRST_PAUSE,
            outage: false,
        };
        let thread = thread::spawn(move || worker.run());
        Self { shared, thread: Mutex::new(Some(thread)) }
    }

    /// Exchanges the card under the reader: where it had power, so has the new one, freshly reset, and the next
    /// command goes to it. The reader does not notice, so the new ATR should equal the old. Waits for a command
    /// that runs. Returns the old card.
    pub fn replace(&self, card: Box<dyn Icc>) -> Box<dyn Icc> {
        lock(&self.shared.slot).replace(card)
    }

    /// Runs `work` on the card between two commands. Waits for a command that runs.
    pub fn with_card<R>(&self, work: impl FnOnce(&mut dyn Icc) -> R) -> R {
        work(lock(&self.shared.slot).card())
    }

    /// Pulls the card: the connection is closed at once, also while a command runs; its answer is lost.
    pub fn remove(&self) {
        self.shared.wish(Wish::Removed);
    }

    /// Puts a pulled card back, at the earliest 0.9 s after it was pulled.
    pub fn insert(&self) {
        self.shared.wish(Wish::Inserted);
    }

    /// Ends the connection and the thread; waits for a command that runs. Nothing restarts it.
    pub fn stop(&self) {
        self.shared.wish(Wish::Stopped);
        let thread = lock(&self.thread).take();
        // A report closure may stop its own reader, and no thread can wait for itself. A thread that panicked has
        // already said so.
        let _ = thread.filter(|thread| thread.thread().id() != thread::current().id()).map(JoinHandle::join);
    }

    /// Where the card is.
    #[must_use]
    pub fn state(&self) -> LinkState {
        lock(&self.shared.control).state
    }

    /// Waits until the card is where it is wanted. False if it is not within `limit`.
    pub fn wait_for(&self, state: LinkState, limit: Duration) -> bool {
        let control = lock(&self.shared.control);
        let waited = self.shared.changed.wait_timeout_while(control, limit, |control| control.state != state);
        waited.is_ok_and(|(_, timeout)| !timeout.timed_out())
    }
}

impl Drop for VirtualReader {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn new(card: Box<dyn Icc>) -> Self {
        Self {
            slot: Mutex::new(Slot::new(card)),
            control: Mutex::new(Control { wish: Wish::Inserted, state: LinkState::Connecting, line: None }),
            changed: Condvar::new(),
            leave: AtomicBool::new(false),
        }
    }

    fn wish(&self, wish: Wish) {
        let mut control = lock(&self.control);
        if control.wish == Wish::Stopped {
            return;
        }
        control.wish = wish;
        if wish != Wish::Inserted {
            self.leave.store(true, Ordering::Release);
            if let Some(line) = control.line.take() {
                // A line that is already down needs no shutting.
                let _ = line.shutdown(Shutdown::Both);
                control.state = LinkState::Connecting;
            }
        }
        drop(control);
        self.changed.notify_all();
    }

    fn enter(&self, state: LinkState) {
        lock(&self.control).state = state;
        self.changed.notify_all();
    }

    /// Waits until the card is wanted in the reader and the pause is over; false once the reader is stopped.
    fn wait_until_wanted(&self, not_before: Instant, report: &mut dyn FnMut(&LinkEvent)) -> bool {
        let mut control = lock(&self.control);
        loop {
            let pause = not_before.saturating_duration_since(Instant::now());
            control = match control.wish {
                Wish::Stopped => return false,
                Wish::Inserted if pause.is_zero() => return true,
                Wish::Inserted => self.changed.wait_timeout(control, pause).unwrap_or_else(PoisonError::into_inner).0,
                Wish::Removed if control.state == LinkState::Removed => {
                    self.changed.wait(control).unwrap_or_else(PoisonError::into_inner)
                }
                Wish::Removed => {
                    control.state = LinkState::Removed;
                    drop(control);
                    self.changed.notify_all();
                    report(&LinkEvent::Removed);
                    lock(&self.control)
                }
            }
        }
    }

    /// Makes the line known to those who may have to cut it; false where the card is no longer wanted.
    fn attach(&self, line: TcpStream) -> bool {
        let mut control = lock(&self.control);
        let wanted = control.wish == Wish::Inserted;
        if wanted {
            self.leave.store(false, Ordering::Release);
            control.line = Some(line);
            control.state = LinkState::Connected;
            self.changed.notify_all();
        }
        wanted
    }

    fn detach(&self) {
        let mut control = lock(&self.control);
        control.line = None;
        if control.state == LinkState::Connected {
            control.state = LinkState::Connecting;
        }
        drop(control);
        self.changed.notify_all();
    }
}

/// The thread's side.
struct Worker {
    shared: Arc<Shared>,
    address: VpcdAddress,
    report: Box<dyn FnMut(&LinkEvent) + Send>,
    pause: Duration,
    /// Nobody listened at the last attempt.
    outage: bool,
}

impl Worker {
    fn run(mut self) {
        let mut not_before = Instant::now();
        while self.shared.wait_until_wanted(not_before, &mut self.report) {
            let pause = self.attempt();
            not_before = Instant::now() + pause;
        }
    }

    /// Tries to bring the card into the reader and serves it there; returns how long to stay away after it.
    fn attempt(&mut self) -> Duration {
        if !lock(&self.shared.slot).wakes() {
            self.mute();
            return LAST_PAUSE;
        }
        match self.address.connect().and_then(|stream| Ok((stream.try_clone()?, stream))) {
            Ok((line, stream)) => {
                self.outage = false;
                self.present(line, &stream)
            }
            Err(error) => {
                self.shared.enter(LinkState::Connecting);
                if !mem::replace(&mut self.outage, true) {
                    (self.report)(&LinkEvent::Unreachable(error));
                }
                self.longer_pause()
            }
        }
    }

    /// Serves one connection.
    fn present(&mut self, line: TcpStream, stream: &TcpStream) -> Duration {
        if !self.shared.attach(line) {
            return Duration::ZERO;
        }
        (self.report)(&LinkEvent::Connected);
        let begin = Instant::now();
        let end = serve(stream, &self.shared.slot, &self.shared.leave);
        // Closed before anything is told, and not by going out of scope: the reader must see the card go first.
        let _ = stream.shutdown(Shutdown::Both);
        self.shared.detach();
        if begin.elapsed() > LAST_PAUSE {
            self.pause = FIRST_PAUSE;
        }
        match end {
            Ok(Ended::Stopped) => ABSENCE,
            Ok(Ended::Mute) => {
                self.mute();
                ABSENCE
            }
            Ok(Ended::Closed) => {
                (self.report)(&LinkEvent::Closed);
                self.longer_pause()
            }
            Err(error) => {
                (self.report)(&LinkEvent::Broken(error));
                self.longer_pause()
            }
        }
    }

    fn mute(&mut self) {
        if lock(&self.shared.control).state != LinkState::Mute {
            self.shared.enter(LinkState::Mute);
            (self.report)(&LinkEvent::Mute);
        }
    }

    fn longer_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LAST_PAUSE);
        pause
    }
}

impl Drop for Worker {
    /// Also when a card panics: nobody may wait for a link that no thread serves.
    fn drop(&mut self) {
        self.shared.detach();
        self.shared.enter(LinkState::Stopped);
        (self.report)(&LinkEvent::Stopped);
    }
}
