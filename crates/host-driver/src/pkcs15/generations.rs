//! The life of a generation on the card: key pair, certificate, retirement. Each step in an order that leaves
//! something usable wherever it is cut; what an interrupted one leaves behind is told by [`Token::leftovers`].

use card_wire::Status;

use super::codec::{Certificate, Entry, Id, KeyUsage, OdfEntry, Path, PrivateKey, PublicKey};
use super::error::{Error, Full};
use super::journal::{Journal, Stage};
use super::layout::{self, EF_CERTIFICATE, EF_PUBLIC_KEY};
use super::public_key;
use super::token::{DirectoryFile, Generation, Token};
use super::write;
use crate::card::Card;
use crate::key::{KeySlot, RsaPublicKey, RsaSize};
use crate::transport::Transport;
use crate::verified::Verified;

/// Bits of the keys that are generated.
const MODULUS_BITS: u32 = 2048;

/// Where a new generation will be: a key slot and a number for its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The key slot.
    pub slot: KeySlot,
    /// The number of its files: they are 3300 and 3400 plus this.
    pub files: u8,
}

/// What names a generation on the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The label that people see.
    pub label: String,
    /// The beginning of its validity, `YYYYMMDDHHMMSSZ`.
    pub start: String,
    /// The end of its validity, in the same form.
    pub end: String,
}

/// What an interrupted operation left on the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The number of the files that no directory lists.
    pub files: u8,
    /// The slot to be overwritten before they are deleted.
    pub slot: KeySlot,
}

impl Token {
    /// Where a new generation has room: a slot, file numbers and entries in the directories. Looks at nothing but
    /// what was read; whether the memory has room shows when the files are created, before a key is made.
    ///
    /// # Errors
    /// [`Error::Full`], or [`Error::Damaged`] if a directory is torn.
    pub fn place(&self, naming: &Naming) -> Result<Place, Error> {
        self.intact()?;
        let slot = (0..KeySlot::COUNT).filter_map(KeySlot::new).find(|slot| !self.lists_slot(*slot));
        let slot = slot.ok_or(Full::Slots { slots: KeySlot::COUNT })?;
        let listed = self.listed_files();
        let is_free = |number: &u8| {
            let number = u16::from(*number);
            !listed.contains(&(EF_PUBLIC_KEY + number)) && !listed.contains(&(EF_CERTIFICATE + number))
        };
        let numbers = [slot.number()].into_iter().chain(0..KeySlot::COUNT);
        let files = numbers.into_iter().find(is_free).ok_or(Full::Files { files: layout::GENERATIONS })?;
        let place = Place { slot, files };
        let id = Id(vec![0; 20]);
        Self::fits(self.private_keys.as_ref(), &self.private_key(&id, place, naming)?)?;
        Self::fits(self.public_keys.as_ref(), &self.public_key_entry(&id, place, naming)?)?;
        Self::fits(self.certificates.as_ref(), &self.certificate(&id, files, naming)?)?;
        Ok(place)
    }

    fn fits<E>(file: Option<&DirectoryFile<E>>, entry: &Entry<E>) -> Result<(), Error> {
        file.map_or(Ok(()), |file| write::room(file, entry.raw.len()))
    }

    /// Generates a key pair and lists it. `reserve` bytes are set aside for its certificate first, so that a card
    /// without room refuses before anything has changed.
    ///
    /// # Errors
    /// [`Error::Full`] if the memory has no room; nothing has changed then.
    pub fn generate<T: Transport>(
        &mut self,
        verified: &mut Verified<'_, T>,
        place: Place,
        naming: &Naming,
        reserve: u16,
    ) -> Result<(Id, RsaPublicKey), Error> {
        // A slot that was free when the card was read may hold another program's key by now.
        match &self.private_keys {
            Some(file) => write::still(verified.card(), file)?,
            None => self.enter(verified.card())?,
        }
        let begun = Journal { stage: Stage::Generating, slot: place.slot.number(), files: place.files, key: [0; 20] };
        self.note(verified.card(), begun)?;
        if let Err(error) = self.reserve(verified.card(), place, reserve) {
            if matches!(error, Error::Full(_)) {
                self.note(verified.card(), Journal::IDLE)?;
            }
            return Err(error);
        }
        let key = match verified.generate_rsa(place.slot, RsaSize::Rsa2048) {
            Err(error) if error.status() == Some(Status::NO_MEMORY) => {
                self.discard(verified.card(), place.files)?;
                self.note(verified.card(), Journal::IDLE)?;
                return Err(Full::Memory { needed: RsaSize::Rsa2048.bytes() }.into());
            }
            other => other?,
        };
        let encoded = public_key::encode(&key).ok_or(Error::Unencodable { what: "the public key" })?;
        let identifier = public_key::identifier(&encoded);
        let id = Id(identifier.to_vec());
        let card = verified.card();
        // The file was selected when it was created.
        match card.update_binary(0, &encoded) {
            Err(error) if !error.is_transport() => {
                card.update(&self.path(EF_PUBLIC_KEY + u16::from(place.files)), &encoded)?;
            }
            other => other?,
        }
        self.list_public(card, &id, place, naming)?;
        self.list_private(card, &id, place, naming)?;
        self.note(card, Journal { stage: Stage::Keyed, key: identifier, ..begun })?;
        Ok((id, key))
    }

