//! The model: state, the link layer, and holding an answer against a prediction.

use core::fmt;
use std::sync::Arc;

use crate::apdu::Apdu;
use crate::body::{Body, Finish};
use crate::cut::Candidates;
use crate::files::Tree;
use crate::iso;
use crate::keys::{Environment, Key};
use crate::mismatch::Mismatch;
use crate::pins::{LifeCycle, Secret};
use crate::profile::{Dialect, Profile};
use crate::status;

/// What outlives the power.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) life: LifeCycle,
    pub(crate) pin: Secret,
    pub(crate) puk: Secret,
    pub(crate) files: Tree,
    pub(crate) keys: Arc<[Option<Key>; 16]>,
}

/// What a reset forgets; exists while the application is selected.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    /// The host speaks version 1.
    pub(crate) version_1: bool,
    /// Current DF.
    pub(crate) df: u16,
    /// Current EF.
    pub(crate) ef: Option<u16>,
    pub(crate) verified: bool,
    /// The application was selected before the PIN was set: files count as authenticated.
    pub(crate) creating: bool,
    pub(crate) environment: Option<Environment>,
}

impl Session {
    pub(crate) const fn may_use_files(&self) -> bool {
        self.verified || self.creating
    }
}

#[derive(Clone)]
struct Chain {
    header: [u8; 4],
    data: Vec<u8>,
}

/// An answer that has not been fetched whole.
#[derive(Clone)]
pub(crate) struct Waiting {
    body: Body,
    /// What has been fetched.
    seen: Vec<u8>,
}

/// What a command answers: data on success, else a status word.
pub(crate) type Outcome = Result<Body, u16>;

/// The prediction for one command, and how much of the data it may carry.
pub(crate) struct Reply {
    outcome: Outcome,
    ne: usize,
    /// How much of the data was fetched before.
    seen: Vec<u8>,
}

/// A card as it should be.
#[derive(Clone)]
pub struct Model {
    pub(crate) profile: Arc<Profile>,
    pub(crate) memory: Memory,
    pub(crate) session: Option<Session>,
    chain: Option<Chain>,
    pub(crate) waiting: Option<Box<Waiting>>,
    challenge: Option<[u8; 16]>,
    pub(crate) strict: bool,
    /// Everything, if the card has no dialect.
    pub(crate) iso: Option<Box<iso::Card>>,
}

