//! READ, UPDATE, WRITE, APPEND and SEARCH RECORD.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use card_wire::{Case, Command, Status};

use super::binary::combine;
use super::{reads_to_the_end, status};
use crate::commands::{Context, expect_case};
use crate::fs;
use crate::fs::attributes::Attributes;
use crate::fs::record::{Records, Structure, is_tlv};
use crate::fs::rule::Act;
use crate::nvm::index::Entry;
use crate::platform::Platform;
use crate::reply::Reply;
use crate::session::FileRef;

/// Bits 3-1 of P2: which records P1 means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    First,
    Last,
    Next,
    Previous,
    Number,
    /// All from number P1 to the last.
    FromNumber,
    /// All from the last to number P1.
    ToNumber,
}

impl TryFrom<u8> for Mode {
    type Error = Status;

    fn try_from(p2: u8) -> Result<Self, Status> {
        match p2 & 0x07 {
            0 => Ok(Self::First),
            1 => Ok(Self::Last),
            2 => Ok(Self::Next),
            3 => Ok(Self::Previous),
            4 => Ok(Self::Number),
            5 => Ok(Self::FromNumber),
            6 => Ok(Self::ToNumber),
            _ => Err(Status::WRONG_P1_P2),
        }
    }
}

/// The short identifier in bits 8-4 of P2; 0 for the current EF.
fn short_id(p2: u8) -> Result<u8, Status> {
    match p2 >> 3 {
        31 => Err(Status::WRONG_P1_P2),
        sfi => Ok(sfi),
    }
}

/// A record EF that a command works on, and the record pointer it begins with.
struct Opened {
    entry: Entry,
    records: Records,
    pointer: Option<u8>,
}

/// The record EF in the way the checks want it: state, access, structure.
fn open<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>, sfi: u8, act: Act) -> Result<Opened, Status> {
    let entry = match sfi {
        0 => context.current_ef()?,
        sfi => {
            let df = context.current_df()?;
            *fs::by_iso_short_id(context.store.index(), df.page, sfi).ok_or(Status::NOT_FOUND)?
        }
    };
    context.expect_usable(&entry)?;
    context.expect_access(command, &entry, act)?;
    let records = Records::open(context.store, &entry).map_err(status)?;
    let is_current = context.session_copy()?.ef == Some(FileRef::of(&entry));
    let pointer = if is_current { context.iso().record } else { None };
    Ok(Opened { entry, records, pointer })
}

impl Opened {
    /// The one record that P1 and the mode mean.
    fn find<P: Platform>(&self, context: &mut Context<'_, P>, p1: u8, mode: Mode) -> Result<usize, Status> {
        let count = self.records.count();
        let pointer = self.pointer.map(usize::from);
        let number = match (mode, p1) {
            (Mode::Number | Mode::FromNumber | Mode::ToNumber, 0) => pointer.ok_or(Status::RECORD_NOT_FOUND)?,
            (Mode::Number | Mode::FromNumber | Mode::ToNumber, number) => usize::from(number),
            (Mode::First, 0) => 1,
            (Mode::Last, 0) => count,
            (Mode::Next, 0) => pointer.map_or(1, |at| at + 1),
            (Mode::Previous, 0) => pointer.map_or(count, |at| at.saturating_sub(1)),
            (_, identifier) => return self.occurrence(context, identifier, mode),
        };
        if (1..=count).contains(&number) { Ok(number) } else { Err(Status::RECORD_NOT_FOUND) }
    }

    /// The record with this identifier.
    fn occurrence<P: Platform>(
        &self,
        context: &mut Context<'_, P>,
        identifier: u8,
        mode: Mode,
    ) -> Result<usize, Status> {
        if !is_tlv(self.entry.descriptor) {
            return Err(Status::RECORD_NOT_FOUND);
        }
        let count = self.records.count();
        let pointer = self.pointer.map(usize::from);
        let (numbers, backward): (RangeInclusive<usize>, bool) = match mode {
            Mode::Last => (1..=count, true),
            Mode::Next => (pointer.map_or(1, |at| at + 1)..=count, false),
            Mode::Previous => (1..=pointer.map_or(count, |at| at.saturating_sub(1)), true),
            _ => (1..=count, false),
        };
        let mut numbers: Vec<usize> = numbers.collect();
        if backward {
            numbers.reverse();
        }
        for number in numbers {
            if self.records.identifier(context.store, number).map_err(status)? == identifier {
                return Ok(number);
            }
        }
        Err(Status::RECORD_NOT_FOUND)
    }
}

/// Makes the EF current, with its pointer where `number` says, or where it was.
fn settle<P: Platform>(
    context: &mut Context<'_, P>,
    entry: &Entry,
    before: Option<u8>,
    number: Option<usize>,
) -> Result<(), Status> {
    context.make_current(entry)?;
    let pointer = number.and_then(|number| u8::try_from(number).ok()).or(before);
    if context.iso().record != pointer {
        context.iso_mut().record = pointer;
    }
    Ok(())
}

/// Only these modes move the record pointer.
const fn moves_pointer(mode: Mode) -> bool {
    matches!(mode, Mode::First | Mode::Last | Mode::Next | Mode::Previous)
}

