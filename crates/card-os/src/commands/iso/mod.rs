//! Commands of the ISO file system, as ISO.md has them: one file for each family, one function for each command. This
//! file only finds the function, and has what all of them ask.

mod authenticate;
mod binary;
mod channel;
mod data;
mod environment;
mod file;
mod key;
mod pin;
mod record;
mod select;
mod sign;

use alloc::boxed::Box;

use card_wire::{Case, Command, Ins, Status};

use super::{Context, random};
use crate::fs::life;
use crate::fs::rule::{self, Act, Asker};
use crate::fs::{self, internal};
use crate::nvm::index::Entry;
use crate::nvm::object::Kind;
use crate::platform::Platform;
use crate::reply::Reply;
use crate::rules::ISO;
use crate::session::{FileRef, IsoState, Session};

/// Whether the instruction exists.
pub(super) const fn is_known(ins: Ins) -> bool {
    matches!(
        ins,
        Ins::DEACTIVATE_FILE
            | Ins::ERASE_BINARY
            | Ins::ERASE_BINARY_ODD
            | Ins::ACTIVATE_FILE
            | Ins::VERIFY
            | Ins::CHANGE_REFERENCE_DATA
            | Ins::DISABLE_VERIFICATION_REQUIREMENT
            | Ins::ENABLE_VERIFICATION_REQUIREMENT
            | Ins::RESET_RETRY_COUNTER
            | Ins::EXTERNAL_AUTHENTICATE
            | Ins::INTERNAL_AUTHENTICATE
            | Ins::MANAGE_SECURITY_ENVIRONMENT
            | Ins::PERFORM_SECURITY_OPERATION
            | Ins::GENERATE_ASYMMETRIC_KEY_PAIR
            | Ins::MANAGE_CHANNEL
            | Ins::GET_CHALLENGE
            | Ins::SEARCH_RECORD
            | Ins::SELECT
            | Ins::READ_BINARY
            | Ins::READ_BINARY_ODD
            | Ins::READ_RECORD
            | Ins::GET_RESPONSE
            | Ins::ENVELOPE
            | Ins::GET_DATA
            | Ins::GET_DATA_ODD
            | Ins::WRITE_BINARY
            | Ins::WRITE_BINARY_ODD
            | Ins::WRITE_RECORD
            | Ins::UPDATE_BINARY
            | Ins::UPDATE_BINARY_ODD
            | Ins::PUT_DATA
            | Ins::PUT_DATA_ODD
            | Ins::UPDATE_RECORD
            | Ins::CREATE_FILE
            | Ins::APPEND_RECORD
            | Ins::DELETE_FILE
            | Ins::TERMINATE_DF
            | Ins::TERMINATE_EF
            | Ins::TERMINATE_CARD_USAGE
    )
}

/// Executes a command whose class and lengths are good. `Ok` is 9000 or a warning that comes with data.
pub(super) fn execute<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<Status, Status> {
    let done = |result: Result<(), Status>| result.map(|()| Status::OK);
    if !matches!(command.ins, Ins::SELECT | Ins::MANAGE_CHANNEL) {
        // Another channel may have deleted the current DF.
        context.current_df()?;
    }
    match command.ins {
        Ins::SELECT => select::select(context, command, reply),
        Ins::READ_BINARY | Ins::READ_BINARY_ODD => binary::read(context, command, reply),
        Ins::UPDATE_BINARY | Ins::UPDATE_BINARY_ODD => done(binary::update(context, command)),
        Ins::WRITE_BINARY | Ins::WRITE_BINARY_ODD => done(binary::write(context, command)),
        Ins::ERASE_BINARY | Ins::ERASE_BINARY_ODD => done(binary::erase(context, command)),
        Ins::READ_RECORD => record::read(context, command, reply),
        Ins::UPDATE_RECORD => done(record::update(context, command)),
        Ins::WRITE_RECORD => done(record::write(context, command)),
        Ins::APPEND_RECORD => done(record::append(context, command)),
        Ins::SEARCH_RECORD => record::search(context, command, reply),
        Ins::GET_DATA | Ins::GET_DATA_ODD => done(data::get(context, command, reply)),
        Ins::PUT_DATA | Ins::PUT_DATA_ODD => done(data::put(context, command)),
        Ins::CREATE_FILE => done(file::create(context, command)),
        Ins::DELETE_FILE => done(file::delete(context, command)),
        Ins::ACTIVATE_FILE => done(file::change_state(context, command, life::Change::Activate)),
        Ins::DEACTIVATE_FILE => done(file::change_state(context, command, life::Change::Deactivate)),
        Ins::TERMINATE_DF => done(file::terminate(context, command, Kind::Df)),
        Ins::TERMINATE_EF => done(file::terminate(context, command, Kind::Ef)),
        Ins::TERMINATE_CARD_USAGE => done(file::terminate_card(context, command)),
        Ins::VERIFY => done(pin::verify(context, command)),
        Ins::CHANGE_REFERENCE_DATA => done(pin::change(context, command)),
        Ins::RESET_RETRY_COUNTER => done(pin::reset(context, command)),
        Ins::ENABLE_VERIFICATION_REQUIREMENT | Ins::DISABLE_VERIFICATION_REQUIREMENT => {
            done(pin::require(context, command))
        }
        Ins::EXTERNAL_AUTHENTICATE => done(authenticate::external(context, command)),
        Ins::INTERNAL_AUTHENTICATE => done(authenticate::internal(context, command, reply)),
        Ins::MANAGE_SECURITY_ENVIRONMENT => done(environment::manage(context, command)),
        Ins::GENERATE_ASYMMETRIC_KEY_PAIR => done(key::generate(context, command, reply)),
        Ins::PERFORM_SECURITY_OPERATION => done(sign::perform(context, command, reply)),
        Ins::MANAGE_CHANNEL => done(channel::manage(context, command, reply)),
        Ins::GET_CHALLENGE => done(get_challenge(context, command, reply)),
        // Alone it is answered by the link; here it was chained, or in an ENVELOPE, which means nothing.
        Ins::GET_RESPONSE => Err(Status::CONDITIONS),
        _ => Err(Status::INS_NOT_SUPPORTED),
    }
}

