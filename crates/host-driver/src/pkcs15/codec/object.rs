//! The frame that keys, certificates, PINs and data share: common attributes, those of the class, those of the kind.

use der::Tag;

use super::CodecError;
use super::basic::{Id, label};
use super::flags::ObjectFlags;
use super::tlv::{Build, Field, Fields, context};

/// What every object begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Common {
    pub(super) label: String,
    pub(super) flags: ObjectFlags,
    pub(super) auth_id: Option<Id>,
    pub(super) user_consent: Option<u8>,
}

/// An object taken apart.
pub(super) struct Frame<'a> {
    pub(super) common: Common,
    pub(super) class: Fields<'a>,
    pub(super) sub: Option<Fields<'a>>,
    /// The content of the last part, which is one SEQUENCE for most kinds.
    pub(super) kind: Field<'a>,
}

impl<'a> Frame<'a> {
    pub(super) fn open(raw: &'a [u8]) -> Result<Self, CodecError> {
        let mut object = Field::whole(raw, Tag::Sequence)?.fields()?;
        let common = Common::read(object.need(Tag::Sequence)?.fields()?)?;
        let class = object.need(Tag::Sequence)?.fields()?;
        let sub = object.maybe(context(0, true))?.map(|field| field.sequence()).transpose()?;
        Ok(Self { common, class, sub, kind: object.need(context(1, true))? })
    }
}

impl Common {
    fn read(mut fields: Fields<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            label: fields.maybe(Tag::Utf8String)?.map(|field| field.text()).unwrap_or_default(),
            flags: ObjectFlags(fields.maybe(Tag::BitString)?.map_or(Ok(0), |field| field.flags())?),
            auth_id: fields.maybe(Tag::OctetString)?.map(|field| Id::read(&field)).transpose()?,
            user_consent: fields.maybe(Tag::Integer)?.map(|field| field.number()).transpose()?,
        })
    }

    pub(super) fn write(&self, build: &mut Build) -> Result<(), CodecError> {
        build.nest(Tag::Sequence, |build| {
            if !self.label.is_empty() {
                build.put(Tag::Utf8String, label(&self.label).as_bytes())?;
            }
            if self.flags.0 != 0 {
                build.flags(self.flags.0)?;
            }
            if let Some(id) = &self.auth_id {
                id.write(build)?;
            }
            self.user_consent.map_or(Ok(()), |count| build.number(Tag::Integer, count))
        })
    }
}
