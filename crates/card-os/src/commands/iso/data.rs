//! GET DATA and PUT DATA: data objects of the current DF, and the card's change counter.

use card_wire::apdu::MAX_NE;
use card_wire::tlv::{self, Tag};
use card_wire::{Case, Command, Ins, Status};

use super::{key, status};
use crate::commands::{Context, expect_case};
use crate::fs;
use crate::fs::rule::Act;
use crate::platform::Platform;
use crate::reference;
use crate::reply::Reply;

/// Tag of the change counter: four bytes that rise with every committed change.
const CHANGE_COUNTER: u16 = 0xDF20;
/// P1-P2 of the odd instructions: the current DF.
const CURRENT_DF: u16 = 0x3FFF;

/// Whether P1-P2 of an even instruction is a tag: of one byte, one of ours, a simple-TLV tag, or of two bytes.
const fn is_tag(p1p2: u16) -> bool {
    match p1p2 {
        0x0040..=0x00FF => p1p2 & 0x1F != 0x1F,
        0x0100..=0x01FF | 0x0201..=0x02FE => true,
        _ => p1p2 & 0x1F00 == 0x1F00 && matches!(p1p2 & 0xFF, 0x1F..=0x7F),
    }
}

/// GET DATA; case 2, or case 4 with a tag list for the odd instruction.
pub(super) fn get<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if command.ins == Ins::GET_DATA_ODD {
        return get_list(context, command, reply);
    }
    if !is_tag(command.p1p2()) {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Two)?;
    let value = value(context, command.p1p2())?.ok_or(Status::REFERENCE_NOT_FOUND)?;
    reply.push(&value);
    Ok(())
}

/// The value of an object of the current DF, which must be usable, or the change counter.
fn value<P: Platform>(context: &mut Context<'_, P>, tag: u16) -> Result<Option<alloc::vec::Vec<u8>>, Status> {
    if tag == CHANGE_COUNTER {
        return Ok(Some(reference::change_counter(context.store)?.to_be_bytes().to_vec()));
    }
    let df = context.current_df()?;
    // What a card in the end of its life still says are its objects.
    if context.expect_in_use().is_ok() {
        context.expect_usable(&df)?;
    }
    Ok(fs::data::value(context.store, df.page, tag)?)
}

fn get_list<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if command.p1p2() != CURRENT_DF {
        return Err(Status::WRONG_P1_P2);
    }
    if !matches!(command.case(), Case::Three | Case::Four) {
        return Err(Status::WRONG_LENGTH);
    }
    let mut objects = tlv::Reader::new(command.data);
    let (Some(Ok(list)), None) = (objects.next(), objects.next()) else { return Err(Status::WRONG_DATA) };
    if list.tag != Tag(0x5C) {
        return Err(Status::FUNCTION_NOT_SUPPORTED);
    }
    let mut answered = 0;
    let mut rest = list.value;
    while !rest.is_empty() {
        let (tag, behind) = tlv::split_tag(rest).map_err(|_| Status::WRONG_DATA)?;
        rest = behind;
        let Ok(number) = u16::try_from(tag.0) else { continue };
        if let Some(value) = value(context, number)? {
            let header = tlv::header(tag, value.len()).ok_or(Status::WRONG_LENGTH)?;
            answered += header.as_bytes().len() + value.len();
            if answered > MAX_NE {
                return Err(Status::NO_MEMORY);
            }
            reply.push(header.as_bytes());
            reply.push(&value);
        }
    }
    if answered == 0 { Err(Status::REFERENCE_NOT_FOUND) } else { Ok(()) }
}

/// PUT DATA; case 3.
pub(super) fn put<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let odd = command.ins == Ins::PUT_DATA_ODD;
    if if odd { command.p1p2() != CURRENT_DF } else { !is_tag(command.p1p2()) } {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    if odd && key::is_import(command.data) {
        return key::import(context, command);
    }
    if odd {
        let mut objects = tlv::Reader::new(command.data);
        let (Some(Ok(object)), None) = (objects.next(), objects.next()) else { return Err(Status::WRONG_DATA) };
        let tag = u16::try_from(object.tag.0).ok().filter(|tag| is_tag(*tag)).ok_or(Status::WRONG_DATA)?;
        return store(context, command, tag, object.value);
    }
    store(context, command, command.p1p2(), command.data)
}

fn store<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    tag: u16,
    value: &[u8],
) -> Result<(), Status> {
    let df = context.current_df()?;
    context.expect_usable(&df)?;
    if tag == CHANGE_COUNTER {
        return Err(Status::CONDITIONS);
    }
    context.expect_access(command, &df, Act::CreateEf)?;
    let max = usize::from(context.preset.limits.file_len);
    fs::data::put(context.store, &df, tag, value, max).map_err(status)
}
