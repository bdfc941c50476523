//! The journal: what the card was in the middle of, in one small file that one command writes.
//!
//! It is a hint. A record that is torn or missing costs a look at the directories and nothing else; nothing is ever
//! concluded from the journal that the directories, the files or the authority contradict.

use sha1::{Digest as _, Sha1};

/// Length of a record in bytes.
pub const LEN: usize = 48;
const MAGIC: [u8; 4] = *b"CLJ1";
const SEAL: usize = 8;

/// What was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is under way.
    Idle,
    /// A key pair is being generated.
    Generating,
    /// The key pair is there, and listed.
    Keyed,
    /// The request has gone, or may have gone, to the authority.
    Pending,
    /// The generation is being retired.
    Retiring,
}

const STAGES: [Stage; 5] = [Stage::Idle, Stage::Generating, Stage::Keyed, Stage::Pending, Stage::Retiring];

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What was begun.
    pub stage: Stage,
    /// The key slot that it is about.
    pub slot: u8,
    /// The number of the generation's files: 0 for 3300 and 3400.
    pub files: u8,
    /// The SHA-1 identifier of its public key; zeros where there is none yet.
    pub key: [u8; 20],
}

impl Journal {
    /// Nothing is under way.
    pub const IDLE: Self = Self { stage: Stage::Idle, slot: 0, files: 0, key: [0; 20] };

    /// The record as it is written: magic, stage, slot, files, key, zeros, and a seal over all of it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        let stage = STAGES.iter().zip(0..).find(|(stage, _)| **stage == self.stage);
        bytes[4] = stage.map_or(0, |(_, number)| number);
        bytes[5] = self.slot;
        bytes[6] = self.files;
        bytes[7..27].copy_from_slice(&self.key);
        let seal = seal(&bytes[..LEN - SEAL]);
        bytes[LEN - SEAL..].copy_from_slice(&seal);
        bytes
    }

    /// Reads a record; `None` if it is torn, blank or something else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LEN] = bytes.first_chunk()?;
        let (body, sealed) = bytes.split_at(LEN - SEAL);
        if body[..4] != MAGIC || sealed != seal(body) {
            return None;
        }
        let stage = *STAGES.get(usize::from(body[4]))?;
        let mut key = [0; 20];
        key.copy_from_slice(&body[7..27]);
        Some(Self { stage, slot: body[5], files: body[6], key })
    }
}

fn seal(body: &[u8]) -> [u8; SEAL] {
    let digest: [u8; 20] = Sha1::digest(body).into();
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&digest[..SEAL]);
    seal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_return() {
        for stage in STAGES {
            let journal = Journal { stage, slot: 3, files: 4, key: [7; 20] };
            assert_eq!(Journal::parse(&journal.to_bytes()), Some(journal));
        }
    }

    #[test]
    fn a_torn_record_is_none() {
        let old = Journal { stage: Stage::Pending, slot: 3, files: 4, key: [7; 20] }.to_bytes();
        let new = Journal { stage: Stage::Retiring, slot: 1, files: 1, key: [9; 20] }.to_bytes();
        for cut in 0..=LEN {
            let torn = [&new[..cut], &old[cut..]].concat();
            let whole = torn == old || torn == new;
            assert_eq!(Journal::parse(&torn).is_some(), whole, "cut at {cut}");
        }
        assert_eq!(Journal::parse(&[0; LEN]), None);
        assert_eq!(Journal::parse(&old[..LEN - 1]), None);
    }
}
