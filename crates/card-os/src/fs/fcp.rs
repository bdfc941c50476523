//! File control parameters of the ISO file system: what CREATE FILE brings, checked and put into the form in which
//! they are stored and shown.

use alloc::vec::Vec;

use card_wire::tlv::{self, Tag};

use super::Error;
use super::attributes::{Attributes, Internal};
use super::life::LifeCycle;
use super::{fci, record, rule};
use crate::nvm::object::{INTERNAL, Kind, MAX_INFO};
use crate::preset::Limits;
use crate::reference;

/// Identifiers that no file can have: reserved, the current file in paths, and the master file.
const RESERVED: [u16; 4] = [0x0000, super::MF_ID, 0x3FFF, 0xFFFF];

/// A file that is to be created.
pub(crate) struct IsoFile {
    pub(crate) kind: Kind,
    pub(crate) id: u16,
    pub(crate) descriptor: u8,
    /// Bytes of content as the user counts them.
    pub(crate) size: usize,
    /// Bytes of content as they are stored.
    pub(crate) stored: usize,
    pub(crate) attributes: Attributes,
    /// What the content of an internal EF begins as.
    pub(crate) content: Vec<u8>,
    /// Control information as it is stored: 62 and its objects.
    pub(crate) info: Vec<u8>,
}

/// Reads the data field of CREATE FILE; ISO.md describes it.
///
/// # Errors
/// [`Error::BadData`] for everything malformed or out of range, [`Error::Limit`] for what is too long.
pub(crate) fn parse(data: &[u8], limits: &Limits) -> Result<IsoFile, Error> {
    let body = tlv::only(data, Tag(0x62)).or_else(|_| tlv::only(data, Tag(0x6F))).map_err(|_| Error::BadData)?;
    if tlv::Reader::new(body).any(|object| object.is_err()) {
        return Err(Error::BadData);
    }
    let find = |tag| tlv::find(body, Tag(tag)).ok().flatten();
    let id = find(0x83).and_then(|id| <[u8; 2]>::try_from(id).ok()).map(u16::from_be_bytes).ok_or(Error::BadData)?;
    let (descriptor, fields) = find(0x82).and_then(|value| value.split_first()).ok_or(Error::BadData)?;
    let state = match find(0x8A) {
        None => LifeCycle::Activated,
        Some([value]) => LifeCycle::of_new_file(*value).ok_or(Error::BadData)?,
        Some(_) => return Err(Error::BadData),
    };
    let mut file = IsoFile {
        kind: if fci::is_df(*descriptor) { Kind::Df } else { Kind::Ef },
        id,
        descriptor: *descriptor,
        size: 0,
        stored: 0,
        attributes: Attributes::new(state),
        content: Vec::new(),
        info: stored_form(body, state)?,
    };
    rule::check(body)?;
    if file.kind == Kind::Df {
        file.name(find(0x84))?;
        return if fields.len() <= 5 { Ok(file) } else { Err(Error::BadData) };
    }
    if RESERVED.contains(&id) || find(0x84).is_some() {
        return Err(Error::BadData);
    }
    file.short_id(find(0x88))?;
    if fci::without_shareable(*descriptor) == INTERNAL {
        file.internal(find(0xA5).ok_or(Error::BadData)?)?;
        return Ok(file);
    }
    let size = match find(0x80).or_else(|| find(0x81)) {
        None => None,
        Some([len]) => Some(usize::from(*len)),
        Some([high, low]) => Some(usize::from(u16::from_be_bytes([*high, *low]))),
        Some(_) => return Err(Error::BadData),
    };
    file.attributes.set_coding(fields.first().copied().unwrap_or(DEFAULT_CODING));
    file.lay_out(fields, size, limits)?;
    Ok(file)
}

/// WRITE replaces, one byte is a data unit.
const DEFAULT_CODING: u8 = 0x21;

impl IsoFile {
    fn name(&mut self, name: Option<&[u8]>) -> Result<(), Error> {
        if RESERVED.contains(&self.id) && self.id != super::MF_ID {
            return Err(Error::BadData);
        }
        match name {
            None => (),
            Some(name) if (1..=16).contains(&name.len()) => self.attributes.set_named(),
            Some(_) => return Err(Error::BadData),
        }
        Ok(())
    }

    fn short_id(&mut self, given: Option<&[u8]>) -> Result<(), Error> {
        match given {
            None => {
                let [_, low] = self.id.to_be_bytes();
                if matches!(low & 0x1F, 1..=30) {
                    self.attributes.set_short_id(low & 0x1F, false);
                }
            }
            Some([]) => (),
            Some([value]) if value & 0x07 == 0 && matches!(value >> 3, 1..=30) => {
                self.attributes.set_short_id(value >> 3, true);
            }
            Some(_) => return Err(Error::BadData),
        }
        Ok(())
    }

    /// Reads A5 of an internal EF.
    fn internal(&mut self, proprietary: &[u8]) -> Result<(), Error> {
        let policy = reference::Policy::parse(proprietary).ok_or(Error::BadData)?;
        let (kind, number) = policy.identity();
        self.attributes.set_internal(kind, number);
        self.content = policy.blank();
        self.stored = self.content.len();
        if kind == Internal::Pair {
            self.attributes.set_coding(policy.algorithm());
        }
        Ok(())
    }

    fn lay_out(&mut self, fields: &[u8], size: Option<usize>, limits: &Limits) -> Result<(), Error> {
        let structure = record::Structure::of(self.descriptor);
        let Some(structure) = structure else {
            let transparent = fci::without_shareable(self.descriptor) == fci::TRANSPARENT;
            self.size = size.filter(|size| *size > 0 && transparent && fields.len() <= 5).ok_or(Error::BadData)?;
            self.stored = self.size;
            return Ok(());
        };
        let layout = record::Layout::new(structure, fields, size, limits.records)?;
        self.attributes.set_records(layout.record_len, layout.records);
        self.size = layout.size;
        self.stored = layout.stored();
        Ok(())
    }
}

/// The objects as they were given, with the life-cycle state in its stored form, in a template 62.
fn stored_form(body: &[u8], state: LifeCycle) -> Result<Vec<u8>, Error> {
    let mut objects = Vec::with_capacity(body.len() + 3);
    objects.extend_from_slice(body);
    if tlv::find(body, Tag(0x8A)).ok().flatten().is_none() {
        objects.extend_from_slice(&[0x8A, 1, state as u8]);
    }
    let len = u8::try_from(objects.len()).ok().filter(|len| usize::from(*len) + 2 <= MAX_INFO).ok_or(Error::Limit)?;
    let mut info = Vec::with_capacity(MAX_INFO);
    info.extend_from_slice(&[0x62, len]);
    info.extend_from_slice(&objects);
    set_life_cycle(&mut info, state);
    Ok(info)
}

/// Writes the state into the value of tag 8A of stored control information.
pub(crate) fn set_life_cycle(info: &mut [u8], state: LifeCycle) {
    let Some(body) = info.get(2..) else { return };
    let mut objects = tlv::Reader::new(body);
    let mut end = None;
    while let Some(Ok(object)) = objects.next() {
        if object.tag == Tag(0x8A) && object.value.len() == 1 {
            end = Some(2 + objects.position());
            break;
        }
    }
    if let Some(value) = end.and_then(|end| info.get_mut(end - 1)) {
        *value = state as u8;
    }
}

/// The body of stored control information.
pub(crate) fn body(info: &[u8]) -> &[u8] {
    info.get(2..).unwrap_or_default()
}
