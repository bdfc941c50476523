//! GET CHALLENGE.

use card_wire::{Case, Command, Status};
use rand_core::Rng as _;

use super::{Context, expect_case};
use crate::platform::Platform;
use crate::reply::Reply;

/// GET CHALLENGE of any length that Le can ask for; case 2.
pub(super) fn get_challenge<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if command.p1p2() != 0 {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Two)?;
    reply.fill(command.ne, |out| {
        context.rng.fill_bytes(out);
        Ok(())
    })
}
