//! EXTERNAL AUTHENTICATE with an administration key, how such a key is set, and INTERNAL AUTHENTICATE.

use card_wire::{Case, Command, Status};

use super::pin::{Reference, expect_rule};
use super::sign;
use crate::commands::Context;
use crate::fs::attributes::Internal;
use crate::nvm::index::Entry;
use crate::platform::Platform;
use crate::reference::{self, Value};
use crate::reply::Reply;

/// EXTERNAL AUTHENTICATE. Case 3 answers the challenge, case 1 asks whether that is needed.
pub(super) fn external<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if command.p1 != 0x00 {
        return Err(Status::WRONG_P1_P2);
    }
    let reference = Reference::try_from(command.p2)?;
    if !matches!(command.case(), Case::One | Case::Three) {
        return Err(Status::WRONG_LENGTH);
    }
    let file = reference.find(context, Internal::Key)?;
    if command.data.is_empty() {
        return context.tell(&file);
    }
    let answer = <&[u8; 16]>::try_from(command.data).map_err(|_| Status::WRONG_LENGTH)?;
    if context.asked_state(&file)?.left == 0 {
        return Err(context.preset.blocked);
    }
    // One attempt a challenge, whatever comes of it.
    let challenge = context.iso_mut().challenge.take().ok_or(Status::CONDITIONS)?;
    let result = reference::authenticate(context.store, context.events, &file, &challenge, answer);
    context.conclude(&file, result)?;
    context.note_verified(&file);
    Ok(())
}

/// UPDATE BINARY on the file of an administration key, whose checks the caller has made.
pub(super) fn set_key<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    file: &Entry,
    offset: usize,
) -> Result<(), Status> {
    let state = reference::state(context.store, file)?;
    // As with PINs: what is set is replaced by a rule only.
    if state.set {
        expect_rule(context, command, file)?;
    }
    if offset != 0 {
        return Err(Status::WRONG_OFFSET);
    }
    let data = command.data;
    let new = Value::key(data).filter(|_| data.len() == usize::from(state.max)).ok_or(Status::WRONG_LENGTH)?;
    reference::set(context.store, file, &new)?;
    context.forget_verified(file);
    context.make_current(file)
}

/// INTERNAL AUTHENTICATE; cases 3 and 4: signs what the host drew, with the key for authentication.
pub(super) fn internal<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if command.p1p2() != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    if !matches!(command.case(), Case::Three | Case::Four) {
        return Err(Status::WRONG_LENGTH);
    }
    let used = context.iso().environment.authentication;
    sign::sign(context, command, used, reply)
}
