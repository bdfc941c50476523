//! Record EFs. Number 1 is the oldest record of a linear EF and the newest of a cyclic one.

use super::binary::combine;
use super::body::Body;
use super::card::{Call, Card, Outcome};
use super::files::{File, Kind, Shape, Structure};
use super::rules::Right;
use super::words;

/// Bytes of the simple-TLV object that this begins with, if it is whole.
fn simple(record: &[u8]) -> Option<usize> {
    match *record {
        [0x00 | 0xFF, ..] | [_] | [] => None,
        [_, 0xFF, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([high, low]))),
        [_, 0xFF, ..] => None,
        [_, len, ..] => Some(2 + usize::from(len)),
    }
    .filter(|len| *len <= record.len())
}

/// A record EF that a command may use.
struct Found<'f> {
    file: &'f File,
    shape: Shape,
    records: &'f [Vec<u8>],
    pointer: Option<usize>,
}

impl Found<'_> {
    /// The number that P1 and the mode mean, from 1 on.
    fn number(&self, p1: u8, mode: u8) -> Result<usize, u16> {
        let there = |number: usize| (1..=self.records.len()).contains(&number).then_some(number);
        if mode >= 4 {
            let number = if p1 == 0 { self.pointer } else { Some(usize::from(p1)) };
            return number.and_then(there).ok_or(words::NO_RECORD);
        }
        let fits = |number: &usize| p1 == 0 || (self.shape.tlv && self.records[number - 1].first() == Some(&p1));
        let mut up = 1..=self.records.len();
        let found = match (mode, self.pointer) {
            (0, _) | (2, None) => up.find(fits),
            (1, _) | (_, None) => up.rev().find(fits),
            (2, Some(pointer)) => up.find(|number| *number > pointer && fits(number)),
            (_, Some(pointer)) => up.rev().find(|number| *number < pointer && fits(number)),
        };
        found.ok_or(words::NO_RECORD)
    }

    /// Whether a record may look like this, before anything is known of its place.
    fn suits(&self, record: &[u8]) -> Result<(), u16> {
        let good = match self.shape.structure {
            Structure::Variable => (1..=self.shape.len).contains(&record.len()),
            _ => record.len() == self.shape.len,
        };
        if !good {
            return Err(words::LENGTH);
        }
        // Where the length is fixed, the rest may be filled up.
        let whole =
            simple(record).is_some_and(|len| len == record.len() || self.shape.structure != Structure::Variable);
        if self.shape.tlv && !whole { Err(words::DATA) } else { Ok(()) }
    }

    /// Whether so many bytes have room when the record at `instead` goes.
    fn has_room(&self, len: usize, instead: Option<usize>) -> Result<(), u16> {
        let gone = instead.map_or(0, |at| self.records[at].len());
        let all: usize = self.records.iter().map(Vec::len).sum();
        if self.shape.structure == Structure::Variable && all - gone + len > self.shape.room {
            return Err(words::NO_MEMORY);
        }
        Ok(())
    }
}

impl Card {
    /// The record EF that P2 means, if the command may use it.
    fn records(&self, right: Right, call: &Call<'_>) -> Result<Found<'_>, u16> {
        let session = self.session(call.channel)?;
        let file = self.short_or_current(call.p2() >> 3, call.channel)?;
        if !self.memory.is_usable(file) {
            return Err(words::CONDITIONS);
        }
        if !self.allows(file, right, call) {
            return Err(words::SECURITY);
        }
        let Kind::Records(shape, records) = &file.kind else { return Err(words::KIND) };
        let pointer = session.pointer.filter(|_| session.ef == Some(file.number));
        Ok(Found { file, shape: *shape, records, pointer })
    }

    /// Makes the EF current, with this record if the mode sets the pointer.
    fn point(&mut self, file: u32, pointer: Option<usize>, call: &Call<'_>) -> Result<(), u16> {
        self.make_current(call.channel, file)?;
        if pointer.is_some() {
            self.session_mut(call.channel)?.pointer = pointer;
        }
        Ok(())
    }

    fn records_mut(&mut self, file: u32) -> Result<&mut Vec<Vec<u8>>, u16> {
        match self.memory.edit(file).map(|file| &mut file.kind) {
            Some(Kind::Records(_, records)) => Ok(records),
            _ => Err(words::KIND),
        }
    }

    pub(crate) fn read_record(&mut self, call: &Call<'_>) -> Outcome {
        let mode = call.p2() & 7;
        if call.p2() >> 3 == 31 || mode == 7 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[2])?;
        let found = self.records(Right::READ, call)?;
        let number = found.number(call.p1(), mode)?;
        let bytes = match mode {
            5 => found.records[number - 1..].concat(),
            6 => found.records[number - 1..].iter().rev().flatten().copied().collect(),
            _ => found.records[number - 1].clone(),
        };
        let short = call.exact && bytes.len() < call.apdu.ne;
        let file = found.file.number;
        self.point(file, (mode < 4).then_some(number), call)?;
        Ok(Body::known(bytes).ending(if short { words::SHORT } else { words::OK }))
    }

