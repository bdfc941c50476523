//! GET DATA: version and features of the dialect.

use card_wire::{Case, Command, Status};

use super::{Context, expect_case};
use crate::platform::Platform;
use crate::reply::Reply;
use crate::session::Version;

/// Version 0.6 with randomness (02) and curves (04).
pub(super) const VERSION_0: [u8; 3] = [0x00, 0x06, 0x06];
/// Version 1.0 with randomness (02), curves (04), PSS (08) and RSA-4096 (20). The bit for extended APDUs (01) stays
/// clear: a reader that does not announce them would be sent more than it can carry.
const VERSION_1: [u8; 3] = [0x01, 0x00, 0x2E];

/// GET DATA; case 2. An explicit `v0` card does not have the instruction.
pub(super) fn get_data<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if command.p1p2() != 0x0101 {
        return Err(Status::WRONG_P1_P2);
    }
    expect_case(command, Case::Two)?;
    context.session()?.version = Version::V1;
    reply.push(&VERSION_1);
    Ok(())
}