    /// Creates the files of a generation in the application's DF, which is current. Deletes them again if there is no room for all.
    fn reserve<T: Transport>(&self, card: &mut Card<T>, place: Place, certificate: u16) -> Result<(), Error> {
        let number = u16::from(place.files);
        write::create(card, &layout::passing(EF_CERTIFICATE + number, certificate))?;
        let created = write::create(card, &layout::passing(EF_PUBLIC_KEY + number, layout::RSA_2048_PUBLIC));
        if matches!(created, Err(Error::Full(_))) {
            self.discard(card, place.files)?;
        }
        created
    }

    /// Deletes files that no directory lists. The public key goes last: as long as it is there, the slot may hold a key.
    fn discard<T: Transport>(&self, card: &mut Card<T>, files: u8) -> Result<(), Error> {
        self.remove(card, EF_CERTIFICATE + u16::from(files))?;
        self.remove(card, EF_PUBLIC_KEY + u16::from(files))
    }

    /// Deletes a file unless some directory lists it: programs that number certificates in the order in which they come
    /// may have given the number of one generation's key to the certificate of another.
    pub(super) fn remove<T: Transport>(&self, card: &mut Card<T>, fid: u16) -> Result<(), Error> {
        if self.listed_files().contains(&fid) { Ok(()) } else { write::delete(card, fid) }
    }

    fn list_public<T: Transport>(
        &mut self,
        card: &mut Card<T>,
        id: &Id,
        place: Place,
        naming: &Naming,
    ) -> Result<(), Error> {
        let entry = self.public_key_entry(id, place, naming)?;
        if self.public_keys.is_none() {
            self.public_keys = Some(self.new_directory(card, layout::EF_PUKDF, OdfEntry::PublicKeys)?);
        }
        self.public_keys.as_mut().map_or(Ok(()), |file| write::append(card, file, entry))
    }

    fn list_private<T: Transport>(
        &mut self,
        card: &mut Card<T>,
        id: &Id,
        place: Place,
        naming: &Naming,
    ) -> Result<(), Error> {
        let entry = self.private_key(id, place, naming)?;
        if self.private_keys.is_none() {
            self.private_keys = Some(self.new_directory(card, layout::EF_PRKDF, OdfEntry::PrivateKeys)?);
        }
        self.private_keys.as_mut().map_or(Ok(()), |file| write::append(card, file, entry))
    }

    /// Lists a private key whose public key is listed already: the last step of a generation that was cut there.
    /// The caller has proven that the slot holds this key.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`] if the public key's entry does not say which slot.
    pub fn finish_listing<T: Transport>(
        &mut self,
        card: &mut Card<T>,
        id: &Id,
        naming: &Naming,
    ) -> Result<KeySlot, Error> {
        let place = self.unlisted_place(id).ok_or(Error::NoSuchKey)?;
        self.list_private(card, id, place, naming)?;
        Ok(place.slot)
    }

    /// The place that a public key's entry names, where no private key is listed for it.
    #[must_use]
    pub fn unlisted_place(&self, id: &Id) -> Option<Place> {
        let key = self.public_keys.iter().flat_map(DirectoryFile::values).find(|key| key.id == *id)?;
        let slot = key.key_reference.and_then(KeySlot::new)?;
        let mut listed = self.private_keys.iter().flat_map(DirectoryFile::values);
        if self.lists_slot(slot) || listed.any(|other| other.id == *id) {
            return None;
        }
        Some(Place { slot, files: number(&key.path, EF_PUBLIC_KEY)? })
    }

