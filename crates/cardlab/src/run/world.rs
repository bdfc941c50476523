//! Readers of ours that run: what other programs and `cardlab ctl` see.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail, ensure};
use card_wire::Icc;
use pcsc_service::{PcscService, ReaderHandle, ReaderSpec};

use super::control::Control;
use super::faults::{Faults, Faulty, Place};
use super::spec::Reader;
use super::trace;
use crate::trace::{Recording, TraceArgs};

/// What is in the only reader where none is asked for.
const USUAL: &str = "isoapplet";

/// Which readers there are to be; `run` and `serve` share it.
#[derive(clap::Args)]
pub(crate) struct Readers {
    /// A reader and the card in it; as often as there are to be readers
    #[arg(long, value_name = "SPEC")]
    reader: Vec<String>,
    /// Seed of the cards' randomness: equal seeds give equal keys. For tests only
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What is to go wrong, in TOML as fixtures/README.md says; a fault that never comes up is an error
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Seed of the faults, instead of the one in their file
    #[arg(long, value_name = "N", requires = "faults")]
    fault_seed: Option<u64>,
    #[command(flatten)]
    trace: TraceArgs,
}

impl Readers {
    /// Begins the trace, where there is to be one.
    pub(crate) fn record(&self) -> anyhow::Result<Recording> {
        self.trace.begin()
    }
}

/// A running service, and what `cardlab ctl` has done to it.
pub(crate) struct World {
    service: PcscService,
    seed: Option<u64>,
    /// Cards that were pulled, by their reader, until they are put back.
    pulled: Mutex<HashMap<String, Box<dyn Icc>>>,
    faults: Option<Arc<Faults>>,
    /// Where the cards of each reader are, for faults that concern the reader.
    places: Vec<Place>,
}

impl World {
    /// Makes the cards and starts the service; nobody can control it yet.
    pub(crate) fn start(readers: &Readers, recording: &Recording, socket: Option<&Path>) -> anyhow::Result<Self> {
        let usual = [USUAL.to_owned()];
        let specs = if readers.reader.is_empty() { &usual[..] } else { &readers.reader };
        let mut builder = PcscService::builder();
        if let Some(tracer) = recording.tracer().cloned() {
            builder = builder.observe(move |event| trace::note(&tracer, event));
        }
        let faults = readers.faults.as_deref().map(|path| Faults::read(path, readers.fault_seed)).transpose()?;
        let places: Vec<Place> = specs.iter().map(|_| Place::default()).collect();
        for ((number, text), place) in specs.iter().enumerate().zip(&places) {
            let reader = Reader::parse(text)?;
            let card = reader.card(readers.seed, place).with_context(|| format!("--reader {text}"))?;
            let card = card.map(|card| behind(faults.as_ref(), &places, number, card));
            builder = builder.reader(card.into_iter().fold(reader.empty(), ReaderSpec::card));
        }
        if let Some(socket) = socket {
            builder = builder.socket(socket);
        }
        let service = builder.start().context("cannot start the private reader service")?;
        for (place, reader) in places.iter().zip(service.readers()) {
            // Each is set here and nowhere else.
            let _ = place.set(reader);
        }
        Ok(Self { service, faults, places, seed: readers.seed, pulled: Mutex::default() })
    }

