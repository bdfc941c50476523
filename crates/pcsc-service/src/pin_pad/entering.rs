//! A pad in a reader: one entry at a time, on a thread of its own, so that whoever waits for it can leave at any moment.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Entry, PinPad, PinRequest};
use crate::lock;

/// How often the one who waits looks whether it is still worth it, besides when it is told.
const LOOK: Duration = Duration::from_millis(100);
/// What a pad has beyond the time of an entry to say how it ended.
const GRACE: Duration = Duration::from_millis(500);

/// An entry, as its pad sees it.
#[derive(Clone)]
pub struct EntryControl(Arc<Current>);

struct Current {
    end: Instant,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    /// Nobody waits for the entry.
    over: bool,
    /// The pad is to look.
    woken: bool,
    /// Who waits is to look.
    poked: bool,
    entry: Option<Entry>,
}

impl EntryControl {
    fn new(timeout: Duration) -> Self {
        let (progress, changed) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Current { end: Instant::now() + timeout, progress, changed }))
    }

    /// Whether nobody waits for the entry any more: the card has been pulled, its program has gone, the service ends.
    #[must_use]
    pub fn is_over(&self) -> bool {
        lock(&self.0.progress).over
    }

    /// How much of the time for the entry is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.0.end.saturating_duration_since(Instant::now())
    }

    /// Waits until somebody calls [`Self::wake`] or has called it since the last wait, the entry is over, or this time has
    /// passed.
    pub fn wait(&self, limit: Duration) {
        let progress = lock(&self.0.progress);
        let sleeps = |progress: &mut Progress| !progress.over && !progress.woken;
        let waited = self.0.changed.wait_timeout_while(progress, limit, sleeps);
        waited.unwrap_or_else(PoisonError::into_inner).0.woken = false;
    }

    /// Has the pad look: a key has been pressed, say.
    pub fn wake(&self) {
        lock(&self.0.progress).woken = true;
        self.0.changed.notify_all();
    }

    fn finish(&self, entry: Entry) {
        let mut progress = lock(&self.0.progress);
        // What comes too late is wiped here.
        if !progress.over && progress.entry.is_none() {
            progress.entry = Some(entry);
        }
        drop(progress);
        self.0.changed.notify_all();
    }

    /// Waits for the entry as long as that is worth it; none where it is not.
    fn outcome(&self, is_wanted: impl Fn() -> bool) -> Option<Entry> {
        let last = self.0.end + GRACE;
        let mut progress = lock(&self.0.progress);
        let outcome = loop {
            if let Some(entry) = progress.entry.take() {
                break Some(entry);
            }
            let left = last.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break Some(Entry::TimedOut);
            }
            if !std::mem::take(&mut progress.poked) {
                progress = wait(&self.0.changed, progress, left.min(LOOK));
            }
            // Others' locks are never taken under ours.
            drop(progress);
            let is_wanted = is_wanted();
            progress = lock(&self.0.progress);
            if !is_wanted {
                break None;
            }
        };
        progress.over = true;
        drop(progress);
        self.0.changed.notify_all();
        outcome
    }
}

impl std::fmt::Debug for EntryControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EntryControl(…)")
    }
}

fn wait<'g, T>(changed: &Condvar, guard: MutexGuard<'g, T>, limit: Duration) -> MutexGuard<'g, T> {
    changed.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner).0
}

/// The pad of a reader.
pub(crate) struct Pad {
    rest: Arc<Rest>,
    current: Mutex<Option<EntryControl>>,
    /// How many want the reader more than whoever types.
    hurrying: AtomicUsize,
}

/// Where the pad is while nobody types.
struct Rest {
    pad: Mutex<Option<Box<dyn PinPad>>>,
    back: Condvar,
}

impl Pad {
    pub(crate) fn new(pad: Box<dyn PinPad>) -> Self {
        let rest = Arc::new(Rest { pad: Mutex::new(Some(pad)), back: Condvar::new() });
        Self { rest, current: Mutex::default(), hurrying: AtomicUsize::new(0) }
    }

    /// Asks for a PIN as long as it is wanted; none where it is not, or no longer.
    pub(crate) fn ask(&self, request: PinRequest, is_wanted: impl Fn() -> bool) -> Option<Entry> {
        let is_wanted = || self.hurrying.load(Ordering::SeqCst) == 0 && is_wanted();
        let control = EntryControl::new(request.timeout);
        *lock(&self.current) = Some(control.clone());
        let entry = match self.take(&control, is_wanted) {
            Ok(pad) => {
                let typing = Typing { pad: Some(pad), rest: Arc::clone(&self.rest), control: control.clone() };
                // Where there is no thread the pad goes back with the closure, as if somebody had cancelled.
                let _ = thread::Builder::new().name("pin-pad".into()).spawn(move || typing.run(&request));
                control.outcome(is_wanted)
            }
            Err(entry) => entry,
        };
        lock(&self.current).take();
        entry
    }

    /// The pad, once an entry that was given up is done with it.
    fn take(&self, control: &EntryControl, is_wanted: impl Fn() -> bool) -> Result<Box<dyn PinPad>, Option<Entry>> {
        loop {
            if !is_wanted() {
                return Err(None);
            }
            let mut pad = lock(&self.rest.pad);
            if pad.is_none() {
                pad = wait(&self.rest.back, pad, control.left().min(LOOK));
            }
            match pad.take() {
                Some(pad) => return Ok(pad),
                None if control.left().is_zero() => return Err(Some(Entry::TimedOut)),
                None => {}
            }
        }
    }

    /// Has whoever waits for an entry look whether it is still wanted.
    pub(crate) fn interrupt(&self) {
        let current = lock(&self.current).clone();
        if let Some(current) = current {
            lock(&current.0.progress).poked = true;
            current.0.changed.notify_all();
        }
    }

    /// Ends the entry, and all others as long as the guard lives.
    pub(crate) fn hurry(&self) -> Hurry<'_> {
        self.hurrying.fetch_add(1, Ordering::SeqCst);
        self.interrupt();
        Hurry(self)
    }
}

/// Somebody wants the reader more than whoever types.
pub(crate) struct Hurry<'p>(&'p Pad);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.hurrying.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A pad at work. Whatever becomes of the work, the pad goes back and the entry ends.
struct Typing {
    pad: Option<Box<dyn PinPad>>,
    rest: Arc<Rest>,
    control: EntryControl,
}

impl Typing {
    fn run(mut self, request: &PinRequest) {
        if let Some(pad) = &mut self.pad {
            let entry = pad.enter(request, &self.control);
            self.control.finish(entry);
        }
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        *lock(&self.rest.pad) = self.pad.take();
        self.rest.back.notify_all();
        // A pad that panicked has said nothing; where it has, this is too late to count.
        self.control.finish(Entry::Cancelled);
    }
}
