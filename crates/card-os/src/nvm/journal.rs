//! The redo journal: two slots, written in turn, each holding the page images of one commit and a seal.
//!
//! A commit writes the images, then the seal over them, then the pages themselves, then the mark that this is done.
//! Until the seal is whole the other slot's commit is the newest; from then on this one is, and recovery repeats the
//! page writes unless the mark is there. The older slot is never touched while the newer is incomplete, so the commit
//! number is never lost. The mark keeps an older commit from being repeated over a newer one whose slot was damaged.

use alloc::vec::Vec;

use super::page::{PAYLOAD, PageNo, checksum};
use super::{Error, Nvm, NvmError};

const SLOT: usize = 512;
const SEAL: usize = 16;
/// Offset of the mark in the seal, behind what the checksum covers.
const MARK: usize = 12;
const ENTRY: usize = 2 + PAYLOAD;
/// Pages that one commit can change.
pub(crate) const MAX_PAGES: usize = (SLOT - SEAL) / ENTRY;

/// One commit: its number and the new payloads of the pages that it changes.
#[derive(Clone, Default)]
pub(crate) struct Record {
    /// Number of the commit; rises by one with each.
    pub(crate) number: u32,
    /// The pages have been written.
    pub(crate) done: bool,
    /// New payloads.
    pub(crate) pages: Vec<(PageNo, [u8; PAYLOAD])>,
}

impl Record {
    /// The new payload of `page`, if this commit changes it.
    pub(crate) fn page(&self, page: PageNo) -> Option<&[u8; PAYLOAD]> {
        self.pages.iter().find(|(no, _)| *no == page).map(|(_, payload)| payload)
    }
}

const fn slot_address(number: u32) -> usize {
    SLOT * (1 + (number & 1) as usize)
}

impl Drop for Record {
    /// A page may hold a PIN.
    fn drop(&mut self) {
        for (_, payload) in &mut self.pages {
            zeroize::Zeroize::zeroize(payload);
        }
    }
}

/// Seal without its mark: checksum (4), number (4), count of pages (1), zeros (3).
fn seal(number: u32, count: u8, body: &[u8]) -> [u8; MARK] {
    let mut seal = [0; MARK];
    seal[4..8].copy_from_slice(&number.to_be_bytes());
    seal[8] = count;
    let mut sum = [0; 4];
    sum.copy_from_slice(&checksum(u32::from_le_bytes(checksum(number, &seal[4..])), body));
    seal[..4].copy_from_slice(&sum);
    seal
}

/// Writes the images and then the seal. When it returns `Ok`, the commit has happened.
pub(crate) fn write<N: Nvm>(nvm: &mut N, record: &Record) -> Result<(), Error> {
    let mut body = [0; SLOT - SEAL];
    let count = u8::try_from(record.pages.len()).ok().filter(|n| usize::from(*n) <= MAX_PAGES).ok_or(Error::Full)?;
    for (entry, (page, payload)) in body.chunks_exact_mut(ENTRY).zip(&record.pages) {
        entry[..2].copy_from_slice(&page.to_be_bytes());
        entry[2..].copy_from_slice(payload);
    }
    let body = &body[..usize::from(count) * ENTRY];
    let at = slot_address(record.number);
    nvm.write(at + SEAL, body)?;
    nvm.sync()?;
    let mut marked = [0; SEAL];
    marked[..MARK].copy_from_slice(&seal(record.number, count, body));
    let seal = marked;
    match nvm.write(at, &seal).and_then(|()| nvm.sync()) {
        Err(NvmError::Write) if is_sealed(nvm, at, &seal) => Ok(()),
        result => Ok(result?),
    }
}

/// A memory that reports a failed write may have written all the same: what it holds decides.
fn is_sealed<N: Nvm>(nvm: &mut N, at: usize, seal: &[u8; SEAL]) -> bool {
    let mut found = [0; MARK];
    nvm.read(at, &mut found).is_ok() && found == seal[..MARK]
}

/// Notes that the pages of a commit have been written.
pub(crate) fn mark_done<N: Nvm>(nvm: &mut N, number: u32) -> Result<(), Error> {
    Ok(nvm.write(slot_address(number) + MARK, &mark(number))?)
}

const fn mark(number: u32) -> [u8; 4] {
    (!number).to_be_bytes()
}

fn read_slot<N: Nvm>(nvm: &mut N, at: usize) -> Result<Option<Record>, Error> {
    let mut bytes = [0; SLOT];
    nvm.read(at, &mut bytes)?;
    let number = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    let count = bytes[8];
    if usize::from(count) > MAX_PAGES || slot_address(number) != at {
        return Ok(None);
    }
    let body = &bytes[SEAL..SEAL + usize::from(count) * ENTRY];
    if bytes[..MARK] != seal(number, count, body) {
        return Ok(None);
    }
    let pages = body
        .chunks_exact(ENTRY)
        .map(|entry| {
            let mut payload = [0; PAYLOAD];
            payload.copy_from_slice(&entry[2..]);
            (PageNo::from_be_bytes([entry[0], entry[1]]), payload)
        })
        .collect();
    Ok(Some(Record { number, done: bytes[MARK..SEAL] == mark(number), pages }))
}

/// A slot that is not whole is read once more before it is not believed: one misread bit must not bring the commit before
/// the newest back, for what the newest points at would then be wiped as free.
fn read_surely<N: Nvm>(nvm: &mut N, at: usize) -> Result<Option<Record>, Error> {
    match read_slot(nvm, at)? {
        None => read_slot(nvm, at),
        whole => Ok(whole),
    }
}

/// The newest whole commit.
///
/// # Errors
/// [`Error::Damaged`] if neither slot holds one: making a card leaves one behind, so there always is.
pub(crate) fn newest<N: Nvm>(nvm: &mut N) -> Result<Record, Error> {
    let slots = [read_surely(nvm, slot_address(0))?, read_surely(nvm, slot_address(1))?];
    slots.into_iter().flatten().max_by_key(|record| record.number).ok_or(Error::Damaged)
}
