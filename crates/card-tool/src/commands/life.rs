//! The certificate's life: application, renewal, installation, download, retirement.

use card_enrolment::{Case, Error, Outcome, State};
use card_pki::certificate::Certificate;
use card_pki::time::shown;
use serde_json::json;

use super::Session;
use super::pins::login_page;
use crate::failure::{Failure, NOT_YET};
use crate::patient::Patient;
use crate::place::{AnyCard, Place};
use crate::report::Report;
use crate::terminal::{self, GaveUp, say};

/// Runs one step of the flows with all that takes part.
fn with_case<R>(
    session: &mut Session,
    authority: &mut Patient,
    step: impl FnOnce(&mut AnyCard, &mut Case<'_>) -> Result<R, Error>,
) -> Result<R, Failure> {
    let now = session.settings().now;
    let mut case = Case { authority, dialog: &mut session.person, now };
    step(&mut session.card, &mut case).map_err(|error| session.failed(&error))
}

/// First application.
///
/// # Errors
/// [`Failure`].
pub fn apply(session: &mut Session) -> Result<Report, Failure> {
    let mut authority = session.patient()?;
    let found = session.look()?;
    login_page(session, &found);
    let outcome = with_case(session, &mut authority, card_enrolment::apply)?;
    report(session, &outcome)
}

/// Renewal, in the manual's order. `old` names the certificate that signs; `others` are further inserted cards.
///
/// # Errors
/// [`Failure`].
pub fn renew(session: &mut Session, old: Option<String>, others: Vec<Place>) -> Result<Report, Failure> {
    let mut authority = session.patient()?;
    let found = session.look()?;
    login_page(session, &found);
    session.person.wanted = old;
    let mut further = Vec::new();
    for place in others {
        let mut other = crate::place::connect(&mut session.person, place)?;
        let name = other.transport().describe();
        if name == session.place() {
            return Err(Failure::missing("same-reader", session.lang().same_reader(name)));
        }
        further.push(other);
    }
    let outcome = with_case(session, &mut authority, |card, case| card_enrolment::renew(card, &mut further, case))?;
    report(session, &outcome)
}

/// Goes on with an application or renewal whose answer has come.
///
/// # Errors
/// [`Failure`].
pub fn install(session: &mut Session) -> Result<Report, Failure> {
    let mut authority = session.patient()?;
    let found = session.look()?;
    // Where only the confirmation is left, the certificate that it is about is on the card already.
    let keyed = found.generations.iter().any(|generation| generation.certificate.is_none());
    let others = found.generations.iter().filter(|generation| generation.certificate.is_some()).count();
    session.person.first = others <= usize::from(!keyed);
    let outcome = with_case(session, &mut authority, card_enrolment::install)?;
    report(session, &outcome)
}

/// Says how far it has come.
fn report(session: &mut Session, outcome: &Outcome) -> Result<Report, Failure> {
    let lang = session.lang();
    let certificate = match outcome {
        Outcome::Waiting { key } => {
            let mut report = Report::new(json!({ "outcome": "waiting", "key": key.to_string() }));
            report.line(lang.answer_waiting(key));
            report.exit = NOT_YET;
            return Ok(report);
        }
        Outcome::Installed { certificate } | Outcome::Completed { certificate } => certificate.clone(),
    };
    let completed = matches!(outcome, Outcome::Completed { .. });
    let found = session.look()?;
    session.note(&found)?;
    let mut report = Report::new(json!({
        "outcome": if completed { "completed" } else { "installed" },
        "certificate": certificate.serial(),
        "not_after": certificate.validity().not_after,
    }));
    report.line(lang.certificate_line(certificate.serial(), shown(certificate.validity().not_after)));
    if !completed {
        report.line(lang.not_closed_yet());
        report.exit = NOT_YET;
    }
    report.lines.extend(session.stale(&found)?);
    Ok(report)
}

/// Which certificates are downloaded.
#[derive(Clone, Debug, Default)]
pub struct Download {
    /// All that are missing.
    pub all: bool,
    /// Only these.
    pub serials: Vec<String>,
    /// None: they are only listed.
    pub list: bool,
}

/// Writes certificates for keys of this card that are not on it.
///
/// # Errors
/// [`Failure`].
pub fn download(session: &mut Session, which: &Download) -> Result<Report, Failure> {
    let lang = session.lang();
    let mut authority = session.patient()?;
    session.look()?;
    let missing = with_case(session, &mut authority, card_enrolment::missing)?;
    if missing.is_empty() {
        let mut report = Report::new(json!({ "missing": [], "downloaded": [] }));
        report.line(lang.download_none());
        return Ok(report);
    }
    let listed: Vec<String> = missing
        .iter()
        .zip(1..)
        .map(|(certificate, number)| {
            lang.candidate(number, certificate.serial(), shown(certificate.validity().not_after), certificate.subject())
        })
        .collect();
    let serials: Vec<&str> = missing.iter().map(Certificate::serial).collect();
    if which.list {
        let mut report = Report::new(json!({ "missing": serials, "downloaded": [] }));
        report.line(lang.download_title());
        report.lines.extend(listed);
        return Ok(report);
    }
    let wanted = ticked(session, which, &missing, &listed)?;
    let done = with_case(session, &mut authority, |card, case| card_enrolment::download(card, &wanted, case))?;
    let found = session.look()?;
    session.note(&found)?;
    let downloaded: Vec<&str> = done.iter().map(Certificate::serial).collect();
    let mut report = Report::new(json!({ "missing": serials, "downloaded": downloaded }));
    for certificate in &done {
        report.line(lang.certificate_line(certificate.serial(), shown(certificate.validity().not_after)));
    }
    report.line(lang.download_done());
    report.lines.extend(session.stale(&found)?);
    Ok(report)
}

fn ticked(
    session: &mut Session,
    which: &Download,
    missing: &[Certificate],
    listed: &[String],
) -> Result<Vec<Certificate>, Failure> {
    let lang = session.lang();
    if !which.serials.is_empty() {
        let find = |serial: &String| {
            let found = missing.iter().find(|certificate| certificate.serial().eq_ignore_ascii_case(serial));
            found.cloned().ok_or_else(|| Failure::missing("no-such-certificate", lang.no_such_certificate(serial)))
        };
        return which.serials.iter().map(find).collect();
    }
    if which.all || session.settings().yes {
        return Ok(missing.to_vec());
    }
    if session.settings().batch {
        return Err(Failure::missing("choice-needed", lang.batch_needs("--all | --serial")));
    }
    if !terminal::is_there() {
        return Err(terminal::nobody(lang));
    }
    say(lang.download_title());
    listed.iter().for_each(say);
    let wanted = loop {
        let text = terminal::line(&lang.download_tick(missing.len())).map_err(|GaveUp| session.person.why())?;
        match numbers(&text, missing.len()) {
            Some(numbers) if numbers.is_empty() => break missing.to_vec(),
            Some(numbers) => break numbers.into_iter().map(|at| missing[at].clone()).collect(),
            None if text == "q" => return Err(session.person.why()),
            None => say(lang.bad_number()),
        }
    };
    session.person.confirm(&lang.download_confirm())?;
    Ok(wanted)
}

/// Numbers from 1, with commas, counted from 0; none twice.
fn numbers(text: &str, count: usize) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let number = part.parse::<usize>().ok().filter(|number| (1..=count).contains(number))?;
        if !found.contains(&(number - 1)) {
            found.push(number - 1);
        }
    }
    Some(found)
}

