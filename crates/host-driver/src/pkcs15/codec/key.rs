//! EF.PrKDF and EF.PuKDF: RSA keys.

use der::Tag;

use super::CodecError;
use super::basic::{Id, Path, TIME_LEN, read_time, write_time};
use super::directory::Object;
use super::flags::{KeyAccess, KeyUsage, ObjectFlags};
use super::object::{Common, Frame};
use super::tlv::{Build, Field, Fields, context};

/// An RSA key that the card keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKey {
    /// What a person reads.
    pub label: String,
    /// Whether it is private or can be changed.
    pub flags: ObjectFlags,
    /// The PIN that guards it.
    pub auth_id: Option<Id>,
    /// How many uses one showing of the PIN is good for.
    pub user_consent: Option<u8>,
    /// What pairs it with its certificate.
    pub id: Id,
    /// What it is for.
    pub usage: KeyUsage,
    /// Whether the card itself computes with it.
    pub native: bool,
    /// What may become of it.
    pub access: KeyAccess,
    /// The card's number for it.
    pub key_reference: Option<u8>,
    /// From when on it is used, `YYYYMMDDHHMMSSZ`.
    pub start: Option<String>,
    /// Until when it is used, `YYYYMMDDHHMMSSZ`.
    pub end: Option<String>,
    /// The holder's distinguished name, in DER.
    pub subject: Option<Vec<u8>>,
    /// Where it is.
    pub path: Path,
    /// How long its modulus is.
    pub modulus_bits: u32,
}

/// An RSA key that everybody may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What a person reads.
    pub label: String,
    /// Whether it is private or can be changed.
    pub flags: ObjectFlags,
    /// The PIN that guards it.
    pub auth_id: Option<Id>,
    /// What pairs it with the private key.
    pub id: Id,
    /// What it is for.
    pub usage: KeyUsage,
    /// Whether the card itself computes with it.
    pub native: bool,
    /// What may become of it.
    pub access: KeyAccess,
    /// The card's number for it.
    pub key_reference: Option<u8>,
    /// The holder's distinguished name, in DER.
    pub subject: Option<Vec<u8>>,
    /// The file with the key.
    pub path: Path,
    /// How long its modulus is.
    pub modulus_bits: u32,
}

impl PrivateKey {
    /// What holds for every key that was made on the card. It lacks its identifier, its use and its place.
    #[must_use]
    pub fn generated_on_card() -> Self {
        let never_seen = KeyAccess::SENSITIVE | KeyAccess::ALWAYS_SENSITIVE | KeyAccess::NEVER_EXTRACTABLE;
        Self {
            label: String::new(),
            flags: ObjectFlags::PRIVATE | ObjectFlags::MODIFIABLE,
            auth_id: None,
            user_consent: None,
            id: Id(Vec::new()),
            usage: KeyUsage::default(),
            native: true,
            access: never_seen | KeyAccess::LOCAL,
            key_reference: None,
            start: None,
            end: None,
            subject: None,
            path: Path::default(),
            modulus_bits: 0,
        }
    }

    /// The card's number for a key of any kind: all kinds begin alike, and only their outermost tags differ.
    #[must_use]
    pub fn reference_of_any(raw: &[u8]) -> Option<u8> {
        let (_, rest) = raw.split_first()?;
        let alike = [&[0x30], rest].concat();
        Attributes::read(Frame::open(&alike).ok()?.class).ok()?.key_reference
    }

    /// Where in an entry's bytes the 15 characters of the first and of the last moment stand, in this order;
    /// nothing where one of the two is missing or of another length.
    #[must_use]
    pub fn validity_at(raw: &[u8]) -> Option<(usize, usize)> {
        let attributes = Attributes::read(Frame::open(raw).ok()?.class).ok()?;
        let [start, end] = [attributes.start?, attributes.end?];
        [start, end].iter().all(|field| field.value.len() == TIME_LEN).then_some((start.at, end.at))
    }
}

impl Default for PublicKey {
    /// One in a file, with which the card itself does not compute. It lacks its identifier, its use and its place.
    fn default() -> Self {
        Self {
            label: String::new(),
            flags: ObjectFlags::MODIFIABLE,
            auth_id: None,
            id: Id(Vec::new()),
            usage: KeyUsage::default(),
            native: false,
            access: KeyAccess::default(),
            key_reference: None,
            subject: None,
            path: Path::default(),
            modulus_bits: 0,
        }
    }
}

/// What keys of all kinds have, as fields of the encoding.
struct Attributes<'a> {
    id: Id,
    usage: KeyUsage,
    native: bool,
    access: KeyAccess,
    key_reference: Option<u8>,
    start: Option<Field<'a>>,
    end: Option<Field<'a>>,
}