/// READ RECORD; case 2.
pub(super) fn read<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<Status, Status> {
    let (sfi, mode) = (short_id(command.p2)?, Mode::try_from(command.p2)?);
    expect_case(command, Case::Two)?;
    let opened = open(context, command, sfi, Act::Read)?;
    let number = opened.find(context, command.p1, mode)?;
    let last = opened.records.count();
    let mut len = 0;
    let mut push = |context: &mut Context<'_, P>, number: usize| {
        let record_len = opened.records.len(number).ok_or(Status::RECORD_NOT_FOUND)?;
        len += record_len;
        reply.fill(record_len, |out| opened.records.read_into(context.store, number, out)).map_err(status)
    };
    match mode {
        Mode::FromNumber => (number..=last).try_for_each(|number| push(context, number))?,
        Mode::ToNumber => (number..=last).rev().try_for_each(|number| push(context, number))?,
        _ => push(context, number)?,
    }
    settle(context, &opened.entry, opened.pointer, moves_pointer(mode).then_some(number))?;
    Ok(if len < command.ne && !reads_to_the_end(command) { Status::END_OF_FILE } else { Status::OK })
}

/// A command that changes one record, or adds one to a cyclic EF.
enum Change {
    Record(usize),
    Append,
}

/// P1-P2 and length of UPDATE and WRITE, then the EF and what they mean in it.
fn change<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    act: Act,
) -> Result<(Opened, Change, Mode), Status> {
    let (sfi, mode) = (short_id(command.p2)?, Mode::try_from(command.p2)?);
    if matches!(mode, Mode::FromNumber | Mode::ToNumber) {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    let opened = open(context, command, sfi, act)?;
    if opened.records.structure == Structure::Cyclic && mode == Mode::Previous && command.p1 == 0 {
        return Ok((opened, Change::Append, mode));
    }
    let number = opened.find(context, command.p1, mode)?;
    Ok((opened, Change::Record(number), mode))
}

/// A record of a TLV structure is a simple-TLV object. Behind it a record of a fixed length may be filled up.
fn expect_record(opened: &Opened, data: &[u8]) -> Result<(), Status> {
    if !is_tlv(opened.entry.descriptor) {
        return Ok(());
    }
    let left = match *data {
        [0x00 | 0xFF, ..] | [] | [_] => None,
        [_, 0xFF, high, low, ref value @ ..] => value.len().checked_sub(usize::from(u16::from_be_bytes([high, low]))),
        [_, 0xFF, ..] => None,
        [_, len, ref value @ ..] => value.len().checked_sub(usize::from(len)),
    };
    match left {
        Some(0) => Ok(()),
        Some(_) if opened.records.structure != Structure::LinearVariable => Ok(()),
        _ => Err(Status::WRONG_DATA),
    }
}

fn apply<P: Platform>(
    context: &mut Context<'_, P>,
    (opened, change, mode): (Opened, Change, Mode),
    data: &[u8],
) -> Result<(), Status> {
    if !opened.records.takes(data.len()) {
        return Err(Status::WRONG_LENGTH);
    }
    expect_record(&opened, data)?;
    let Opened { entry, records, pointer } = opened;
    let number = match change {
        Change::Append => records.append(context.store, data).map_err(status)?,
        Change::Record(number) => {
            records.update(context.store, number, data).map_err(status)?;
            number
        }
    };
    settle(context, &entry, pointer, moves_pointer(mode).then_some(number))
}

/// UPDATE RECORD; case 3.
pub(super) fn update<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let change = change(context, command, Act::Update)?;
    apply(context, change, command.data)
}

/// WRITE RECORD; case 3. The data coding byte says what becomes of the record that is there, whose length stays.
pub(super) fn write<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let (opened, change, mode) = change(context, command, Act::Write)?;
    let Change::Record(number) = change else { return apply(context, (opened, change, mode), command.data) };
    let mut record = opened.records.read(context.store, number).map_err(status)?;
    if record.len() != command.data.len() {
        return Err(Status::WRONG_LENGTH);
    }
    combine(Attributes(opened.entry.attributes).coding(), &mut record, command.data)?;
    apply(context, (opened, change, mode), &record)
}

/// APPEND RECORD; case 3.
pub(super) fn append<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let sfi = short_id(command.p2)?;
    if command.p1 != 0 || command.p2 & 0x07 != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    let opened = open(context, command, sfi, Act::Write)?;
    apply(context, (opened, Change::Append, Mode::Last), command.data)
}

/// SEARCH RECORD, simple search; cases 3 and 4. Answers the numbers of the records that contain the data.
pub(super) fn search<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<Status, Status> {
    let (sfi, forward) = match (short_id(command.p2)?, command.p2 & 0x07) {
        (sfi, 4) => (sfi, true),
        (sfi, 5) => (sfi, false),
        _ => return Err(Status::WRONG_P1_P2),
    };
    if !matches!(command.case(), Case::Three | Case::Four) {
        return Err(Status::WRONG_LENGTH);
    }
    let opened = open(context, command, sfi, Act::Read)?;
    let count = opened.records.count();
    let start = usize::from(command.p1);
    if start > count {
        return Err(Status::RECORD_NOT_FOUND);
    }
    let numbers: Vec<usize> = match (forward, start) {
        (true, start) => (start.max(1)..=count).collect(),
        (false, 0) => (1..=count).rev().collect(),
        (false, start) => (1..=start).rev().collect(),
    };
    let mut first = None;
    for number in numbers {
        let record = opened.records.read(context.store, number).map_err(status)?;
        if record.windows(command.data.len()).any(|window| window == command.data) {
            first = first.or(Some(number));
            reply.push(&[u8::try_from(number).unwrap_or(u8::MAX)]);
        }
    }
    settle(context, &opened.entry, opened.pointer, first)?;
    Ok(if first.is_some() { Status::OK } else { Status::END_OF_FILE })
}
