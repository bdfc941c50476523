//! Records: how they lie in the content of an EF, and reading, updating and appending them. Knows no APDU.
//!
//! Content begins with the number of records and, for cyclic EFs, the place of the newest. Records of one length follow
//! at fixed places; those of several lengths have all lengths in front of them.

use alloc::vec::Vec;

use super::Error;
use super::attributes::Attributes;
use super::fci::without_shareable;
use crate::nvm::index::Entry;
use crate::nvm::object::{Kind, Object};
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};

/// Bytes in front of the records.
const HEAD: usize = 2;
/// The most bytes that an EF carries beside its records.
pub(crate) const MAX_OVERHEAD: usize = HEAD + 254;

/// How the records of an EF are organised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Structure {
    LinearFixed,
    LinearVariable,
    Cyclic,
}

impl Structure {
    /// From a file descriptor byte; `None` if it does not say records.
    pub(crate) const fn of(descriptor: u8) -> Option<Self> {
        match without_shareable(descriptor) {
            0x02 | 0x03 => Some(Self::LinearFixed),
            0x04 | 0x05 => Some(Self::LinearVariable),
            0x06 | 0x07 => Some(Self::Cyclic),
            _ => None,
        }
    }
}

/// Whether records of an EF with this descriptor are TLV objects.
pub(crate) const fn is_tlv(descriptor: u8) -> bool {
    descriptor & 1 != 0
}

/// What a new record EF holds at most.
pub(crate) struct Layout {
    structure: Structure,
    pub(crate) record_len: u8,
    pub(crate) records: u8,
    /// Bytes of all records together.
    pub(crate) size: usize,
}

impl Layout {
    /// From what follows the descriptor in tag 82, and from the size, if there is one.
    pub(crate) fn new(
        structure: Structure,
        fields: &[u8],
        size: Option<usize>,
        max_records: u8,
    ) -> Result<Self, Error> {
        let (len, number) = match *fields {
            [] | [_] => (None, None),
            [_, len] => (Some(u16::from(len)), None),
            [_, high, low] => (Some(u16::from_be_bytes([high, low])), None),
            [_, high, low, number] => (Some(u16::from_be_bytes([high, low])), Some(u16::from(number))),
            [_, high, low, n1, n2] => (Some(u16::from_be_bytes([high, low])), Some(u16::from_be_bytes([n1, n2]))),
            _ => return Err(Error::BadData),
        };
        let record_len = match (len, structure) {
            (Some(len @ 1..=255), _) => u8::try_from(len).map_err(|_| Error::BadData)?,
            (None, Structure::LinearVariable) => u8::MAX,
            _ => return Err(Error::BadData),
        };
        if number.is_some_and(|number| !(1..=254).contains(&number)) {
            return Err(Error::BadData);
        }
        let number = number.and_then(|number| u8::try_from(number).ok());
        if number.is_some_and(|number| number > max_records) {
            return Err(Error::Limit);
        }
        let (records, size) = match (structure, number, size) {
            (Structure::LinearVariable, number, Some(size)) => (number.unwrap_or(max_records), size),
            (_, Some(number), size) => {
                let needed = usize::from(number) * usize::from(record_len);
                if size.is_some_and(|size| size < needed) {
                    return Err(Error::BadData);
                }
                (number, needed)
            }
            (_, None, Some(size)) => {
                let records = (size / usize::from(record_len)).min(usize::from(max_records));
                (u8::try_from(records).map_err(|_| Error::BadData)?, size)
            }
            (_, None, None) => return Err(Error::BadData),
        };
        if records == 0 || size == 0 {
            return Err(Error::BadData);
        }
        Ok(Self { structure, record_len, records, size })
    }

    /// Bytes of content.
    pub(crate) fn stored(&self) -> usize {
        let (records, len) = (usize::from(self.records), usize::from(self.record_len));
        match self.structure {
            Structure::LinearVariable => HEAD + records + self.size,
            _ => HEAD + records * len,
        }
    }
}

/// The records of one EF, ready to be read and changed.
pub(crate) struct Records {
    entry: Entry,
    object: Object,
    pub(crate) structure: Structure,
    count: usize,
    /// Place of the newest record of a cyclic EF.
    newest: usize,
    /// Lengths of the records of a linear variable EF.
    lens: Vec<u8>,
}

impl Records {
    /// Opens an EF.
    ///
    /// # Errors
    /// [`Error::Incompatible`] if it has no records.
    pub(crate) fn open<N: Nvm>(store: &mut Store<N>, entry: &Entry) -> Result<Self, Error> {
        let structure =
            Structure::of(entry.descriptor).filter(|_| entry.kind == Kind::Ef).ok_or(Error::Incompatible)?;
        let object = store.object(entry.page)?;
        let mut head = [0; HEAD];
        store.read_content(&object, 0, &mut head)?;
        let [count, newest] = head.map(usize::from);
        let mut lens = Vec::new();
        if structure == Structure::LinearVariable {
            lens.resize(count, 0);
            store.read_content(&object, HEAD, &mut lens)?;
        }
        Ok(Self { entry: *entry, object, structure, count, newest, lens })
    }

    fn limits(&self) -> Attributes {
        Attributes(self.entry.attributes)
    }

