//! Cards that lie, to hold the suite against: each wraps an honest card and spoils one thing.
//!
//! Three lie about everything ([`Lie::AlwaysOk`], [`Lie::AlwaysNoDiagnosis`], [`Lie::ZeroedData`]); twenty are broken the
//! way real cards are ([`BROKEN`]). They are here and not in a test so that the tests of other transports can use
//! them too.

use card_wire::tlv::{self, Tag};
use card_wire::{Command, Icc, Ins, Protocol, Status};

/// What a [`Dishonest`] card does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lie {
    /// Answers 9000 to everything.
    AlwaysOk,
    /// Answers 6F00 to everything.
    AlwaysNoDiagnosis,
    /// Right status words and as many bytes as the card answers, all zero.
    ZeroedData,
    /// Says 6A88 where the card says 6A82.
    WrongStatus,
    /// Never shows that a wrong PIN has cost more than one try.
    EndlessTries,
    /// Takes any PIN that has the right length.
    AnyPin,
    /// Stays logged in when its application is selected again.
    StaysLoggedIn,
    /// Says 9000 where more of the answer waits.
    DropsMore,
    /// Answers SELECT with the wrong file identifier.
    WrongFci,
    /// Says that it has updated a file and has not.
    ForgetsUpdates,
    /// Gives the same challenge each time.
    ConstantChallenge,
    /// Takes any logical channel for the basic one.
    IgnoresChannel,
    /// Signs wrongly.
    WrongSignature,
    /// Reads the record before the one that is asked for by its number.
    RecordOffByOne,
    /// Says that it has written a record and has not.
    ForgetsRecords,
    /// Always takes the first record for the next.
    StuckPointer,
    /// Does not understand compact access rules and ignores them.
    IgnoresRules,
    /// Shows a PIN on every channel when it is shown on one.
    PinEverywhere,
    /// Says that it has deactivated a file and has not.
    KeepsActive,
    /// Never shows that anything has changed.
    ConstantCounter,
    /// Takes any answer to its challenge.
    AnyAnswer,
    /// Says that it has deleted a file and has not.
    KeepsFiles,
    /// Hashes wrongly.
    WrongHash,
}

/// The cards that are broken in one place, with names for reports.
pub const BROKEN: [(&str, Lie); 20] = [
    ("wrong-status", Lie::WrongStatus),
    ("endless-tries", Lie::EndlessTries),
    ("any-pin", Lie::AnyPin),
    ("stays-logged-in", Lie::StaysLoggedIn),
    ("drops-more", Lie::DropsMore),
    ("wrong-fci", Lie::WrongFci),
    ("forgets-updates", Lie::ForgetsUpdates),
    ("constant-challenge", Lie::ConstantChallenge),
    ("ignores-channel", Lie::IgnoresChannel),
    ("wrong-signature", Lie::WrongSignature),
    ("record-off-by-one", Lie::RecordOffByOne),
    ("forgets-records", Lie::ForgetsRecords),
    ("stuck-pointer", Lie::StuckPointer),
    ("ignores-rules", Lie::IgnoresRules),
    ("pin-everywhere", Lie::PinEverywhere),
    ("keeps-active", Lie::KeepsActive),
    ("constant-counter", Lie::ConstantCounter),
    ("any-answer", Lie::AnyAnswer),
    ("keeps-files", Lie::KeepsFiles),
    ("wrong-hash", Lie::WrongHash),
];

/// A card with a [`Lie`] in front of it.
pub struct Dishonest {
    card: Box<dyn Icc>,
    lie: Lie,
    honest_commands: usize,
    last_verify: Vec<u8>,
    scratch: Vec<u8>,
}

impl Dishonest {
    /// A card that lies from its first command on.
    #[must_use]
    pub fn new(card: Box<dyn Icc>, lie: Lie) -> Self {
        Self::after(card, lie, 0)
    }

    /// A card that lies after this many honest answers.
    #[must_use]
    pub fn after(card: Box<dyn Icc>, lie: Lie, honest_commands: usize) -> Self {
        Self { card, lie, honest_commands, last_verify: Vec::new(), scratch: vec![0; 0x1_0002] }
    }

    /// Lets the wrapped card execute a command whose answer nobody sees.
    fn execute(&mut self, command: &[u8]) {
        let _ = self.card.transmit(command, &mut self.scratch);
    }

    /// Puts the honest answer into `response` and returns its length.
    fn honest(&mut self, command: &[u8], response: &mut [u8]) -> usize {
        self.card.transmit(command, response).len()
    }

    fn lie(&mut self, command: &[u8], response: &mut [u8]) -> usize {
        let parsed = Command::parse(command).ok();
        let ins = parsed.map(|command| command.ins);
        match self.lie {
            Lie::AlwaysOk => status_only(response, Status::OK),
            Lie::AlwaysNoDiagnosis => status_only(response, Status::NO_DIAGNOSIS),
            Lie::ForgetsUpdates if ins == Some(Ins::UPDATE_BINARY) => status_only(response, Status::OK),
            Lie::AnyPin if parsed.is_some_and(|c| c.ins == Ins::VERIFY && matches!(c.data.len(), 4..=16)) => {
                status_only(response, Status::OK)
            }
            Lie::ForgetsRecords if matches!(ins, Some(Ins::UPDATE_RECORD | Ins::APPEND_RECORD)) => {
                status_only(response, Status::OK)
            }
            Lie::KeepsActive if ins == Some(Ins::DEACTIVATE_FILE) => status_only(response, Status::OK),
            Lie::KeepsFiles if ins == Some(Ins::DELETE_FILE) => status_only(response, Status::OK),
            Lie::AnyAnswer if parsed.is_some_and(|c| c.ins == Ins::EXTERNAL_AUTHENTICATE && c.data.len() == 16) => {
                status_only(response, Status::OK)
            }
            Lie::IgnoresChannel | Lie::RecordOffByOne | Lie::StuckPointer | Lie::IgnoresRules => {
                let command = self.distort(command, ins);
                self.honest(&command, response)
            }
            _ => {
                let len = self.honest(command, response);
                self.spoil(command, ins, response, len)
            }
        }
    }

