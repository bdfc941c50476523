//! The two sets of directories: what is removed is left out of the set that is not in use, and one write of EF.ODF
//! puts that set in the place of the other.

use super::codec::{Directory, Entry, Id, Object, OdfEntry, Path};
use super::error::{Error, Full};
use super::generations::Leftover;
use super::journal::{Journal, Stage};
use super::layout::{self, SET_B};
use super::token::{DirectoryFile, Generation, Token};
use super::write;
use crate::card::Card;
use crate::key::KeySlot;
use crate::transport::Transport;
use crate::verified::Verified;

/// One directory's new place.
type Moved = (Vec<u16>, Vec<u16>);

impl Token {
    /// Retires a generation: lists it no more, overwrites its key, deletes its files. The caller has made sure that
    /// nothing needs it any longer. A retirement that was interrupted is finished by calling this again while the
    /// generation is listed, and by [`Token::clean`] afterwards.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`] if the card does not list it; until EF.ODF is written, an error leaves all as it was.
    pub fn retire<T: Transport>(&mut self, verified: &mut Verified<'_, T>, id: &Id, now: &str) -> Result<(), Error> {
        self.intact()?;
        let generation =
            self.generations().into_iter().find(|generation| generation.id == *id).ok_or(Error::NoSuchKey)?;
        let slot = generation.slot;
        let files = generation.files();
        let mut key = [0; 20];
        if let Ok(id) = <[u8; 20]>::try_from(id.0.as_slice()) {
            key = id;
        }
        let card = verified.card();
        if let Some(file) = &self.private_keys {
            write::still(card, file)?;
        }
        if let (Some(slot), Some(files)) = (slot, files) {
            self.note(card, Journal { stage: Stage::Retiring, slot: slot.number(), files, key })?;
        }
        self.unlist(card, id)?;
        self.stamp(card, now)?;
        match (slot, files) {
            (Some(slot), Some(files)) => {
                let usual = self.absolute(&[layout::EF_CERTIFICATE + u16::from(files)]);
                let elsewhere = generation.certificate.iter().filter(|path| path.resolve(&self.absolute(&[])) != usual);
                self.remove_files(verified.card(), elsewhere)?;
                self.clean(verified, Leftover { files, slot })?;
            }
            _ => self.remove_foreign(verified, &generation, slot)?,
        }
        self.note(verified.card(), Journal::IDLE)
    }

    /// Removes what a generation with other file numbers than ours consists of.
    fn remove_foreign<T: Transport>(
        &self,
        verified: &mut Verified<'_, T>,
        generation: &Generation,
        slot: Option<KeySlot>,
    ) -> Result<(), Error> {
        if let Some(slot) = slot.filter(|slot| !self.lists_slot(*slot)) {
            verified.generate_rsa(slot, crate::key::RsaSize::Rsa2048)?;
        }
        let files = [&generation.certificate, &generation.public_key].into_iter().flatten();
        self.remove_files(verified.card(), files)
    }

