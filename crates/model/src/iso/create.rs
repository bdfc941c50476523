//! CREATE FILE: from control information to a file.

use std::collections::BTreeMap;

use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::files::{CREATION, File, Kind, MF, ROOT, Shape, Structure};
use super::internal;
use super::rules::{Right, Rule};
use super::words;
use crate::apdu;

/// The longest control information, in bytes.
const MAX_INFO: usize = 80;
/// The most records of an EF.
const MAX_RECORDS: usize = 254;

/// One or two bytes as a number.
fn number(bytes: &[u8]) -> Option<usize> {
    match *bytes {
        [low] => Some(usize::from(low)),
        [high, low] => Some(usize::from(u16::from_be_bytes([high, low]))),
        _ => None,
    }
}

/// What the descriptor (tag 82) says.
struct Descriptor {
    kind: u8,
    coding: u8,
    /// Record length.
    len: Option<usize>,
    /// Number of records.
    count: Option<usize>,
}

impl Descriptor {
    fn parse(value: &[u8]) -> Option<Self> {
        let (kind, coding, len, count) = match value {
            [kind] => (kind, &1, None, None),
            [kind, coding] => (kind, coding, None, None),
            [kind, coding, len @ ..] if len.len() < 3 => (kind, coding, Some(number(len)?), None),
            [kind, coding, high, low, count @ ..] => (kind, coding, number(&[*high, *low]), Some(number(count)?)),
            _ => return None,
        };
        let coding = if value.len() < 2 { 0x20 } else { *coding };
        Some(Self { kind: kind & 0xBF, coding, len, count })
    }

    /// The shape of a record EF with this descriptor, and bytes of content.
    fn shape(&self, size: Option<usize>) -> Option<Shape> {
        let structure = match self.kind {
            2 | 3 => Structure::Fixed,
            4 | 5 => Structure::Variable,
            _ => Structure::Cyclic,
        };
        if self.len.is_some_and(|len| !(1..=255).contains(&len))
            || self.count.is_some_and(|count| !(1..=MAX_RECORDS).contains(&count))
        {
            return None;
        }
        let tlv = self.kind & 1 != 0;
        if structure == Structure::Variable {
            let (len, most) = (self.len.unwrap_or(255), self.count.unwrap_or(MAX_RECORDS));
            let whole = self.len.and(self.count).map(|count| len * count);
            let room = size.or(whole).filter(|room| *room > 0)?;
            return Some(Shape { structure, tlv, len, most, room });
        }
        let len = self.len?;
        let most = match (self.count, size) {
            (Some(count), Some(size)) if size < count * len => return None,
            (Some(count), _) => count,
            (None, size) => (size? / len).min(MAX_RECORDS),
        };
        let room = if self.count.is_some() { most * len } else { size? };
        (most > 0).then_some(Shape { structure, tlv, len, most, room })
    }
}

/// Reads the data field of CREATE FILE; `None` for everything malformed.
fn parse(data: &[u8], parent: u32) -> Option<File> {
    let (0x62 | 0x6F, info, []) = apdu::object(data)? else { return None };
    let [size, size_81, descriptor, id, name, short, state] =
        apdu::find(info, [0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0x8A])?;
    let rules = apdu::find(info, [0x8B, 0xAB, 0x8C, 0x86])?;
    let [internal] = apdu::find(info, [0xA5])?;
    let descriptor = Descriptor::parse(descriptor?)?;
    let id = u16::from_be_bytes(id?.try_into().ok()?);
    if matches!(id, 0 | 0x3FFF | 0xFFFF) {
        return None;
    }
    let size = || size.or(size_81).map(number);
    let kind = match descriptor.kind {
        0x38 => Kind::Df { objects: BTreeMap::new(), environments: BTreeMap::new() },
        0x01 => Kind::Transparent(vec![0; size()?.filter(|size| *size > 0)?]),
        0x02..=0x07 => Kind::Records(
            descriptor.shape(match size() {
                Some(size) => Some(size?),
                None => None,
            })?,
            Vec::new(),
        ),
        0x08 => internal::parse(internal?)?,
        _ => return None,
    };
    let is_df = descriptor.kind == 0x38;
    let name = match name {
        Some(name) if is_df && (1..=16).contains(&name.len()) => Some(name.to_vec()),
        Some(_) => return None,
        None => None,
    };
    let last_five = u8::try_from(id & 0x1F).ok()?;
    let short = match short {
        _ if is_df => None,
        None => (1..=30).contains(&last_five).then_some((last_five, false)),
        Some([]) => None,
        Some([short]) if short & 7 == 0 && (1..=30).contains(&(short >> 3)) => Some((short >> 3, true)),
        Some(_) => return None,
    };
    let state = match state {
        None | Some([5 | 7]) => 5,
        Some([4 | 6]) => 4,
        Some([state @ (1 | 3)]) => *state,
        Some(_) => return None,
    };
    let coding = descriptor.coding;
    let rule = Rule::parse(rules)?;
    let mut file = File::bare(id, parent, state, kind);
    (file.name, file.short, file.coding, file.rule) = (name, short, coding, rule);
    file.describe(info)?;
    Some(file)
}