/// GET CHALLENGE; case 2. Sixteen bytes are what EXTERNAL AUTHENTICATE can answer.
fn get_challenge<P: Platform>(
    context: &mut Context<'_, P>,
    command: &Command<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), Status> {
    if command.p1p2() == 0 && command.case() == Case::Two {
        context.expect_in_use()?;
    }
    random::get_challenge(context, command, reply)?;
    context.iso_mut().challenge = reply.first_chunk().map(Box::new);
    if command.ne != 16 {
        context.iso_mut().challenge = None;
    }
    Ok(())
}

/// Le asks for as much as there is: all zeros, in either form.
const fn reads_to_the_end(command: &Command<'_>) -> bool {
    command.ne == if command.extended { card_wire::apdu::MAX_NE } else { 256 }
}

/// The status word of a refusal by the file system.
fn status(error: fs::Error) -> Status {
    error.status(&ISO)
}

impl<P: Platform> Context<'_, P> {
    /// What this channel remembers.
    fn iso(&self) -> &IsoState {
        self.here().iso()
    }

    /// The same, to change it.
    fn iso_mut(&mut self) -> &mut IsoState {
        self.here_mut().iso_mut()
    }

    /// Who sends the command, for access rules.
    fn asker(&self, command: &Command<'_>) -> Asker {
        Asker { verified: self.iso().verified, ins: command.ins }
    }

    fn session_copy(&self) -> Result<Session, Status> {
        self.here().session.ok_or(Status::INS_NOT_SUPPORTED)
    }

    /// The current DF.
    ///
    /// # Errors
    /// 6985 where another channel deleted it.
    fn current_df(&self) -> Result<Entry, Status> {
        let session = self.session_copy()?;
        session.df.resolve(self.store.index()).copied().ok_or(Status::CONDITIONS)
    }

    /// The current EF.
    ///
    /// # Errors
    /// 6986.
    fn current_ef(&self) -> Result<Entry, Status> {
        let session = self.session_copy()?;
        session.ef.and_then(|ef| ef.resolve(self.store.index())).copied().ok_or(ISO.no_current_ef)
    }

    /// Makes a file current. What was remembered of the former EF, and PINs of DFs that are left, are forgotten.
    fn make_current(&mut self, file: &Entry) -> Result<(), Status> {
        let index = self.store.index();
        let df = FileRef::of(internal::home(index, file));
        let ef = (file.kind == Kind::Ef).then(|| FileRef::of(file));
        let session = self.session_copy()?;
        let mut verified = self.iso().verified;
        if session.df != df {
            for pin in verified.iter_mut().filter(|pin| !self.is_in_force(**pin, df)) {
                *pin = FileRef::NONE;
            }
        }
        if (session.df, session.ef) != (df, ef) || verified != self.iso().verified {
            let iso = self.iso_mut();
            (iso.record, iso.verified) = (None, verified);
        }
        let session = self.session()?;
        (session.df, session.ef) = (df, ef);
        Ok(())
    }

    /// Whether the DF that holds this PIN is `df` or above it.
    fn is_in_force(&self, pin: FileRef, df: FileRef) -> bool {
        let index = self.store.index();
        let (Some(pin), Some(df)) = (pin.resolve(index), df.resolve(index)) else { return false };
        internal::upwards(index, df).any(|above| above.page == pin.parent)
    }

    /// The file and every DF above it may be used.
    ///
    /// # Errors
    /// 6985.
    fn expect_usable(&self, file: &Entry) -> Result<(), Status> {
        life::expect_usable(self.store.index(), file).map_err(status)
    }

    /// The use of the card was not terminated.
    ///
    /// # Errors
    /// 6985.
    fn expect_in_use(&self) -> Result<(), Status> {
        if life::is_card_terminated(self.store.index()) { Err(Status::CONDITIONS) } else { Ok(()) }
    }

    /// The access rules of the file do not stand in the way.
    ///
    /// # Errors
    /// 6982.
    fn expect_access(&mut self, command: &Command<'_>, file: &Entry, act: Act) -> Result<(), Status> {
        let asker = self.asker(command);
        rule::expect(self.store, &asker, file, act).map_err(status)
    }
}
