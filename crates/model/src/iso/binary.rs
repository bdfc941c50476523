//! Transparent EFs: READ, WRITE, UPDATE and ERASE BINARY, with even and odd instructions.

use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::files::{File, Kind};
use super::rules::Right;
use super::words;
use crate::apdu;

/// Combines a new byte with the old one as the data coding byte says; `None` where that is forbidden.
pub(crate) fn combine(coding: u8, old: u8, new: u8) -> Option<u8> {
    match coding >> 5 & 3 {
        0 => (old == 0 || old == new).then_some(new),
        1 => Some(new),
        2 => Some(old | new),
        _ => Some(old & new),
    }
}

impl Card {
    /// The EF with a short identifier, or for 0 the current one.
    pub(crate) fn short_or_current(&self, short: u8, channel: usize) -> Result<&File, u16> {
        if short == 0 {
            return self.ef(channel);
        }
        self.memory.short(self.session(channel)?.df, short).ok_or(words::NOT_FOUND)
    }

    pub(crate) fn binary(&mut self, call: &Call<'_>) -> Outcome {
        let (p1, p2) = (call.p1(), call.p2());
        let (short, offset) = match p1 {
            0..=0x7F => (0, usize::from(call.p1p2())),
            0x81..=0x9E => (p1 & 0x1F, usize::from(p2)),
            _ => return Err(words::PARAMETERS),
        };
        match call.ins() {
            0xB0 => call.is_case(&[2])?,
            0x0E => call.is_case(&[1, 3])?,
            _ => call.is_case(&[3])?,
        }
        let end = match call.data() {
            _ if call.ins() != 0x0E => None,
            [] => None,
            [high, low] => Some(usize::from(u16::from_be_bytes([*high, *low]))),
            _ => return Err(words::LENGTH),
        };
        let file = self.short_or_current(short, call.channel)?;
        if let (Kind::Aes(_), 0xD6) = (&file.kind, call.ins()) {
            return self.set_key(file.number, offset, call);
        }
        let (number, data) = (file.number, call.data());
        let bytes = self.content(number, call)?;
        if offset >= bytes.len() {
            return Err(words::OFFSET);
        }
        let body = if call.ins() == 0xB0 {
            let left = bytes.len() - offset;
            let short = call.exact && left < call.apdu.ne;
            let read = bytes[offset..].iter().take(call.apdu.ne).copied().collect();
            Body::known(read).ending(if short { words::SHORT } else { words::OK })
        } else {
            self.put(number, offset, data, end, call)?;
            Body::empty()
        };
        self.make_current(call.channel, number)?;
        Ok(body)
    }

    pub(crate) fn binary_odd(&mut self, call: &Call<'_>) -> Outcome {
        match call.ins() {
            // Under T=0 Le has no place: case 3 reads, and nothing comes.
            0xB1 => call.is_case(&[3, 4])?,
            0x0F => call.is_case(&[1, 3])?,
            _ => call.is_case(&[3])?,
        }
        if call.ins() == 0xB1 && call.apdu.ne == 1 {
            return Err(words::LENGTH);
        }
        let file = match call.p1p2() {
            short @ 0..=0x1E => self.short_or_current(u8::try_from(short).unwrap_or(0), call.channel)?,
            id => {
                let child = self.memory.child(self.session(call.channel)?.df, id);
                child.filter(|file| !file.is_df()).ok_or(words::NOT_FOUND)?
            }
        };
        let number = file.number;
        let bytes = self.content(number, call)?;
        let (offsets, data) = objects(call.data()).ok_or(words::DATA)?;
        let offset = offsets.first().copied().unwrap_or(0);
        if offsets.len() > if call.ins() == 0x0F { 2 } else { 1 } {
            return Err(words::DATA);
        }
        let writes = matches!(call.ins(), 0xD1 | 0xD7);
        if writes != data.is_some() {
            return Err(words::DATA);
        }
        if offset >= bytes.len() {
            return Err(words::OFFSET);
        }
        let body = if call.ins() == 0xB1 {
            discretionary(&bytes[offset..], call)
        } else {
            self.put(number, offset, data.unwrap_or_default(), offsets.get(1).copied(), call)?;
            Body::empty()
        };
        self.make_current(call.channel, number)?;
        Ok(body)
    }

    /// The content of a transparent EF, if it may be used as the command wants.
    fn content(&self, number: u32, call: &Call<'_>) -> Result<&[u8], u16> {
        let file = self.memory.get(number).ok_or(words::NOT_FOUND)?;
        if !self.memory.is_usable(file) {
            return Err(words::CONDITIONS);
        }
        let right = match call.ins() {
            0xB0 | 0xB1 => Right::READ,
            0xD0 | 0xD1 => Right::WRITE,
            _ => Right::UPDATE,
        };
        if !self.allows(file, right, call) {
            return Err(words::SECURITY);
        }
        match &file.kind {
            Kind::Transparent(bytes) => Ok(bytes),
            _ => Err(words::KIND),
        }
    }

    /// Writes, updates or erases.
    fn put(&mut self, number: u32, offset: usize, data: &[u8], end: Option<usize>, call: &Call<'_>) -> Result<(), u16> {
        let erases = matches!(call.ins(), 0x0E | 0x0F);
        let writes = matches!(call.ins(), 0xD0 | 0xD1);
        let file = self.memory.edit(number).ok_or(words::NOT_FOUND)?;
        let coding = file.coding;
        let Kind::Transparent(bytes) = &mut file.kind else { return Err(words::KIND) };
        if erases {
            let end = end.unwrap_or(bytes.len());
            if end > bytes.len() {
                return Err(words::OFFSET);
            }
            bytes.get_mut(offset..end).filter(|range| !range.is_empty()).ok_or(words::DATA)?.fill(0);
            return Ok(());
        }
        let place = bytes.get_mut(offset..offset + data.len()).ok_or(words::OFFSET)?;
        for (old, new) in place.iter_mut().zip(data) {
            *old = if writes { combine(coding, *old, *new).ok_or(words::CONDITIONS)? } else { *new };
        }
        Ok(())
    }

    /// The EF of a good command is current.
    pub(crate) fn make_current(&mut self, channel: usize, number: u32) -> Result<(), u16> {
        self.enter(channel, self.session(channel)?.df, Some(number))
    }
}

/// Offset objects (54) and discretionary data (53) in the order in which they must come.
fn objects(data: &[u8]) -> Option<(Vec<usize>, Option<&[u8]>)> {
    let (mut offsets, mut found, mut rest) = (Vec::new(), None, data);
    while !rest.is_empty() {
        let (tag, value, after) = apdu::object(rest)?;
        match tag {
            0x54 if value.len() <= 3 => offsets.push(value.iter().fold(0, |all, byte| all << 8 | usize::from(*byte))),
            0x53 if found.is_none() => found = Some(value),
            _ => return None,
        }
        rest = after;
    }
    Some((offsets, found))
}

/// As much in tag 53 as there is and fits Ne.
fn discretionary(left: &[u8], call: &Call<'_>) -> Body {
    let ne = call.apdu.ne;
    let object = |len: usize| {
        let mut out = Vec::new();
        apdu::push(&mut out, &[0x53], left.get(..len).unwrap_or_default());
        out
    };
    // Without Le nothing comes.
    let len = (0..=left.len().min(ne)).rev().find(|len| object(*len).len() <= ne).unwrap_or(0);
    let bytes = object(len);
    let short = call.exact && len == left.len() && bytes.len() < ne;
    Body::known(bytes).ending(if short { words::SHORT } else { words::OK })
}
