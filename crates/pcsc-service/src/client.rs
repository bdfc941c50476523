//! One connection: one context of a program, or a cancellation that came on a connection of its own.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustix::net::{Shutdown, shutdown};

use crate::caller::Caller;
use crate::lock;
use crate::observe::What;
use crate::proto::{
    ATTRIBUTE, MAX_REQUEST, Malformed, Message, OLD_CAPACITY, Request, Rv, answer, at, fill, pair, parse,
};
use crate::reader::Reader;
use crate::shared::{Context, MAX_CONTEXTS, Shared};
use crate::state::{Disposition, MAX_HANDLES, Share, check_protocols};
use crate::waiting::{Events, Watch};

/// What the buffer for requests has at first and between long ones, in bytes.
const USUAL: usize = 1024;
/// The oldest and the newest minor version of protocol 4 that is spoken.
const MINORS: std::ops::RangeInclusive<u32> = 4..=6;

/// A connected program, as long as it is connected. Dropping it is the program's death.
pub(crate) struct Client {
    shared: Arc<Shared>,
    id: u64,
    process: Option<u32>,
    stream: Arc<UnixStream>,
    watch: Arc<Watch>,
    minor: u32,
    context: Option<u32>,
    cards: HashMap<u32, Arc<Reader>>,
    /// How many states the next array must have.
    announced: Option<usize>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are not worked off.
    filled: usize,
    out: Vec<u8>,
}

/// What who watches is told of a request.
struct Call {
    name: &'static str,
    card: Option<u32>,
    reader: Option<Arc<Reader>>,
}

/// The connection cannot go on: the client has broken the protocol, or is gone.
struct Closed;

impl From<Malformed> for Closed {
    fn from(Malformed: Malformed) -> Self {
        Self
    }
}

