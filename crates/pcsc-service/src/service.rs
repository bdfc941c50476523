//! The running service: who connects, and what its owner can do with the readers.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use card_wire::Icc;
use rustix::net::{Shutdown, shutdown};
use tempfile::TempDir;

use crate::builder::{Builder, ReaderSpec, StartError};
use crate::client::Client;
use crate::lock;
use crate::reader::{Due, Reader};
use crate::shared::{Connection, MAX_CLIENTS, MAX_CLIENTS_OF_ONE, MAX_READERS, Shared};

/// What libpcsclite reads the socket's path from.
const VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
/// How long no connection is taken after the system has refused one.
const RECOVERY: Duration = Duration::from_millis(10);

/// How long the end of a service waits for its clients' last commands.
const ENDING: Duration = Duration::from_secs(1);

/// Where the socket is, and the directory that was made for it.
pub(crate) struct Place {
    pub(crate) socket: PathBuf,
    pub(crate) directory: Option<TempDir>,
}

/// A running service. It ends, with all its connections, when it is dropped.
pub struct PcscService {
    shared: Arc<Shared>,
    place: Place,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

impl PcscService {
    /// What a service is made from.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn run(place: Place, listener: UnixListener, shared: Arc<Shared>) -> io::Result<Self> {
        let served = Arc::clone(&shared);
        let acceptor = thread::Builder::new().name("pcsc-service".into()).spawn(move || accept(&listener, &served))?;
        Ok(Self { shared, place, acceptor: Mutex::new(Some(acceptor)) })
    }

    /// The socket that clients connect to.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.place.socket
    }

    /// Name and value of the environment variable with which a program finds this service. libpcsclite reads it once in
    /// the life of a process; set-uid programs do not read it.
    #[must_use]
    pub fn environment(&self) -> (&'static str, &Path) {
        (VARIABLE, self.socket())
    }

    /// The readers, in the order in which clients see them.
    #[must_use]
    pub fn readers(&self) -> Vec<ReaderHandle> {
        let readers = lock(&self.shared.readers).iter().flatten().cloned().collect::<Vec<_>>();
        readers.into_iter().map(|reader| self.handle(reader)).collect()
    }

    /// Plugs one more reader in while the service runs.
    ///
    /// # Errors
    /// [`StartError`] for a bad name, one that is taken, and for the 65th reader.
    pub fn plug(&self, spec: ReaderSpec) -> Result<ReaderHandle, StartError> {
        let place = first_free(&lock(&self.shared.readers));
        let (reader, card) = spec.build(place, self.shared.settings, &self.shared.events)?;
        // A card may take its time to answer, and clients do not wait for it. A new reader is empty, so it takes the card.
        let _ = card.map(|card| reader.insert(card, false));
        let mut readers = lock(&self.shared.readers);
        // Another reader may have been plugged in meanwhile.
        let place = first_free(&readers);
        if place >= MAX_READERS {
            return Err(StartError::TooMany);
        }
        if readers.iter().flatten().any(|other| other.name == reader.name) {
            return Err(StartError::Twice(reader.name.clone()));
        }
        match readers.get_mut(place) {
            Some(hole) => *hole = Some(Arc::clone(&reader)),
            None => readers.push(Some(Arc::clone(&reader))),
        }
        drop(readers);
        self.shared.readers_changed();
        Ok(self.handle(reader))
    }

    fn handle(&self, reader: Arc<Reader>) -> ReaderHandle {
        ReaderHandle { reader, shared: Arc::downgrade(&self.shared) }
    }

    /// Pulls a reader out, its card included, which is returned once a running command has ended. Handles on it are
    /// invalid from now on.
    pub fn unplug(&self, reader: &ReaderHandle) -> Option<Box<dyn Icc>> {
        reader.unplug();
        reader.remove()
    }

    /// Ends the service and all its connections, and removes its socket; waits a second at most for commands that run.
    /// Dropping it does the same: this is for an owner who shares it. Nothing happens the second time.
    pub fn stop(&self) {
        if self.shared.stopping.swap(true, Ordering::SeqCst) {
            return;
        }
        // Wakes the acceptor. Where the socket's file has gone it cannot be woken, and ends with the process.
        let woken = UnixStream::connect(&self.place.socket);
        for connection in lock(&self.shared.connections).values() {
            // One that is closed already needs no closing.
            let _ = shutdown(&*connection.stream, Shutdown::Both);
        }
        for reader in lock(&self.shared.readers).iter().flatten() {
            reader.interrupt();
        }
        if let (Ok(_), Some(acceptor)) = (woken, lock(&self.acceptor).take()) {
            // A thread that panicked has already said so.
            let _ = acceptor.join();
        }
        // Commands that run come to their end, and what clients had is given back, before this is over.
        let end = Instant::now() + ENDING;
        while self.connections() > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        // Either may be gone, and then that is what was wanted.
        let _ = match &self.place.directory {
            Some(directory) => std::fs::remove_dir_all(directory.path()),
            None => std::fs::remove_file(&self.place.socket),
        };
    }

    /// How many programs' connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.shared.connections).len()
    }
}