    /// What programs that are to see the readers have in their environment.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        let (name, socket) = self.service.environment();
        [(name, socket.to_owned()), (Control::VARIABLE, self.control_socket())]
    }

    /// Says which faults came up. False where one did not.
    pub(crate) fn faults_came_up(&self) -> bool {
        let Some(faults) = &self.faults else { return true };
        let (story, all) = faults.story();
        eprintln!("cardlab: faults, {story}");
        all
    }

    /// Where `cardlab ctl` is listened to: beside the service's socket.
    pub(crate) fn control_socket(&self) -> PathBuf {
        let mut name = self.service.socket().as_os_str().to_owned();
        name.push(".ctl");
        name.into()
    }

    /// Does what one line says; its words are separated by tabs. Returns what there is to say.
    pub(crate) fn obey(&self, line: &str) -> anyhow::Result<String> {
        let mut words = line.split('\t');
        let mut next = || words.next().unwrap_or_default();
        let (what, reader, spec, place) = (next(), next(), next(), next());
        if what == "list" {
            return Ok(self.list());
        }
        let reader = self.reader(reader)?;
        match what {
            "remove" => self.remove(&reader)?,
            "insert" if spec.is_empty() => self.put_back(&reader)?,
            "insert" => {
                ensure!(!reader.is_present(), "there is a card in {}; `swap` exchanges it", reader.name());
                self.put_new(&reader, spec, place)?;
            }
            "swap" => {
                // Read before the old card goes, which goes before the new one comes: both may be in one file.
                Reader::parse(spec)?;
                drop(reader.remove());
                self.put_new(&reader, spec, place)?;
            }
            "reset" => ensure!(reader.reset(), "there is no card in {} that could be reset", reader.name()),
            _ => bail!("nobody can `{what}` a reader"),
        }
        Ok(String::new())
    }

    fn list(&self) -> String {
        let row = |(index, reader): (usize, ReaderHandle)| {
            format!("{index}: {}: {}\n", reader.name(), if reader.is_present() { "card" } else { "no card" })
        };
        self.service.readers().into_iter().enumerate().map(row).collect()
    }

    /// The reader that is meant by its number, its name, or a part of it that fits only one; without any, the only one.
    fn reader(&self, wanted: &str) -> anyhow::Result<ReaderHandle> {
        let readers = self.service.readers();
        let by_number = wanted.parse::<usize>().ok().and_then(|number| readers.get(number));
        let by_name = || readers.iter().find(|reader| reader.name() == wanted);
        if let Some(reader) = by_number.or_else(by_name) {
            return Ok(reader.clone());
        }
        let fitting: Vec<_> = readers.iter().filter(|reader| reader.name().contains(wanted)).collect();
        match fitting[..] {
            [reader] => Ok(reader.clone()),
            [] => bail!("no reader is called `{wanted}`; `cardlab ctl list` lists them"),
            _ => bail!("which of {} readers? Name one or give its number (`cardlab ctl list`)", fitting.len()),
        }
    }

    fn remove(&self, reader: &ReaderHandle) -> anyhow::Result<()> {
        let card = reader.remove().with_context(|| format!("there is no card in {}", reader.name()))?;
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        pulled.insert(reader.name().to_owned(), card);
        Ok(())
    }

    fn put_back(&self, reader: &ReaderHandle) -> anyhow::Result<()> {
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        // A card that went by itself is still to be taken out.
        let gone = (!reader.is_present()).then(|| reader.remove()).flatten();
        let card = gone.or_else(|| pulled.remove(reader.name())).with_context(|| {
            format!("no card was pulled from {}; say which is to go in, as in `--card certificate`", reader.name())
        })?;
        let refused = reader.insert(card);
        refused.map_err(|_| anyhow::anyhow!("there is a card in {} already", reader.name()))
    }

    fn put_new(&self, reader: &ReaderHandle, spec: &str, place: &str) -> anyhow::Result<()> {
        // The pulled card may be in the same file.
        self.pulled.lock().unwrap_or_else(PoisonError::into_inner).remove(reader.name());
        drop((!reader.is_present()).then(|| reader.remove()));
        let spec = Reader::parse(spec)?.relative_to(Path::new(place));
        let number = self.service.readers().iter().position(|other| other.name() == reader.name()).unwrap_or_default();
        let seat = self.places.get(number).cloned().unwrap_or_default();
        let card = spec.card(self.seed, &seat)?.context("`empty` is no card")?;
        let card = behind(self.faults.as_ref(), &self.places, number, card);
        let refused = reader.insert(card);
        refused.map_err(|_| anyhow::anyhow!("there is a card in {} already", reader.name()))
    }
}

/// The card, with what is to go wrong with it.
fn behind(faults: Option<&Arc<Faults>>, places: &[Place], reader: usize, card: Box<dyn Icc>) -> Box<dyn Icc> {
    let (Some(faults), Some(place)) = (faults, places.get(reader)) else { return card };
    Box::new(Faulty { card, faults: Arc::clone(faults), reader, place: Arc::clone(place) })
}