    /// Writes the certificate of a generation, reads it back, and lists it.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::ReadBack`]; what was listed before is still listed.
    pub fn write_certificate<T: Transport>(
        &mut self,
        card: &mut Card<T>,
        id: &Id,
        der: &[u8],
        naming: &Naming,
        now: &str,
    ) -> Result<(), Error> {
        self.intact()?;
        let files = self.files_for_certificate(id)?;
        let fid = EF_CERTIFICATE + u16::from(files);
        let size = u16::try_from(der.len()).map_err(|_| Error::Unencodable { what: "the certificate" })?;
        match &self.private_keys {
            Some(file) => write::still(card, file)?,
            None => self.enter(card)?,
        }
        self.date(card, id, naming)?;
        // What is there is the room set aside, or a certificate that was cut while it was written.
        write::delete(card, fid)?;
        card.create(&layout::passing(fid, size)).map_err(|error| write::full(error, size))?;
        card.update_binary(0, der)?;
        write::compare(card, fid, der)?;
        self.stamp(card, now)?;
        let entry = self.certificate(id, files, naming)?;
        if self.certificates.is_none() {
            self.certificates = Some(self.new_directory(card, layout::EF_CDF, OdfEntry::Certificates)?);
        }
        let Some(file) = self.certificates.as_mut() else { return Ok(()) };
        write::still(card, file)?;
        write::append_here(card, file, entry)
    }

    /// The number of the file for a certificate: that of its public key, if it follows the pattern and is free.
    fn files_for_certificate(&self, id: &Id) -> Result<u8, Error> {
        let listed = self.listed_files();
        let is_free = |number: &u8| !listed.contains(&(EF_CERTIFICATE + u16::from(*number)));
        let key = self
            .public_keys
            .iter()
            .flat_map(DirectoryFile::values)
            .find(|key| key.id == *id)
            .ok_or(Error::NoSuchKey)?;
        let own = number(&key.path, EF_PUBLIC_KEY);
        own.into_iter().chain(0..KeySlot::COUNT).find(is_free).ok_or(Full::Files { files: layout::GENERATIONS }.into())
    }

    /// Writes the certificate's dates into the private key's entry, in the place of the old ones. The directory is selected.
    fn date<T: Transport>(&mut self, card: &mut Card<T>, id: &Id, naming: &Naming) -> Result<(), Error> {
        let Some(file) = self.private_keys.as_mut() else { return Ok(()) };
        let mut at = 0;
        for entry in &mut file.directory.entries {
            let len = entry.raw.len();
            if entry.value.as_ref().is_some_and(|key| key.id == *id) {
                let Some((start, end)) = PrivateKey::validity_at(&entry.raw) else { return Ok(()) };
                let span = entry.raw.get_mut(start..end + 15).ok_or(Error::Damaged { file: layout::EF_PRKDF, at })?;
                let last = span.len() - 15;
                span[..15].copy_from_slice(time(&naming.start)?);
                span[last..].copy_from_slice(time(&naming.end)?);
                let span = span.to_vec();
                let from = u16::try_from(at + start).map_err(|_| crate::Error::Malformed)?;
                return Ok(card.update_binary(from, &span)?);
            }
            at += len;
        }
        Ok(())
    }

    /// Everything that some directory lists, by identifier.
    fn listed_files(&self) -> Vec<u16> {
        let last = |path: &Path| path.file.last().copied();
        let mut listed: Vec<u16> = Vec::new();
        listed.extend(self.public_keys.iter().flat_map(DirectoryFile::values).filter_map(|key| last(&key.path)));
        for certificates in [&self.certificates, &self.trusted].into_iter().flatten() {
            listed.extend(certificates.values().filter_map(|certificate| last(&certificate.path)));
        }
        listed.extend(self.data_objects.iter().flat_map(DirectoryFile::values).filter_map(|data| last(&data.path)));
        listed
    }

    /// Generations whose files are there and are listed nowhere: what a cut in a retirement or in a key generation
    /// leaves behind. `thorough` asks the card for every number; otherwise only the journal is asked.
    ///
    /// # Errors
    /// [`Error::Card`].
    pub fn leftovers<T: Transport>(&self, card: &mut Card<T>, thorough: bool) -> Result<Vec<Leftover>, Error> {
        let listed = self.listed_files();
        let mut found = Vec::new();
        for number in 0..KeySlot::COUNT {
            let noted = self.journal.filter(|journal| journal.stage != Stage::Idle && journal.files == number);
            if !thorough && noted.is_none() {
                continue;
            }
            let fid = EF_PUBLIC_KEY + u16::from(number);
            if listed.contains(&fid) || !self.exists(card, fid)? {
                continue;
            }
            let slot = noted.map_or(number, |journal| journal.slot);
            found.extend(KeySlot::new(slot).map(|slot| Leftover { files: number, slot }));
        }
        Ok(found)
    }