    /// Number of records.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Where a record lies, and its length; `None` if there is none of this number.
    fn place(&self, number: usize) -> Option<(usize, usize)> {
        if number == 0 || number > self.count {
            return None;
        }
        let (len, slots) = (usize::from(self.limits().record_len()), usize::from(self.limits().records()).max(1));
        Some(match self.structure {
            Structure::LinearFixed => (HEAD + (number - 1) * len, len),
            Structure::Cyclic => (HEAD + (self.newest + slots - (number - 1)) % slots * len, len),
            Structure::LinearVariable => {
                let before: usize = self.lens.iter().take(number - 1).copied().map(usize::from).sum();
                let len = self.lens.get(number - 1).copied().map(usize::from)?;
                (HEAD + slots + before, len)
            }
        })
    }

    /// Length of a record, in bytes.
    pub(crate) fn len(&self, number: usize) -> Option<usize> {
        self.place(number).map(|(_, len)| len)
    }

    /// Copies the record into `out`, which has its length.
    ///
    /// # Errors
    /// [`Error::Record`] if there is none of this number.
    pub(crate) fn read_into<N: Nvm>(&self, store: &mut Store<N>, number: usize, out: &mut [u8]) -> Result<(), Error> {
        let (at, _) = self.place(number).ok_or(Error::Record)?;
        Ok(store.read_content(&self.object, at, out)?)
    }

    /// The record.
    ///
    /// # Errors
    /// [`Error::Record`] if there is none of this number.
    pub(crate) fn read<N: Nvm>(&self, store: &mut Store<N>, number: usize) -> Result<Vec<u8>, Error> {
        let mut record = alloc::vec![0; self.len(number).ok_or(Error::Record)?];
        self.read_into(store, number, &mut record)?;
        Ok(record)
    }

    /// The first byte of a record, by which TLV records are found.
    pub(crate) fn identifier<N: Nvm>(&self, store: &mut Store<N>, number: usize) -> Result<u8, Error> {
        let mut first = [0];
        self.read_into(store, number, &mut first)?;
        Ok(first[0])
    }

    /// Whether a new record may have this length.
    pub(crate) fn takes(&self, len: usize) -> bool {
        let longest = usize::from(self.limits().record_len());
        match self.structure {
            Structure::LinearVariable => (1..=longest).contains(&len),
            _ => len == longest,
        }
    }

    /// Replaces a record. The caller has asked [`Records::takes`].
    ///
    /// # Errors
    /// [`Error::Record`] if there is none of this number, [`Error::Limit`] if the EF has no room for a longer one.
    pub(crate) fn update<N: Nvm>(mut self, store: &mut Store<N>, number: usize, data: &[u8]) -> Result<(), Error> {
        let (at, len) = self.place(number).ok_or(Error::Record)?;
        if len == data.len() {
            return self.write(store, &[(at, data)]);
        }
        let used: usize = self.lens.iter().copied().map(usize::from).sum();
        let slots = usize::from(self.limits().records());
        if HEAD + slots + used - len + data.len() > self.object.len() {
            return Err(Error::Limit);
        }
        let mut tail = alloc::vec![0; HEAD + slots + used - at - len];
        store.read_content(&self.object, at + len, &mut tail)?;
        let mut moved = data.to_vec();
        moved.extend_from_slice(&tail);
        if let Some(changed) = self.lens.get_mut(number - 1) {
            *changed = u8::try_from(data.len()).map_err(|_| Error::Limit)?;
        }
        let lens = core::mem::take(&mut self.lens);
        self.write(store, &[(HEAD, &lens), (at, &moved)])
    }

    /// Adds a record; a full cyclic EF loses its oldest. Returns the number of the new record.
    ///
    /// # Errors
    /// [`Error::Limit`] if a linear EF is full.
    pub(crate) fn append<N: Nvm>(mut self, store: &mut Store<N>, data: &[u8]) -> Result<usize, Error> {
        let (len, slots) = (usize::from(self.limits().record_len()), usize::from(self.limits().records()).max(1));
        if self.structure == Structure::Cyclic {
            let place = if self.count == 0 { 0 } else { (self.newest + 1) % slots };
            let head = Self::head((self.count + 1).min(slots), place)?;
            self.write(store, &[(0, &head), (HEAD + place * len, data)])?;
            return Ok(1);
        }
        if self.count >= slots {
            return Err(Error::Limit);
        }
        let number = self.count + 1;
        let mut head = Self::head(number, 0)?.to_vec();
        let at = if self.structure == Structure::LinearFixed {
            HEAD + self.count * len
        } else {
            let used: usize = self.lens.iter().copied().map(usize::from).sum();
            self.lens.push(u8::try_from(data.len()).map_err(|_| Error::Limit)?);
            head.append(&mut self.lens);
            HEAD + slots + used
        };
        if at + data.len() > self.object.len() {
            return Err(Error::Limit);
        }
        self.write(store, &[(0, &head), (at, data)])?;
        Ok(number)
    }

    fn head(count: usize, newest: usize) -> Result<[u8; HEAD], Error> {
        let byte = |value| u8::try_from(value).map_err(|_| Error::Memory(nvm::Error::Damaged));
        Ok([byte(count)?, byte(newest)?])
    }

    /// Writes parts of the content, all at once.
    fn write<N: Nvm>(mut self, store: &mut Store<N>, parts: &[(usize, &[u8])]) -> Result<(), Error> {
        let mut change = store.begin()?;
        for (at, data) in parts {
            change.write_content(&mut self.object, *at, data)?;
        }
        change.update(self.entry.page, self.object);
        Ok(change.commit()?)
    }
}