impl Model {
    /// A blank card, powered, with nothing selected.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let memory = Memory {
            life: LifeCycle::Creation,
            pin: Secret::unset(profile.pin_tries),
            puk: Secret::unset(profile.puk_tries),
            files: Tree::blank(),
            keys: Arc::default(),
        };
        let profile = Arc::new(profile);
        let iso = (profile.dialect == Dialect::None).then(|| Box::new(iso::Card::new(profile.clone())));
        Self { profile, memory, session: None, chain: None, waiting: None, challenge: None, strict: false, iso }
    }

    /// Whether real signatures are checked, and a real RSA provider is expected: one that offers 4,096 bits and
    /// refuses what is not smaller than the modulus. Off at first, so that a toy provider is good enough.
    pub fn verify_signatures(&mut self, on: bool) {
        self.strict = on;
        if let Some(iso) = &mut self.iso {
            iso.strict = on;
        }
    }

    /// A reset or a power cycle.
    pub fn reset(&mut self) {
        (self.session, self.chain, self.waiting, self.challenge) = (None, None, None, None);
        if let Some(iso) = &mut self.iso {
            iso.reset();
        }
    }

    /// Holds an answer against what this card may say, and follows it. After an error the model is of no more use.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub fn step(&mut self, command: &[u8], answer: &[u8]) -> Result<(), Mismatch> {
        let Some((data, status)) = answer.split_last_chunk() else {
            return Err(Mismatch::new(command, status::OK, "an answer", answer));
        };
        let status = u16::from_be_bytes(*status);
        let wrong = |(expected, what)| Mismatch::new(command, expected, what, answer);
        if let Some(iso) = &mut self.iso {
            return iso.step(command, data, status).map_err(wrong);
        }
        let reply = self.perform(command, Some(status));
        self.hold(reply, data, status).map_err(wrong)
    }

    /// States in which the card may be when the power went during `command`: before it, a try spent, after it.
    /// All are reset.
    #[must_use]
    pub fn cut(&self, command: &[u8]) -> Candidates {
        Candidates::of(self, command)
    }

    /// Executes a command whose answer nobody sees, as if everything had gone well that chance decides (memory was
    /// left, the padding was good). For generators that plan ahead. Returns the status word of the answer.
    pub fn assume(&mut self, command: &[u8]) -> u16 {
        if let Some(iso) = &mut self.iso {
            return iso.assume(command);
        }
        let Reply { outcome, ne, seen } = self.perform(command, None);
        let body = match outcome {
            Ok(body) => body,
            Err(status) => return status,
        };
        let status = body.status(seen.len(), ne);
        if status != status::OK {
            let seen = vec![0; seen.len() + ne];
            self.waiting = Some(Box::new(Waiting { body, seen }));
        }
        status
    }

    /// A chain of commands is open: their header, with the class of the last one.
    #[must_use]
    pub fn chain(&self) -> Option<[u8; 4]> {
        self.iso.as_ref().map_or_else(|| self.chain.as_ref().map(|chain| chain.header), |iso| iso.link.chain())
    }

    /// Executes a command. `said` is the status word of the card's answer, which decides where several are right.
    pub(crate) fn perform(&mut self, bytes: &[u8], said: Option<u16>) -> Reply {
        let (chained, apdu) = match self.admit(bytes) {
            Ok(admitted) => admitted,
            Err(status) => {
                (self.chain, self.waiting) = (None, None);
                return Reply::refusal(status);
            }
        };
        if apdu.header[1] == 0xC0 && !chained && self.chain.is_none() {
            return self.get_response(&apdu);
        }
        self.waiting = None;
        let assembled = match self.assemble(&apdu, chained) {
            Ok(assembled) => assembled,
            Err(status) => return Reply::refusal(status),
        };
        let apdu = match &assembled {
            None => apdu,
            Some(_) if chained => return Reply { outcome: Ok(Body::EMPTY), ne: 0, seen: Vec::new() },
            Some(data) => Apdu { data, ..apdu },
        };
        let outcome = self.execute(&apdu, said);
        Reply { outcome, ne: if apdu.ne == 0 { 256 } else { apdu.ne }, seen: Vec::new() }
    }

    /// Class, instruction and lengths, in this order.
    fn admit<'c>(&self, bytes: &'c [u8]) -> Result<(bool, Apdu<'c>), u16> {
        let [cla, ins, ..] = bytes else { return Err(status::LENGTH) };
        match cla {
            0x00 | 0x10 => (),
            0x01..=0x1F if cla & 0x0C == 0 => return Err(status::CHANNEL),
            0x40..=0x5F => return Err(status::CHANNEL),
            0x01..=0x1F | 0x60..=0x7F => return Err(status::SECURE_MESSAGING),
            _ => return Err(status::CLASS),
        }
        let known = match ins {
            0xA4 => true,
            0xCA => self.session.is_some() && self.profile.dialect != Dialect::V0,
            0x20 | 0x22 | 0x24 | 0x2A | 0x2C | 0x46 | 0x70 | 0x84 | 0xB0 | 0xC0 | 0xD6 | 0xDB | 0xE0 | 0xE4 => {
                self.session.is_some()
            }
            _ => false,
        };
        if !known {
            return Err(status::INSTRUCTION);
        }
        Ok((*cla == 0x10, Apdu::parse(bytes).ok_or(status::LENGTH)?))
    }

    /// Data of the chain so far with that of this part; `None` for a command outside of chains.
    fn assemble(&mut self, apdu: &Apdu<'_>, chained: bool) -> Result<Option<Vec<u8>>, u16> {
        if self.chain.is_none() && !chained {
            return Ok(None);
        }
        let [_, ins, p1, p2] = apdu.header;
        let header = [0, ins, p1, p2];
        let mut chain = self.chain.take().unwrap_or(Chain { header, data: Vec::new() });
        if chain.header != header {
            return Err(status::END_OF_CHAIN);
        }
        if chain.data.len() + apdu.data.len() > 0xFFFF || (chained && apdu.ne != 0) {
            return Err(status::LENGTH);
        }
        chain.data.extend_from_slice(apdu.data);
        if chained {
            self.chain = Some(chain);
            return Ok(Some(Vec::new()));
        }
        Ok(Some(chain.data))
    }

    fn get_response(&mut self, apdu: &Apdu<'_>) -> Reply {
        if apdu.p1p2() != 0 {
            return Reply::refusal(status::PARAMETERS);
        }
        if !apdu.asks_only() {
            return Reply::refusal(status::LENGTH);
        }
        match self.waiting.take() {
            None => Reply::refusal(status::CONDITIONS),
            Some(waiting) => Reply { outcome: Ok(waiting.body), ne: apdu.ne, seen: waiting.seen },
        }
    }

    /// Holds an answer against its prediction. The error is the expected status word and what else was wrong.
    fn hold(&mut self, reply: Reply, data: &[u8], got: u16) -> Result<(), (u16, &'static str)> {
        let mut body = match reply.outcome {
            Ok(body) => body,
            Err(status) if status == got && data.is_empty() => return Ok(()),
            Err(status) => return Err((status, "no data")),
        };
        let Reply { ne, mut seen, .. } = reply;
        let done = seen.len();
        let now = done + data.len();
        match got {
            status::OK => body.len = (body.len.0.max(now), body.len.1.min(now)),
            0x6100 => body.len.0 = body.len.0.max(now + 256),
            0x6101..=0x61FF => {
                let all = now + usize::from(got & 0xFF);
                body.len = (body.len.0.max(all), body.len.1.min(all));
            }
            _ => return Err((body.status(done, ne), "what the command reads")),
        }
        if body.len.0 > body.len.1 {
            return Err((body.status(done, ne), "as many bytes as there are"));
        }
        if data.len() > ne || (got != status::OK && data.len() < ne) {
            return Err((body.status(done, ne), "as many bytes as Le asks for"));
        }
        if !body.matches(done, data) {
            return Err((got, "other bytes"));
        }
        if got == status::OK && done == 0 {
            return self.finish(&body, data).map_err(|what| (got, what));
        }
        seen.extend_from_slice(data);
        if got == status::OK {
            return self.finish(&body, &seen).map_err(|what| (got, what));
        }
        self.waiting = Some(Box::new(Waiting { body, seen }));
        Ok(())
    }

    /// Follows a whole data field.
    fn finish(&mut self, body: &Body, data: &[u8]) -> Result<(), &'static str> {
        match &body.finish {
            Finish::Nothing => Ok(()),
            Finish::Challenge => {
                let Some(first) = data.first_chunk::<16>() else { return Ok(()) };
                match self.challenge.replace(*first) {
                    Some(last) if last == *first => Err("another challenge than the last"),
                    _ => Ok(()),
                }
            }
            Finish::PublicKey(slot) => self.adopt(*slot, data.get(body.gap.clone()).unwrap_or_default()),
            Finish::Ecdsa(field, check) => {
                crate::signature::is_der(data, *field).then_some(()).ok_or("SEQUENCE of two INTEGERs")?;
                check.as_ref().map_or(Ok(()), |check| check.holds(data))
            }
            Finish::Rsa(check) => check.holds(data),
        }
    }
}

impl Reply {
    const fn refusal(status: u16) -> Self {
        Self { outcome: Err(status), ne: 0, seen: Vec::new() }
    }
}

impl Body {
    /// The status word for this data if `done` bytes were fetched before and `ne` are asked for.
    fn status(&self, done: usize, ne: usize) -> u16 {
        match self.len.0.saturating_sub(done + ne) {
            0 => status::OK,
            left => 0x6100 + u16::from(u8::try_from(left).unwrap_or(0)),
        }
    }
}

impl fmt::Debug for Model {
    /// Shows no PIN and no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("life_cycle", &self.memory.life)
            .field("tries", &self.tries())
            .field("files", &self.memory.files.all().len())
            .field("selected", &self.session.is_some())
            .finish_non_exhaustive()
    }
}
