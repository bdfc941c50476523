//! EF.CDF: X.509 certificates.

use der::Tag;

use super::CodecError;
use super::basic::{Id, Path};
use super::directory::Object;
use super::flags::ObjectFlags;
use super::object::{Common, Frame};
use super::tlv::{Build, context};

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What a person reads.
    pub label: String,
    /// Whether it is private or can be changed.
    pub flags: ObjectFlags,
    /// The PIN that guards it.
    pub auth_id: Option<Id>,
    /// What pairs it with its keys.
    pub id: Id,
    /// Whether it belongs to an authority.
    pub authority: bool,
    /// The file with it; without meaning where the certificate itself is in the directory.
    pub path: Path,
    /// The certificate in DER, where some card keeps it in the directory itself.
    pub direct: Option<Vec<u8>>,
}

impl Default for Certificate {
    /// One that can be changed. It lacks its identifier and its path.
    fn default() -> Self {
        Self {
            label: String::new(),
            flags: ObjectFlags::MODIFIABLE,
            auth_id: None,
            id: Id(Vec::new()),
            authority: false,
            path: Path::default(),
            direct: None,
        }
    }
}

impl Object for Certificate {
    fn decode(raw: &[u8]) -> Result<Self, CodecError> {
        let Frame { common, mut class, kind, .. } = Frame::open(raw)?;
        let id = Id::read(&class.need(Tag::OctetString)?)?;
        let authority = class.maybe(Tag::Boolean)?.map_or(Ok(false), |field| field.truth())?;
        let mut fields = kind.sequence()?;
        let direct = fields.maybe(context(0, true))?.map(|field| field.fields()?.need(Tag::Sequence)).transpose()?;
        let direct = direct.map(|field| field.raw.to_vec());
        let path = match direct {
            Some(_) => Path::default(),
            None => Path::read(fields.need(Tag::Sequence)?.fields()?)?,
        };
        let Common { label, flags, auth_id, .. } = common;
        Ok(Self { label, flags, auth_id, id, authority, path, direct })
    }

    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let common =
            Common { label: self.label.clone(), flags: self.flags, auth_id: self.auth_id.clone(), user_consent: None };
        Build::whole(Tag::Sequence, |build| {
            common.write(build)?;
            build.nest(Tag::Sequence, |build| {
                self.id.write(build)?;
                if self.authority { build.truth(true) } else { Ok(()) }
            })?;
            build.nest(context(1, true), |build| build.nest(Tag::Sequence, |build| self.write_value(build)))
        })
    }
}

impl Certificate {
    fn write_value(&self, build: &mut Build) -> Result<(), CodecError> {
        let Some(der) = &self.direct else { return self.path.write(build) };
        build.nest(context(0, true), |build| build.sequence(der))
    }
}
