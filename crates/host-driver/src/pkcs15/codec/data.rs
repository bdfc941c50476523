//! EF.DODF: data of any kind.

use der::Tag;
use der::asn1::ObjectIdentifier;

use super::CodecError;
use super::basic::{self, Id, Path};
use super::directory::Object;
use super::flags::ObjectFlags;
use super::object::{Common, Frame};
use super::tlv::{Build, context};

/// Data in a file, which mean something to one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataObject {
    /// What a person reads.
    pub label: String,
    /// Whether it is private or can be changed.
    pub flags: ObjectFlags,
    /// The PIN that guards it.
    pub auth_id: Option<Id>,
    /// The name of the application it belongs to.
    pub application: Option<String>,
    /// The number of the application it belongs to.
    pub oid: Option<ObjectIdentifier>,
    /// The file.
    pub path: Path,
}

impl Default for DataObject {
    /// One that can be changed, without any name.
    fn default() -> Self {
        Self {
            label: String::new(),
            flags: ObjectFlags::MODIFIABLE,
            auth_id: None,
            application: None,
            oid: None,
            path: Path::default(),
        }
    }
}

impl Object for DataObject {
    fn decode(raw: &[u8]) -> Result<Self, CodecError> {
        let Frame { common, mut class, kind, .. } = Frame::open(raw)?;
        let application = class.maybe(Tag::Utf8String)?.map(|field| field.text());
        let oid = class.maybe(Tag::ObjectIdentifier)?;
        Ok(Self {
            label: common.label,
            flags: common.flags,
            auth_id: common.auth_id,
            application,
            oid: oid.map(|field| ObjectIdentifier::from_bytes(field.value)).transpose().map_err(der::Error::from)?,
            path: Path::read(kind.sequence()?)?,
        })
    }

    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let common =
            Common { label: self.label.clone(), flags: self.flags, auth_id: self.auth_id.clone(), user_consent: None };
        Build::whole(Tag::Sequence, |build| {
            common.write(build)?;
            build.nest(Tag::Sequence, |build| {
                if let Some(name) = &self.application {
                    build.put(Tag::Utf8String, basic::label(name).as_bytes())?;
                }
                self.oid.map_or(Ok(()), |oid| build.put(Tag::ObjectIdentifier, oid.as_bytes()))
            })?;
            build.nest(context(1, true), |build| self.path.write(build))
        })
    }
}