    /// What the wrapped card is sent instead of this command.
    fn distort(&self, command: &[u8], ins: Option<Ins>) -> Vec<u8> {
        let mut command = command.to_vec();
        match (self.lie, ins, command.as_mut_slice()) {
            (Lie::IgnoresChannel, _, [class @ 0x00..=0x1F, ..]) => *class &= !0x03,
            (Lie::RecordOffByOne, Some(Ins::READ_RECORD), [_, _, number, mode, ..])
                if *number > 1 && *mode & 0x07 == 0x04 =>
            {
                *number -= 1;
            }
            (Lie::StuckPointer, Some(Ins::READ_RECORD), [_, _, 0x00, mode, ..]) if *mode & 0x07 == 0x02 => {
                *mode &= !0x07;
            }
            (Lie::IgnoresRules, Some(Ins::CREATE_FILE), [_, _, _, _, _, template @ ..]) => {
                // A tag that nothing means anything by.
                if let Some(tag) = rule_tag(template).and_then(|at| template.get_mut(at)) {
                    *tag = 0x85;
                }
            }
            _ => {}
        }
        command
    }

    /// Changes an honest answer of `len` bytes; returns the length of the changed one.
    fn spoil(&mut self, command: &[u8], ins: Option<Ins>, response: &mut [u8], len: usize) -> usize {
        let Some((data, status)) = response.get_mut(..len).and_then(<[u8]>::split_last_chunk_mut::<2>) else {
            return len;
        };
        let word = Status(u16::from_be_bytes(*status));
        match (self.lie, ins) {
            (Lie::ZeroedData, _) => data.fill(0),
            (Lie::WrongStatus, _) if word == Status::NOT_FOUND => *status = Status::REFERENCE_NOT_FOUND.to_bytes(),
            (Lie::EndlessTries, Some(Ins::VERIFY)) if word.retries().is_some() => {
                *status = Status::tries_left(2).to_bytes();
            }
            (Lie::DropsMore, _) if word.waiting().is_some() => *status = Status::OK.to_bytes(),
            (Lie::WrongFci, Some(Ins::SELECT)) if data.len() > 8 => {
                if let Some(at) = data.windows(2).position(|pair| pair == [0x83, 0x02]) {
                    data[at + 3] ^= 0x01;
                }
            }
            (Lie::ConstantChallenge, Some(Ins::GET_CHALLENGE)) => {
                for (byte, value) in data.iter_mut().zip((0..=u8::MAX).cycle()) {
                    *byte = value;
                }
            }
            (Lie::WrongSignature, Some(Ins::PERFORM_SECURITY_OPERATION))
                if command.get(2..4) == Some(&[0x9E, 0x9A]) =>
            {
                flip_last(data);
            }
            (Lie::WrongHash, Some(Ins::PERFORM_SECURITY_OPERATION)) if command.get(2..4) == Some(&[0x90, 0x80]) => {
                flip_last(data);
            }
            (Lie::ConstantCounter, Some(Ins::GET_DATA)) if command.get(2..4) == Some(&[0xDF, 0x20]) => data.fill(0x01),
            (Lie::PinEverywhere, Some(Ins::VERIFY)) if word.is_ok() && command.len() > 5 => {
                for channel in 0..=3 {
                    let mut command = command.to_vec();
                    if let Some(class) = command.first_mut() {
                        *class = channel;
                    }
                    self.execute(&command);
                }
            }
            (Lie::StaysLoggedIn, Some(Ins::VERIFY)) if word.is_ok() && command.len() > 5 => {
                self.last_verify = command.to_vec();
            }
            (Lie::StaysLoggedIn, Some(Ins::SELECT)) if word.is_ok() && command.get(2) == Some(&0x04) => {
                let verify = std::mem::take(&mut self.last_verify);
                if !verify.is_empty() {
                    self.execute(&verify);
                }
                self.last_verify = verify;
            }
            _ => {}
        }
        len
    }
}

/// Where in a file control template the tag of a compact rule stands.
fn rule_tag(template: &[u8]) -> Option<usize> {
    let body = tlv::Reader::new(template.get(2..)?);
    let mut at = 2;
    for object in body {
        let object = object.ok()?;
        if object.tag == Tag(0x8C) {
            return Some(at);
        }
        at += tlv::header(object.tag, object.value.len())?.as_bytes().len() + object.value.len();
    }
    None
}

fn flip_last(data: &mut [u8]) {
    if let Some(last) = data.last_mut() {
        *last ^= 0x01;
    }
}

fn status_only(response: &mut [u8], status: Status) -> usize {
    response[..2].copy_from_slice(&status.to_bytes());
    2
}

impl Icc for Dishonest {
    fn power_on(&mut self, protocol: Protocol) -> &[u8] {
        self.last_verify.clear();
        self.card.power_on(protocol)
    }

    fn reset(&mut self) -> &[u8] {
        self.last_verify.clear();
        self.card.reset()
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> &'r [u8] {
        let len = if self.honest_commands > 0 {
            self.honest_commands -= 1;
            self.honest(command, response)
        } else {
            self.lie(command, response)
        };
        &response[..len]
    }
}

impl std::fmt::Debug for Dishonest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dishonest").field("lie", &self.lie).finish_non_exhaustive()
    }
}
