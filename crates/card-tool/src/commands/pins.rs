//! Login and the life of the PIN.

use card_enrolment::{Error, Overview, login as log_in};
use host_driver::Error as CardError;
use serde_json::json;

use super::Session;
use crate::failure::Failure;
use crate::report::Report;
use crate::terminal::say;

/// Presents the PIN, as on the manual's login page.
///
/// # Errors
/// [`Failure`].
pub fn login(session: &mut Session) -> Result<Report, Failure> {
    let lang = session.lang();
    let found = session.look()?;
    login_page(session, &found);
    let done = log_in(&mut session.card, &mut session.person);
    done.map_err(|error| session.failed(&error))?;
    let mut report = Report::new(json!({ "card": found.serial, "verified": true }));
    report.line(lang.login_done(&found.serial));
    if let Some(stale) = session.stale(&found)? {
        report.line(stale);
    }
    Ok(report)
}

/// The login page's words, and the registered data where the authority has it.
pub(super) fn login_page(session: &Session, found: &Overview) {
    use card_enrolment::authority::Authority as _;
    if session.settings().batch {
        return;
    }
    let lang = session.lang();
    say(format_args!("{} - {}", lang.member_login(), lang.card_login()));
    say(lang.account_notice());
    let registered = session.authority().ok().and_then(|mut authority| authority.registration(&found.serial).ok());
    if let Some(registered) = registered {
        say(lang.certificate_id(&registered.subscriber));
        say(lang.ra_unit(&registered.ra_unit));
    }
}

/// The same without the login page: is this the PIN?
///
/// # Errors
/// [`Failure`].
pub fn verify_pin(session: &mut Session) -> Result<Report, Failure> {
    let lang = session.lang();
    let found = session.look()?;
    let done = log_in(&mut session.card, &mut session.person);
    done.map_err(|error| session.failed(&error))?;
    let mut report = Report::new(json!({ "card": found.serial, "verified": true }));
    report.line(lang.pin_right());
    Ok(report)
}

/// Gives the PIN a new value.
///
/// # Errors
/// [`Failure`].
pub fn change_pin(session: &mut Session) -> Result<Report, Failure> {
    let lang = session.lang();
    let found = session.look()?;
    if found.pin.tries == Some(0) {
        return Err(Failure::new("locked", lang.locked(&found.serial)));
    }
    if found.pin.tries == Some(1) {
        session.person.may_spend_last_try()?;
    }
    let old = session.person.old_pin()?;
    let new = session.person.new_pin()?;
    if old == new {
        return Err(Failure::new("same-pin", lang.same_pin()));
    }
    let done = card_enrolment::change_pin(&mut session.card, &old, &new);
    done.map_err(|error| session.failed(&error))?;
    let mut report = Report::new(json!({ "card": found.serial, "changed": true }));
    report.line(lang.pin_changed());
    Ok(report)
}

/// Gives a locked PIN a new value, with the PUK that the registration desk keeps.
///
/// # Errors
/// [`Failure`].
pub fn unblock_pin(session: &mut Session) -> Result<Report, Failure> {
    let lang = session.lang();
    let found = session.look()?;
    let puk = session.person.puk()?;
    let new = session.person.new_pin()?;
    card_enrolment::unblock_pin(&mut session.card, &puk, &new).map_err(|error| match error {
        Error::Card(CardError::WrongPin { tries }) => Failure::wrong("wrong-puk", lang.wrong_puk(tries), tries),
        Error::PinBlocked { serial } => Failure::new("puk-locked", lang.puk_locked(serial)),
        other => session.failed(&other),
    })?;
    let mut report = Report::new(json!({ "card": found.serial, "unblocked": true }));
    report.line(lang.pin_unblocked());
    Ok(report)
}