impl Card {
    pub(crate) fn create(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1p2() != 0 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3])?;
        let df = self.usable_df(call.channel)?;
        let file = parse(call.data(), df.number).ok_or(words::DATA)?;
        if file.id == MF && !file.is_df() {
            return Err(words::DATA);
        }
        let mut stored = Vec::new();
        apdu::push(&mut stored, &[0x62], &file.info());
        if stored.len() > MAX_INFO {
            return Err(words::NO_MEMORY);
        }
        let right = if file.is_df() { Right::CREATE_DF } else { Right::CREATE_EF };
        if !self.allows(df, right, call) {
            return Err(words::SECURITY);
        }
        if file.id == MF {
            return self.replace_mf(file, call.channel);
        }
        self.is_new(&file)?;
        // Beside a secret there is less room.
        let most = match file.kind {
            Kind::Pin(_) => 56,
            Kind::Aes(_) => 40,
            _ => MAX_INFO,
        };
        if stored.len() > most {
            return Err(words::NO_MEMORY);
        }
        self.has_place(&file, call)?;
        let is_df = file.is_df();
        let number = self.memory.insert(file);
        if is_df {
            self.enter(call.channel, number, None)?;
        } else {
            self.enter(call.channel, self.session(call.channel)?.df, Some(number))?;
        }
        Ok(Body::empty())
    }

    /// What must be unique is.
    fn is_new(&self, file: &File) -> Result<(), u16> {
        let siblings = || self.memory.all().filter(|other| other.parent == file.parent && other.number != ROOT);
        let number = |file: &File| file.secret().map(|secret| (secret.number, matches!(file.kind, Kind::Pin(_))));
        let slot = |file: &File| if let Kind::Pair(slot, _) = file.kind { Some(slot) } else { None };
        let taken = siblings().any(|other| {
            other.id == file.id
                || (file.short.is_some_and(|(_, given)| given) && other.short == file.short)
                || (number(file).is_some() && number(other) == number(file))
        });
        let elsewhere = self.memory.all().any(|other| {
            (file.name.is_some() && other.name == file.name) || (slot(file).is_some() && slot(other) == slot(file))
        });
        if taken || elsewhere { Err(words::EXISTS) } else { Ok(()) }
    }

    fn has_place(&self, file: &File, call: &Call<'_>) -> Result<(), u16> {
        let profile = &self.profile;
        let fits = self.memory.all().count() < usize::from(profile.files)
            && self.memory.upwards(file.parent).len() <= usize::from(profile.depth)
            && self.memory.children(file.parent).len() < usize::from(profile.df_children)
            && file.size() <= usize::from(profile.file_len);
        if fits { self.room_for(file.size(), call) } else { Err(words::NO_MEMORY) }
    }

    /// Whether memory is left for an object of so many bytes: surely, surely not, or as the card says.
    pub(crate) fn room_for(&self, bytes: usize, call: &Call<'_>) -> Result<(), u16> {
        let kept: Vec<usize> = self
            .memory
            .all()
            .flat_map(|file| {
                let objects: Vec<usize> = match &file.kind {
                    Kind::Df { objects, .. } => objects.values().map(Vec::len).collect(),
                    _ => Vec::new(),
                };
                objects.into_iter().chain([file.size()])
            })
            .chain(self.memory.keys.iter().flatten().map(|key| key.stored()))
            .chain([bytes])
            .collect();
        let (least, most) = kept
            .iter()
            .map(|bytes| crate::files::cost(*bytes))
            .fold((0, 0), |sum, cost| (sum.0 + cost.0, sum.1 + cost.1));
        let (memory, longest) =
            (usize::try_from(self.profile.memory).unwrap_or(usize::MAX), usize::from(self.profile.file_len));
        let must = least > memory;
        let may = most > memory.saturating_sub(2 * longest + 8192);
        if must || (may && call.said == Some(words::NO_MEMORY)) { Err(words::NO_MEMORY) } else { Ok(()) }
    }

    /// The MF's control information, as long as it is in the creation state.
    fn replace_mf(&mut self, new: File, channel: usize) -> Outcome {
        let mf = self.memory.get(ROOT).ok_or(words::NOT_FOUND)?;
        if mf.state != CREATION {
            return Err(words::EXISTS);
        }
        if new.name.is_some() && self.memory.all().any(|other| other.number != ROOT && other.name == new.name) {
            return Err(words::EXISTS);
        }
        if let Some(mf) = self.memory.edit(ROOT) {
            mf.describe_as(new);
        }
        self.enter(channel, ROOT, None)?;
        Ok(Body::empty())
    }
}
