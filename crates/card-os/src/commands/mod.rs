//! Commands: one file for each family, one function for each command. This file only finds the function.
//!
//! Every handler checks in the same order: P1-P2, length, life-cycle state, access, object; the dialect's key
//! commands check the PIN first.

mod binary;
mod data;
mod file;
mod iso;
mod key;
mod pair;
mod pin;
mod random;
mod select;
mod sign;

use card_wire::{Case, Command, Ins, Status};

use crate::crypto::rsa::Rsa;
use crate::keys::KeyCache;
use crate::nvm::store::Store;
use crate::platform::Platform;
use crate::preset::{Dialect, Preset};
use crate::reply::Reply;
use crate::rules::CommandSet;
use crate::session::{CHANNELS, Channel, Session};

/// What a handler works on.
pub(crate) struct Context<'c, P: Platform> {
    pub(crate) preset: &'c Preset,
    pub(crate) store: &'c mut Store<P::Nvm>,
    pub(crate) rng: &'c mut P::Rng,
    pub(crate) rsa: &'c mut P::Rsa,
    pub(crate) events: &'c mut P::Events,
    pub(crate) keys: &'c mut KeyCache<<P::Rsa as Rsa>::Prepared>,
    pub(crate) channels: &'c mut [Channel; CHANNELS],
    /// The channel that the command came on; below [`CHANNELS`].
    pub(crate) channel: u8,
}

impl<P: Platform> Context<'_, P> {
    /// The channel that the command came on.
    pub(crate) fn here(&self) -> &Channel {
        &self.channels[usize::from(self.channel) % CHANNELS]
    }

    /// The same, to change it.
    fn here_mut(&mut self) -> &mut Channel {
        &mut self.channels[usize::from(self.channel) % CHANNELS]
    }

    /// The session of the selected application. [`is_known`] lets nothing but SELECT through without one.
    fn session(&mut self) -> Result<&mut Session, Status> {
        self.here_mut().session.as_mut().ok_or(Status::INS_NOT_SUPPORTED)
    }

    /// The PIN was verified.
    ///
    /// # Errors
    /// 6982, on which OpenSC verifies again from its PIN cache.
    fn require_pin(&mut self) -> Result<(), Status> {
        if self.session()?.verified { Ok(()) } else { Err(Status::SECURITY_STATUS) }
    }
}

/// Whether the instruction exists. Before an application is selected, only SELECT does (rulings for our presets;
/// a card without a selected applet has nobody to ask).
pub(crate) const fn is_known(ins: Ins, selected: bool, dialect: Dialect) -> bool {
    if matches!(dialect, Dialect::None) {
        return iso::is_known(ins);
    }
    match ins {
        Ins::SELECT => true,
        Ins::GET_DATA => selected && !matches!(dialect, Dialect::V0),
        Ins::VERIFY
        | Ins::MANAGE_SECURITY_ENVIRONMENT
        | Ins::CHANGE_REFERENCE_DATA
        | Ins::PERFORM_SECURITY_OPERATION
        | Ins::RESET_RETRY_COUNTER
        | Ins::GENERATE_ASYMMETRIC_KEY_PAIR
        | Ins::MANAGE_CHANNEL
        | Ins::GET_CHALLENGE
        | Ins::READ_BINARY
        | Ins::GET_RESPONSE
        | Ins::UPDATE_BINARY
        | Ins::PUT_DATA_ODD
        | Ins::CREATE_FILE
        | Ins::DELETE_FILE => selected,
        _ => false,
    }
}

/// Executes a command whose class and lengths are good. `Ok` is 9000 or a warning that comes with data.
pub(crate) fn execute<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<Status, Status> {
    match context.here().session.as_ref().map(|session| session.rules.commands) {
        Some(CommandSet::Iso) => iso::execute(context, command, reply),
        _ => execute_dialect(context, command, reply).map(|()| Status::OK),
    }
}

fn execute_dialect<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    match command.ins {
        Ins::SELECT => select::select(context, command, reply),
        Ins::READ_BINARY => binary::read(context, command, reply),
        Ins::UPDATE_BINARY => binary::update(context, command),
        Ins::CREATE_FILE => file::create(context, command),
        Ins::DELETE_FILE => file::delete(context, command),
        Ins::VERIFY => pin::verify(context, command),
        Ins::CHANGE_REFERENCE_DATA => pin::change(context, command),
        Ins::RESET_RETRY_COUNTER => pin::unblock(context, command),
        Ins::MANAGE_SECURITY_ENVIRONMENT => key::manage_environment(context, command),
        Ins::GENERATE_ASYMMETRIC_KEY_PAIR => key::generate(context, command, reply),
        Ins::PUT_DATA_ODD => key::import(context, command),
        Ins::PERFORM_SECURITY_OPERATION => sign::perform(context, command, reply),
        Ins::GET_CHALLENGE => random::get_challenge(context, command, reply),
        Ins::GET_DATA => data::get_data(context, command, reply),
        Ins::MANAGE_CHANNEL => Err(Status::CHANNEL_NOT_SUPPORTED),
        // Alone it is answered by the link; here it was chained, which means nothing.
        Ins::GET_RESPONSE => Err(Status::CONDITIONS),
        _ => Err(Status::INS_NOT_SUPPORTED),
    }
}

/// The command is of this case.
///
/// # Errors
/// 6700.
fn expect_case(command: &Command<'_>, case: Case) -> Result<(), Status> {
    if command.case() == case { Ok(()) } else { Err(Status::WRONG_LENGTH) }
}
