//! Ctrl-C: what is asked for at the terminal ends at once; what the card is doing is finished first.
//!
//! The signal itself is caught by the program, which calls [`raised`] on a thread of its own.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use crate::texts::Lang;

static RAISED: AtomicBool = AtomicBool::new(false);
static ASKING: AtomicU8 = AtomicU8::new(NOTHING);
static STAGE: AtomicU8 = AtomicU8::new(0);

const NOTHING: u8 = 0;
const LINE: u8 = 1;
const SECRET: u8 = 2;

/// How long a prompt has to end by itself: one that reads a PIN sees Ctrl-C as a key.
const GRACE: Duration = Duration::from_millis(300);

/// How far the work on the card is, for what is said when it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// There may be a new key.
    Key = 1,
    /// The request has been sent.
    Sent = 2,
    /// The certificate is being written.
    Writing = 3,
}

/// Notes how far the work is. Returns whether this is news.
pub(crate) fn reached(stage: Stage) -> bool {
    STAGE.fetch_max(stage as u8, Ordering::Relaxed) < stage as u8
}

/// Notes that what was thought to have begun has not.
pub(crate) fn back_to_nothing() {
    STAGE.store(0, Ordering::Relaxed);
}

/// What is said when the work stops here.
pub(crate) fn kept(lang: Lang) -> String {
    match STAGE.load(Ordering::Relaxed) {
        0 => lang.cancelled(),
        1 => lang.cancelled_key_kept(),
        2 => lang.cancelled_sent(),
        _ => lang.cancelled_writing(),
    }
}

/// Whether the work shall stop.
pub(crate) fn is_raised() -> bool {
    RAISED.load(Ordering::Relaxed)
}

/// Marks a question at the terminal as long as it lives.
pub(crate) struct Asking;

impl Asking {
    pub(crate) fn line() -> Self {
        ASKING.store(LINE, Ordering::SeqCst);
        Self
    }

    pub(crate) fn secret() -> Self {
        ASKING.store(SECRET, Ordering::SeqCst);
        Self
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKING.store(NOTHING, Ordering::SeqCst);
    }
}

/// Somebody wants the program to stop. Returns the last words where it must end here and now; with none the work goes
/// on to the end of its step and then stops by itself.
#[must_use]
pub fn raised(lang: Lang) -> Option<String> {
    let again = RAISED.swap(true, Ordering::SeqCst);
    let asking = ASKING.load(Ordering::SeqCst);
    if asking == NOTHING && !again {
        eprintln!("\n{}", lang.stopping());
        return None;
    }
    std::thread::sleep(GRACE);
    let asking = ASKING.load(Ordering::SeqCst);
    if asking == NOTHING && !again {
        return None;
    }
    if asking == SECRET {
        // The signal came from elsewhere, and the prompt still has the terminal without echo.
        let _ = Command::new("stty").args(["icanon", "echo", "isig"]).stdin(tty()).status();
    }
    Some(kept(lang))
}

fn tty() -> Stdio {
    std::fs::File::open("/dev/tty").map_or_else(|_| Stdio::null(), Stdio::from)
}
