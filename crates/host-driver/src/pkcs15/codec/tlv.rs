//! Walking over DER field by field, and putting it together. Lengths and tags are the `der` crate's work.

use der::asn1::AnyRef;
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber};

use super::CodecError;

/// Deeper than any directory entry goes: a distinguished name inside a key is at seven.
const DEPTH: usize = 16;

/// A context-specific tag.
pub(super) const fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}

/// An application tag.
pub(super) const fn application(number: u32, constructed: bool) -> Tag {
    Tag::Application { constructed, number: TagNumber(number) }
}

/// One field: its tag, its value, and where the value begins in the whole.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) tag: Tag,
    pub(super) value: &'a [u8],
    pub(super) raw: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Field<'a> {
    /// The only field of these bytes.
    pub(super) fn whole(bytes: &'a [u8], tag: Tag) -> Result<Self, CodecError> {
        let mut fields = Fields::new(bytes, 0)?;
        let field = fields.need(tag)?;
        if fields.next()?.is_some() {
            return Err(CodecError::Malformed { at: field.raw.len() });
        }
        Ok(field)
    }

    /// What is inside.
    pub(super) fn fields(&self) -> Result<Fields<'a>, CodecError> {
        Fields::new(self.value, self.at)
    }

    /// The one SEQUENCE that is inside.
    pub(super) fn sequence(&self) -> Result<Fields<'a>, CodecError> {
        self.fields()?.need(Tag::Sequence)?.fields()
    }

    /// A whole number, whatever the tag is.
    pub(super) fn number<T: TryFrom<i64>>(&self) -> Result<T, CodecError> {
        let value = AnyRef::new(Tag::Integer, self.value)?.decode_as::<i64>()?;
        T::try_from(value).map_err(|_| CodecError::Malformed { at: self.at })
    }

    /// A reference of one byte. Some cards write those from 80 as negative numbers.
    pub(super) fn reference(&self) -> Result<u8, CodecError> {
        let value: i16 = self.number()?;
        match value {
            -128..=255 => Ok(value.to_be_bytes()[1]),
            _ => Err(CodecError::Malformed { at: self.at }),
        }
    }

    /// Yes or no; every number but zero is yes.
    pub(super) fn truth(&self) -> Result<bool, CodecError> {
        match self.value {
            [value] => Ok(*value != 0),
            _ => Err(CodecError::Malformed { at: self.at }),
        }
    }

    /// Bit 0 of the standard is bit 0 of the number.
    pub(super) fn flags(&self) -> Result<u32, CodecError> {
        match self.value {
            [unused @ 0..=7, bits @ ..] if bits.len() <= 4 && (*unused == 0 || !bits.is_empty()) => {
                let last = bits.len().saturating_sub(1);
                Ok(bits.iter().enumerate().fold(0, |all, (index, byte)| {
                    let byte = if index == last { byte >> unused << unused } else { *byte };
                    all | u32::from(byte.reverse_bits()) << (8 * index)
                }))
            }
            _ => Err(CodecError::Malformed { at: self.at }),
        }
    }

    /// Text. What is not UTF-8 becomes replacement characters.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.value).into_owned()
    }
}

/// The fields of a SEQUENCE, from front to back.
pub(super) struct Fields<'a> {
    reader: SliceReader<'a>,
    base: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], base: usize) -> Result<Self, CodecError> {
        Ok(Self { reader: SliceReader::new(bytes)?, base })
    }

    /// The next field; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, CodecError> {
        if self.reader.is_finished() {
            return Ok(None);
        }
        let raw = self.reader.tlv_bytes()?;
        let any = AnyRef::from_der(raw)?;
        let end = usize::try_from(self.reader.position())?;
        let value = any.value();
        Ok(Some(Field { tag: any.header().tag(), value, raw, at: self.base + end - value.len() }))
    }

    /// The next field where it has this tag.
    pub(super) fn maybe(&mut self, tag: Tag) -> Result<Option<Field<'a>>, CodecError> {
        if self.reader.is_finished() || Tag::peek(&self.reader)? != tag {
            return Ok(None);
        }
        self.next()
    }

    /// The next field, which must have this tag.
    pub(super) fn need(&mut self, tag: Tag) -> Result<Field<'a>, CodecError> {
        let at = self.base + usize::try_from(self.reader.position())?;
        self.maybe(tag)?.ok_or(CodecError::Malformed { at })
    }
}

/// Length of the object at the start of the bytes, when it is DER down to its last field.
pub(super) fn well_formed(bytes: &[u8]) -> Result<usize, CodecError> {
    let mut reader = SliceReader::new(bytes)?;
    let raw = reader.tlv_bytes()?;
    inner(raw, DEPTH)?;
    Ok(raw.len())
}

fn inner(raw: &[u8], depth: usize) -> Result<(), CodecError> {
    let depth = depth.checked_sub(1).ok_or(CodecError::Malformed { at: 0 })?;
    let any = AnyRef::from_der(raw)?;
    let tag = any.header().tag();
    if tag == Tag::Integer {
        der::asn1::IntRef::from_der(raw)?;
    }
    if tag.is_constructed() {
        let mut fields = Fields::new(any.value(), 0)?;
        while let Some(field) = fields.next()? {
            inner(field.raw, depth)?;
        }
    }
    Ok(())
}

/// DER that grows field by field.
#[derive(Default)]
pub(super) struct Build(Vec<u8>);

impl Build {
    /// What one field holds, as a field with a tag of its own.
    pub(super) fn whole(
        tag: Tag,
        fill: impl FnOnce(&mut Self) -> Result<(), CodecError>,
    ) -> Result<Vec<u8>, CodecError> {
        let mut build = Self::default();
        build.nest(tag, fill)?;
        Ok(build.0)
    }

    /// A field with this value.
    pub(super) fn put(&mut self, tag: Tag, value: &[u8]) -> Result<(), CodecError> {
        self.0.append(&mut AnyRef::new(tag, value)?.to_der()?);
        Ok(())
    }

    /// A field that holds fields.
    pub(super) fn nest(
        &mut self,
        tag: Tag,
        fill: impl FnOnce(&mut Self) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let mut inner = Self::default();
        fill(&mut inner)?;
        self.put(tag, &inner.0)
    }

    /// One SEQUENCE that is DER already.
    pub(super) fn sequence(&mut self, der: &[u8]) -> Result<(), CodecError> {
        if der.first() != Some(&0x30) || well_formed(der)? != der.len() {
            return Err(CodecError::Malformed { at: 0 });
        }
        self.0.extend_from_slice(der);
        Ok(())
    }

    /// A whole number under any tag.
    pub(super) fn number(&mut self, tag: Tag, value: impl Into<i64>) -> Result<(), CodecError> {
        let der = value.into().to_der()?;
        self.put(tag, AnyRef::from_der(&der)?.value())
    }

    /// Yes or no.
    pub(super) fn truth(&mut self, value: bool) -> Result<(), CodecError> {
        self.put(Tag::Boolean, &[if value { 0xFF } else { 0x00 }])
    }

    /// A BIT STRING without zeros at its end.
    pub(super) fn flags(&mut self, bits: u32) -> Result<(), CodecError> {
        let bytes = bits.to_le_bytes();
        let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let unused = bytes[..len].last().map_or(0, |last| last.leading_zeros());
        let mut value = u8::try_from(unused).map_or_else(|_| Vec::new(), |unused| vec![unused]);
        value.extend(bytes[..len].iter().map(|byte| byte.reverse_bits()));
        self.put(Tag::BitString, &value)
    }
}
