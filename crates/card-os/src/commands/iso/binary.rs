//! READ, WRITE, UPDATE and ERASE BINARY, even and odd instructions.

use card_wire::tlv::{self, Tag};
use card_wire::{Case, Command, Ins, Status};

use super::{authenticate, reads_to_the_end, status};
use crate::commands::{Context, expect_case};
use crate::fs::attributes::{Attributes, Internal};
use crate::fs::rule::Act;
use crate::fs::{self, fci, internal};
use crate::nvm::index::Entry;
use crate::nvm::object::Kind;
use crate::platform::Platform;
use crate::reply::Reply;

/// The EF that a command means.
#[derive(Clone, Copy)]
enum Target {
    Current,
    ShortId(u8),
    Child(u16),
}

impl Target {
    /// P1-P2 of an even instruction: the target, and the offset in it.
    fn even(command: &Command<'_>) -> Result<(Self, usize), Status> {
        if command.p1 & 0x80 == 0 {
            return Ok((Self::Current, usize::from(command.p1p2())));
        }
        match command.p1 & 0x7F {
            sfi @ 1..=30 => Ok((Self::ShortId(sfi), usize::from(command.p2))),
            _ => Err(Status::WRONG_P1_P2),
        }
    }

    /// P1-P2 of an odd instruction.
    const fn odd(command: &Command<'_>) -> Self {
        match (command.p1, command.p2) {
            (0, 0) => Self::Current,
            (0, sfi @ 1..=30) => Self::ShortId(sfi),
            _ => Self::Child(command.p1p2()),
        }
    }

    fn find<P: Platform>(self, context: &Context<'_, P>) -> Result<Entry, Status> {
        let (index, df) = (context.store.index(), context.current_df()?);
        let entry = match self {
            Self::Current => return context.current_ef(),
            Self::ShortId(sfi) => fs::by_iso_short_id(index, df.page, sfi),
            Self::Child(id) => index.child(df.page, id).filter(|entry| entry.kind == Kind::Ef),
        };
        entry.copied().ok_or(Status::NOT_FOUND)
    }
}

const fn is_odd(command: &Command<'_>) -> bool {
    command.ins.0 & 1 != 0
}

/// The value of an offset object: up to three bytes.
fn offset(value: &[u8]) -> Result<usize, Status> {
    if value.len() > 3 {
        return Err(Status::WRONG_DATA);
    }
    Ok(value.iter().fold(0, |offset, byte| offset << 8 | usize::from(*byte)))
}

/// The objects of an odd instruction's data field.
fn objects(data: &[u8]) -> impl Iterator<Item = Result<(u32, &[u8]), Status>> {
    tlv::Reader::new(data)
        .map(|object| object.map(|object| (object.tag.0, object.value)).map_err(|_| Status::WRONG_DATA))
}

/// The EF in the way the checks want it: state, access, structure.
fn open<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    target: Target,
    act: Act,
) -> Result<Entry, Status> {
    let entry = target.find(context)?;
    context.expect_usable(&entry)?;
    context.expect_access(command, &entry, act)?;
    let transparent = fci::without_shareable(entry.descriptor) == fci::TRANSPARENT;
    let sets_key = command.ins == Ins::UPDATE_BINARY && is_key(&entry);
    if transparent || sets_key { Ok(entry) } else { Err(Status::INCOMPATIBLE_FILE) }
}

/// An administration key, which UPDATE BINARY sets.
fn is_key(entry: &Entry) -> bool {
    matches!(internal::identity(entry), Some((Internal::Key, _)))
}

/// READ BINARY; case 2, the odd instruction case 4.
pub(super) fn read<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<Status, Status> {
    if is_odd(command) {
        return read_odd(context, command, reply);
    }
    let (target, offset) = Target::even(command)?;
    expect_case(command, Case::Two)?;
    let entry = open(context, command, target, Act::Read)?;
    let there = usize::from(entry.len).checked_sub(offset).filter(|there| *there > 0).ok_or(Status::WRONG_OFFSET)?;
    let object = context.store.object(entry.page)?;
    let len = there.min(command.ne);
    reply.fill(len, |out| context.store.read_content(&object, offset, out)).map_err(Status::from)?;
    context.make_current(&entry)?;
    Ok(if len < command.ne && !reads_to_the_end(command) { Status::END_OF_FILE } else { Status::OK })
}

/// The answer is an object 53 that fits Ne.
fn read_odd<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<Status, Status> {
    // Not even an empty object fits one byte.
    if !matches!(command.case(), Case::Three | Case::Four) || command.ne == 1 {
        return Err(Status::WRONG_LENGTH);
    }
    let entry = open(context, command, Target::odd(command), Act::Read)?;
    let mut objects = objects(command.data);
    let (Some(Ok((0x54, value))), None) = (objects.next(), objects.next()) else { return Err(Status::WRONG_DATA) };
    let offset = offset(value)?;
    let there = usize::from(entry.len).checked_sub(offset).filter(|there| *there > 0).ok_or(Status::WRONG_OFFSET)?;
    // A command without Le is answered by GET RESPONSE, if at all.
    let ne = if command.ne == 0 { usize::MAX } else { command.ne };
    let len = there.min(value_len(ne));
    let object = context.store.object(entry.page)?;
    let header = tlv::header(Tag(0x53), len).ok_or(Status::WRONG_LENGTH)?;
    reply.push(header.as_bytes());
    reply.fill(len, |out| context.store.read_content(&object, offset, out)).map_err(Status::from)?;
    context.make_current(&entry)?;
    let short = command.ne != 0 && header.as_bytes().len() + len < command.ne && len == there;
    Ok(if short && !reads_to_the_end(command) { Status::END_OF_FILE } else { Status::OK })
}

