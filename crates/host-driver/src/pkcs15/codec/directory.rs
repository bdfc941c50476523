//! A directory file: entries one after the other, then zeros.

use super::CodecError;
use super::tlv::well_formed;

/// So much of a file is looked at.
pub const MAX_LEN: usize = 64 * 1024;
/// So many entries are read.
pub const MAX_ENTRIES: usize = 128;

/// What can be an entry of a directory.
pub trait Object: Clone {
    /// Reads one entry.
    ///
    /// # Errors
    ///
    /// The bytes are not one object of this kind.
    fn decode(raw: &[u8]) -> Result<Self, CodecError>;

    /// Writes one entry.
    ///
    /// # Errors
    ///
    /// A value is too long or impossible.
    fn encode(&self) -> Result<Vec<u8>, CodecError>;
}

/// One entry, with the bytes it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// The bytes as on the card. They are what is written again.
    pub raw: Vec<u8>,
    /// What they mean; nothing where they are well formed but of a kind that we do not know.
    pub value: Option<T>,
}

impl<T: Object> Entry<T> {
    /// An entry for this value.
    ///
    /// # Errors
    ///
    /// The value cannot be written.
    pub fn new(value: T) -> Result<Self, CodecError> {
        Ok(Self { raw: value.encode()?, value: Some(value) })
    }
}

/// All entries of a directory file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory<T> {
    /// The entries, in the file's order.
    pub entries: Vec<Entry<T>>,
    /// Where the next entry goes.
    pub used: usize,
    /// Where bytes begin that are neither an entry nor the end: what an interrupted write has left.
    pub torn: Option<usize>,
}

impl<T> Default for Directory<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), used: 0, torn: None }
    }
}

impl<T: Object> Directory<T> {
    /// Reads a file. Its contents end with the file, or where 00 or FF stands instead of a tag.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..MAX_LEN).unwrap_or(bytes);
        let mut found = Self::default();
        while let Some(rest @ [0x01..=0xFE, ..]) = bytes.get(found.used..) {
            let whole = well_formed(rest).ok().and_then(|len| rest.get(..len));
            // Two bytes are a tag and the zero behind it: an entry of which only the first byte was written.
            let Some(raw) = whole.filter(|raw| raw.len() > 2 && found.entries.len() < MAX_ENTRIES) else {
                found.torn = Some(found.used);
                break;
            };
            found.entries.push(Entry { raw: raw.to_vec(), value: T::decode(raw).ok() });
            found.used += raw.len();
        }
        found
    }

    /// Adds an entry after the others.
    ///
    /// # Errors
    ///
    /// The value cannot be written.
    pub fn push(&mut self, value: T) -> Result<(), CodecError> {
        let entry = Entry::new(value)?;
        self.used += entry.raw.len();
        self.entries.push(entry);
        self.torn = None;
        Ok(())
    }
}

impl<T> Directory<T> {
    /// The entries' bytes, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.entries.iter().flat_map(|entry| &entry.raw).copied().collect()
    }

    /// What is understood of the entries.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().filter_map(|entry| entry.value.as_ref())
    }
}
