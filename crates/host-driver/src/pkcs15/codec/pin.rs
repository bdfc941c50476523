//! EF.AODF: PINs and PUKs.

use der::Tag;

use super::CodecError;
use super::basic::{Id, Path, read_time, write_time};
use super::directory::Object;
use super::flags::{ObjectFlags, PinFlags};
use super::object::{Common, Frame};
use super::tlv::{Build, Fields, context};
use crate::secret::PinPolicy;

/// How long a PUK of the applet is.
const PUK_LEN: usize = 16;

/// Of which characters a PIN is, and how they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PinType(pub u8);

impl PinType {
    /// Two digits in a byte.
    pub const BCD: Self = Self(0);
    /// A digit in a byte.
    pub const ASCII_NUMERIC: Self = Self(1);
    /// Any text.
    pub const UTF8: Self = Self(2);
}

/// A PIN or a PUK: what it is called, how long it may be, and by which number the card knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinObject {
    /// What a person reads.
    pub label: String,
    /// Whether it is private or can be changed.
    pub object_flags: ObjectFlags,
    /// The identifier by which objects name the PIN that guards them.
    pub auth_id: Id,
    /// The identifier of the PUK that unblocks this PIN.
    pub common_auth_id: Option<Id>,
    /// What holds for it.
    pub flags: PinFlags,
    /// Of which characters it is.
    pub kind: PinType,
    /// The fewest characters.
    pub min: u16,
    /// How many bytes the card takes.
    pub stored: u16,
    /// The most characters; the stored length where the card does not say.
    pub max: u16,
    /// The card's number for it.
    pub reference: u8,
    /// What it is filled up with.
    pub pad: Option<u8>,
    /// When it was changed last, `YYYYMMDDHHMMSSZ`.
    pub last_change: Option<String>,
    /// The directory in which it holds.
    pub path: Option<Path>,
}

/// What EF.AODF lists and we understand: PINs and PUKs.
pub type AuthObject = PinObject;

impl PinObject {
    /// The holder's PIN, which the PUK with the second identifier unblocks. The card knows it by `reference`.
    #[must_use]
    pub fn user_pin(label: &str, auth_id: &Id, puk: &Id, policy: PinPolicy, reference: u8) -> Self {
        Self {
            object_flags: ObjectFlags::PRIVATE | ObjectFlags::MODIFIABLE,
            common_auth_id: Some(puk.clone()),
            flags: PinFlags::USER,
            ..Self::new(label, auth_id, policy, reference)
        }
    }

    /// The PUK: exactly 16 characters, which nobody can change.
    #[must_use]
    pub fn puk(label: &str, auth_id: &Id, reference: u8) -> Self {
        let policy = PinPolicy { min: PUK_LEN, max: PUK_LEN, stored: PUK_LEN };
        Self { flags: PinFlags::PUK, ..Self::new(label, auth_id, policy, reference) }
    }

    fn new(label: &str, auth_id: &Id, policy: PinPolicy, reference: u8) -> Self {
        let count = |count| u16::try_from(count).unwrap_or(u16::MAX);
        Self {
            label: label.to_owned(),
            object_flags: ObjectFlags::PRIVATE,
            auth_id: auth_id.clone(),
            common_auth_id: None,
            flags: PinFlags::default(),
            kind: PinType::ASCII_NUMERIC,
            min: count(policy.min),
            stored: count(policy.stored),
            max: count(policy.max),
            reference,
            pad: Some(0),
            last_change: None,
            path: None,
        }
    }

    /// Whether it is a PUK.
    #[must_use]
    pub const fn is_unblocking(&self) -> bool {
        self.flags.contains(PinFlags::UNBLOCKING_PIN)
    }

    fn read(common: Common, auth_id: Id, mut pin: Fields<'_>) -> Result<Self, CodecError> {
        let flags = PinFlags(pin.need(Tag::BitString)?.flags()?);
        let kind = PinType(pin.need(Tag::Enumerated)?.number()?);
        let min = pin.need(Tag::Integer)?.number()?;
        let stored = pin.need(Tag::Integer)?.number()?;
        Ok(Self {
            label: common.label,
            object_flags: common.flags,
            auth_id,
            common_auth_id: common.auth_id,
            flags,
            kind,
            min,
            stored,
            max: pin.maybe(Tag::Integer)?.map_or(Ok(stored), |field| field.number())?,
            reference: pin.maybe(context(0, false))?.map_or(Ok(0), |field| field.reference())?,
            pad: pin.maybe(Tag::OctetString)?.and_then(|field| field.value.first().copied()),
            last_change: pin.maybe(Tag::GeneralizedTime)?.map(|field| read_time(&field)).transpose()?,
            path: pin.maybe(Tag::Sequence)?.map(|field| Path::read(field.fields()?)).transpose()?,
        })
    }

    fn write(&self, build: &mut Build) -> Result<(), CodecError> {
        build.flags(self.flags.0)?;
        build.number(Tag::Enumerated, self.kind.0)?;
        build.number(Tag::Integer, self.min)?;
        build.number(Tag::Integer, self.stored)?;
        build.number(Tag::Integer, self.max)?;
        if self.reference != 0 {
            build.number(context(0, false), self.reference)?;
        }
        self.pad.map_or(Ok(()), |pad| build.put(Tag::OctetString, &[pad]))?;
        if let Some(time) = &self.last_change {
            write_time(build, Tag::GeneralizedTime, time)?;
        }
        self.path.as_ref().map_or(Ok(()), |path| path.write(build))
    }
}

impl Object for PinObject {
    fn decode(raw: &[u8]) -> Result<Self, CodecError> {
        let Frame { common, mut class, kind, .. } = Frame::open(raw)?;
        Self::read(common, Id::read(&class.need(Tag::OctetString)?)?, kind.sequence()?)
    }

    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let common = Common {
            label: self.label.clone(),
            flags: self.object_flags,
            auth_id: self.common_auth_id.clone(),
            user_consent: None,
        };
        Build::whole(Tag::Sequence, |build| {
            common.write(build)?;
            build.nest(Tag::Sequence, |build| self.auth_id.write(build))?;
            build.nest(context(1, true), |build| build.nest(Tag::Sequence, |build| self.write(build)))
        })
    }
}
