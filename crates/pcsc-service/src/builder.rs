//! What a service is made from.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use card_wire::Icc;
use tempfile::TempDir;
use thiserror::Error;

use crate::control::ApduSize;
use crate::names::complete;
use crate::observe::{Event, Observer};
use crate::pin_pad::PinPad;
use crate::pin_pad::entering::Pad;
use crate::reader::Reader;
use crate::service::{PcscService, Place};
use crate::settings::Settings;
use crate::shared::{MAX_READERS, Shared};
use crate::waiting::Events;

/// The longest path in bytes that libpcsclite does not cut, which it does without a word.
const MAX_PATH: usize = 107;
/// The socket's name in its directory.
const SOCKET: &str = "pcscd.comm";

/// A reader to be: its name, what it says it can do, and perhaps a card.
pub struct ReaderSpec {
    name: String,
    card: Option<Box<dyn Icc>>,
    size: ApduSize,
    clock: Option<Clock>,
    pad: Option<Arc<Pad>>,
}

/// The time since some moment.
pub(crate) type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

impl ReaderSpec {
    /// An empty reader. Its name gets the two numbers that pcscd puts behind each name (`CardLab 00 00`), unless it ends
    /// with such numbers; with them it has at most 127 bytes.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), card: None, size: ApduSize::default(), clock: None, pad: None }
    }

    /// With this card in it from the start.
    #[must_use]
    pub fn card(self, card: Box<dyn Icc>) -> Self {
        Self { card: Some(card), ..self }
    }

    /// Tells programs that ask that it carries APDUs of this size.
    #[must_use]
    pub fn apdu_size(self, size: ApduSize) -> Self {
        Self { size, ..self }
    }

    /// With this PIN pad: programs that know of pads have PINs typed there (PC/SC part 10, verify and modify direct), and
    /// get the card's status word, or the reader's: 6400 after the time, 6401 where somebody cancelled, 6402 for two new
    /// PINs that differ, 6403 for a PIN that is too short or too long, 6B80 for an order that makes no sense.
    ///
    /// While somebody types, the reader is busy: other programs' commands wait, and who asks how things are is answered. An
    /// entry ends at once when the card is pulled, exchanged or reset by the service's owner or the service ends, and
    /// within 0.1 s when its program is killed.
    #[must_use]
    pub fn pin_pad(self, pad: impl PinPad + 'static) -> Self {
        Self { pad: Some(Arc::new(Pad::new(Box::new(pad)))), ..self }
    }

    /// Tells with this clock how long the card takes over a command ([`crate::What::Command`]): for cards that say how
    /// long a real one would take and do not wait. Nothing else goes by it.
    #[must_use]
    pub fn clock(self, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Some(Arc::new(now)), ..self }
    }

    /// With the clock and the pad of another reader.
    pub(crate) fn having(self, clock: Option<Clock>, pad: Option<Arc<Pad>>) -> Self {
        Self { clock, pad, ..self }
    }

    /// The reader, and its card if it has one.
    pub(crate) fn build(self, index: usize, settings: Settings, events: &Arc<Events>) -> Result<Built, StartError> {
        let name = complete(&self.name, index).ok_or(StartError::Name(self.name))?;
        let Self { card, size, clock, pad, .. } = self;
        Ok((Arc::new(Reader::new(name, size, clock, pad, settings, Arc::clone(events))), card))
    }
}

/// A reader, and the card that is to be in it.
pub(crate) type Built = (Arc<Reader>, Option<Box<dyn Icc>>);

/// Why a service did not start, or a reader was not plugged in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The name is empty, has a control character or, with its numbers, more than 127 bytes.
    #[error("no reader can be called {0:?}: a name has 1 to 121 bytes and no control characters")]
    Name(String),
    /// Two readers of one name cannot be told apart.
    #[error("two readers are called `{0}`")]
    Twice(String),
    /// Clients see 64 readers at most.
    #[error("there are more than {MAX_READERS} readers")]
    TooMany,
    /// Clients would cut the path.
    #[error("the socket's path {path} has more than {MAX_PATH} bytes, which PC/SC programs cut off")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// Something is there already: a service that listens, or what a killed one left.
    #[error("{path} is there already; end the service that listens there, or remove what a killed one left")]
    Taken {
        /// The path.
        path: PathBuf,
    },
    /// The system gives no directory, socket or thread.
    #[error("the system gives no directory, socket or thread")]
    Io(#[from] io::Error),
}