impl From<io::Error> for Closed {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>, id: u64, process: Option<u32>, stream: Arc<UnixStream>) -> Self {
        let watch = Arc::new(Watch::new(Arc::clone(&stream)));
        shared.events.add(id, &watch);
        Self {
            shared,
            id,
            process,
            stream,
            watch,
            minor: *MINORS.start(),
            context: None,
            cards: HashMap::new(),
            announced: None,
            buffer: vec![0; USUAL],
            filled: 0,
            out: Vec::new(),
        }
    }

    /// Serves the client until it is gone or breaks the protocol.
    pub(crate) fn run(mut self) {
        // Both ends are the same to us: what the client had is given back when `self` goes.
        let _: Result<(), Closed> = self.serve();
    }

    fn serve(&mut self) -> Result<(), Closed> {
        let patience = Some(self.shared.settings.patience);
        self.stream.set_read_timeout(patience)?;
        self.stream.set_write_timeout(patience)?;
        loop {
            let used = self.next()?;
            self.buffer.copy_within(used..self.filled, 0);
            self.filled -= used;
            if self.filled < USUAL && self.buffer.len() > USUAL {
                self.buffer.truncate(USUAL);
                self.buffer.shrink_to_fit();
                self.out = Vec::new();
            }
        }
    }

    /// Reads one message and answers it; returns how many bytes of the buffer it had.
    fn next(&mut self) -> Result<usize, Closed> {
        loop {
            let buffer = std::mem::take(&mut self.buffer);
            let step = match parse(&buffer[..self.filled]) {
                Ok(Some(message)) => self.work(&message).map(|()| Some(message.len)),
                Ok(None) => Ok(None),
                Err(malformed) => Err(malformed.into()),
            };
            self.buffer = buffer;
            match step? {
                Some(used) => return Ok(used),
                None => self.read()?,
            }
        }
    }

    /// Waits for more bytes.
    fn read(&mut self) -> Result<(), Closed> {
        if self.filled == self.buffer.len() {
            // Doubling: a message is parsed as soon as it is whole, so the longest one bounds this.
            self.buffer.resize((2 * self.filled).min(MAX_REQUEST), 0);
        }
        loop {
            match (&*self.stream).read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err(Closed),
                Ok(count) => {
                    self.filled += count;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Only between messages may a client that has a context be silent.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.context.is_none() || self.filled > 0 {
                        return Err(Closed);
                    }
                }
                Err(_) => return Err(Closed),
            }
        }
    }

    /// Does what a message wants and answers in one write.
    fn work(&mut self, message: &Message<'_>) -> Result<(), Closed> {
        Events::busy(&self.watch);
        self.out.clear();
        let watched = self.shared.events.is_watched().then(|| self.watched_call(&message.request)).flatten();
        self.obey(message)?;
        if let Some(call) = watched {
            self.note(&call, message);
        }
        if !self.out.is_empty() {
            (&*self.stream).write_all(&self.out)?;
        }
        self.shared.events.idle(&self.watch);
        Ok(())
    }

    /// What who watches is to be told of a request: its name, and the handle and reader that it is about.
    fn watched_call(&self, request: &Request<'_>) -> Option<Call> {
        let on = |name, card: u32| Some(Call { name, card: Some(card), reader: self.cards.get(&card).cloned() });
        let plain = |name| Some(Call { name, card: None, reader: None });
        match *request {
            Request::Establish { .. } => plain("EstablishContext"),
            Request::Release { .. } => plain("ReleaseContext"),
            Request::Connect { reader, .. } => {
                Some(Call { name: "Connect", card: None, reader: self.shared.reader(reader) })
            }
            Request::Reconnect { card, .. } => on("Reconnect", card),
            Request::Disconnect { card, .. } => on("Disconnect", card),
            Request::Begin { card } => on("BeginTransaction", card),
            Request::End { card, .. } => on("EndTransaction", card),
            Request::Status { card } => on("Status", card),
            Request::Transmit { card, .. } => on("Transmit", card),
            Request::Control { card, .. } => on("Control", card),
            Request::GetAttribute { card, .. } => on("GetAttrib", card),
            Request::SetAttribute { card } => on("SetAttrib", card),
            Request::Cancel { .. } => plain("Cancel"),
            _ => None,
        }
    }

    /// Tells who watches, once the result is known.
    fn note(&self, call: &Call, message: &Message<'_>) {
        let head = self.out.get(..message.body.len()).unwrap_or_default();
        let result = head.last_chunk().copied().map_or(0, u32::from_ne_bytes);
        // A command that reached the card is told by its reader.
        if matches!(message.request, Request::Transmit { .. }) && result == 0 {
            return;
        }
        let [at_card, _] = at::CONNECT;
        let new = head.get(at_card..).and_then(|rest| rest.first_chunk()).copied().map(u32::from_ne_bytes);
        let is_new = matches!(message.request, Request::Connect { .. }) && result == 0;
        let card = if is_new { new } else { call.card };
        let reader = call.reader.as_ref().map(|reader| reader.name.as_str());
        self.shared.events.note(reader, card, What::Call { name: call.name, result });
    }

    /// What concerns the context and all readers.
    fn obey(&mut self, message: &Message<'_>) -> Result<(), Closed> {
        let body = message.body;
        match message.request {
            Request::Version { major, minor } => self.version(body, major, minor),
            Request::Establish { scope } => self.establish(body, scope),
            Request::Release { context } => self.release(body, context),
            Request::Connect { context, reader, share, protocols } => {
                let result = self.connect(context, reader, share, protocols);
                let [card, protocol] = result.unwrap_or_default();
                let [at_card, at_protocol] = at::CONNECT;
                self.answer(body, &[(at_card, card), (at_protocol, protocol)], result.map(drop));
            }
            Request::Cancel { context } => {
                let watch = lock(&self.shared.contexts).get(&context).map(|context| Arc::clone(&context.watch));
                let result = watch.map(|watch| self.shared.events.cancel(&watch)).ok_or(Rv::INVALID_HANDLE);
                self.answer(body, &[], result);
            }
            Request::States => self.states(OLD_CAPACITY),
            Request::Wait => {
                self.shared.events.register(&self.watch);
                // Clients of version 4:6 ask for the array themselves.
                if self.minor < 6 {
                    self.states(OLD_CAPACITY);
                }
            }
            Request::StopWaiting => {
                if self.shared.events.stop(&self.watch) {
                    self.out.extend(pair(0, Rv::SUCCESS));
                }
            }
            Request::ReaderEvents => self.out.extend(pair(self.shared.reader_events(), Rv::SUCCESS)),
            Request::StatesSize => {
                let places = self.shared.capacity();
                self.announced = Some(places);
                self.out.extend(u32::try_from(places).unwrap_or_default().to_ne_bytes());
            }
            Request::StatesArray => self.states(self.announced.unwrap_or_else(|| self.shared.capacity())),
            on_card => return self.obey_on_card(body, on_card),
        }
        Ok(())
    }

    /// What concerns one handle.
    fn obey_on_card(&mut self, body: &[u8], request: Request<'_>) -> Result<(), Closed> {
        match request {
            Request::Transmit { card, protocol, room, command } => {
                self.transmit(body, card, protocol, room, command)?;
            }
            Request::Begin { card } => {
                let result = self.card(card)?.begin(card, &self.caller());
                self.answer(body, &[], result);
            }
            Request::End { card, disposition } => {
                let result = self.card(card)?.end(card, disposition);
                self.answer(body, &[], result);
            }
            Request::Status { card } => {
                let result = self.card(card)?.status(card);
                self.answer(body, &[], result);
            }
            Request::Reconnect { card, share, protocols, initialization } => {
                let result = self.card(card)?.reconnect(card, share, protocols, initialization);
                self.answer(body, &[(at::RECONNECT_PROTOCOL, result.unwrap_or(0))], result.map(drop));
            }
            Request::Disconnect { card, disposition } => self.disconnect(body, card, disposition)?,
            Request::Control { card, code, room, data } => {
                let (length, result) = fitting(self.card(card)?.control(card, code, data, &self.caller()), room);
                self.answer(body, &[(at::CONTROL_RETURNED, length)], result.as_ref().map(drop).map_err(|rv| *rv));
                self.out.extend(result.unwrap_or_default());
            }
            Request::GetAttribute { card, id, room } => {
                let result = self.card(card)?.attribute(card, Some(id));
                let room = room.min(u32::try_from(ATTRIBUTE).unwrap_or(room));
                self.attribute(body, fitting(result, room));
            }
            Request::SetAttribute { card } => {
                let result = self.card(card)?.attribute(card, None);
                self.answer(body, &[], result.map(drop));
            }
            // Not on a card, so it has been dealt with.
            _ => return Err(Closed),
        }
        Ok(())
    }

    fn answer(&mut self, body: &[u8], fields: &[(usize, u32)], result: Result<(), Rv>) {
        answer(&mut self.out, body, fields, result.err().unwrap_or(Rv::SUCCESS));
    }

    fn version(&mut self, body: &[u8], major: u32, minor: u32) {
        if major == 4 && MINORS.contains(&minor) {
            self.minor = minor;
            return self.answer(body, &[], Ok(()));
        }
        // Clients since 2.4.1 try again with this one.
        let [at_major, at_minor] = at::VERSION;
        self.answer(body, &[(at_major, 4), (at_minor, *MINORS.end())], Err(Rv::SERVICE_STOPPED));
    }

    fn establish(&mut self, body: &[u8], scope: u32) {
        let result = self.new_context(scope);
        self.answer(body, &[(at::ESTABLISH_CONTEXT, result.unwrap_or(0))], result.map(drop));
    }

    fn new_context(&mut self, scope: u32) -> Result<u32, Rv> {
        if scope > 3 {
            return Err(Rv::INVALID_VALUE);
        }
        self.forget_context();
        let mut contexts = lock(&self.shared.contexts);
        let own = contexts.values().filter(|context| context.process == self.process).count();
        if own >= MAX_CONTEXTS {
            return Err(Rv::NO_MEMORY);
        }
        let number = lock(&self.shared.context_numbers).take();
        contexts.insert(number, Context { watch: Arc::clone(&self.watch), process: self.process });
        self.context = Some(number);
        Ok(number)
    }

    fn release(&mut self, body: &[u8], context: u32) {
        let result = self.is_own(context);
        if result.is_ok() {
            self.forget_context();
        }
        self.answer(body, &[], result);
    }

    /// Whether this connection has this context.
    fn is_own(&self, context: u32) -> Result<(), Rv> {
        match self.context {
            None => Err(Rv::INVALID_HANDLE),
            Some(own) if own != context => Err(Rv::INVALID_VALUE),
            Some(_) => Ok(()),
        }
    }

    fn connect(&mut self, context: u32, reader: &[u8], share: u32, protocols: u32) -> Result<[u32; 2], Rv> {
        self.is_own(context)?;
        // A share mode that there is none of is told after the protocols, as pcscd does.
        check_protocols(protocols, Share::try_from(share).unwrap_or(Share::Shared))?;
        let share = Share::try_from(share)?;
        let reader = self.shared.reader(reader).ok_or(Rv::UNKNOWN_READER)?;
        if self.cards.len() >= MAX_HANDLES {
            return Err(Rv::NO_MEMORY);
        }
        let card = lock(&self.shared.cards).take();
        match reader.connect(card, &self.caller(), share, protocols) {
            Ok(protocol) => {
                self.cards.insert(card, reader);
                Ok([card, protocol])
            }
            Err(rv) => {
                lock(&self.shared.cards).give_back(card);
                Err(rv)
            }
        }
    }

    /// The reader that this connection has the handle on. pcscd closes connections that use others' handles, too.
    fn card(&self, card: u32) -> Result<&Reader, Closed> {
        self.cards.get(&card).map(|reader| &**reader).ok_or(Closed)
    }

    fn disconnect(&mut self, body: &[u8], card: u32, disposition: u32) -> Result<(), Closed> {
        let reader = self.card(card)?;
        let result = Disposition::try_from(disposition)
            .and_then(|disposition| reader.disconnect(card, &self.caller(), disposition));
        if result.is_ok() {
            self.cards.remove(&card);
            lock(&self.shared.cards).give_back(card);
        }
        self.answer(body, &[], result);
        Ok(())
    }

    /// The head of the answer is filled in when its data stands behind it, so that both leave in one write.
    fn transmit(&mut self, body: &[u8], card: u32, pci: u32, room: u32, command: &[u8]) -> Result<(), Closed> {
        let reader = self.cards.get(&card).ok_or(Closed)?;
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        self.out.extend_from_slice(body);
        let (length, rv) = match reader.transmit(card, pci, command, room, &mut self.out) {
            Ok(length) => (length, Rv::SUCCESS),
            Err((rv, length)) => (length, rv),
        };
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        fill(&mut self.out[..body.len()], &[(at::TRANSMIT_LENGTH, length)], rv);
        Ok(())
    }

    fn attribute(&mut self, body: &[u8], (length, result): (u32, Result<Vec<u8>, Rv>)) {
        let start = self.out.len();
        self.answer(body, &[(at::ATTRIBUTE_LENGTH, length)], result.as_ref().map(drop).map_err(|rv| *rv));
        let value = result.unwrap_or_default();
        let place = start + at::ATTRIBUTE;
        self.out[place..place + ATTRIBUTE].fill(0);
        self.out[place..place + value.len()].copy_from_slice(&value);
    }

    fn states(&mut self, places: usize) {
        let generation = self.shared.events.generation();
        self.shared.states(places, &mut self.out);
        Events::seen(&self.watch, generation);
    }

    fn caller(&self) -> Caller<'_> {
        Caller { client: self.id, stream: &self.stream }
    }

    fn forget_context(&mut self) {
        for (card, reader) in std::mem::take(&mut self.cards) {
            reader.release(card);
            self.shared.events.note(Some(&reader.name), Some(card), What::Call { name: "(released)", result: 0 });
            lock(&self.shared.cards).give_back(card);
        }
        if let Some(context) = self.context.take() {
            lock(&self.shared.contexts).remove(&context);
            lock(&self.shared.context_numbers).give_back(context);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.events.forget(self.id);
        self.forget_context();
        // The other end is told before anything else happens; it may be gone already.
        let _ = shutdown(&*self.stream, Shutdown::Both);
        lock(&self.shared.connections).remove(&self.id);
    }
}

/// The length that an answer has, and the answer where there is room for it.
fn fitting(result: Result<Vec<u8>, Rv>, room: u32) -> (u32, Result<Vec<u8>, Rv>) {
    let length = result.as_ref().map_or(0, |value| u32::try_from(value.len()).unwrap_or(u32::MAX));
    (length, result.and_then(|value| if length > room { Err(Rv::INSUFFICIENT_BUFFER) } else { Ok(value) }))
}
