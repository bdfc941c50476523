//! CREATE FILE and DELETE FILE (ISO/IEC 7816-9), in the forms of the dialect.

use card_wire::{Case, Command, Status};

use super::{Context, expect_case};
use crate::fs::{self, fci::NewFile};
use crate::nvm::object::Kind;
use crate::platform::Platform;

/// CREATE FILE; case 3. The new file is selected.
pub(super) fn create<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if command.p1p2() != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    let session = *context.session()?;
    let rules = session.rules;
    let file = NewFile::parse(command.data, rules.fci_tag).ok_or(rules.bad_tlv)?;
    let authenticated = session.verified || session.creation_access;
    let created = fs::create(context.store, &rules, &context.preset.limits, session.df, &file, authenticated)
        .map_err(|error| error.status(&rules))?;
    let session = context.session()?;
    if file.kind == Kind::Df {
        session.df = created;
    } else {
        session.ef = Some(created);
    }
    Ok(())
}

/// DELETE FILE by identifier; case 3. The DF that held the file becomes current, without a current EF.
pub(super) fn delete<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if command.p1p2() != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    let id = <[u8; 2]>::try_from(command.data).map(u16::from_be_bytes).map_err(|_| Status::WRONG_LENGTH)?;
    let session = *context.session()?;
    let authenticated = session.verified || session.creation_access;
    let parent = fs::delete(context.store, id, authenticated).map_err(|error| error.status(&session.rules))?;
    let session = context.session()?;
    session.df = parent;
    session.ef = None;
    Ok(())
}
