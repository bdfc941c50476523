//! A memory that keeps a log of what reaches it, and that can stand under a card whose journal is broken on purpose.

use card_os::nvm::{Nvm, NvmError};
use crc::{CRC_32_ISO_HDLC, Crc};

use super::layout::{self, BODY, FIRST_PAGE, IMAGE, SEALED, SLOT, SLOTS};

/// One thing that the card did to the medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Write(usize, Vec<u8>),
    Sync,
}

/// What is wrong with the card above. Each of these must be found out by a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Nothing.
    #[default]
    Nothing,
    /// There is no seal: whatever stands in a slot counts.
    NoSeal,
    /// The pages of a commit are written before the journal and its seal.
    PagesFirst,
    /// The mark that the pages are written is written before them.
    MarkFirst,
    /// Recovery gives every PIN its tries back.
    TriesGivenBack,
    /// What became free is not wiped.
    NoWipe,
    /// A barrier is left out: the one behind the images.
    NoSyncAfterImages,
    /// The one behind the seal.
    NoSyncAfterSeal,
    /// The one behind the pages.
    NoSyncAfterPages,
}

/// Memory that logs.
#[derive(Clone, Default)]
pub(crate) struct Tape {
    pub(crate) bytes: Vec<u8>,
    pub(crate) log: Vec<Op>,
    pub(crate) wrong: Wrong,
    /// Writes that a broken card holds back.
    held: Vec<(usize, Vec<u8>)>,
    /// The seal has been written, the mark not yet.
    sealed: bool,
}

impl Tape {
    pub(crate) fn new(bytes: Vec<u8>, wrong: Wrong) -> Self {
        Self { bytes, wrong, ..Self::default() }
    }

    /// What has been done since this was last asked.
    pub(crate) fn take_log(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.log)
    }

    fn put(&mut self, at: usize, data: &[u8]) {
        self.bytes[at..at + data.len()].copy_from_slice(data);
        self.log.push(Op::Write(at, data.to_vec()));
    }

    fn release(&mut self) {
        for (at, data) in std::mem::take(&mut self.held) {
            self.put(at, &data);
        }
    }

    /// The order of a broken card. Returns whether the write is dealt with.
    fn misplaced(&mut self, at: usize, data: &[u8]) -> bool {
        let in_slots = (SLOTS[0]..FIRST_PAGE).contains(&at);
        let (mark, images, seal) =
            (in_slots && at % SLOT == SEALED, in_slots && at % SLOT == BODY, SLOTS.contains(&at));
        self.sealed = (self.sealed || seal) && !mark;
        match self.wrong {
            Wrong::PagesFirst if in_slots && !mark => self.held.push((at, data.to_vec())),
            Wrong::PagesFirst if mark => {
                self.release();
                self.put(at, data);
            }
            Wrong::NoSeal if images => self.held.push((at, data.to_vec())),
            Wrong::NoSeal if seal => {
                self.put(at, data);
                self.release();
            }
            Wrong::MarkFirst if self.sealed && at >= FIRST_PAGE => self.held.push((at, data.to_vec())),
            Wrong::MarkFirst if mark => {
                self.put(at, data);
                self.release();
            }
            Wrong::NoWipe if at >= FIRST_PAGE && data.iter().all(|byte| *byte == 0) => (),
            _ => return false,
        }
        true
    }

    fn is_left_out(&self) -> bool {
        let Some(Op::Write(at, _)) = self.log.last() else { return false };
        let last = match at {
            at if SLOTS.contains(at) => Wrong::NoSyncAfterSeal,
            at if *at < FIRST_PAGE => Wrong::NoSyncAfterImages,
            _ => Wrong::NoSyncAfterPages,
        };
        last == self.wrong
    }
}

impl Nvm for Tape {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        let is_slot = SLOTS.contains(&at) && out.len() == SLOT;
        if self.wrong == Wrong::TriesGivenBack && is_slot {
            for (at, page) in layout::full_tries(&self.bytes) {
                self.put(at, &page);
            }
        }
        let end = at.checked_add(out.len()).ok_or(NvmError::Read)?;
        out.copy_from_slice(self.bytes.get(at..end).ok_or(NvmError::Read)?);
        if self.wrong == Wrong::NoSeal && is_slot {
            reseal(out);
        }
        Ok(())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        if at.checked_add(data.len()).is_none_or(|end| end > self.bytes.len()) {
            return Err(NvmError::Write);
        }
        if !self.misplaced(at, data) {
            self.put(at, data);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), NvmError> {
        if !self.is_left_out() {
            self.log.push(Op::Sync);
        }
        Ok(())
    }
}

/// The checksum that a slot should have, whatever is in it.
fn reseal(slot: &mut [u8]) {
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let sum = |salt: u32, bytes: &[u8]| {
        let mut digest = crc.digest_with_initial(salt);
        digest.update(bytes);
        digest.finalize()
    };
    let number = u32::from_be_bytes([slot[4], slot[5], slot[6], slot[7]]);
    let count = usize::from(slot[8].min(3));
    let seal = sum(sum(number, &slot[4..SEALED]), &slot[BODY..BODY + count * IMAGE]);
    slot[..4].copy_from_slice(&seal.to_le_bytes());
}
