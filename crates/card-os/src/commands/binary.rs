//! READ BINARY and UPDATE BINARY, even instructions.

use card_wire::{Case, Command, Status};

use super::{Context, expect_case};
use crate::fs;
use crate::nvm::index::Entry;
use crate::nvm::object::Kind;
use crate::platform::Platform;
use crate::reply::Reply;
use crate::session::FileRef;

/// Where a binary command reads or writes.
enum Place {
    /// In the current EF.
    Current { offset: usize },
    /// In the EF of the current DF with this short identifier, which becomes current.
    Short { sfi: u8, offset: usize },
}

impl Place {
    fn parse(command: &Command<'_>) -> Result<Self, Status> {
        if command.p1 & 0x80 == 0 {
            return Ok(Self::Current { offset: usize::from(command.p1p2()) });
        }
        match command.p1 & 0x7F {
            sfi @ 1..=30 => Ok(Self::Short { sfi, offset: usize::from(command.p2) }),
            _ => Err(Status::WRONG_P1_P2),
        }
    }

    /// The transparent EF and the offset in it.
    fn find<P: Platform>(&self, context: &mut Context<'_, P>) -> Result<(Entry, usize, FileRef), Status> {
        let session = *context.session()?;
        let index = context.store.index();
        let (entry, offset) = match self {
            Self::Current { offset } => (session.ef.and_then(|ef| ef.resolve(index)), *offset),
            Self::Short { sfi, offset } => {
                let df = session.df.resolve(index).ok_or(Status::NOT_FOUND)?;
                (Some(fs::by_short_id(index, df.page, *sfi).ok_or(Status::NOT_FOUND)?), *offset)
            }
        };
        let entry = entry.filter(|entry| entry.kind == Kind::Ef).ok_or(session.rules.no_current_ef)?;
        Ok((*entry, offset, FileRef::of(entry)))
    }
}

fn file_access<P: Platform>(context: &mut Context<'_, P>) -> Result<bool, Status> {
    context.session().map(|session| session.verified || session.creation_access)
}

/// READ BINARY; case 2. Bytes beyond the end are left out without a warning.
pub(super) fn read<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    let place = Place::parse(command)?;
    expect_case(command, Case::Two)?;
    let (entry, offset, ef) = place.find(context)?;
    let authenticated = file_access(context)?;
    let session = context.session()?;
    let rules = session.rules;
    let (object, len) =
        fs::readable(context.store, &entry, offset, command.ne, authenticated).map_err(|error| error.status(&rules))?;
    reply.fill(len, |out| context.store.read_content(&object, offset, out)).map_err(Status::from)?;
    context.session()?.ef = Some(ef);
    Ok(())
}

/// UPDATE BINARY; case 3. Nothing is written unless all of the data fits.
pub(super) fn update<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let place = Place::parse(command)?;
    expect_case(command, Case::Three)?;
    let (entry, offset, ef) = place.find(context)?;
    let authenticated = file_access(context)?;
    let rules = context.session()?.rules;
    fs::update(context.store, &entry, offset, command.data, authenticated).map_err(|error| error.status(&rules))?;
    context.session()?.ef = Some(ef);
    Ok(())
}
