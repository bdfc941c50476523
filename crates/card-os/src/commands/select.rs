//! SELECT (ISO/IEC 7816-4:2020, 11.2.2), in the forms of the dialect.

use card_wire::{Command, Status};

use super::Context;
use crate::fs;
use crate::nvm::object::Kind;
use crate::pin::{self, LifeCycle};
use crate::platform::Platform;
use crate::preset::Dialect;
use crate::reply::Reply;
use crate::rules::DIALECT;
use crate::session::{FileRef, Session, Version};

/// The applet's application identifier.
pub(crate) const AID: [u8; 12] = [0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01];

/// What P1 says the data field is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    FileId,
    ChildDf,
    ChildEf,
    Parent,
    Name,
    PathFromMf,
    PathFromDf,
}

impl TryFrom<u8> for By {
    type Error = Status;

    fn try_from(p1: u8) -> Result<Self, Status> {
        match p1 {
            0x00 => Ok(Self::FileId),
            0x01 => Ok(Self::ChildDf),
            0x02 => Ok(Self::ChildEf),
            0x03 => Ok(Self::Parent),
            0x04 => Ok(Self::Name),
            0x08 => Ok(Self::PathFromMf),
            0x09 => Ok(Self::PathFromDf),
            _ => Err(Status::WRONG_P1_P2),
        }
    }
}

/// Whether P2 asks for file control information.
fn wants_info(p2: u8) -> Result<bool, Status> {
    match p2 {
        0x00 | 0x04 => Ok(true),
        0x0C => Ok(false),
        _ => Err(Status::WRONG_P1_P2),
    }
}

/// SELECT. All four cases are allowed.
pub(super) fn select<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let by = By::try_from(command.p1)?;
    let info = wants_info(command.p2)?;
    if matches!(by, By::Name) && command.data == AID {
        return select_application(context, command.p2, reply);
    }
    let Some(session) = context.here().session else { return Err(Status::NOT_FOUND) };
    let file = find(context, &session, by, command.data)?;
    let entry = *file.resolve(context.store.index()).ok_or(Status::NOT_FOUND)?;
    let session = context.session()?;
    if entry.kind == Kind::Df {
        session.df = file;
    } else {
        session.ef = Some(file);
        let parent = FileRef::of(fs::parent(context.store.index(), &entry));
        context.session()?.df = parent;
    }
    if info {
        context.store.info(file.page, |info| reply.push(info))?;
    }
    Ok(())
}

fn find<P: Platform>(context: &mut Context<'_, P>, session: &Session, by: By, data: &[u8]) -> Result<FileRef, Status> {
    let status = |error: fs::Error| error.status(&session.rules);
    if let By::Name = by {
        return fs::named(context.store, data).map_err(status)?.ok_or(Status::NOT_FOUND);
    }
    let index = context.store.index();
    let mf = fs::mf(index).map_err(status)?;
    // A current DF that another channel deleted leaves the master file.
    let df = || session.df.resolve(index).unwrap_or(mf);
    let id = <[u8; 2]>::try_from(data).map(u16::from_be_bytes).map_err(|_| Status::WRONG_LENGTH);
    let path = if data.is_empty() || !data.len().is_multiple_of(2) { Err(Status::WRONG_LENGTH) } else { Ok(data) };
    let entry = match by {
        By::FileId if data.is_empty() => mf,
        By::FileId => index.file(id?).ok_or(Status::NOT_FOUND)?,
        By::ChildDf => child(index.child(df().page, id?), Kind::Df)?,
        // At any depth below the current DF, as the applet does.
        By::ChildEf => child(index.file(id?).filter(|file| fs::is_below(index, file, df())), Kind::Ef)?,
        By::Parent if !data.is_empty() => return Err(Status::WRONG_LENGTH),
        By::Parent if df().page == mf.page => return Err(Status::NOT_FOUND),
        By::Parent => fs::parent(index, df()),
        By::PathFromMf => fs::walk(index, mf, path?).map_err(status)?,
        By::PathFromDf => fs::walk(index, df(), path?).map_err(status)?,
        By::Name => return Err(Status::NOT_FOUND),
    };
    Ok(FileRef::of(entry))
}

fn child(entry: Option<&crate::nvm::index::Entry>, kind: Kind) -> Result<&crate::nvm::index::Entry, Status> {
    entry.filter(|entry| entry.kind == kind).ok_or(Status::NOT_FOUND)
}

/// Selects the applet: as Java Card's deselect and select, this forgets everything that a reset forgets.
fn select_application<P: Platform>(context: &mut Context<'_, P>, p2: u8, reply: &mut Reply<'_>) -> Result<(), Status> {
    let version = match (context.preset.dialect, p2) {
        (Dialect::V0, _) => Version::V0,
        (Dialect::V1, _) | (Dialect::Auto, 0x0C) => Version::V1,
        (Dialect::Auto | Dialect::None, _) => Version::V0,
    };
    let df = fs::mf(context.store.index()).map(FileRef::of).map_err(|error| error.status(&DIALECT))?;
    let state = pin::life_cycle(context.store).map_err(Status::from)?;
    context.here_mut().session = Some(Session {
        rules: DIALECT,
        version,
        df,
        ef: None,
        verified: false,
        creation_access: state != LifeCycle::Operational,
        environment: None,
    });
    if version == Version::V0 {
        reply.push(&super::data::VERSION_0);
    }
    Ok(())
}
