//! BER-TLV data objects (ISO/IEC 7816-4:2020), bounded: no recursion, tags of at most three bytes,
//! lengths of at most three subsequent bytes, definite form only.

use crate::error::{ParseError, ParseErrorKind};

/// A tag field as the number that its bytes spell: `0x81`, `0x7F49`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u32);

impl Tag {
    /// The value holds further data objects.
    #[must_use]
    pub const fn is_constructed(self) -> bool {
        let first = match self.0 {
            0..=0xFF => self.0,
            0x100..=0xFFFF => self.0 >> 8,
            _ => self.0 >> 16,
        };
        first & 0x20 != 0
    }

    /// The bytes of the tag field, right-aligned, and how many there are.
    const fn field(self) -> ([u8; 4], usize) {
        let len = match self.0 {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            _ => 3,
        };
        (self.0.to_be_bytes(), len)
    }
}

/// One data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its value field.
    pub value: &'a [u8],
}

/// Reads the data objects of one level, in order. After an error it yields nothing more.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads the objects in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset of the next object in the bytes this reader began with.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, ParseError> {
        let byte = self.bytes.get(self.at).ok_or(ParseError::new(ParseErrorKind::TooShort, self.at))?;
        self.at += 1;
        Ok(*byte)
    }

    fn tag(&mut self) -> Result<Tag, ParseError> {
        let start = self.at;
        let first = self.byte()?;
        let mut tag = u32::from(first);
        if first & 0x1F == 0x1F {
            for count in 1..=2 {
                let next = self.byte()?;
                if count == 1 && next & 0x7F < 0x1F && next & 0x80 == 0 || next == 0x80 && count == 1 {
                    return Err(ParseError::new(ParseErrorKind::BadTag, start));
                }
                tag = tag << 8 | u32::from(next);
                if next & 0x80 == 0 {
                    return Ok(Tag(tag));
                }
            }
            return Err(ParseError::new(ParseErrorKind::BadTag, start));
        }
        Ok(Tag(tag))
    }

    fn length(&mut self) -> Result<usize, ParseError> {
        let start = self.at;
        let first = self.byte()?;
        match first {
            0..=0x7F => Ok(usize::from(first)),
            0x81..=0x83 => {
                let mut len = 0;
                for _ in 0x80..first {
                    len = len << 8 | usize::from(self.byte()?);
                }
                Ok(len)
            }
            _ => Err(ParseError::new(ParseErrorKind::BadLength, start)),
        }
    }

    fn object(&mut self) -> Result<Tlv<'a>, ParseError> {
        let tag = self.tag()?;
        let len = self.length()?;
        let value = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.get(..len))
            .ok_or(ParseError::new(ParseErrorKind::BadLength, self.at))?;
        self.at += len;
        Ok(Tlv { tag, value })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let object = self.object();
        if object.is_err() {
            self.at = self.bytes.len();
        }
        Some(object)
    }
}

/// The value of the only object in `bytes`, which must have this tag.
///
/// # Errors
/// [`ParseErrorKind::BadTag`] for another tag, [`ParseErrorKind::TooLong`] for bytes behind the object, and what
/// [`Reader`] reports.
pub fn only(bytes: &[u8], tag: Tag) -> Result<&[u8], ParseError> {
    let mut reader = Reader::new(bytes);
    let object = reader.object()?;
    if object.tag != tag {
        return Err(ParseError::new(ParseErrorKind::BadTag, 0));
    }
    if reader.at != bytes.len() {
        return Err(ParseError::new(ParseErrorKind::TooLong, reader.at));
    }
    Ok(object.value)
}

/// The first object with this tag on the level of `bytes`.
///
/// # Errors
/// What [`Reader`] reports about any object on the level, wanted or not.
pub fn find(bytes: &[u8], tag: Tag) -> Result<Option<&[u8]>, ParseError> {
    let mut found = None;
    for object in Reader::new(bytes) {
        let object = object?;
        if object.tag == tag && found.is_none() {
            found = Some(object.value);
        }
    }
    Ok(found)
}

/// The tag that the bytes begin with, and what follows it: a step through a tag list.
///
/// # Errors
/// [`ParseErrorKind::TooShort`] and [`ParseErrorKind::BadTag`].
pub fn split_tag(bytes: &[u8]) -> Result<(Tag, &[u8]), ParseError> {
    let mut reader = Reader::new(bytes);
    let tag = reader.tag()?;
    Ok((tag, bytes.get(reader.at..).unwrap_or_default()))
}

/// The tag and length fields in front of a value of `len` bytes.
///
/// The length takes the shortest form. `None` where the length does not fit three subsequent bytes.
#[must_use]
pub fn header(tag: Tag, len: usize) -> Option<Header> {
    let mut header = Header { bytes: [0; 7], len: 0 };
    let (field, tag_len) = tag.field();
    header.push(&field[4 - tag_len..]);
    let field = u32::try_from(len).ok()?.to_be_bytes();
    match len {
        0..=0x7F => header.push(&field[3..]),
        0x80..=0xFF => header.push(&[0x81, field[3]]),
        0x100..=0xFFFF => header.push(&[0x82, field[2], field[3]]),
        0x1_0000..=0xFF_FFFF => header.push(&[0x83, field[1], field[2], field[3]]),
        _ => return None,
    }
    Some(header)
}

/// Encoded tag and length fields.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    bytes: [u8; 7],
    len: usize,
}

impl Header {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// The bytes of both fields.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn reads_the_objects_of_one_level() {
        let bytes = [0x81, 2, 0, 80, 0x7F, 0x49, 0x81, 1, 9];
        let objects: Vec<_> = Reader::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(objects[0], Tlv { tag: Tag(0x81), value: &[0, 80] });
        assert_eq!(objects[1], Tlv { tag: Tag(0x7F49), value: &[9] });
        assert!(Tag(0x7F49).is_constructed() && !Tag(0x81).is_constructed());
    }

    #[test]
    fn malformed_objects_end_the_reader() {
        for bytes in [
            &[0x81][..],
            &[0x81, 2, 0],
            &[0x81, 0x80],
            &[0x81, 0x84, 0, 0, 0, 0],
            &[0x7F, 0x80, 1],
            &[0x1F, 0x1E, 0],
            &[0x5F],
        ] {
            let mut reader = Reader::new(bytes);
            assert!(reader.next().unwrap().is_err(), "{bytes:02X?}");
            assert_eq!(reader.next(), None);
        }
    }

    #[test]
    fn only_refuses_neighbours() {
        assert_eq!(only(&[0x6F, 1, 7], Tag(0x6F)), Ok(&[7][..]));
        assert!(only(&[0x6F, 1, 7, 0], Tag(0x6F)).is_err());
        assert!(only(&[0x62, 1, 7], Tag(0x6F)).is_err());
        assert_eq!(find(&[0x81, 0, 0x82, 1, 5], Tag(0x82)), Ok(Some(&[5][..])));
    }

    proptest! {
        #[test]
        fn header_and_reader_are_inverse(tag in prop_oneof![Just(0x6Fu32), Just(0x81), Just(0x7F49), Just(0x5F2D), Just(0x005F_8102)], len in 0usize..70_000) {
            let mut bytes = header(Tag(tag), len).unwrap().as_bytes().to_vec();
            bytes.resize(bytes.len() + len, 0xA5);
            prop_assert_eq!(only(&bytes, Tag(tag)).unwrap().len(), len);
        }

        #[test]
        fn any_bytes_are_read_without_panic_and_in_bounded_steps(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Reader::new(&bytes).count() <= bytes.len());
        }
    }
}