impl<'a> Attributes<'a> {
    fn read(mut fields: Fields<'a>) -> Result<Self, CodecError> {
        Ok(Self {
            id: Id::read(&fields.need(Tag::OctetString)?)?,
            usage: KeyUsage(fields.need(Tag::BitString)?.flags()?),
            native: fields.maybe(Tag::Boolean)?.map_or(Ok(true), |field| field.truth())?,
            access: KeyAccess(fields.maybe(Tag::BitString)?.map_or(Ok(0), |field| field.flags())?),
            key_reference: fields.maybe(Tag::Integer)?.map(|field| field.reference()).transpose()?,
            start: fields.maybe(Tag::GeneralizedTime)?,
            end: fields.maybe(context(0, false))?,
        })
    }
}

impl Object for PrivateKey {
    fn decode(raw: &[u8]) -> Result<Self, CodecError> {
        let Frame { common, class, sub, kind } = Frame::open(raw)?;
        let attributes = Attributes::read(class)?;
        let (path, modulus_bits) = place(&kind)?;
        Ok(Self {
            label: common.label,
            flags: common.flags,
            auth_id: common.auth_id,
            user_consent: common.user_consent,
            id: attributes.id,
            usage: attributes.usage,
            native: attributes.native,
            access: attributes.access,
            key_reference: attributes.key_reference,
            start: attributes.start.map(|field| read_time(&field)).transpose()?,
            end: attributes.end.map(|field| read_time(&field)).transpose()?,
            subject: subject(sub)?,
            path,
            modulus_bits,
        })
    }

    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let common = Common {
            label: self.label.clone(),
            flags: self.flags,
            auth_id: self.auth_id.clone(),
            user_consent: self.user_consent,
        };
        if let (Some(start), Some(end)) = (&self.start, &self.end)
            && start > end
        {
            return Err(CodecError::Impossible { what: "a key whose use ends before it begins" });
        }
        Build::whole(Tag::Sequence, |build| {
            common.write(build)?;
            build.nest(Tag::Sequence, |build| {
                self.id.write(build)?;
                write_use(build, self.usage, self.native, self.access, self.key_reference)?;
                self.start.iter().try_for_each(|time| write_time(build, Tag::GeneralizedTime, time))?;
                self.end.iter().try_for_each(|time| write_time(build, context(0, false), time))
            })?;
            write_rest(build, self.subject.as_deref(), &self.path, self.modulus_bits)
        })
    }
}

impl Object for PublicKey {
    fn decode(raw: &[u8]) -> Result<Self, CodecError> {
        let Frame { common, class, sub, kind } = Frame::open(raw)?;
        let attributes = Attributes::read(class)?;
        let (path, modulus_bits) = place(&kind)?;
        Ok(Self {
            label: common.label,
            flags: common.flags,
            auth_id: common.auth_id,
            id: attributes.id,
            usage: attributes.usage,
            native: attributes.native,
            access: attributes.access,
            key_reference: attributes.key_reference,
            subject: subject(sub)?,
            path,
            modulus_bits,
        })
    }

    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let common =
            Common { label: self.label.clone(), flags: self.flags, auth_id: self.auth_id.clone(), user_consent: None };
        Build::whole(Tag::Sequence, |build| {
            common.write(build)?;
            build.nest(Tag::Sequence, |build| {
                self.id.write(build)?;
                write_use(build, self.usage, self.native, self.access, self.key_reference)
            })?;
            write_rest(build, self.subject.as_deref(), &self.path, self.modulus_bits)
        })
    }
}

/// Where the key is and how long it is.
fn place(kind: &Field<'_>) -> Result<(Path, u32), CodecError> {
    let mut fields = kind.sequence()?;
    let path = Path::read(fields.need(Tag::Sequence)?.fields()?)?;
    Ok((path, fields.need(Tag::Integer)?.number()?))
}

/// The name that some write between the attributes of all keys and those of RSA keys.
fn subject(sub: Option<Fields<'_>>) -> Result<Option<Vec<u8>>, CodecError> {
    let Some(mut fields) = sub else { return Ok(None) };
    Ok(fields.maybe(Tag::Sequence)?.map(|field| field.raw.to_vec()))
}

fn write_use(
    build: &mut Build,
    usage: KeyUsage,
    native: bool,
    access: KeyAccess,
    reference: Option<u8>,
) -> Result<(), CodecError> {
    build.flags(usage.0)?;
    if !native {
        build.truth(false)?;
    }
    if access.0 != 0 {
        build.flags(access.0)?;
    }
    reference.map_or(Ok(()), |reference| build.number(Tag::Integer, reference))
}

fn write_rest(build: &mut Build, subject: Option<&[u8]>, path: &Path, bits: u32) -> Result<(), CodecError> {
    if let Some(subject) = subject {
        build.nest(context(0, true), |build| build.nest(Tag::Sequence, |build| build.sequence(subject)))?;
    }
    build.nest(context(1, true), |build| {
        build.nest(Tag::Sequence, |build| {
            path.write(build)?;
            build.number(Tag::Integer, bits)
        })
    })
}
