//! EF.TokenInfo: whose application this is and when it was changed last.

use der::Tag;

use super::CodecError;
use super::basic::{self, TIME_LEN, read_time, write_time};
use super::flags::TokenFlags;
use super::tlv::{Build, Field, Fields, context};

/// What is said of the application as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// 0 for the first version of the format.
    pub version: u8,
    /// The card's serial number.
    pub serial: Vec<u8>,
    /// Who made the card.
    pub manufacturer: Option<String>,
    /// What a person reads.
    pub label: Option<String>,
    /// What holds for the application.
    pub flags: TokenFlags,
    /// When anything was changed last, `YYYYMMDDHHMMSSZ`.
    pub last_update: Option<String>,
}

impl TokenInfo {
    /// The first version of the format, with the flags that OpenSC gives an application of this card.
    #[must_use]
    pub const fn new(serial: Vec<u8>, manufacturer: String, label: String, last_update: String) -> Self {
        Self {
            version: 0,
            serial,
            manufacturer: Some(manufacturer),
            label: Some(label),
            flags: TokenFlags::EID_COMPLIANT,
            last_update: Some(last_update),
        }
    }

    /// Reads the file. What follows the object, as zeros do, is not looked at.
    ///
    /// # Errors
    ///
    /// The file does not begin with this object.
    pub fn parse(der: &[u8]) -> Result<Self, CodecError> {
        let mut fields = open(der)?;
        let info = Self {
            version: fields.need(Tag::Integer)?.number()?,
            serial: fields.need(Tag::OctetString)?.value.to_vec(),
            manufacturer: fields.maybe(Tag::Utf8String)?.map(|field| field.text()),
            label: fields.maybe(context(0, false))?.map(|field| field.text()),
            flags: TokenFlags(fields.need(Tag::BitString)?.flags()?),
            last_update: None,
        };
        Ok(Self { last_update: last_update(fields)?.map(|field| read_time(&field)).transpose()?, ..info })
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// The time is not one, or the serial number is too long.
    pub fn to_der(&self) -> Result<Vec<u8>, CodecError> {
        if self.serial.len() > 255 {
            return Err(CodecError::TooLong { what: "the serial number", len: self.serial.len(), max: 255 });
        }
        Build::whole(Tag::Sequence, |build| {
            build.number(Tag::Integer, self.version)?;
            build.put(Tag::OctetString, &self.serial)?;
            if let Some(manufacturer) = &self.manufacturer {
                build.put(Tag::Utf8String, basic::label(manufacturer).as_bytes())?;
            }
            if let Some(label) = &self.label {
                build.put(context(0, false), basic::label(label).as_bytes())?;
            }
            build.flags(self.flags.0)?;
            let Some(time) = &self.last_update else { return Ok(()) };
            build.nest(context(5, true), |build| write_time(build, Tag::GeneralizedTime, time))
        })
    }

    /// Where the 15 characters of the last change stand in these bytes.
    #[must_use]
    pub fn last_update_at(der: &[u8]) -> Option<usize> {
        let field = last_update(open(der).ok()?).ok()??;
        (field.value.len() == TIME_LEN).then_some(field.at)
    }
}

fn open(der: &[u8]) -> Result<Fields<'_>, CodecError> {
    Fields::new(der, 0)?.need(Tag::Sequence)?.fields()
}

/// The time is inside [5]; some write it as [5] itself.
fn last_update(mut fields: Fields<'_>) -> Result<Option<Field<'_>>, CodecError> {
    while let Some(field) = fields.next()? {
        if field.tag == context(5, true) {
            return field.fields()?.maybe(Tag::GeneralizedTime);
        }
        if field.tag == context(5, false) {
            return Ok(Some(field));
        }
    }
    Ok(None)
}
