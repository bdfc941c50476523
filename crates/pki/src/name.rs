//! Distinguished names: made from a registration record, and shown to people.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::{COMMON_NAME, COUNTRY_NAME, ORGANIZATION_NAME, ORGANIZATIONAL_UNIT_NAME, SERIAL_NUMBER};
use der::asn1::{Any, PrintableStringRef, Utf8StringRef};
use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::name::DirectoryString;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

/// The limit of RFC 5280 for each part but the country, in characters.
const MAX_PART: usize = 64;

/// A name that cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A part is empty.
    #[error("the {part} is empty")]
    Empty {
        /// Which part.
        part: &'static str,
    },
    /// A part is longer than certificates allow.
    #[error("the {part} has {len} characters, at most {max} are allowed")]
    TooLong {
        /// Which part.
        part: &'static str,
        /// Its length in characters.
        len: usize,
        /// The limit in characters.
        max: usize,
    },
    /// A part holds a character that is not allowed there.
    #[error("the {part} holds a character that is not allowed there")]
    Character {
        /// Which part.
        part: &'static str,
    },
    /// The country is not a country code.
    #[error("the country is not two capital letters")]
    Country,
    /// The bytes are not a name.
    #[error("not a distinguished name: {0}")]
    NotDer(der::Error),
}

/// The holder's name, in the parts that a registration record has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Two capital letters.
    pub country: String,
    /// The organization, at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The units from the outermost to the innermost, at most 64 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unit: Vec<String>,
    /// The holder's own name, at most 64 characters.
    pub common_name: String,
    /// A number that tells people of one name apart, at most 64 characters of the printable set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
}

impl Subject {
    /// The name in DER: country, organization, units, common name, serial number.
    pub fn to_der(&self) -> Result<Vec<u8>, NameError> {
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(NameError::Country);
        }
        let mut parts = vec![printable(COUNTRY_NAME, "country", &self.country)?];
        if let Some(organization) = &self.organization {
            parts.push(text(ORGANIZATION_NAME, "organization", organization)?);
        }
        for unit in &self.unit {
            parts.push(text(ORGANIZATIONAL_UNIT_NAME, "unit", unit)?);
        }
        parts.push(text(COMMON_NAME, "common name", &self.common_name)?);
        if let Some(number) = &self.serial_number {
            parts.push(printable(SERIAL_NUMBER, "serial number", number)?);
        }
        RdnSequence::from(parts).to_der().map_err(NameError::NotDer)
    }
}

/// A name in DER as people read it (RFC 4514, with other scripts left as they are).
pub fn shown(name_der: &[u8]) -> Result<String, NameError> {
    Name::from_der(name_der).map(|name| readable(&name)).map_err(NameError::NotDer)
}

pub(crate) fn readable(name: &Name) -> String {
    harmless(&name.to_string())
}

pub(crate) fn common_name(name: &Name) -> Option<String> {
    let text = name.by_oid::<DirectoryString>(COMMON_NAME).ok()??;
    Some(harmless(&text.value()))
}

/// Writes characters that would steer a terminal, or turn the direction of the text, as the hex of their bytes.
fn harmless(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(shown, "\\{byte:02x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

fn text(oid: ObjectIdentifier, part: &'static str, value: &str) -> Result<RelativeDistinguishedName, NameError> {
    check(part, value)?;
    let value = Utf8StringRef::new(value).map_err(NameError::NotDer)?;
    single(oid, Any::encode_from(&value).map_err(NameError::NotDer)?)
}

fn printable(oid: ObjectIdentifier, part: &'static str, value: &str) -> Result<RelativeDistinguishedName, NameError> {
    check(part, value)?;
    let value = PrintableStringRef::new(value).map_err(|_| NameError::Character { part })?;
    single(oid, Any::encode_from(&value).map_err(NameError::NotDer)?)
}

fn single(oid: ObjectIdentifier, value: Any) -> Result<RelativeDistinguishedName, NameError> {
    RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid, value }]).map_err(NameError::NotDer)
}

fn check(part: &'static str, value: &str) -> Result<(), NameError> {
    let len = value.chars().count();
    if value.trim().is_empty() {
        Err(NameError::Empty { part })
    } else if len > MAX_PART {
        Err(NameError::TooLong { part, len, max: MAX_PART })
    } else if value.chars().any(char::is_control) {
        Err(NameError::Character { part })
    } else {
        Ok(())
    }
}
