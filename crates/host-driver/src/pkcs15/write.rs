//! How single pieces are written so that a cut leaves the old content or the new one, on cards that write
//! a command's bytes all or not at all and on cards that may stop in the middle.

use card_wire::Status;

use super::codec::{Directory, Entry, Object};
use super::error::{Error, Full};
use super::journal::Journal;
use super::layout;
use super::token::{DirectoryFile, Token};
use crate::card::Card;
use crate::file::NewFile;
use crate::transport::Transport;

/// What marks the end of a directory's entries.
const END: [u8; 2] = [0, 0];
/// How much of a directory's end is compared, in bytes: what one short command reads, the end mark included.
const TAIL: usize = 255;

/// Adds an entry behind the last one. Its first byte, which was the end mark, is written last: until then the
/// directory reads as before.
pub(super) fn append<E: Object, T: Transport>(
    card: &mut Card<T>,
    file: &mut DirectoryFile<E>,
    entry: Entry<E>,
) -> Result<(), Error> {
    card.select(&file.path)?;
    append_here(card, file, entry)
}

/// The same for a directory that is selected.
pub(super) fn append_here<E: Object, T: Transport>(
    card: &mut Card<T>,
    file: &mut DirectoryFile<E>,
    entry: Entry<E>,
) -> Result<(), Error> {
    let (at, needed) = (file.directory.used, entry.raw.len());
    room(file, needed)?;
    let (first, rest) = entry.raw.split_at_checked(1).ok_or(Error::Unencodable { what: "an empty entry" })?;
    let mut body = [rest, &END].concat();
    body.truncate(file.size - at - 1);
    card.update_binary(offset(at + 1)?, &body)?;
    card.update_binary(offset(at)?, first)?;
    file.directory.used = at + needed;
    file.directory.torn = None;
    file.directory.entries.push(entry);
    Ok(())
}

/// Selects a directory and makes sure that it ends as it did when it was read: a person may have taken an hour to
/// type the PIN, and another program may have written in between.
pub(super) fn still<E: Object, T: Transport>(card: &mut Card<T>, file: &DirectoryFile<E>) -> Result<(), Error> {
    card.select(&file.path)?;
    let bytes = file.directory.to_bytes();
    let from = bytes.len().saturating_sub(TAIL);
    let len = (bytes.len() - from + 1).min(file.size - from);
    let found = card.read_binary(offset(from)?, len)?;
    let ended = found.get(bytes.len() - from).is_none_or(|end| matches!(end, 0x00 | 0xFF));
    if ended && found.starts_with(&bytes[from..]) { Ok(()) } else { Err(Error::Changed { file: file.fid() }) }
}

/// Writes the whole of the selected directory file, to which nothing refers, and reads it back.
pub(super) fn replace<E: Object, T: Transport>(
    card: &mut Card<T>,
    path: &[u16],
    size: usize,
    directory: &Directory<E>,
) -> Result<(), Error> {
    let mut bytes = directory.to_bytes();
    let file = path.last().copied().unwrap_or_default();
    if bytes.len() > size {
        return Err(Full::Directory { file, free: size, needed: bytes.len() }.into());
    }
    bytes.extend_from_slice(&END);
    bytes.truncate(size);
    card.update_binary(0, &bytes)?;
    compare(card, file, &bytes)
}

/// Reads the selected file and compares it with what was written.
pub(super) fn compare<T: Transport>(card: &mut Card<T>, file: u16, written: &[u8]) -> Result<(), Error> {
    if card.read_binary(0, written.len())? == written { Ok(()) } else { Err(Error::ReadBack { file }) }
}

/// Whether a directory has room for an entry of this length.
pub(super) fn room<E>(file: &DirectoryFile<E>, needed: usize) -> Result<(), Error> {
    let free = file.free();
    if needed > free { Err(Full::Directory { file: file.fid(), free, needed }.into()) } else { Ok(()) }
}

/// Creates a file in the current DF, in the place of one that is left over from something that was interrupted.
///
/// The caller knows that no directory lists the identifier.
pub(super) fn create<T: Transport>(card: &mut Card<T>, file: &NewFile) -> Result<(), Error> {
    match card.create(file) {
        Err(error) if is_taken(&error) => {
            card.delete(file.fid)?;
            card.create(file).map_err(|error| full(error, file.size))
        }
        other => other.map_err(|error| full(error, file.size)),
    }
}

/// Deletes a file that may be gone already.
pub(super) fn delete<T: Transport>(card: &mut Card<T>, fid: u16) -> Result<(), Error> {
    match card.delete(fid) {
        Err(error) if error.status() == Some(Status::NOT_FOUND) => Ok(()),
        other => Ok(other?),
    }
}

/// The applet says 6984 where the standard says 6A89.
fn is_taken(error: &crate::Error) -> bool {
    matches!(error.status(), Some(Status::REFERENCE_DATA_UNUSABLE | Status::FILE_EXISTS))
}

pub(super) fn full(error: crate::Error, needed: u16) -> Error {
    match error.status() {
        Some(Status::NO_MEMORY) => Full::Memory { needed: needed.into() }.into(),
        _ => error.into(),
    }
}

fn offset(at: usize) -> Result<u16, Error> {
    Ok(u16::try_from(at).map_err(|_| crate::Error::TooLong { len: at, max: 0x7FFF })?)
}

impl Token {
    /// Selects the application's DF, in which files are created.
    pub(super) fn enter<T: Transport>(&self, card: &mut Card<T>) -> Result<(), Error> {
        card.select(&self.base())?;
        Ok(())
    }

    /// The path of a file of the application.
    pub(super) fn path(&self, fid: u16) -> Vec<u16> {
        [self.base().as_slice(), &[fid]].concat()
    }

    /// Notes in the journal what is begun, where the card has a journal. The PIN must be verified.
    ///
    /// # Errors
    /// [`Error::Card`].
    pub fn note<T: Transport>(&mut self, card: &mut Card<T>, journal: Journal) -> Result<(), Error> {
        if !self.has_journal || self.journal == Some(journal) {
            return Ok(());
        }
        card.update(&self.path(layout::EF_JOURNAL), &journal.to_bytes())?;
        self.journal = Some(journal);
        Ok(())
    }

    /// Writes the time of the last change, `YYYYMMDDHHMMSSZ`, in the place of the old one, so that programs that
    /// cache files by it read them again. Cards whose EF.TokenInfo has no such place are left as they are.
    pub(super) fn stamp<T: Transport>(&mut self, card: &mut Card<T>, time: &str) -> Result<(), Error> {
        let (Some(at), 15) = (self.last_update_at, time.len()) else { return Ok(()) };
        card.select(&self.path(layout::EF_TOKEN_INFO))?;
        card.update_binary(offset(at)?, time.as_bytes())?;
        self.info.last_update = Some(time.to_owned());
        Ok(())
    }
}
