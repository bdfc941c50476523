//! Where the card is: chosen before anything is done with it, waited for where it is not there yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use host_driver::{Card, Pcsc, Reader, Transport, TransportError, readers, wait_for_card};

use crate::failure::Failure;
use crate::interrupt::{self, Asking};
use crate::person::Person;
use crate::sentences;
use crate::terminal::{self, GaveUp, say};

/// A card that the commands work on.
pub type AnyCard = Card<Box<dyn Transport>>;

/// Where the card is.
pub enum Place {
    /// In a reader of the system; with a name in that one.
    Reader(Option<String>),
    /// At the other end of a connection that is there already.
    Connected(Box<dyn Transport>),
}

impl core::fmt::Debug for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Reader(name) => f.debug_tuple("Reader").field(name).finish(),
            Self::Connected(transport) => write!(f, "Connected({})", transport.describe()),
        }
    }
}

/// What is put around each way to a card, for whoever wants to listen; nothing unless told otherwise.
#[derive(Clone, Default)]
pub struct Around(Option<Arc<Wrap>>);

type Wrap = dyn Fn(Box<dyn Transport>) -> Box<dyn Transport> + Send + Sync;

impl Around {
    /// Puts what this makes around each way to a card.
    pub fn new(wrap: impl Fn(Box<dyn Transport>) -> Box<dyn Transport> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(wrap)))
    }

    fn put(&self, transport: Box<dyn Transport>) -> Box<dyn Transport> {
        match &self.0 {
            Some(wrap) => wrap(transport),
            None => transport,
        }
    }
}

impl core::fmt::Debug for Around {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_some() { "Around(…)" } else { "Around" })
    }
}

/// How long one look for a card takes, so that Ctrl-C is heard.
const LOOK: Duration = Duration::from_millis(500);

/// The card that is meant. At a terminal it is waited for and chosen; a script waits as long as `--wait` says.
pub(crate) fn connect(person: &mut Person, place: Place) -> Result<AnyCard, Failure> {
    let transport = match place {
        Place::Connected(transport) => transport,
        Place::Reader(name) => Box::new(in_reader(person, name.as_deref())?),
    };
    Ok(Card::new(person.settings.around.put(transport)))
}

fn in_reader(person: &mut Person, name: Option<&str>) -> Result<Pcsc, Failure> {
    let lang = person.lang();
    match Pcsc::connect(name) {
        Err(TransportError::CardGone) => {
            wait(person, name)?;
            in_reader(person, name)
        }
        Err(TransportError::AmbiguousReader { candidates, .. }) if name.is_none() => {
            let chosen = choose(person, candidates)?;
            Pcsc::connect(Some(&chosen)).map_err(|error| sentences::transport(lang, &error))
        }
        other => other.map_err(|error| sentences::transport(lang, &error)),
    }
}

fn wait(person: &Person, name: Option<&str>) -> Result<(), Failure> {
    let lang = person.lang();
    let settings = &person.settings;
    let asked = !settings.batch && terminal::is_there();
    // Nothing has begun: Ctrl-C ends this at once.
    let _asking = asked.then(Asking::line);
    let end = (!asked).then(|| Instant::now() + settings.wait);
    if asked {
        say(lang.insert_card());
        say(lang.waiting_for_card());
    }
    loop {
        match wait_for_card(name, LOOK) {
            Ok(_) => return Ok(()),
            Err(TransportError::Timeout) if interrupt::is_raised() => {
                return Err(Failure::new("cancelled", lang.cancelled()));
            }
            Err(TransportError::Timeout) if end.is_none_or(|end| Instant::now() < end) => {}
            Err(TransportError::Timeout) => return Err(sentences::transport(lang, &TransportError::CardGone)),
            Err(error) => return Err(sentences::transport(lang, &error)),
        }
    }
}

/// Several readers hold a card: the only one with ours, or the one that the person chooses among ours.
fn choose(person: &mut Person, candidates: Vec<String>) -> Result<String, Failure> {
    let lang = person.lang();
    let ours: Vec<String> = candidates.iter().filter(|name| holds_ours(name)).cloned().collect();
    let names = match ours.as_slice() {
        [only] => return Ok(only.clone()),
        [] => candidates,
        _ => ours,
    };
    if person.settings.batch || !terminal::is_there() {
        return Err(Failure::missing("many-cards", lang.many_cards(names.join(", "))));
    }
    say(lang.choose_reader());
    for (name, number) in names.iter().zip(1..) {
        say(format_args!("  {number}. {name}"));
    }
    let prompt = lang.choose_number(names.len());
    let at = terminal::number(lang, &prompt, names.len(), None).map_err(|GaveUp| person.why())?;
    Ok(names[at].clone())
}

/// Whether the card in the reader has our application. Reads only.
pub(crate) fn holds_ours(reader: &str) -> bool {
    Pcsc::connect(Some(reader)).is_ok_and(|transport| {
        Card::new(transport).transaction(|card| card.select_application().is_ok()).unwrap_or(false)
    })
}

/// The system's readers.
pub(crate) fn list() -> Result<Vec<Reader>, TransportError> {
    readers()
}