/// Takes an old certificate off the card and destroys its key.
///
/// # Errors
/// [`Failure`].
pub fn retire(session: &mut Session, serial: Option<&str>) -> Result<Report, Failure> {
    let lang = session.lang();
    let mut authority = session.patient()?;
    let found = session.look()?;
    session.note(&found)?;
    let named = found.generations.iter().filter_map(|generation| generation.certificate.as_ref());
    let named = serial.and_then(|serial| named.into_iter().find(|c| c.serial().eq_ignore_ascii_case(serial)));
    if let Some(certificate) = named {
        let until = shown(certificate.validity().not_after);
        session.person.confirm(&lang.retire_ask(certificate.serial(), until))?;
    } else if serial.is_none() && found.generations.iter().any(|generation| generation.state == State::Superseded) {
        session.person.confirm(&lang.retire_ask_default())?;
    }
    let retired = with_case(session, &mut authority, |card, case| card_enrolment::retire(card, serial, case))?;
    let found = session.look()?;
    session.note(&found)?;
    let mut report = Report::new(json!({ "retired": retired.as_ref().map(Certificate::serial) }));
    report.line(match &retired {
        Some(certificate) => lang.retired(certificate.serial()),
        None => lang.retired_none(),
    });
    report.lines.extend(session.stale(&found)?);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn ticks_are_numbers_of_the_list() {
        assert_eq!(numbers("1, 3,1", 3), Some(vec![0, 2]));
        assert_eq!(numbers("", 3), Some(vec![]));
        assert_eq!((numbers("0", 3), numbers("4", 3), numbers("q", 3)), (None, None, None));
    }
}
