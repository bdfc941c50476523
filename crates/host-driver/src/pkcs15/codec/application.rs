//! EF.DIR: which applications the card has.

use der::Tag;

use super::CodecError;
use super::basic::{self, fid_bytes, fids};
use super::directory::Object;
use super::tlv::{Build, Field, application};

const TEMPLATE: Tag = application(1, true);
const AID: Tag = application(15, false);
const LABEL: Tag = application(16, false);
const PATH: Tag = application(17, false);

/// An application and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its identifier, at most 16 bytes.
    pub aid: Vec<u8>,
    /// What a person reads.
    pub label: Option<String>,
    /// Its directory, from the root.
    pub path: Vec<u16>,
}

impl Application {
    /// The identifier of every PKCS#15 application.
    pub const PKCS15: &'static [u8] = b"\xA0\x00\x00\x00\x63PKCS-15";
}

impl Object for Application {
    fn decode(raw: &[u8]) -> Result<Self, CodecError> {
        let mut fields = Field::whole(raw, TEMPLATE)?.fields()?;
        Ok(Self {
            aid: fields.need(AID)?.value.to_vec(),
            label: fields.maybe(LABEL)?.map(|field| field.text()),
            path: fields.maybe(PATH)?.map(|field| fids(&field)).transpose()?.unwrap_or_default(),
        })
    }

    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        if self.aid.len() > 16 {
            return Err(CodecError::TooLong { what: "the application's identifier", len: self.aid.len(), max: 16 });
        }
        Build::whole(TEMPLATE, |build| {
            build.put(AID, &self.aid)?;
            if let Some(label) = &self.label {
                build.put(LABEL, basic::label(label).as_bytes())?;
            }
            if self.path.is_empty() { Ok(()) } else { build.put(PATH, &fid_bytes(&self.path)) }
        })
    }
}
