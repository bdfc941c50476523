//! Clients that wait for something to change: SCardGetStatusChange, and SCardCancel.
//!
//! Each registration (WAIT) gives exactly one message of eight bytes: the event, the cancellation, or the answer to STOP.
//! libpcsclite counts on it. Messages go out only between two requests of the same client, so that they never mix with
//! an answer, and to a client of version 4:6 only after the array that it compares with.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use rustix::net::{SendFlags, Shutdown, send, shutdown};

use crate::lock;
use crate::observe::{Event, Observer, What};
use crate::proto::{Rv, pair};

/// No signal where the client has gone. Apple's systems have no such flag, and programs in Rust ignore the signal.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();

/// Everything that changes, and who waits for it.
#[derive(Default)]
pub(crate) struct Events {
    /// Grows with each change that a client can see.
    generation: AtomicU64,
    registered: AtomicUsize,
    watches: Mutex<HashMap<u64, Arc<Watch>>>,
    observer: Option<Observer>,
}

impl Events {
    /// Events that somebody watches, or nobody.
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self { observer, ..Self::default() }
    }

    /// Tells who watches.
    pub(crate) fn note(&self, reader: Option<&str>, handle: Option<u32>, what: What<'_>) {
        if let Some(observer) = &self.observer {
            observer(&Event { reader, handle, what });
        }
    }

    /// Whether somebody watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.observer.is_some()
    }

    /// The state of things. Read it before the states that a client is given: what changes in between is told twice
    /// rather than never.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(SeqCst)
    }

    /// Tells those who wait, after the states show the change.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, SeqCst);
        if self.registered.load(SeqCst) == 0 {
            return;
        }
        let watches: Vec<_> = lock(&self.watches).values().cloned().collect();
        watches.iter().for_each(|watch| self.deliver(watch, &mut lock(&watch.state)));
    }

    /// Makes a connection known.
    pub(crate) fn add(&self, client: u64, watch: &Arc<Watch>) {
        lock(&self.watches).insert(client, Arc::clone(watch));
    }

    /// Forgets a connection.
    pub(crate) fn forget(&self, client: u64) {
        if let Some(watch) = lock(&self.watches).remove(&client) {
            self.unregister(&mut lock(&watch.state));
        }
    }

    /// The client's thread begins to work on a request: no message of ours may come between.
    pub(crate) fn busy(watch: &Watch) {
        lock(&watch.state).busy = true;
    }

    /// The client's thread has answered, or has nothing to answer.
    pub(crate) fn idle(&self, watch: &Watch) {
        let mut state = lock(&watch.state);
        state.busy = false;
        self.deliver(watch, &mut state);
    }

    /// WAIT.
    pub(crate) fn register(&self, watch: &Watch) {
        let mut state = lock(&watch.state);
        if !state.registered {
            self.registered.fetch_add(1, SeqCst);
        }
        (state.registered, state.seen, state.cancelled) = (true, None, false);
    }

    /// The client has been given the states as they were at this generation, or later.
    pub(crate) fn seen(watch: &Watch, generation: u64) {
        let mut state = lock(&watch.state);
        if state.registered {
            state.seen = Some(generation);
        }
    }

    /// STOP. False where nothing is registered: its message is on the way already.
    pub(crate) fn stop(&self, watch: &Watch) -> bool {
        self.unregister(&mut lock(&watch.state))
    }

    /// CANCEL, which comes on another connection.
    pub(crate) fn cancel(&self, watch: &Watch) {
        let mut state = lock(&watch.state);
        state.cancelled = state.registered;
        self.deliver(watch, &mut state);
    }

    fn unregister(&self, state: &mut WatchState) -> bool {
        let was = std::mem::take(&mut state.registered);
        if was {
            self.registered.fetch_sub(1, SeqCst);
        }
        (state.seen, state.cancelled) = (None, false);
        was
    }

    /// Sends the one message of the registration where it is due and may be sent.
    fn deliver(&self, watch: &Watch, state: &mut WatchState) {
        let Some(seen) = state.seen.filter(|_| state.registered && !state.busy) else { return };
        let rv = match state.cancelled {
            true => Rv::CANCELLED,
            false if seen != self.generation() => Rv::SUCCESS,
            false => return,
        };
        self.unregister(state);
        // Never waits: a client that does not read what it asked for is not worth another client's time.
        if send(&*watch.stream, &pair(0, rv), SendFlags::DONTWAIT | NO_SIGNAL) != Ok(8) {
            // It has gone, or will be by this.
            let _ = shutdown(&*watch.stream, Shutdown::Both);
        }
    }
}

/// One connection's wait.
pub(crate) struct Watch {
    stream: Arc<UnixStream>,
    state: Mutex<WatchState>,
}

#[derive(Default)]
struct WatchState {
    registered: bool,
    /// What the client compares with; none until it has been sent.
    seen: Option<u64>,
    busy: bool,
    cancelled: bool,
}

impl Watch {
    pub(crate) fn new(stream: Arc<UnixStream>) -> Self {
        Self { stream, state: Mutex::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn pair_of_ends() -> (Events, Arc<Watch>, UnixStream) {
        let (ours, client) = UnixStream::pair().unwrap();
        client.set_nonblocking(true).unwrap();
        let (events, watch) = (Events::default(), Arc::new(Watch::new(Arc::new(ours))));
        events.add(1, &watch);
        (events, watch, client)
    }

    fn received(mut client: &UnixStream) -> Option<[u8; 8]> {
        let mut bytes = [0; 8];
        client.read(&mut bytes).is_ok_and(|count| count == 8).then_some(bytes)
    }

    #[test]
    fn a_change_is_told_once_and_only_after_the_array() {
        let (events, watch, client) = pair_of_ends();
        events.register(&watch);
        events.changed();
        assert_eq!(received(&client), None);
        Events::seen(&watch, events.generation());
        events.changed();
        assert_eq!(received(&client), Some(pair(0, Rv::SUCCESS)));
        events.changed();
        assert_eq!(received(&client), None);
        assert!(!events.stop(&watch));
    }

    #[test]
    fn a_change_behind_the_snapshot_is_told_at_once() {
        let (events, watch, client) = pair_of_ends();
        events.register(&watch);
        let generation = events.generation();
        Events::busy(&watch);
        events.changed();
        Events::seen(&watch, generation);
        assert_eq!(received(&client), None);
        events.idle(&watch);
        assert_eq!(received(&client), Some(pair(0, Rv::SUCCESS)));
    }

    #[test]
    fn a_cancelled_wait_ends_once() {
        let (events, watch, client) = pair_of_ends();
        events.cancel(&watch);
        assert_eq!(received(&client), None);
        events.register(&watch);
        Events::seen(&watch, events.generation());
        events.cancel(&watch);
        assert_eq!(received(&client), Some(pair(0, Rv::CANCELLED)));
        events.cancel(&watch);
        assert_eq!((received(&client), events.stop(&watch)), (None, false));
    }

    #[test]
    fn a_stopped_wait_is_told_nothing() {
        let (events, watch, client) = pair_of_ends();
        events.register(&watch);
        Events::seen(&watch, events.generation());
        assert!(events.stop(&watch));
        events.changed();
        assert_eq!(received(&client), None);
    }
}