    /// Deletes files that no directory lists any more. Those that have no identifier of their own in the application are
    /// left.
    fn remove_files<'p, T: Transport>(
        &self,
        card: &mut Card<T>,
        files: impl Iterator<Item = &'p Path>,
    ) -> Result<(), Error> {
        for path in files {
            let within = path.resolve(&self.absolute(&[]));
            if let [base @ .., fid] = within.as_slice()
                && *base == *self.absolute(&[])
            {
                self.remove(card, *fid)?;
            }
        }
        Ok(())
    }

    /// Writes the directories that list an identifier without it, to the set that is not in use, and switches.
    fn unlist<T: Transport>(&mut self, card: &mut Card<T>, id: &Id) -> Result<(), Error> {
        let mut moved: Vec<Moved> = Vec::new();
        let mut keys = self.private_keys.take();
        let keys_moved = self.without(card, keys.as_mut(), |key| key.id != *id);
        self.private_keys = keys;
        moved.extend(keys_moved?);
        let mut keys = self.public_keys.take();
        let keys_moved = self.without(card, keys.as_mut(), |key| key.id != *id);
        self.public_keys = keys;
        moved.extend(keys_moved?);
        let mut certificates = self.certificates.take();
        let certificates_moved = self.without(card, certificates.as_mut(), |certificate| certificate.id != *id);
        self.certificates = certificates;
        moved.extend(certificates_moved?);
        self.switch(card, &moved)
    }

    /// Writes one directory without some of its entries to its other place. The directory in use is not touched.
    fn without<E: Object + Clone, T: Transport>(
        &self,
        card: &mut Card<T>,
        file: Option<&mut DirectoryFile<E>>,
        keep: impl Fn(&E) -> bool,
    ) -> Result<Option<Moved>, Error> {
        let Some(file) = file else { return Ok(None) };
        file.intact()?;
        let before = file.directory.entries.len();
        let mut directory = file.directory.clone();
        directory.entries.retain(|entry| entry.value.as_ref().is_none_or(&keep));
        if directory.entries.len() == before {
            return Ok(None);
        }
        directory.used = directory.entries.iter().map(|entry| entry.raw.len()).sum();
        directory.torn = None;
        let other = self.other(card, file)?;
        write::replace(card, &other, file.size, &directory)?;
        let old = core::mem::replace(&mut file.path, other.clone());
        file.directory = directory;
        Ok(Some((old, other)))
    }

    /// Selects the other place of a directory; made if the card was personalised with one set only.
    fn other<T: Transport, E>(&self, card: &mut Card<T>, file: &DirectoryFile<E>) -> Result<Vec<u16>, Error> {
        let mut other = file.path.clone();
        let fid = other.last_mut().ok_or(Error::NoSuchKey)?;
        *fid ^= SET_B;
        let fid = *fid;
        // A card personalised by others may have another directory there.
        if self.odf.values().any(|entry| entry.path().resolve(&self.base()).ends_with(&other)) {
            return Err(Full::Directory { file: fid, free: 0, needed: file.size }.into());
        }
        let size = match card.select(&other) {
            Ok(info) => info.size.unwrap_or(0),
            Err(error) if error.status() == Some(card_wire::Status::NOT_FOUND) => {
                self.enter(card)?;
                let size = u16::try_from(file.size).unwrap_or(layout::DIRECTORY);
                card.create(&layout::lasting(fid, size)).map_err(|error| write::full(error, size))?;
                file.size
            }
            Err(error) => return Err(error.into()),
        };
        if size < file.size {
            return Err(Full::Directory { file: fid, free: size, needed: file.size }.into());
        }
        Ok(other)
    }

    /// Writes EF.ODF with the new places, in one command.
    fn switch<T: Transport>(&mut self, card: &mut Card<T>, moved: &[Moved]) -> Result<(), Error> {
        if moved.is_empty() {
            return Ok(());
        }
        let base = self.base();
        let old = self.odf.directory.to_bytes();
        let mut directory = self.odf.directory.clone();
        for entry in &mut directory.entries {
            let Some(value) = &entry.value else { continue };
            let resolved = value.path().resolve(&base);
            let new = moved.iter().find(|(from, _)| resolved.ends_with(from));
            if let Some((_, to)) = new {
                let path = Path { file: [&[crate::file::MF], to.as_slice()].concat(), part: None };
                *entry = Entry::new(value.with_path(path)).map_err(|_| Error::Unencodable { what: "EF.ODF" })?;
            }
        }
        directory.used = directory.entries.iter().map(|entry| entry.raw.len()).sum();
        let new = directory.to_bytes();
        card.select(&self.odf.path)?;
        match span(&old, &new) {
            Some((from, part)) => card.update_binary(u16::try_from(from).unwrap_or_default(), part)?,
            None => write::replace(card, &self.odf.path, self.odf.size, &directory)?,
        }
        self.odf.directory = directory;
        Ok(())
    }

    /// Makes a directory that a card personalised by others does not have yet, and lists it in EF.ODF.
    pub(super) fn new_directory<E: Object, T: Transport>(
        &mut self,
        card: &mut Card<T>,
        fid: u16,
        listed: fn(Path) -> OdfEntry,
    ) -> Result<DirectoryFile<E>, Error> {
        let entry = Entry::new(listed(Path { file: self.absolute(&[fid]), part: None }));
        let entry = entry.map_err(|_| Error::Unencodable { what: "EF.ODF" })?;
        write::room(&self.odf, entry.raw.len())?;
        let path = self.path(fid);
        if self.odf.values().any(|entry| entry.path().resolve(&self.base()).ends_with(&path)) {
            return Err(Full::Directory { file: fid, free: 0, needed: entry.raw.len() }.into());
        }
        self.enter(card)?;
        write::create(card, &layout::lasting(fid, layout::DIRECTORY))?;
        write::append(card, &mut self.odf, entry)?;
        let directory = Directory { entries: Vec::new(), used: 0, torn: None };
        Ok(DirectoryFile { path, size: layout::DIRECTORY.into(), directory })
    }
}

/// The bytes in which two texts of the same length differ, from the first to the last.
fn span<'n>(old: &[u8], new: &'n [u8]) -> Option<(usize, &'n [u8])> {
    if old.len() != new.len() {
        return None;
    }
    let differs = |at: &usize| old.get(*at) != new.get(*at);
    let first = (0..new.len()).find(differs)?;
    let last = (0..new.len()).rfind(differs)?;
    new.get(first..=last).map(|part| (first, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_the_smallest_that_changes_all() {
        assert_eq!(span(b"abcdef", b"abXdYf"), Some((2, &b"XdY"[..])));
        assert_eq!(span(b"abc", b"abc"), None);
        assert_eq!(span(b"abc", b"abcd"), None);
    }
}
