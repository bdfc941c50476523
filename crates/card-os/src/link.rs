//! Between the wire and the commands: assembles chained commands and keeps what waits for GET RESPONSE.
//!
//! One chain and one waiting answer per card, allocated when needed. Knows no command but by its header.

use alloc::vec::Vec;

use card_wire::{Command, Status, apdu};
use zeroize::Zeroizing;

/// Chain and waiting answer.
#[derive(Clone)]
pub(crate) struct Link {
    chain: Option<Chain>,
    /// Answer bytes that have not been fetched yet, behind those of the same answer that have.
    waiting: Zeroizing<Vec<u8>>,
    /// How many have been fetched.
    fetched: usize,
    /// The channel whose answer waits, and its status word.
    of: (u8, Status),
    /// What ENVELOPE commands have brought of a command, on which channel.
    enveloped: (u8, Zeroizing<Vec<u8>>),
}

/// The longest command that ENVELOPE can carry.
const MAX_ENVELOPED: usize = apdu::MAX_COMMAND;

#[derive(Clone)]
struct Chain {
    /// Header of the chained command, its class without the chaining bit.
    header: [u8; 4],
    data: Vec<u8>,
}

impl Drop for Chain {
    /// Imported keys come in chains.
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.data);
    }
}

/// What a command means for the link.
pub(crate) enum Step {
    /// Part of a chain that goes on.
    Stored,
    /// Execute it, with the data of the chain it ends in front of its own.
    Execute(Option<AssembledData>),
}

/// Data of a whole chain; wiped on drop.
pub(crate) struct AssembledData(Chain);

impl AssembledData {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.data
    }
}

impl Default for Link {
    fn default() -> Self {
        let (waiting, enveloped) = (Zeroizing::default(), Default::default());
        Self { chain: None, waiting, fetched: 0, of: (0, Status::OK), enveloped }
    }
}

impl Link {
    /// Forgets everything, as a reset does.
    pub(crate) fn clear(&mut self) {
        self.chain = None;
        self.drop_waiting();
        self.drop_enveloped();
    }

    pub(crate) fn drop_enveloped(&mut self) {
        if !self.enveloped.1.is_empty() {
            self.enveloped = Default::default();
        }
    }

    /// Takes the data field of an ENVELOPE; another channel's is dropped. The command, once nothing more comes; `more` says
    /// that something does.
    ///
    /// # Errors
    /// 6700 for more than a command can have, 6E00 for the class FF; it is dropped.
    pub(crate) fn envelope(
        &mut self,
        channel: u8,
        data: &[u8],
        more: bool,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Status> {
        if self.enveloped.0 != channel {
            self.enveloped = (channel, Zeroizing::default());
        }
        let (_, enveloped) = &mut self.enveloped;
        if enveloped.len() + data.len() > MAX_ENVELOPED {
            self.drop_enveloped();
            return Err(Status::WRONG_LENGTH);
        }
        grow(enveloped, data);
        // No command begins so.
        if enveloped.first() == Some(&0xFF) {
            self.drop_enveloped();
            return Err(Status::CLASS_NOT_SUPPORTED);
        }
        Ok((!more).then(|| core::mem::take(enveloped)))
    }

    pub(crate) fn drop_waiting(&mut self) {
        if !self.waiting.is_empty() {
            self.waiting = Zeroizing::default();
            self.fetched = 0;
        }
    }

    pub(crate) const fn in_chain(&self) -> bool {
        self.chain.is_some()
    }

    /// Takes a command in: `chained` is its chaining bit, `limit` the bytes that a chain may bring together.
    ///
    /// # Errors
    /// 6883 for a foreign command within a chain, 6700 for a chain over the limit or a part that carries Le; the
    /// chain is dropped.
    pub(crate) fn accept(&mut self, command: &Command<'_>, chained: bool, limit: usize) -> Result<Step, Status> {
        if self.chain.is_none() && !chained {
            return Ok(Step::Execute(None));
        }
        let header = [command.cla.unchained().0, command.ins.0, command.p1, command.p2];
        let mut chain = self.chain.take().unwrap_or(Chain { header, data: Vec::new() });
        if chain.header != header {
            return Err(Status::LAST_OF_CHAIN_EXPECTED);
        }
        if chain.data.len() + command.data.len() > limit || (chained && command.ne != 0) {
            return Err(Status::WRONG_LENGTH);
        }
        grow(&mut chain.data, command.data);
        if chained {
            self.chain = Some(chain);
            return Ok(Step::Stored);
        }
        Ok(Step::Execute(Some(AssembledData(chain))))
    }

    /// Keeps the rest of an answer on a channel, and the status word that it ends in.
    pub(crate) fn keep(&mut self, rest: Zeroizing<Vec<u8>>, channel: u8, status: Status) {
        self.waiting = rest;
        self.fetched = 0;
        self.of = (channel, status);
    }

    /// Up to `ne` bytes of the waiting answer go to `take`. The status word: 61xx while more is left.
    ///
    /// # Errors
    /// 6985 if nothing waits on this channel; what waits on another is dropped.
    pub(crate) fn respond(&mut self, channel: u8, ne: usize, take: impl FnOnce(&[u8])) -> Result<Status, Status> {
        let (owner, status) = self.of;
        if owner != channel {
            self.drop_waiting();
        }
        let rest = self.waiting.get(self.fetched..).unwrap_or_default();
        if rest.is_empty() {
            return Err(Status::CONDITIONS);
        }
        let now = ne.min(rest.len());
        let left = rest.len() - now;
        take(&rest[..now]);
        self.fetched += now;
        if left == 0 {
            self.drop_waiting();
            return Ok(status);
        }
        Ok(Status::more(left))
    }
}

/// Appends without leaving an unwiped copy behind when the buffer moves.
pub(crate) fn grow(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if buffer.capacity() - buffer.len() < bytes.len() {
        let mut larger = Vec::with_capacity((buffer.len() + bytes.len()).next_power_of_two());
        larger.extend_from_slice(buffer);
        zeroize::Zeroize::zeroize(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(bytes);
}
