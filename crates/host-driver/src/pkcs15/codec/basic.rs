//! Identifiers, labels, paths and times.

use core::fmt;

use der::Tag;

use super::CodecError;
use super::tlv::{Build, Field, Fields, context};

/// The longest identifier and the longest label, in bytes.
const MAX: usize = 255;

/// What pairs a key with its certificate, and an object with the PIN that guards it. 1 to 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub Vec<u8>);

impl Id {
    pub(super) fn read(field: &Field<'_>) -> Result<Self, CodecError> {
        let id = Self(field.value.to_vec());
        id.check()?;
        Ok(id)
    }

    pub(super) fn write(&self, build: &mut Build) -> Result<(), CodecError> {
        self.check()?;
        build.put(Tag::OctetString, &self.0)
    }

    fn check(&self) -> Result<(), CodecError> {
        match self.0.len() {
            0 => Err(CodecError::Impossible { what: "an empty identifier" }),
            1..=MAX => Ok(()),
            len => Err(CodecError::TooLong { what: "the identifier", len, max: MAX }),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<&[u8]> for Id {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// A label as it is written: UTF-8, at most 255 bytes, and never half a character.
pub(super) fn label(text: &str) -> &str {
    let end = (0..=text.len().min(MAX)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Where a file is, and where in it an object is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path {
    /// The file identifiers; from the root where the first is 3F00.
    pub file: Vec<u16>,
    /// Where in the file the object begins and how long it is; the whole file when this is missing.
    pub part: Option<(u32, u32)>,
}

impl Path {
    /// A whole file.
    #[must_use]
    pub fn to(file: &[u16]) -> Self {
        Self { file: file.to_vec(), part: None }
    }

    /// The path from the root, where a relative one is meant from this directory.
    #[must_use]
    pub fn resolve(&self, base: &[u16]) -> Vec<u16> {
        match self.file.first() {
            Some(0x3F00) => self.file.clone(),
            _ => [base, &self.file].concat(),
        }
    }

    /// Reads a SEQUENCE of path, index and length.
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, CodecError> {
        let file = fids(&fields.need(Tag::OctetString)?)?;
        let index = fields.maybe(Tag::Integer)?.map(|field| field.number()).transpose()?;
        let len = fields.maybe(context(0, false))?.map(|field| field.number()).transpose()?;
        Ok(Self { file, part: index.zip(len) })
    }

    /// Writes the SEQUENCE.
    pub(super) fn write(&self, build: &mut Build) -> Result<(), CodecError> {
        build.nest(Tag::Sequence, |build| {
            build.put(Tag::OctetString, &fid_bytes(&self.file))?;
            let Some((index, len)) = self.part else { return Ok(()) };
            build.number(Tag::Integer, index)?;
            build.number(context(0, false), len)
        })
    }
}

/// The file identifiers in a field.
pub(super) fn fids(field: &Field<'_>) -> Result<Vec<u16>, CodecError> {
    let (pairs, rest) = field.value.as_chunks();
    if rest.is_empty() {
        return Ok(pairs.iter().copied().map(u16::from_be_bytes).collect());
    }
    Err(CodecError::Malformed { at: field.at })
}

pub(super) fn fid_bytes(fids: &[u16]) -> Vec<u8> {
    fids.iter().flat_map(|fid| fid.to_be_bytes()).collect()
}

/// Whether the text has the one form in which times are written: `YYYYMMDDHHMMSSZ`.
#[must_use]
pub fn is_time(text: &str) -> bool {
    text.len() == TIME_LEN && text.ends_with('Z') && text[..TIME_LEN - 1].bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) const TIME_LEN: usize = 15;

pub(super) fn read_time(field: &Field<'_>) -> Result<String, CodecError> {
    let printable = field.value.iter().all(|byte| byte.is_ascii_graphic());
    if printable && field.value.len() <= 2 * TIME_LEN {
        return Ok(field.text());
    }
    Err(CodecError::Malformed { at: field.at })
}

pub(super) fn write_time(build: &mut Build, tag: Tag, time: &str) -> Result<(), CodecError> {
    if is_time(time) {
        return build.put(tag, time.as_bytes());
    }
    Err(CodecError::Impossible { what: "a time that is not YYYYMMDDHHMMSSZ" })
}