    fn exists<T: Transport>(&self, card: &mut Card<T>, fid: u16) -> Result<bool, Error> {
        match card.select(&self.path(fid)) {
            Err(error) if error.status() == Some(Status::NOT_FOUND) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Whether a private key is listed in the slot: one of RSA, or of another kind that is not understood otherwise.
    #[must_use]
    pub fn lists_slot(&self, slot: KeySlot) -> bool {
        let keys = self.private_keys.iter().flat_map(|file| &file.directory.entries);
        let mut slots = keys.filter_map(|entry| match &entry.value {
            Some(key) => key.key_reference,
            None => PrivateKey::reference_of_any(&entry.raw),
        });
        slots.any(|listed| listed == slot.number())
    }

    /// Overwrites the key that a leftover may have, and deletes its files. A slot that is listed is not touched.
    ///
    /// # Errors
    /// [`Error::Card`].
    pub fn clean<T: Transport>(&mut self, verified: &mut Verified<'_, T>, leftover: Leftover) -> Result<(), Error> {
        if !self.lists_slot(leftover.slot) {
            verified.generate_rsa(leftover.slot, RsaSize::Rsa2048)?;
        }
        self.discard(verified.card(), leftover.files)
    }

    fn private_key(&self, id: &Id, place: Place, naming: &Naming) -> Result<Entry<PrivateKey>, Error> {
        let value = PrivateKey {
            label: naming.label.clone(),
            auth_id: self.pins.iter().find(|pin| pin.reference == layout::PIN_REFERENCE).map(|pin| pin.auth_id.clone()),
            id: id.clone(),
            usage: KeyUsage::SIGN | KeyUsage::NON_REPUDIATION,
            key_reference: Some(place.slot.number()),
            start: Some(naming.start.clone()),
            end: Some(naming.end.clone()),
            path: Path { file: self.absolute(&[]), part: None },
            modulus_bits: MODULUS_BITS,
            ..PrivateKey::generated_on_card()
        };
        Entry::new(value).map_err(|_| Error::Unencodable { what: "the private key's entry" })
    }

    fn public_key_entry(&self, id: &Id, place: Place, naming: &Naming) -> Result<Entry<PublicKey>, Error> {
        let value = PublicKey {
            label: naming.label.clone(),
            id: id.clone(),
            usage: KeyUsage::VERIFY | KeyUsage::NON_REPUDIATION,
            key_reference: Some(place.slot.number()),
            path: Path { file: self.absolute(&[EF_PUBLIC_KEY + u16::from(place.files)]), part: None },
            modulus_bits: MODULUS_BITS,
            ..PublicKey::default()
        };
        Entry::new(value).map_err(|_| Error::Unencodable { what: "the public key's entry" })
    }

    fn certificate(&self, id: &Id, files: u8, naming: &Naming) -> Result<Entry<Certificate>, Error> {
        let value = Certificate {
            label: naming.label.clone(),
            id: id.clone(),
            authority: false,
            path: Path { file: self.absolute(&[EF_CERTIFICATE + u16::from(files)]), part: None },
            ..Certificate::default()
        };
        Entry::new(value).map_err(|_| Error::Unencodable { what: "the certificate's entry" })
    }

    /// A path from the MF, which is named, to something in the application.
    pub(super) fn absolute(&self, below: &[u16]) -> Vec<u16> {
        [&[crate::file::MF], self.base().as_slice(), below].concat()
    }
}

/// The number of a generation's file, if the path ends in one of the pattern.
fn number(path: &Path, first: u16) -> Option<u8> {
    let number = path.file.last()?.checked_sub(first)?;
    u8::try_from(number).ok().filter(|number| *number < KeySlot::COUNT)
}

fn time(text: &str) -> Result<&[u8], Error> {
    if text.len() == 15 { Ok(text.as_bytes()) } else { Err(Error::Unencodable { what: "a time" }) }
}

impl Generation {
    /// The number of its files, where they follow our pattern.
    #[must_use]
    pub fn files(&self) -> Option<u8> {
        self.public_key.as_ref().and_then(|path| number(path, EF_PUBLIC_KEY))
    }
}
