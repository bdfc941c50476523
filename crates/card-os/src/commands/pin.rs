//! VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER, in the forms of the dialect.

use card_wire::{Case, Command, Status};

use super::{Context, expect_case};
use crate::pin::{self, LifeCycle, PIN, PUK, STORED, Value};
use crate::platform::Platform;

/// What a PIN that was never set answers in the dialect.
const NOT_SET: Status = Status::tries_left(0);

/// A padded PIN or PUK; `bytes` has at most sixteen bytes.
fn value(bytes: &[u8]) -> Result<Value, Status> {
    pin::padded(bytes).ok_or(Status::WRONG_LENGTH)
}

/// A new PIN, whose length without its padding must keep the policy. Costs no try.
fn new_pin<P: Platform>(context: &Context<'_, P>, bytes: &[u8]) -> Result<Value, Status> {
    let policy = context.preset.pin;
    if !(usize::from(policy.min)..=usize::from(policy.max)).contains(&pin::unpadded_len(bytes)) {
        return Err(Status::WRONG_LENGTH);
    }
    value(bytes)
}

fn forget_verification<P: Platform>(context: &mut Context<'_, P>) -> Result<(), Status> {
    let session = context.session()?;
    session.verified = false;
    session.creation_access = false;
    Ok(())
}

/// VERIFY of the user PIN; case 3. Without data (cases 1 and 2) it asks whether a verification is needed.
pub(super) fn verify<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if command.p1p2() != u16::from(PIN) {
        return Err(Status::WRONG_P1_P2);
    }
    let policy = context.preset.pin;
    // A policy below sixteen bytes still takes the padded form that OpenSC sends.
    let lengths = usize::from(policy.min)..=STORED;
    match command.case() {
        Case::One | Case::Two => return status(context),
        Case::Three if lengths.contains(&command.data.len()) => (),
        _ => return Err(Status::WRONG_LENGTH),
    }
    if pin::life_cycle(context.store).map_err(Status::from)? != LifeCycle::Operational {
        return Err(Status::CONDITIONS);
    }
    let candidate = value(command.data)?;
    context.session()?.verified = false;
    let blocked = context.preset.blocked;
    pin::verify(context.store, context.events, PIN, &candidate).map_err(|error| error.status(blocked, NOT_SET))?;
    context.session()?.verified = true;
    Ok(())
}

/// 9000 where nothing needs to be verified, else the tries that are left.
fn status<P: Platform>(context: &mut Context<'_, P>) -> Result<(), Status> {
    let operational = pin::life_cycle(context.store).map_err(Status::from)? == LifeCycle::Operational;
    if !operational || context.session()?.verified {
        return Ok(());
    }
    match pin::tries_left(context.store, PIN).map_err(Status::from)? {
        0 => Err(context.preset.blocked),
        left => Err(Status::tries_left(left)),
    }
}

/// CHANGE REFERENCE DATA; case 3. P1=01 sets PIN or PUK for the first time, P1=00 replaces the PIN.
pub(super) fn change<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    let state = pin::life_cycle(context.store).map_err(Status::from)?;
    match (command.p1, command.p2, state) {
        (0x01, PUK, LifeCycle::Creation) => set_puk(context, command),
        (0x01, PIN, LifeCycle::Creation | LifeCycle::Initialisation) => set_pin(context, command),
        (0x00, PIN, LifeCycle::Operational) => replace(context, command),
        _ => Err(Status::WRONG_P1_P2),
    }
}

fn set_puk<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    expect_case(command, Case::Three)?;
    if command.data.len() != STORED {
        return Err(Status::WRONG_LENGTH);
    }
    pin::set(context.store, PUK, &value(command.data)?, LifeCycle::Initialisation).map_err(Status::from)
}

/// File access stays open for this session; key operations need a VERIFY.
fn set_pin<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    expect_case(command, Case::Three)?;
    let new = new_pin(context, command.data)?;
    pin::set(context.store, PIN, &new, LifeCycle::Operational).map_err(Status::from)
}

fn replace<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    expect_case(command, Case::Three)?;
    if command.data.len() != 2 * STORED {
        return Err(Status::WRONG_LENGTH);
    }
    let (old, new) = command.data.split_at(STORED);
    let (old, new) = (value(old)?, new_pin(context, new)?);
    forget_verification(context)?;
    let blocked = context.preset.blocked;
    pin::change(context.store, context.events, PIN, &old, &new).map_err(|error| error.status(blocked, NOT_SET))
}

/// RESET RETRY COUNTER with PUK and new PIN; case 3.
pub(super) fn unblock<P: Platform>(context: &mut Context<'_, P>, command: &Command<'_>) -> Result<(), Status> {
    if command.p1p2() != u16::from(PIN) {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Three)?;
    let (puk, new) = match command.data.split_at_checked(STORED) {
        Some((puk, new)) if (4..=STORED).contains(&new.len()) => (puk, new),
        _ => return Err(Status::WRONG_LENGTH),
    };
    let (puk, new) = (value(puk)?, new_pin(context, new)?);
    if pin::life_cycle(context.store).map_err(Status::from)? != LifeCycle::Operational {
        return Err(Status::NO_CURRENT_EF);
    }
    forget_verification(context)?;
    let blocked = context.preset.blocked;
    pin::unblock(context.store, context.events, &puk, &new).map_err(|error| error.status(blocked, NOT_SET))
}
