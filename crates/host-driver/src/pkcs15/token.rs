//! What a card's directories say, read without a PIN.

use card_wire::Status;

use super::codec::{
    Application, AuthObject, Certificate, DataObject, Directory, Id, OdfEntry, Path, PinObject, PrivateKey, PublicKey,
    TokenInfo,
};
use super::error::Error;
use super::journal::Journal;
use super::layout;
use crate::card::Card;
use crate::file::MF;
use crate::key::{KeySlot, RsaPublicKey};
use crate::secret::PinPolicy;
use crate::transport::Transport;

/// The longest file that is read whole.
const LONGEST: usize = 0x7FFF;
/// How much of a directory one command reads.
const PIECE: usize = 256;

/// A directory file and what is in it.
#[derive(Clone, Debug)]
pub struct DirectoryFile<T> {
    /// Its path from the MF, which is left out.
    pub path: Vec<u16>,
    /// Its size in bytes.
    pub size: usize,
    /// Its entries.
    pub directory: Directory<T>,
}

impl<T> DirectoryFile<T> {
    /// Its identifier.
    #[must_use]
    pub fn fid(&self) -> u16 {
        self.path.last().copied().unwrap_or(MF)
    }

    /// Bytes that are left behind the last entry.
    #[must_use]
    pub fn free(&self) -> usize {
        self.size.saturating_sub(self.directory.used)
    }

    /// Whether its entries are whole to the end.
    ///
    /// # Errors
    /// [`Error::Damaged`] where bytes stand behind them that are neither an entry nor the end.
    pub(super) fn intact(&self) -> Result<(), Error> {
        self.directory.torn.map_or(Ok(()), |at| Err(Error::Damaged { file: self.fid(), at }))
    }

    /// The entries that are understood.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.directory.entries.iter().filter_map(|entry| entry.value.as_ref())
    }
}

/// One key pair with its certificate, as the directories list it. Its parts share an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The identifier that the parts share.
    pub id: Id,
    /// The label of the first part that has one.
    pub label: String,
    /// The slot of the private key, if that is listed.
    pub slot: Option<KeySlot>,
    /// Where the public key is, if that is listed.
    pub public_key: Option<Path>,
    /// Where the certificate is, if that is listed.
    pub certificate: Option<Path>,
}

/// A card's PKCS#15 application.
#[derive(Clone, Debug)]
pub struct Token {
    /// EF.TokenInfo.
    pub info: TokenInfo,
    /// Where EF.TokenInfo keeps the 15 digits of the last change, if it keeps them.
    pub last_update_at: Option<usize>,
    /// The raw bytes and entries of EF.ODF.
    pub odf: DirectoryFile<OdfEntry>,
    /// The PINs and PUKs.
    pub pins: Vec<PinObject>,
    /// The private keys.
    pub private_keys: Option<DirectoryFile<PrivateKey>>,
    /// The public keys.
    pub public_keys: Option<DirectoryFile<PublicKey>>,
    /// The certificates.
    pub certificates: Option<DirectoryFile<Certificate>>,
    /// The authority's certificates.
    pub trusted: Option<DirectoryFile<Certificate>>,
    /// The data objects; read only where the card has no whole journal.
    pub data_objects: Option<DirectoryFile<DataObject>>,
    /// The journal: `None` where the card has none or its record is torn.
    pub journal: Option<Journal>,
    /// Whether the card has a journal.
    pub has_journal: bool,
}

impl Token {
    /// Selects the application and reads its directories. The PIN is not needed, and counts as not verified after.
    ///
    /// # Errors
    /// [`Error::Blank`] if the card was never personalised; [`Error::Damaged`] if EF.ODF or EF.TokenInfo make no sense.
    /// A directory that is torn is no error: [`Directory::torn`] tells.
    pub fn read<T: Transport>(card: &mut Card<T>) -> Result<Self, Error> {
        card.enter_application()?;
        let odf = find_odf(card)?;
        let base: Vec<u16> = odf.path.split_last().map(|(_, base)| base.to_vec()).unwrap_or_default();
        let at = |fid: u16| [base.as_slice(), &[fid]].concat();
        // Without it nothing is known of what the card holds, and a key could be taken for a free slot.
        odf.intact()?;
        let info_bytes = match whole(card, &at(layout::EF_TOKEN_INFO)) {
            // Its personalisation was interrupted.
            Err(Error::Card(error)) if error.status() == Some(Status::NOT_FOUND) => return Err(Error::Blank),
            other => other?,
        };
        let damaged = |_| Error::Damaged { file: layout::EF_TOKEN_INFO, at: 0 };
        let info = TokenInfo::parse(&info_bytes).map_err(damaged)?;
        let mut token = Self {
            info,
            last_update_at: TokenInfo::last_update_at(&info_bytes),
            odf,
            pins: Vec::new(),
            private_keys: None,
            public_keys: None,
            certificates: None,
            trusted: None,
            data_objects: None,
            journal: None,
            has_journal: false,
        };
        token.follow(card, &base)?;
        token.read_journal(card, &base)?;
        Ok(token)
    }

