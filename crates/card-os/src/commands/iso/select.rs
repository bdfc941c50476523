//! SELECT (ISO/IEC 7816-4:2020, 11.2.2), in all forms.

use alloc::vec::Vec;

use card_wire::tlv::{self, Tag};
use card_wire::{Command, Status};

use super::status;
use crate::commands::Context;
use crate::commands::select::By;
use crate::fs::access::Access;
use crate::fs::life::{self, LifeCycle};
use crate::fs::{self, fci};
use crate::nvm::index::{Entry, Index};
use crate::nvm::object::{Kind, ROOT};
use crate::platform::Platform;
use crate::reply::Reply;

impl By {
    /// Whether the data field can have this length.
    fn takes(self, len: usize) -> bool {
        match self {
            Self::FileId => len == 0 || len == 2,
            Self::ChildDf | Self::ChildEf => len == 2,
            Self::Parent => len == 0,
            Self::Name => (1..=16).contains(&len),
            Self::PathFromMf | Self::PathFromDf => len > 0 && len.is_multiple_of(2),
        }
    }
}

/// Bits 2-1 of P2: which of several files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occurrence {
    First,
    Last,
    Next,
    Previous,
}

/// Bits 4-3 of P2: what is answered.
#[derive(Clone, Copy)]
enum Answer {
    Fci,
    Fcp,
    Fmd,
    Nothing,
}

fn parameters(p2: u8) -> Result<(Answer, Occurrence), Status> {
    if p2 & 0xF0 != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    let occurrence = match p2 & 0x03 {
        0 => Occurrence::First,
        1 => Occurrence::Last,
        2 => Occurrence::Next,
        _ => Occurrence::Previous,
    };
    let answer = match p2 & 0x0C {
        0x00 => Answer::Fci,
        0x04 => Answer::Fcp,
        0x08 => Answer::Fmd,
        _ => Answer::Nothing,
    };
    Ok((answer, occurrence))
}

/// SELECT. All four cases are allowed.
pub(super) fn select<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<Status, Status> {
    let by = By::try_from(command.p1)?;
    let (answer, occurrence) = parameters(command.p2)?;
    if !by.takes(command.data.len()) {
        return Err(Status::WRONG_LENGTH);
    }
    let entry = match by {
        By::Name => by_name(context, command.data, occurrence)?,
        // Only one file can be meant, so it is the first and the last.
        _ if matches!(occurrence, Occurrence::Next | Occurrence::Previous) => return Err(Status::NOT_FOUND),
        _ => one(context, by, command.data)?,
    };
    context.make_current(&entry)?;
    if context.iso().record.is_some() {
        context.iso_mut().record = None;
    }
    show(context, &entry, answer, reply)?;
    if life::is_card_terminated(context.store.index()) {
        return Ok(Status::TERMINATED);
    }
    Ok(match life::state(&entry) {
        LifeCycle::Deactivated => Status::DEACTIVATED,
        LifeCycle::Terminated => Status::TERMINATED,
        LifeCycle::Creation | LifeCycle::Initialisation | LifeCycle::Activated => Status::OK,
    })
}

/// Answers with the template that P2 asks for.
fn show<P: Platform>(
    context: &mut Context<'_, P>,
    entry: &Entry,
    answer: Answer,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let outer = match answer {
        Answer::Nothing => return Ok(()),
        Answer::Fci => 0x6F,
        Answer::Fcp => 0x62,
        Answer::Fmd => 0x64,
    };
    context.store.info(entry.page, |info| match answer {
        Answer::Fmd => {
            let name = fci::name(info).unwrap_or_default();
            let header = tlv::header(Tag(0x84), name.len()).filter(|_| !name.is_empty());
            let header = header.as_ref().map_or(&[][..], |header| header.as_bytes());
            // A name has at most sixteen bytes.
            let len = u8::try_from(header.len() + name.len()).unwrap_or(0);
            reply.push(&[outer, len]);
            reply.push(header);
            reply.push(name);
        }
        _ => {
            reply.push(&[outer]);
            reply.push(info.get(1..).unwrap_or_default());
        }
    })?;
    Ok(())
}

/// The one file that an identifier or a path means.
fn one<P: Platform>(context: &Context<'_, P>, by: By, data: &[u8]) -> Result<Entry, Status> {
    let index = context.store.index();
    let mf = fs::mf(index).map_err(status)?;
    // Where another channel deleted the current DF, a selection begins at the master file.
    let df = context.current_df().unwrap_or(*mf);
    let id = || <[u8; 2]>::try_from(data).map(u16::from_be_bytes).map_err(|_| Status::WRONG_LENGTH);
    let entry = match by {
        By::FileId if data.is_empty() => mf,
        By::FileId => by_id(index, mf, &df, id()?).ok_or(Status::NOT_FOUND)?,
        By::ChildDf => child(index, &df, id()?, Kind::Df)?,
        By::ChildEf => child(index, &df, id()?, Kind::Ef)?,
        By::Parent if df.parent == ROOT => return Err(Status::NOT_FOUND),
        By::Parent => fs::parent(index, &df),
        By::PathFromMf => fs::walk(index, mf, data).map_err(status)?,
        By::PathFromDf => fs::walk(index, &df, data).map_err(status)?,
        By::Name => return Err(Status::NOT_FOUND),
    };
    Ok(*entry)
}

fn child<'i>(index: &'i Index, df: &Entry, id: u16, kind: Kind) -> Result<&'i Entry, Status> {
    index.child(df.page, id).filter(|entry| entry.kind == kind).ok_or(Status::NOT_FOUND)
}

/// The master file, a child of the current DF, the current DF itself, its parent, a child of its parent.
fn by_id<'i>(index: &'i Index, mf: &'i Entry, df: &Entry, id: u16) -> Option<&'i Entry> {
    if id == fs::MF_ID {
        return Some(mf);
    }
    let parent = index.by_page(df.parent);
    index
        .child(df.page, id)
        .or_else(|| index.by_page(df.page).filter(|df| df.id == id))
        .or_else(|| parent.filter(|parent| parent.id == id))
        .or_else(|| index.child(parent?.page, id))
}

/// A DF whose name begins with these bytes. DFs come in the order of their identifiers.
fn by_name<P: Platform>(context: &mut Context<'_, P>, name: &[u8], occurrence: Occurrence) -> Result<Entry, Status> {
    let current = context.current_df().map(|df| df.page);
    let named: Vec<Entry> =
        context.store.index().files().filter(|entry| Access(entry.attributes).is_named()).copied().collect();
    let mut matching = Vec::new();
    for entry in named {
        let object = context.store.object(entry.page)?;
        if fci::name(object.info()).is_some_and(|whole| whole.starts_with(name)) {
            matching.push(entry);
        }
    }
    let current = matching.iter().position(|entry| Ok(entry.page) == current);
    let found = match (occurrence, current) {
        (Occurrence::First, _) | (Occurrence::Next, None) => matching.first(),
        (Occurrence::Last, _) | (Occurrence::Previous, None) => matching.last(),
        (Occurrence::Next, Some(at)) => matching.get(at + 1),
        (Occurrence::Previous, Some(at)) => at.checked_sub(1).and_then(|at| matching.get(at)),
    };
    found.copied().ok_or(Status::NOT_FOUND)
}
