//! Readers of ours that run: what other programs and `cardlab ctl` see.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail, ensure};
use card_wire::Icc;
use pcsc_service::{PcscService, ReaderHandle, ReaderSpec};
use virtual_reader::Clock;

use super::control::Control;
use super::faults::{self, Faults, Faulty};
use super::pads::{Keyboard, Keys, Pads};
use super::seat::Seat;
use super::spec::Reader;
use super::trace;
use crate::trace::{Recording, TraceArgs};

/// What is in the only reader where none is asked for.
const USUAL: &str = crate::ready::NAME;

/// Which readers there are to be; `run` and `serve` share it.
#[derive(clap::Args)]
pub(crate) struct Readers {
    /// A reader and the card in it; as often as there are to be readers
    #[arg(long, value_name = "SPEC")]
    reader: Vec<String>,
    /// Seed of the cards' randomness: equal seeds give equal keys. For tests only. Drawn and told where there are faults
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What is to go wrong, in TOML as fixtures/README.md says; a fault that never comes up is an error
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Seed of the faults, instead of the one in their file
    #[arg(long, value_name = "N", requires = "faults")]
    fault_seed: Option<u64>,
    /// Do not wait for slow cards (speed=) and delays: only the trace's times tell of them
    #[arg(long)]
    fast_forward: bool,
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
    /// Held by who takes cards and readers in hand.
    hands: Mutex<()>,
    faults: Option<Arc<Faults>>,
    /// Where the cards of each reader are, in the order in which the readers were asked for.
    seats: Vec<Seat>,
    /// The keys of readers with pads that `cardlab ctl press` presses, by the reader's name.
    keyboards: HashMap<String, Arc<Keyboard>>,
    /// Behind the service, whose entries hide what is typed at a terminal.
    pads: Pads,
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
        faults.as_ref().map_or(Ok(()), |faults| faults.check_readers(specs.len())).context("--faults")?;
        // What went wrong is to be repeated with the same cards.
        let seed = readers.seed.or_else(|| faults.is_some().then(faults::any_seed));
        let seats: Vec<Seat> = specs.iter().map(|_| Seat::new(readers.fast_forward)).collect();
        if let Some(tracer) = recording.tracer() {
            let clocks: Vec<_> = seats.iter().map(|seat| seat.clock.clone()).collect();
            // As if one card worked after the other: times never go back.
            tracer.ahead(move || clocks.iter().map(Clock::ahead).sum());
        }
        let (mut pads, mut keyboards) = (Pads::default(), Vec::new());
        for (number, text) in specs.iter().enumerate() {
            let reader = Reader::parse(text)?;
            if let Some(faults) = faults.as_ref().filter(|_| reader.is_foreign()) {
                faults.check_foreign(number).with_context(|| format!("--reader {text}"))?;
            }
            let empty = reader.empty(&seats[number].clock);
            let (spec, keyboard) = match reader.pad() {
                Some(pad) => pads.add(empty, pad).with_context(|| format!("--reader {text}"))?,
                None => (empty, None),
            };
            keyboards.push(keyboard);
            let card = reader.card(seed, &seats[number]).with_context(|| format!("--reader {text}"))?;
            seats[number].holds(reader);
            let card = card.map(|card| behind(faults.as_ref(), &seats, number, card));
            builder = builder.reader(card.into_iter().fold(spec, ReaderSpec::card));
        }
        if let Some(socket) = socket {
            builder = builder.socket(socket);
        }
        let service = builder.start().context("cannot start the private reader service")?;
        seats.iter().zip(service.readers()).for_each(|(seat, reader)| seat.is(reader));
        let names = service.readers().into_iter().map(|reader| reader.name().to_owned());
        let keyboards = names.zip(keyboards).filter_map(|(name, keyboard)| Some((name, keyboard?))).collect();
        let (pulled, hands) = (Mutex::default(), Mutex::default());
        Ok(Self { service, faults, seats, seed, pulled, hands, keyboards, pads })
    }

    /// What programs that are to see the readers have in their environment.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        let (name, socket) = self.service.environment();
        [(name, socket.to_owned()), (Control::VARIABLE, self.control_socket())]
    }

    /// Ends the service, also where a request is still worked on, and says which faults came up. Where one did not, a
    /// success is none: a test that its faults never met has not tested what it was written for.
    pub(crate) fn end(&self, code: ExitCode) -> ExitCode {
        self.service.stop();
        self.pads.close();
        let met = self.faults_came_up();
        if met || code != ExitCode::SUCCESS { code } else { ExitCode::from(crate::COULD_NOT_RUN) }
    }

    /// Says which faults came up. False where one did not.
    fn faults_came_up(&self) -> bool {
        let Some(faults) = &self.faults else { return true };
        let (story, all) = faults.story();
        let cards = self.seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
        eprintln!("cardlab: faults (again with --fault-seed {}{cards}): {story}", faults.seed());
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
        if what == "press" {
            return self.press(reader, line.splitn(3, '\t').nth(2).unwrap_or_default());
        }
        let seat = self.seat(reader)?;
        // One card is exchanged after the other.
        let _hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = seat.reader().context("the service is not there yet")?;
        if what == "plug" {
            return self.plug(seat, &reader).map(|()| String::new());
        }
        ensure!(reader.is_plugged(), "{} is not plugged in; `plug` does that", reader.name());
        match what {
            "remove" => self.remove(&reader)?,
            "insert" if spec.is_empty() => self.put_back(&reader)?,
            "insert" => {
                ensure!(!reader.is_present(), "there is a card in {}; `swap` exchanges it", reader.name());
                self.put_new(seat, &reader, spec, place)?;
            }
            "swap" => self.put_new(seat, &reader, spec, place)?,
            "reset" => ensure!(reader.reset(), "there is no card in {} that could be reset", reader.name()),
            "unplug" => reader.unplug(),
            _ => bail!("nobody can `{what}` a reader"),
        }
        Ok(String::new())
    }

    /// Presses keys at a reader's pad.
    fn press(&self, reader: &str, keys: &str) -> anyhow::Result<String> {
        let keys = Keys::parse(keys.split('\t').filter(|word| !word.is_empty()))?;
        let mut all = self.keyboards.iter();
        // Where only one reader has such a pad, no other can be meant.
        let name = match (reader, all.next(), all.next()) {
            ("", Some((name, _)), None) => name.clone(),
            _ => self.seat(reader)?.reader().context("the service is not there yet")?.name().to_owned(),
        };
        let keyboard = self.keyboards.get(&name);
        let keyboard = keyboard.with_context(|| format!("{name} has no keys to press; pinpad=ctl gives it some"))?;
        let is_awaited = keyboard.press(&keys)?;
        let (count, s) = (keys.bytes().len(), if keys.bytes().len() == 1 { "" } else { "s" });
        let who = if is_awaited { "a program asks" } else { "nobody asks yet, so the reader keeps them" };
        Ok(format!("{count} key{s} pressed at {name}; {who}\n"))
    }

    fn list(&self) -> String {
        let row = |(index, reader): (usize, ReaderHandle)| {
            let state = match (reader.is_plugged(), reader.is_present()) {
                (false, _) => "unplugged",
                (true, true) => "card",
                (true, false) => "no card",
            };
            format!("{index}: {}: {state}\n", reader.name())
        };
        self.seats.iter().filter_map(Seat::reader).enumerate().map(row).collect()
    }

    /// The reader that is meant by its number, its name, or a part of it that fits only one; without any, the only one.
    fn seat(&self, wanted: &str) -> anyhow::Result<&Seat> {
        if let Some(seat) = wanted.parse::<usize>().ok().and_then(|number| self.seats.get(number)) {
            return Ok(seat);
        }
        let those = |fits: &dyn Fn(&str) -> bool| -> Vec<&Seat> {
            let fits = |seat: &&Seat| seat.reader().is_some_and(|reader| fits(reader.name()));
            self.seats.iter().filter(fits).collect()
        };
        if let [seat] = those(&|name| name == wanted)[..] {
            return Ok(seat);
        }
        match those(&|name| name.contains(wanted))[..] {
            [seat] => Ok(seat),
            [] => bail!("no reader is called `{wanted}`; `cardlab ctl list` lists them"),
            ref several => {
                bail!("which of {} readers? Name one or give its number (`cardlab ctl list`)", several.len())
            }
        }
    }

    /// Plugs a reader in that was pulled out, with the card that was in it.
    fn plug(&self, seat: &Seat, reader: &ReaderHandle) -> anyhow::Result<()> {
        ensure!(!reader.is_plugged(), "{} is plugged in", reader.name());
        let spec = reader.spec();
        let spec = reader.remove().into_iter().fold(spec, ReaderSpec::card);
        seat.is(self.service.plug(spec).context("cannot plug the reader in")?);
        Ok(())
    }

    fn remove(&self, reader: &ReaderHandle) -> anyhow::Result<()> {
        let card = reader.remove().with_context(|| format!("there is no card in {}", reader.name()))?;
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        pulled.insert(reader.name().to_owned(), card);
        Ok(())
    }

    fn put_back(&self, reader: &ReaderHandle) -> anyhow::Result<()> {
        ensure!(!reader.is_present(), "there is a card in {} already", reader.name());
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        // A card that went by itself is still to be taken out.
        let card = reader.remove().or_else(|| pulled.remove(reader.name())).with_context(|| {
            format!("no card was pulled from {}; say which is to go in, as in `--card certificate`", reader.name())
        })?;
        let refused = reader.insert(card);
        refused.map_err(|_| anyhow::anyhow!("there is a card in {} already", reader.name()))
    }

    /// Puts a new card in. What is in the reader, or was pulled from it, goes once the new one has been made, and stays after
    /// a mistake. Where both are in one file it goes before, and comes back.
    fn put_new(&self, seat: &Seat, reader: &ReaderHandle, spec: &str, place: &str) -> anyhow::Result<()> {
        let spec = Reader::parse_card(spec)?.relative_to(Path::new(place));
        if let Some(faults) = self.faults.as_ref().filter(|_| spec.is_foreign()) {
            faults.check_foreign(self.number(seat))?;
        }
        let forget = || {
            drop(reader.remove());
            self.pulled.lock().unwrap_or_else(PoisonError::into_inner).remove(reader.name());
        };
        let own = seat.card().filter(|own| own.is_in_file_of(&spec));
        let made = match &own {
            Some(_) => {
                forget();
                spec.card(self.seed, seat)
            }
            None => spec.card(self.seed, seat),
        };
        let (card, spec, mistake) = match (made, own) {
            (Ok(card), _) => (card, spec, None),
            (Err(error), Some(own)) => (own.card(self.seed, seat)?, own, Some(error)),
            (Err(error), None) => return Err(error),
        };
        let card = card.context("`empty` is no card")?;
        forget();
        seat.holds(spec);
        let refused = reader.insert(behind(self.faults.as_ref(), &self.seats, self.number(seat), card));
        refused.map_err(|_| anyhow::anyhow!("there is a card in {} already", reader.name()))?;
        mistake.map_or(Ok(()), Err)
    }

    fn number(&self, seat: &Seat) -> usize {
        self.seats.iter().position(|other| std::ptr::eq(other, seat)).unwrap_or_default()
    }
}

/// The card, with what is to go wrong with it.
fn behind(faults: Option<&Arc<Faults>>, seats: &[Seat], reader: usize, card: Box<dyn Icc>) -> Box<dyn Icc> {
    let (Some(faults), Some(seat)) = (faults, seats.get(reader)) else { return card };
    Box::new(Faulty { card, faults: Arc::clone(faults), reader, seat: seat.clone() })
}
