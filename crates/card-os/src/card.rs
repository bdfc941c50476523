//! The card: power, reset and commands. The only way in.

use alloc::boxed::Box;
use core::fmt;

use card_wire::class::ClassKind;
use card_wire::{Class, Command, Icc, Ins, Protocol, Status};

use crate::commands::{self, Context};
use crate::fs;
use crate::keys::KeyCache;
use crate::link::{Link, Step};
use crate::nvm::store::Store;
use crate::nvm::{Nvm, NvmError, header::Header};
use crate::pin;
use crate::platform::{Event, Events, Parts, Platform};
use crate::preset::{Dialect, Preset};
use crate::reply::Reply;
use crate::rules::WithoutLe;
use crate::session::{CHANNELS, Channel, FileRef, Session};

/// Why a memory cannot be opened as a card, or a card not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The memory does not begin like a card.
    NotACard,
    /// The memory was written in a format version that this program does not know.
    Version(u16),
    /// A checksum or a pointer is wrong; what was found.
    Damaged(&'static str),
    /// The memory is too small or too large for a card, or not as long as the preset says.
    BadSize,
    /// The preset cannot make a card; which rule it breaks.
    BadPreset(&'static str),
    /// The memory failed while it was read.
    Medium(NvmError),
}

impl OpenError {
    pub(crate) fn from_write(error: crate::nvm::Error) -> Self {
        match error {
            crate::nvm::Error::Medium(error) => Self::Medium(error),
            crate::nvm::Error::Damaged => Self::Damaged("the memory does not hold what was written"),
            crate::nvm::Error::Full => Self::BadSize,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACard => f.write_str("this is not a card image"),
            Self::Version(version) => write!(f, "the image has format version {version}, which is not known here"),
            Self::Damaged(what) => write!(f, "the image is damaged: {what}"),
            Self::BadSize => f.write_str("the memory has the wrong size for this card"),
            Self::BadPreset(rule) => write!(f, "the preset cannot make a card: {rule}"),
            Self::Medium(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenError {}

/// The data field of a short command that is full, in bytes.
const FULL_PIECE: usize = 255;

/// A smart card on a platform.
pub struct Card<P: Platform> {
    preset: alloc::sync::Arc<Preset>,
    store: Store<P::Nvm>,
    rng: P::Rng,
    rsa: P::Rsa,
    events: P::Events,
    keys: KeyCache<<P::Rsa as crate::crypto::rsa::Rsa>::Prepared>,
    channels: Box<[Channel; CHANNELS]>,
    link: Link,
    protocol: Protocol,
    powered: bool,
}

impl<P: Platform> Card<P> {
    /// Makes a blank card in the memory, whatever it held before. The card is unpowered.
    ///
    /// # Errors
    /// [`OpenError::BadPreset`], [`OpenError::BadSize`] if the memory is not as long as the preset says, and
    /// [`OpenError::Medium`] if it fails.
    pub fn create(parts: Parts<P>, preset: &Preset) -> Result<Self, OpenError> {
        preset.check().map_err(OpenError::BadPreset)?;
        let Parts { nvm, rng, rsa, events } = parts;
        if u32::try_from(nvm.len()) != Ok(preset.nvm_len) {
            return Err(OpenError::BadSize);
        }
        let header = Header { spare: preset.spare_pages(), config: preset.encode() };
        let mut objects = alloc::vec::Vec::from(pin::blank_objects(preset));
        objects.push(fs::master_file(preset));
        let store = Store::format(nvm, &header, &objects)?;
        Ok(Self::assemble(store, rng, rsa, events, preset.clone()))
    }

    /// Opens the card in the memory, finishing a change that a power cut interrupted. The card is unpowered.
    /// A damaged memory is not written to.
    ///
    /// # Errors
    /// [`OpenError`]: why the memory is no card that can be used.
    pub fn open(parts: Parts<P>) -> Result<Self, OpenError> {
        let Parts { nvm, rng, rsa, events } = parts;
        let (store, header) = Store::open(nvm)?;
        let preset =
            Preset::decode(&header.config).ok_or(OpenError::Damaged("the preset in the header is malformed"))?;
        if header.spare != preset.spare_pages() || u32::try_from(store.nvm().len()) != Ok(preset.nvm_len) {
            return Err(OpenError::Damaged("the header contradicts its preset"));
        }
        Ok(Self::assemble(store, rng, rsa, events, preset))
    }

    fn assemble(store: Store<P::Nvm>, rng: P::Rng, rsa: P::Rsa, events: P::Events, preset: Preset) -> Self {
        Self {
            preset: alloc::sync::Arc::new(preset),
            store,
            rng,
            rsa,
            events,
            keys: KeyCache::default(),
            channels: Box::default(),
            link: Link::default(),
            protocol: Protocol::default(),
            powered: false,
        }
    }

    /// Applies power. Returns the ATR, or nothing if the memory cannot be read: the card stays mute.
    pub fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        self.keys = KeyCache::default();
        self.protocol = protocol;
        self.powered = self.store.recover().is_ok();
        self.forget();
        self.events.event(Event::PowerOn);
        self.atr()
    }

    /// Resets the powered card. Returns the ATR, or nothing if it has no power.
    pub fn reset(&mut self) -> &[u8] {
        self.forget();
        self.events.event(Event::Reset);
        self.atr()
    }

    /// Takes the power away.
    pub fn power_off(&mut self) {
        self.forget();
        self.keys = KeyCache::default();
        self.powered = false;
        self.events.event(Event::PowerOff);
    }

    fn atr(&self) -> &[u8] {
        if self.powered { self.preset.atr.as_bytes() } else { &[] }
    }

    /// As after a reset. A card without an applet has its master file selected then.
    fn forget(&mut self) {
        self.channels.iter_mut().for_each(Channel::clear);
        self.link.clear();
        if self.preset.dialect == Dialect::None {
            self.channels[0].session = self.store.index().root().map(|mf| Session::iso(FileRef::of(mf)));
        }
    }

    /// Executes one command APDU; the answer is the used part of `response`.
    ///
    /// Never fails and never panics. An empty answer means that the card has no power, or lost it in the middle of
    /// this command. A `response` shorter than 258 bytes is treated as a host that asks for less.
    pub fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        if !self.powered || response.len() < 2 {
            return &[];
        }
        self.events.event(Event::Command(&command[..command.len().min(4)]));
        let mut reply = Reply::new(response);
        let status = match self.take(command, &mut reply) {
            Ok(status) => status,
            Err(status) => {
                reply.clear();
                status
            }
        };
        match self.store.take_written() {
            0 => (),
            bytes => self.events.event(Event::MemoryWritten { bytes }),
        }
        if self.store.power_lost() {
            reply.clear();
            self.power_off();
            return &[];
        }
        self.events.event(Event::Answer { status, len: reply.len() });
        reply.finish(status)
    }

    /// Class and instruction, then lengths, then the link, then the command itself.
    fn take(&mut self, bytes: &[u8], reply: &mut Reply<'_>) -> Result<Status, Status> {
        let room = reply.capacity();
        let [cla, ins, ..] = bytes else { return Err(self.unusable(Status::WRONG_LENGTH)) };
        let (channel, chained) = self.class(Class(*cla)).map_err(|status| self.unusable(status))?;
        if !self.knows(Ins(*ins), channel) {
            return Err(self.unusable(Status::INS_NOT_SUPPORTED));
        }
        let command = Command::parse(bytes).map_err(|_| self.unusable(Status::WRONG_LENGTH))?;
        if command.extended && !self.preset.features.extended {
            return Err(self.unusable(Status::WRONG_LENGTH));
        }
        if command.ins == Ins::GET_RESPONSE && !chained && !self.link.in_chain() {
            return self.get_response(&command, channel, room, reply);
        }
        self.link.drop_waiting();
        if command.ins != Ins::ENVELOPE {
            self.link.drop_enveloped();
        }
        let limit = usize::from(self.preset.limits.chain);
        let Step::Execute(data) = self.link.accept(&command, chained, limit)? else { return Ok(Status::OK) };
        let command = match &data {
            Some(data) => command.with_data(data.bytes()),
            None => command,
        };
        if command.ins == Ins::ENVELOPE {
            // A piece that is as long as pieces can be is not the last.
            let more = data.is_none() && !command.extended && command.data.len() == FULL_PIECE;
            return self.envelope(&command, more, channel, room, reply);
        }
        self.execute(&command, command.ne, channel, room, reply)
    }

    /// Executes a command of which up to `ne` bytes are answered at once; 0 where Le is absent.
    fn execute(
        &mut self,
        command: &Command<'_>,
        ne: usize,
        channel: u8,
        room: usize,
        reply: &mut Reply<'_>,
    ) -> Result<Status, Status> {
        let mut context = Context {
            preset: &self.preset,
            store: &mut self.store,
            rng: &mut self.rng,
            rsa: &mut self.rsa,
            events: &mut self.events,
            keys: &mut self.keys,
            channels: &mut self.channels,
            channel,
        };
        let status = commands::execute::<P>(&mut context, command, reply)?;
        let without_le = context.here().session.as_ref().map_or(WithoutLe::UpTo256, |session| session.rules.without_le);
        let ne = match (ne, without_le, self.protocol) {
            (0, WithoutLe::UpTo256, _) => 256,
            (0, WithoutLe::AsProtocolSays, Protocol::T1) => {
                reply.clear();
                return Ok(status);
            }
            (ne, ..) => ne,
        };
        let Some(rest) = reply.cut(ne.min(room)) else { return Ok(status) };
        let more = Status::more(rest.len());
        self.link.keep(rest, channel, status);
        Ok(more)
    }

    /// ENVELOPE: its data fields make up a command, which is executed once nothing more comes.
    fn envelope(
        &mut self,
        command: &Command<'_>,
        more: bool,
        channel: u8,
        room: usize,
        reply: &mut Reply<'_>,
    ) -> Result<Status, Status> {
        if command.p1p2() != 0 {
            self.link.drop_enveloped();
            return Err(Status::WRONG_P1_P2);
        }
        let Some(enveloped) = self.link.envelope(channel, command.data, more)? else { return Ok(Status::OK) };
        let inner = Command::parse(&enveloped).map_err(|_| Status::WRONG_LENGTH)?;
        if inner.ins == Ins::ENVELOPE {
            return Err(Status::WRONG_LENGTH);
        }
        match self.class(inner.cla)? {
            (_, true) => return Err(Status::WRONG_LENGTH),
            _ if !self.knows(inner.ins, channel) => return Err(Status::INS_NOT_SUPPORTED),
            _ => (),
        }
        // What goes back is bounded by both: the command says what it reads, the ENVELOPE what can be carried now.
        self.execute(&inner, inner.ne.min(command.ne), channel, room, reply)
    }

    /// Whether the instruction exists for what is selected on the channel.
    fn knows(&self, ins: Ins, channel: u8) -> bool {
        let selected = self.channels[usize::from(channel)].session.is_some();
        commands::is_known(ins, selected, self.preset.dialect)
    }

    /// Channel and chaining bit of a class that this card takes.
    fn class(&self, class: Class) -> Result<(u8, bool), Status> {
        let (channel, chained) = match class.kind() {
            ClassKind::Other => return Err(Status::CLASS_NOT_SUPPORTED),
            ClassKind::Interindustry { secure_messaging: true, .. } => {
                return Err(Status::SECURE_MESSAGING_NOT_SUPPORTED);
            }
            ClassKind::Interindustry { channel, chained, .. } => (channel, chained),
        };
        // A channel that was never opened has no session. The basic one is open where it has none: nothing is selected.
        let open = channel == 0 || self.channels.get(usize::from(channel)).is_some_and(|other| other.session.is_some());
        match (open, chained && !self.preset.features.chaining) {
            (false, _) => Err(Status::CHANNEL_NOT_SUPPORTED),
            (_, true) => Err(Status::CHAINING_NOT_SUPPORTED),
            _ => Ok((channel, chained)),
        }
    }

    /// A command that cannot be executed ends a chain and drops a waiting answer like any other.
    fn unusable(&mut self, status: Status) -> Status {
        self.link.clear();
        status
    }

    fn get_response(
        &mut self,
        command: &Command<'_>,
        channel: u8,
        room: usize,
        reply: &mut Reply<'_>,
    ) -> Result<Status, Status> {
        if command.p1p2() != 0 {
            return Err(Status::WRONG_P1_P2);
        }
        if command.case() != card_wire::Case::Two {
            return Err(Status::WRONG_LENGTH);
        }
        self.link.respond(channel, command.ne.min(room), |bytes| reply.push(bytes))
    }

    /// The preset that the card was made from.
    pub fn preset(&self) -> &Preset {
        &self.preset
    }

    /// The memory.
    pub fn nvm(&self) -> &P::Nvm {
        self.store.nvm()
    }

    /// The memory, to arm faults or to swap the medium. The card notices a change at the next power-on.
    pub fn nvm_mut(&mut self) -> &mut P::Nvm {
        self.store.nvm_mut()
    }

    /// The RSA provider.
    pub fn rsa_mut(&mut self) -> &mut P::Rsa {
        &mut self.rsa
    }

    /// The listener.
    pub fn events_mut(&mut self) -> &mut P::Events {
        &mut self.events
    }

    /// The source of randomness.
    pub fn rng_mut(&mut self) -> &mut P::Rng {
        &mut self.rng
    }

    /// Number of the last committed change of the memory.
    pub fn commit_number(&self) -> u32 {
        self.store.number()
    }
}

impl<P: Platform> Card<P>
where
    P::Nvm: Clone,
    P::Rng: Clone,
    P::Rsa: Clone,
    P::Events: Clone,
{
    /// A second card in the very same state, sessions and power included. Cheap where cloning the memory is.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            preset: self.preset.clone(),
            store: self.store.clone(),
            rng: self.rng.clone(),
            rsa: self.rsa.clone(),
            events: self.events.clone(),
            keys: self.keys.clone(),
            channels: self.channels.clone(),
            link: self.link.clone(),
            protocol: self.protocol,
            powered: self.powered,
        }
    }
}

impl<P: Platform> fmt::Debug for Card<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({}, {})", self.preset.name, if self.powered { "powered" } else { "unpowered" })
    }
}

impl<P: Platform> Icc for Card<P>
where
    P::Nvm: Send,
    P::Rng: Send,
    P::Rsa: Send,
    P::Events: Send,
{
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        Self::power_on(self, protocol)
    }

    fn reset(&mut self) -> &[u8] {
        Self::reset(self)
    }

    fn power_off(&mut self) {
        Self::power_off(self);
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        Self::transmit(self, command, response)
    }
}