/// Collects what a service is made from.
#[derive(Default)]
pub struct Builder {
    readers: Vec<ReaderSpec>,
    socket: Option<PathBuf>,
    settings: Settings,
    observer: Option<Observer>,
}

impl Builder {
    /// One more reader. The first ones are those that old clients see: libpcsclite before 2.5 knows of 16.
    #[must_use]
    pub fn reader(mut self, reader: ReaderSpec) -> Self {
        self.readers.push(reader);
        self
    }

    /// Listens at this path instead of in a private directory; the directory's rights are the caller's business.
    /// At most 107 bytes. The socket is removed at the end.
    #[must_use]
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// How long a card that no program uses keeps its power, and with it what a PIN has opened: 0.5 s where this is not
    /// called, as in pcscd for readers that it has to ask. For ever with none.
    #[must_use]
    pub fn power_grace(mut self, grace: Option<Duration>) -> Self {
        self.settings.power_grace = grace;
        self
    }

    /// How long SCardBeginTransaction waits in the service for another program's transaction: 0.25 s where this is not
    /// called. The client library repeats it for ever, 0.1 s later.
    #[must_use]
    pub fn begin_hold(mut self, hold: Duration) -> Self {
        self.settings.begin_hold = hold;
        self
    }

    /// How long a client may take over one message, or do without a context, before it is cut off: 30 s where this is
    /// not called.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        // The system refuses a time of zero.
        self.settings.patience = patience.max(Duration::from_millis(1));
        self
    }

    /// Tells `observer` what happens. It is called while a reader is locked: it must return soon, and must not use the
    /// service.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Starts the service. When this returns, clients can connect.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(self) -> Result<PcscService, StartError> {
        if self.readers.len() > MAX_READERS {
            return Err(StartError::TooMany);
        }
        let events = Arc::new(Events::new(self.observer));
        let mut readers: Vec<Option<Arc<Reader>>> = Vec::new();
        for (index, spec) in self.readers.into_iter().enumerate() {
            let (reader, card) = spec.build(index, self.settings, &events)?;
            if readers.iter().flatten().any(|other| other.name == reader.name) {
                return Err(StartError::Twice(reader.name.clone()));
            }
            // A new reader is empty, so it takes the card.
            let _ = card.map(|card| reader.insert(card, false));
            readers.push(Some(reader));
        }
        let place = match self.socket {
            Some(path) => Place::given(path),
            None => private_place()?,
        };
        if place.socket.as_os_str().len() > MAX_PATH {
            return Err(StartError::Path { path: place.socket.clone() });
        }
        let listener = UnixListener::bind(&place.socket).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::Taken { path: place.socket.clone() },
            _ => error.into(),
        })?;
        let shared = Arc::new(Shared::new(self.settings, events, readers));
        Ok(PcscService::run(place, listener, shared)?)
    }
}

/// A directory of mode 0700 in which the socket's path is short enough.
fn private_place() -> io::Result<Place> {
    let make = |root: &Path| -> io::Result<Place> {
        let own = Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().prefix("cardlab-").permissions(own).tempdir_in(root)?;
        let socket = directory.path().join(SOCKET);
        Ok(Place { socket, directory: Some(directory) })
    };
    match make(&std::env::temp_dir()) {
        Ok(place) if place.socket.as_os_str().len() <= MAX_PATH => Ok(place),
        _ => make(Path::new("/tmp")),
    }
}

impl Place {
    const fn given(socket: PathBuf) -> Self {
        Self { socket, directory: None::<TempDir> }
    }
}