/// The longest value of an object with a one-byte tag that has `ne` bytes in all.
const fn value_len(ne: usize) -> usize {
    match ne {
        0..=2 => 0,
        3..=129 => ne - 2,
        130 => 127,
        131..=258 => ne - 3,
        259 => 255,
        _ => ne.saturating_sub(4),
    }
}

/// What WRITE and UPDATE bring, and where it goes.
fn brought<'a, P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'a>,
    act: Act,
) -> Result<(Entry, usize, &'a [u8]), Status> {
    if !is_odd(command) {
        let (target, offset) = Target::even(command)?;
        expect_case(command, Case::Three)?;
        return Ok((open(context, command, target, act)?, offset, command.data));
    }
    expect_case(command, Case::Three)?;
    let entry = open(context, command, Target::odd(command), act)?;
    let mut objects = objects(command.data).peekable();
    let at = match objects.next_if(|object| matches!(object, Ok((0x54, _)))) {
        Some(object) => offset(object?.1)?,
        None => 0,
    };
    let (Some(Ok((0x53, data))), None) = (objects.next(), objects.next()) else { return Err(Status::WRONG_DATA) };
    Ok((entry, at, data))
}

fn put<P: Platform>(context: &mut Context<'_, P>, entry: &Entry, offset: usize, data: &[u8]) -> Result<(), Status> {
    if !data.is_empty() {
        fs::overwrite(context.store, entry, offset, data).map_err(status)?;
    }
    context.make_current(entry)
}

fn expect_room(entry: &Entry, offset: usize, len: usize) -> Result<(), Status> {
    if offset + len > usize::from(entry.len) { Err(Status::WRONG_OFFSET) } else { Ok(()) }
}

/// UPDATE BINARY; case 3. Nothing is written unless all of the data fits.
pub(super) fn update<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let (entry, offset, data) = brought(context, command, Act::Update)?;
    if is_key(&entry) {
        return authenticate::set_key(context, command, &entry, offset);
    }
    expect_room(&entry, offset, data.len())?;
    put(context, &entry, offset, data)
}

/// WRITE BINARY; case 3. The data coding byte says what becomes of the bytes that are there.
pub(super) fn write<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let (entry, offset, data) = brought(context, command, Act::Write)?;
    expect_room(&entry, offset, data.len())?;
    let object = context.store.object(entry.page)?;
    let mut bytes = alloc::vec![0; data.len()];
    context.store.read_content(&object, offset, &mut bytes)?;
    combine(Attributes(entry.attributes).coding(), &mut bytes, data)?;
    put(context, &entry, offset, &bytes)
}

/// What WRITE leaves of `old` and `new`, by bits 7-6 of the data coding byte.
///
/// # Errors
/// 6985 where bytes are written once and have been.
pub(super) fn combine(coding: u8, old: &mut [u8], new: &[u8]) -> Result<(), Status> {
    for (old, new) in old.iter_mut().zip(new) {
        *old = match coding & 0x60 {
            0x00 if *old != 0 && old != new => return Err(Status::CONDITIONS),
            0x40 => *old | new,
            0x60 => *old & new,
            _ => *new,
        };
    }
    Ok(())
}

/// ERASE BINARY; case 1 to the end, case 3 to an offset.
pub(super) fn erase<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let odd = is_odd(command);
    let (target, start) = if odd { (Target::odd(command), 0) } else { Target::even(command)? };
    match (command.case(), command.data.len()) {
        (Case::One, _) | (Case::Three, 2) => (),
        (Case::Three, _) if odd => (),
        _ => return Err(Status::WRONG_LENGTH),
    }
    let entry = open(context, command, target, Act::Update)?;
    let size = usize::from(entry.len);
    let (start, end) = match *command.data {
        _ if odd => range(command.data)?,
        [high, low] => (start, Some(usize::from(u16::from_be_bytes([high, low])))),
        _ => (start, None),
    };
    if start >= size || end.is_some_and(|end| end > size) {
        return Err(Status::WRONG_OFFSET);
    }
    let end = end.unwrap_or(size);
    let len = end.checked_sub(start).filter(|len| *len > 0).ok_or(Status::WRONG_DATA)?;
    put(context, &entry, start, &alloc::vec![0; len])
}

/// Start and end from up to two offset objects.
fn range(data: &[u8]) -> Result<(usize, Option<usize>), Status> {
    let mut offsets = objects(data).map(|object| match object? {
        (0x54, value) => offset(value),
        _ => Err(Status::WRONG_DATA),
    });
    let start = offsets.next().transpose()?.unwrap_or(0);
    let end = offsets.next().transpose()?;
    if offsets.next().is_some() { Err(Status::WRONG_DATA) } else { Ok((start, end)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_fits_what_was_asked_for() {
        for ne in 2..=card_wire::apdu::MAX_NE {
            let len = value_len(ne);
            let whole = |len| tlv::header(Tag(0x53), len).unwrap().as_bytes().len() + len;
            assert!(whole(len) <= ne && (whole(len + 1) > ne), "{ne}");
        }
    }

    #[test]
    fn write_does_what_the_data_coding_byte_says() {
        let combined = |coding, old: [u8; 2], new: [u8; 2]| {
            let mut bytes = old;
            combine(coding, &mut bytes, &new).map(|()| bytes)
        };
        assert_eq!(combined(0x01, [0, 5], [7, 5]), Ok([7, 5]));
        assert_eq!(combined(0x01, [1, 5], [7, 5]), Err(Status::CONDITIONS));
        assert_eq!(combined(0x21, [1, 5], [7, 6]), Ok([7, 6]));
        assert_eq!(combined(0x41, [1, 5], [6, 8]), Ok([7, 13]));
        assert_eq!(combined(0x61, [1, 5], [7, 4]), Ok([1, 4]));
    }
}
