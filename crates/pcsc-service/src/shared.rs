//! What all connections of a service share: the readers, the numbers, who waits.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::lock;
use crate::names::Numbers;
use crate::proto::{OLD_CAPACITY, READER_STATE, reader_state};
use crate::reader::Reader;
use crate::settings::Settings;
use crate::waiting::{Events, Watch};

/// Most connections of all programs together. Each has a thread and at most 132 KiB of buffers.
pub(crate) const MAX_CLIENTS: usize = 512;
/// Most contexts of one program; pcscd has as many for all programs.
pub(crate) const MAX_CONTEXTS: usize = 200;
/// Most connections of one program: its contexts, and some that cancel or have no context yet.
pub(crate) const MAX_CLIENTS_OF_ONE: usize = MAX_CONTEXTS + 16;
/// Most readers at the same time.
pub(crate) const MAX_READERS: usize = 64;

/// A connection, seen from the others.
pub(crate) struct Connection {
    pub(crate) stream: Arc<UnixStream>,
    /// The program at the other end, where the system tells.
    pub(crate) process: Option<u32>,
}

/// A context: how its wait is reached, and whose it is.
pub(crate) struct Context {
    pub(crate) watch: Arc<Watch>,
    pub(crate) process: Option<u32>,
}

/// All that is common.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) events: Arc<Events>,
    /// Slots as clients see them; a reader that was unplugged leaves a hole.
    pub(crate) readers: Mutex<Vec<Option<Arc<Reader>>>>,
    /// How many slots clients are told of. Never shrinks: libpcsclite 2.5 takes that for an error.
    capacity: AtomicUsize,
    /// Readers plugged and unplugged, from 1 to 0x7FFF and round again (GET_READER_EVENTS).
    reader_events: AtomicU32,
    pub(crate) cards: Mutex<Numbers>,
    pub(crate) context_numbers: Mutex<Numbers>,
    pub(crate) contexts: Mutex<HashMap<u32, Context>>,
    pub(crate) connections: Mutex<HashMap<u64, Connection>>,
    pub(crate) stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn new(settings: Settings, events: Arc<Events>, readers: Vec<Option<Arc<Reader>>>) -> Self {
        let capacity = capacity_for(readers.len());
        Self {
            settings,
            events,
            readers: Mutex::new(readers),
            capacity: AtomicUsize::new(capacity),
            reader_events: AtomicU32::new(1),
            cards: Mutex::default(),
            context_numbers: Mutex::default(),
            contexts: Mutex::default(),
            connections: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The reader of this name.
    pub(crate) fn reader(&self, name: &[u8]) -> Option<Arc<Reader>> {
        lock(&self.readers).iter().flatten().find(|reader| reader.name.as_bytes() == name).cloned()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity.load(Ordering::SeqCst)
    }

    pub(crate) fn reader_events(&self) -> u32 {
        self.reader_events.load(Ordering::SeqCst)
    }

    /// After the readers have changed: counts it, and tells those who wait.
    pub(crate) fn readers_changed(&self) {
        let readers = lock(&self.readers).len();
        self.capacity.fetch_max(capacity_for(readers), Ordering::SeqCst);
        // The closure always gives a value, so this cannot fail.
        let next = |count| Some(if count >= 0x7FFF { 1 } else { count + 1 });
        let _ = self.reader_events.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        self.events.changed();
    }

    /// Appends the states of the first `places` readers. An old client has always 16 places.
    pub(crate) fn states(&self, places: usize, out: &mut Vec<u8>) {
        let readers: Vec<_> = lock(&self.readers).iter().take(places).cloned().collect();
        out.reserve(places * READER_STATE);
        for place in 0..places {
            let reader = readers.get(place).and_then(Option::as_ref);
            reader_state(out, reader.map(|reader| reader.snapshot()).as_ref());
        }
    }
}

/// 16 at least, else the next even number.
fn capacity_for(readers: usize) -> usize {
    readers.next_multiple_of(2).max(OLD_CAPACITY)
}