    /// UPDATE and WRITE.
    pub(crate) fn update_record(&mut self, call: &Call<'_>) -> Outcome {
        let (mode, writes, data) = (call.p2() & 7, call.ins() == 0xD2, call.data());
        if call.p2() >> 3 == 31 || mode > 4 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3])?;
        let found = self.records(if writes { Right::WRITE } else { Right::UPDATE }, call)?;
        let (file, coding) = (found.file.number, found.file.coding);
        if mode == 3 && call.p1() == 0 && found.shape.structure == Structure::Cyclic {
            found.suits(data)?;
            let full = found.records.len() >= found.shape.most;
            return self.turn(file, data, full, call);
        }
        let number = found.number(call.p1(), mode)?;
        let old = &found.records[number - 1];
        if writes && data.len() != old.len() {
            return Err(words::LENGTH);
        }
        let combined = |(old, new): (&u8, &u8)| combine(coding, *old, *new).ok_or(words::CONDITIONS);
        let new = if writes { old.iter().zip(data).map(combined).collect::<Result<_, _>>()? } else { data.to_vec() };
        found.suits(&new)?;
        found.has_room(new.len(), Some(number - 1))?;
        self.records_mut(file)?[number - 1] = new;
        self.point(file, (mode < 4).then_some(number), call)?;
        Ok(Body::empty())
    }

    /// A new record 1 of a cyclic EF.
    fn turn(&mut self, file: u32, data: &[u8], full: bool, call: &Call<'_>) -> Outcome {
        let records = self.records_mut(file)?;
        if full {
            records.pop();
        }
        records.insert(0, data.to_vec());
        self.point(file, Some(1), call)?;
        Ok(Body::empty())
    }

    pub(crate) fn append_record(&mut self, call: &Call<'_>) -> Outcome {
        if call.p1() != 0 || call.p2() & 7 != 0 || call.p2() >> 3 == 31 {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3])?;
        let data = call.data();
        let found = self.records(Right::WRITE, call)?;
        let (file, full) = (found.file.number, found.records.len() >= found.shape.most);
        found.suits(data)?;
        if found.shape.structure == Structure::Cyclic {
            return self.turn(file, data, full, call);
        }
        if full {
            return Err(words::NO_MEMORY);
        }
        found.has_room(data.len(), None)?;
        let records = self.records_mut(file)?;
        records.push(data.to_vec());
        let last = records.len();
        self.point(file, Some(last), call)?;
        Ok(Body::empty())
    }

    pub(crate) fn search_record(&mut self, call: &Call<'_>) -> Outcome {
        let (mode, p1) = (call.p2() & 7, call.p1());
        if call.p2() >> 3 == 31 || !matches!(mode, 4 | 5) {
            return Err(words::PARAMETERS);
        }
        call.is_case(&[3, 4])?;
        let found = self.records(Right::READ, call)?;
        if usize::from(p1) > found.records.len() {
            return Err(words::NO_RECORD);
        }
        let file = found.file.number;
        let hit = |(_, record): &(usize, &Vec<u8>)| record.windows(call.data().len()).any(|part| part == call.data());
        let hits = (1usize..).zip(found.records).filter(hit).map(|(number, _)| number);
        let start = usize::from(p1);
        let hits: Vec<usize> = match mode {
            4 => hits.filter(|number| *number >= start).collect(),
            _ => hits.filter(|number| p1 == 0 || *number <= start).collect::<Vec<_>>().into_iter().rev().collect(),
        };
        let first = hits.first().copied();
        let bytes: Vec<u8> = hits.iter().filter_map(|number| u8::try_from(*number).ok()).collect();
        self.point(file, first, call)?;
        Ok(Body::known(bytes).ending(if first.is_some() { words::OK } else { words::SHORT }))
    }
}
