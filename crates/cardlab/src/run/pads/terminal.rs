//! PINs typed at the terminal of this process, unseen. Ctrl-C is the program's, as ever; the terminal is as it was when the
//! entry is over, however it ends.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use pcsc_service::{Entry, EntryControl, PinPad, PinRequest, Wanted};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use zeroize::Zeroizing;

use super::keys::{BACK, CANCEL, OK, Typed};

/// The terminal of this process, whatever its streams are.
const PATH: &str = "/dev/tty";
/// How often it is looked whether the entry is over.
const LOOK: Duration = Duration::from_millis(50);
/// What some terminals send for the key that takes a character back.
const BACKSPACE: u8 = 0x08;

/// The terminal, which readers share: one entry at a time.
pub(super) struct Terminal {
    file: File,
    turn: Mutex<()>,
    modes: Mutex<Modes>,
}

/// How the terminal was before the entry that has it now.
#[derive(Default)]
struct Modes {
    before: Option<Termios>,
    closed: bool,
}

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(PATH)?;
        tcgetattr(&file)?;
        Ok(Self { file, turn: Mutex::default(), modes: Mutex::default() })
    }

    fn modes(&self) -> MutexGuard<'_, Modes> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hides what is typed, until the guard goes.
    fn hide(&self) -> io::Result<Hidden<'_>> {
        // Whoever changes or reads a terminal that another job has is stopped, and our readers with it.
        if tcgetpgrp(&self.file)? != getpgrp() {
            return Err(io::Error::other("the terminal belongs to another job, as in a shell inside; use pinpad=ctl"));
        }
        let mut modes = self.modes();
        if modes.closed {
            return Err(io::Error::other("the readers are about to end"));
        }
        let before = tcgetattr(&self.file)?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON;
        tcsetattr(&self.file, OptionalActions::Now, &hidden)?;
        modes.before = Some(before);
        Ok(Hidden(self))
    }

    /// The terminal as it was before the entry, on a new line.
    fn restore(&self) {
        if let Some(before) = self.modes().before.take() {
            // A terminal that has gone needs nothing.
            let _ = tcsetattr(&self.file, OptionalActions::Now, &before);
            let _ = writeln!(&self.file);
        }
    }

    /// The terminal as it was, for good: the process is about to end.
    pub(super) fn close(&self) {
        self.modes().closed = true;
        self.restore();
    }

    fn ask(&self, request: &PinRequest, control: &EntryControl) -> io::Result<Entry> {
        let _hidden = self.hide()?;
        write!(&self.file, "{}: ", prompt(request))?;
        self.read(request, control)
    }

    fn read(&self, request: &PinRequest, control: &EntryControl) -> io::Result<Entry> {
        let mut typed = Typed::new(request);
        loop {
            if control.is_over() {
                return Ok(Entry::Cancelled);
            }
            if control.left().is_zero() {
                return Ok(typed.time_out());
            }
            if let Some(key) = self.key()?
                && let Some(entry) = typed.press(key)
            {
                return Ok(entry);
            }
        }
    }

    /// The next key, if one comes soon.
    fn key(&self) -> io::Result<Option<u8>> {
        Ok(match self.byte(LOOK)? {
            Some(b'\n') => Some(OK),
            Some(BACKSPACE) => Some(BACK),
            // Arrows and such begin as the key that cancels, but more comes at once.
            Some(CANCEL) if self.is_sequence()? => None,
            key => key,
        })
    }

    /// Whether more bytes of one key are there; then they are read.
    fn is_sequence(&self) -> io::Result<bool> {
        let mut before = None;
        while let Some(byte) = self.byte(Duration::ZERO)? {
            let is_head = before.is_none() && matches!(byte, b'[' | b'O');
            before = Some(byte);
            if !is_head && matches!(byte, b'@'..=b'~') {
                break;
            }
        }
        Ok(before.is_some())
    }

    /// What is typed next, if it comes in this time. One at a time: what is behind the end belongs to whoever reads next.
    fn byte(&self, limit: Duration) -> io::Result<Option<u8>> {
        let mut line = [PollFd::new(&self.file, PollFlags::IN)];
        let limit = Timespec { tv_sec: 0, tv_nsec: limit.subsec_nanos().into() };
        match poll(&mut line, Some(&limit)) {
            // A signal that is passed on to the program ends no entry.
            Ok(0) | Err(Errno::INTR) => return Ok(None),
            other => other?,
        };
        let mut byte = Zeroizing::new([0; 1]);
        match (&self.file).read(&mut *byte)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(Some(byte[0])),
        }
    }
}

/// The terminal while what is typed is hidden.
struct Hidden<'t>(&'t Terminal);

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        self.0.restore();
    }
}

/// Whoever sits at the terminal.
pub(super) struct AtTerminal(pub(super) Arc<Terminal>);

impl PinPad for AtTerminal {
    fn enter(&mut self, request: &PinRequest, control: &EntryControl) -> Entry {
        let _turn = loop {
            match self.0.turn.try_lock() {
                Ok(turn) => break turn,
                Err(TryLockError::Poisoned(turn)) => break turn.into_inner(),
                Err(TryLockError::WouldBlock) if control.is_over() || control.left().is_zero() => {
                    return Entry::TimedOut;
                }
                Err(TryLockError::WouldBlock) => control.wait(LOOK),
            }
        };
        self.0.ask(request, control).unwrap_or_else(|error| {
            eprintln!("cardlab: nobody could type a PIN for {}, so the entry is cancelled: {error}", request.reader);
            Entry::Cancelled
        })
    }
}

/// What the person at the terminal is asked.
fn prompt(request: &PinRequest) -> String {
    let what = match request.wanted {
        Wanted::Pin => "PIN",
        Wanted::Current => "Current PIN or PUK",
        Wanted::New => "New PIN",
        Wanted::NewAgain => "New PIN again",
    };
    format!("{what} for {} ({} to {} digits)", request.reader, request.min, request.max)
}
