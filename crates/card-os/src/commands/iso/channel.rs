//! MANAGE CHANNEL: logical channels, each with a session of its own.

use card_wire::{Case, Command, Status};

use crate::commands::{Context, expect_case};
use crate::platform::Platform;
use crate::reply::Reply;
use crate::session::{FileRef, Session};

/// MANAGE CHANNEL; case 2 where the card chooses the channel to open, else case 1.
pub(super) fn manage<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    match (command.p1, command.p2) {
        (0x00, 0x00) => {
            expect_case(command, Case::Two)?;
            let free = (1..context.preset.limits.channels).find(|channel| !is_open(context, *channel));
            let channel = free.ok_or(Status::FUNCTION_NOT_SUPPORTED)?;
            open(context, channel)?;
            reply.push(&[channel]);
            Ok(())
        }
        (0x00, channel @ 1..=3) => {
            expect_case(command, Case::One)?;
            if channel >= context.preset.limits.channels {
                return Err(Status::FUNCTION_NOT_SUPPORTED);
            }
            if is_open(context, channel) {
                return Err(Status::CONDITIONS);
            }
            open(context, channel)
        }
        (0x80, channel @ 0..=3) => {
            expect_case(command, Case::One)?;
            let channel = if channel == 0 { context.channel } else { channel };
            if channel == 0 || !is_open(context, channel) {
                return Err(Status::CONDITIONS);
            }
            if let Some(channel) = context.channels.get_mut(usize::from(channel)) {
                channel.clear();
            }
            Ok(())
        }
        _ => Err(Status::WRONG_P1_P2),
    }
}

fn is_open<P: Platform>(context: &Context<'_, P>, channel: u8) -> bool {
    context.channels.get(usize::from(channel)).is_some_and(|channel| channel.session.is_some())
}

/// From the basic channel it begins at the master file, from another at that one's DF.
fn open<P: Platform>(context: &mut Context<'_, P>, channel: u8) -> Result<(), Status> {
    let index = context.store.index();
    let df = match context.channel {
        0 => *index.root().ok_or(Status::MEMORY_FAILURE)?,
        _ => context.current_df()?,
    };
    let opened = context.channels.get_mut(usize::from(channel)).ok_or(Status::FUNCTION_NOT_SUPPORTED)?;
    opened.clear();
    opened.session = Some(Session::iso(FileRef::of(&df)));
    Ok(())
}