impl Drop for PcscService {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A reader of a running service.
#[derive(Clone)]
pub struct ReaderHandle {
    reader: Arc<Reader>,
    shared: Weak<Shared>,
}

impl ReaderHandle {
    /// The name that programs see.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.reader.name
    }

    /// Whether there is a card in it.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.reader.is_present()
    }

    /// Puts a card in and gives it power. Programs that wait are told.
    ///
    /// # Errors
    /// The card, where the reader has one already.
    pub fn insert(&self, card: Box<dyn Icc>) -> Result<(), Box<dyn Icc>> {
        self.reader.insert(card, true)
    }

    /// Pulls the card. Programs are told at once, transactions end; then this waits for a command that runs, whose
    /// answer is lost. None where there was no card.
    pub fn remove(&self) -> Option<Box<dyn Icc>> {
        self.reader.remove()
    }

    /// Exchanges the card between two commands without any program noticing: the new one has power where the old one
    /// had, and is freshly reset. Its ATR should be the old one's. Returns the old card.
    pub fn replace(&self, card: Box<dyn Icc>) -> Option<Box<dyn Icc>> {
        self.reader.replace(card)
    }

    /// Tells programs at once that the card has gone. Unlike [`Self::remove`] it does not wait, so that a card can go by
    /// itself within its own command, whose answer is lost; [`Self::remove`] hands it out afterwards.
    pub fn vanish(&self) {
        self.reader.vanish();
    }

    /// As [`Self::vanish`], once the command that runs, or else the next one, has been answered.
    pub fn vanish_after_command(&self) {
        self.reader.ask_for(Due::Removal);
    }

    /// As [`Self::reset`], once the command that runs, or else the next one, has been answered.
    pub fn reset_after_command(&self) {
        self.reader.ask_for(Due::Reset);
    }

    /// A reader like it, without a card: to be plugged in where this one was pulled out.
    #[must_use]
    pub fn spec(&self) -> ReaderSpec {
        self.reader.spec()
    }

    /// Whether it is plugged in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        !self.reader.is_gone()
    }

    /// Pulls the reader out, with the card in it, and tells programs at once: their handles on it are invalid from now
    /// on. Unlike [`PcscService::unplug`] it does not wait for a command that runs, whose answer is lost, so that a card
    /// can take its reader with it; [`Self::remove`] hands the card out afterwards.
    pub fn unplug(&self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut found = false;
        for place in lock(&shared.readers).iter_mut() {
            found |= place.take_if(|other| Arc::ptr_eq(other, &self.reader)).is_some();
        }
        if found {
            self.reader.unplug();
            shared.readers_changed();
        }
    }

    /// Resets the card as another program would: every handle is told at its next command. False where there is no card
    /// or it stays mute.
    pub fn reset(&self) -> bool {
        self.reader.reset()
    }
}

impl std::fmt::Debug for ReaderHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ReaderHandle").field(&self.name()).finish()
    }
}

/// The first place without a reader.
fn first_free(readers: &[Option<Arc<Reader>>]) -> usize {
    readers.iter().position(Option::is_none).unwrap_or(readers.len())
}

/// Takes connections until the service stops.
fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    for (id, stream) in (0..).zip(listener.incoming()) {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        match stream {
            Ok(stream) => admit(id, stream, shared),
            // Out of descriptors: those that are in use come back when clients go.
            Err(_) => thread::sleep(RECOVERY),
        }
    }
}

/// Gives a connection a thread, or closes it where there are too many.
fn admit(id: u64, stream: UnixStream, shared: &Arc<Shared>) {
    let process = process_of(&stream);
    let stream = Arc::new(stream);
    {
        let mut connections = lock(&shared.connections);
        let own = connections.values().filter(|other| process.is_some() && other.process == process).count();
        if own >= MAX_CLIENTS_OF_ONE || connections.len() >= MAX_CLIENTS {
            return;
        }
        connections.insert(id, Connection { stream: Arc::clone(&stream), process });
    }
    let client = Client::new(Arc::clone(shared), id, process, stream);
    // Where there is no thread the client is dropped with the closure, and its connection closed.
    let _ = thread::Builder::new().name("pcsc-client".into()).spawn(move || client.run());
    if shared.stopping.load(Ordering::SeqCst)
        && let Some(connection) = lock(&shared.connections).get(&id)
    {
        let _ = shutdown(&*connection.stream, Shutdown::Both);
    }
}

/// The process at the other end.
#[cfg(target_os = "linux")]
fn process_of(stream: &UnixStream) -> Option<u32> {
    let credentials = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(credentials.pid.as_raw_nonzero().get()).ok()
}

/// The process at the other end, which only Linux tells us.
#[cfg(not(target_os = "linux"))]
const fn process_of(_: &UnixStream) -> Option<u32> {
    None
}