    /// Reads every directory that EF.ODF names.
    fn follow<T: Transport>(&mut self, card: &mut Card<T>, base: &[u16]) -> Result<(), Error> {
        let listed: Vec<OdfEntry> = self.odf.values().cloned().collect();
        for entry in listed {
            match &entry {
                OdfEntry::PrivateKeys(path) => self.private_keys = directory(card, path.resolve(base))?,
                OdfEntry::PublicKeys(path) => self.public_keys = directory(card, path.resolve(base))?,
                OdfEntry::Certificates(path) => self.certificates = directory(card, path.resolve(base))?,
                OdfEntry::TrustedCertificates(path) => self.trusted = directory(card, path.resolve(base))?,
                OdfEntry::AuthObjects(path) => {
                    let objects = directory::<AuthObject, T>(card, path.resolve(base))?;
                    self.pins = objects.iter().flat_map(DirectoryFile::values).cloned().collect();
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the directories that tell what is in use are whole. Nothing may be added to a card or removed from it
    /// otherwise: what they list no longer would be overwritten. A write of ours that was cut never leaves them so.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn intact(&self) -> Result<(), Error> {
        // Two directories of a kind, or one that is not understood: only one of them was read.
        let (mut kinds, mut at) = (Vec::new(), 0);
        for entry in &self.odf.directory.entries {
            let kind = entry.raw.first().copied().filter(|tag| matches!(tag, 0xA0 | 0xA1 | 0xA4));
            if kind.is_some_and(|kind| entry.value.is_none() || kinds.contains(&kind)) {
                return Err(Error::Damaged { file: layout::EF_ODF, at });
            }
            kinds.extend(kind);
            at += entry.raw.len();
        }
        self.private_keys.as_ref().map_or(Ok(()), DirectoryFile::intact)?;
        self.public_keys.as_ref().map_or(Ok(()), DirectoryFile::intact)?;
        self.certificates.as_ref().map_or(Ok(()), DirectoryFile::intact)
    }

    /// Reads the journal. Where there is no whole record, the data objects' directory tells whether the file is a
    /// journal at all, and not somebody's data.
    fn read_journal<T: Transport>(&mut self, card: &mut Card<T>, base: &[u16]) -> Result<(), Error> {
        let path = [base, &[layout::EF_JOURNAL]].concat();
        self.journal = match card.read(&path) {
            Ok(record) => Journal::parse(&record),
            Err(error) if error.is_transport() => return Err(error.into()),
            Err(_) => None,
        };
        self.has_journal = self.journal.is_some();
        if self.has_journal {
            return Ok(());
        }
        let listed = self.odf.values().find_map(|entry| match entry {
            OdfEntry::DataObjects(path) => Some(path.clone()),
            _ => None,
        });
        let Some(listed) = listed else { return Ok(()) };
        self.data_objects = directory(card, listed.resolve(base))?;
        self.has_journal = self.data_objects.iter().flat_map(DirectoryFile::values).any(|object| {
            object.path.resolve(base).last() == Some(&layout::EF_JOURNAL)
                && object.application.as_deref() == Some(layout::JOURNAL_APPLICATION)
        });
        Ok(())
    }

    /// The user PIN's rules; the applet's where the card does not list them.
    #[must_use]
    pub fn pin_policy(&self) -> PinPolicy {
        let user = self.pins.iter().find(|pin| pin.reference == layout::PIN_REFERENCE && !pin.is_unblocking());
        user.map_or(PinPolicy::APPLET, |pin| PinPolicy {
            min: usize::from(pin.min),
            max: usize::from(pin.max),
            stored: usize::from(pin.stored),
        })
    }

    /// Every key pair that any of the three directories lists, in the order of the private keys.
    #[must_use]
    pub fn generations(&self) -> Vec<Generation> {
        let mut found: Vec<Generation> = Vec::new();
        for key in self.private_keys.iter().flat_map(DirectoryFile::values) {
            let generation = generation(&mut found, &key.id, &key.label);
            generation.slot = key.key_reference.and_then(KeySlot::new);
        }
        for key in self.public_keys.iter().flat_map(DirectoryFile::values) {
            generation(&mut found, &key.id, &key.label).public_key = Some(key.path.clone());
        }
        for certificate in self.certificates.iter().flat_map(DirectoryFile::values) {
            let generation = generation(&mut found, &certificate.id, &certificate.label);
            generation.certificate = Some(certificate.path.clone());
        }
        found
    }

    /// Reads a file that an entry names.
    ///
    /// # Errors
    /// [`Error::Card`] if it is not there or not to be read.
    pub fn read_file<T: Transport>(&self, card: &mut Card<T>, path: &Path) -> Result<Vec<u8>, Error> {
        let base = self.base();
        let content = whole(card, &path.resolve(&base))?;
        let Some((index, length)) = path.part else { return Ok(content) };
        let (index, length) = (index as usize, length as usize);
        // Some programs write a length of zero for the whole file.
        let part = content.get(index..).map(|rest| &rest[..length.min(rest.len())]);
        Ok(part.filter(|part| !part.is_empty()).unwrap_or(&content).to_vec())
    }

    /// The public key of a generation.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`] if none is listed; [`Error::Damaged`] if it is not an RSA key.
    pub fn public_key<T: Transport>(&self, card: &mut Card<T>, generation: &Generation) -> Result<RsaPublicKey, Error> {
        let path = generation.public_key.as_ref().ok_or(Error::NoSuchKey)?;
        let bytes = self.read_file(card, path)?;
        let file = path.file.last().copied().unwrap_or(MF);
        super::public_key::parse(&bytes).ok_or(Error::Damaged { file, at: 0 })
    }

    /// The path of the application's DF, from the MF.
    pub(super) fn base(&self) -> Vec<u16> {
        self.odf.path.split_last().map(|(_, base)| base.to_vec()).unwrap_or_default()
    }
}

fn generation<'f>(found: &'f mut Vec<Generation>, id: &Id, label: &str) -> &'f mut Generation {
    let at = found.iter().position(|generation| generation.id == *id).unwrap_or_else(|| {
        let new = Generation { id: id.clone(), label: String::new(), slot: None, public_key: None, certificate: None };
        found.push(new);
        found.len() - 1
    });
    let generation = &mut found[at];
    if generation.label.is_empty() {
        generation.label = label.to_owned();
    }
    generation
}

/// EF.ODF: below the DF where it is by custom, or else where EF.DIR says that the application is.
fn find_odf<T: Transport>(card: &mut Card<T>) -> Result<DirectoryFile<OdfEntry>, Error> {
    if let Some(odf) = directory(card, layout::path(layout::EF_ODF).to_vec())? {
        return Ok(odf);
    }
    let mut path = application(card)?;
    path.push(layout::EF_ODF);
    directory(card, path)?.ok_or(Error::Blank)
}

/// Where EF.DIR says that the application is; where it is by custom if there is no EF.DIR.
fn application<T: Transport>(card: &mut Card<T>) -> Result<Vec<u16>, Error> {
    let listed = directory::<Application, T>(card, vec![layout::EF_DIR])?;
    let path = listed.iter().flat_map(DirectoryFile::values).map(|application| application.path.clone()).next();
    let path = path.unwrap_or_else(|| vec![layout::APPLICATION]);
    Ok(path.strip_prefix(&[MF]).unwrap_or(&path).to_vec())
}

/// Reads a directory as far as its entries go; `None` if there is no such file.
pub(super) fn directory<E: super::codec::Object, T: Transport>(
    card: &mut Card<T>,
    path: Vec<u16>,
) -> Result<Option<DirectoryFile<E>>, Error> {
    let path = path.strip_prefix(&[MF]).unwrap_or(&path).to_vec();
    let info = match card.select(&path) {
        Ok(info) => info,
        Err(error) if error.status() == Some(Status::NOT_FOUND) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let size = info.size.ok_or(crate::Error::Malformed)?.min(LONGEST);
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let at = u16::try_from(bytes.len()).map_err(|_| crate::Error::Malformed)?;
        let piece = card.read_binary(at, PIECE.min(size - bytes.len()))?;
        let short = piece.is_empty();
        bytes.extend_from_slice(&piece);
        let directory = Directory::parse(&bytes);
        let ended = directory.torn.is_none() && directory.used < bytes.len();
        if ended || short || bytes.len() >= size {
            return Ok(Some(DirectoryFile { path, size, directory }));
        }
    }
}

fn whole<T: Transport>(card: &mut Card<T>, path: &[u16]) -> Result<Vec<u8>, Error> {
    Ok(card.read(path)?)
}
