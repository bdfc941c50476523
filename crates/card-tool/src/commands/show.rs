//! What is on the card, for people and for scripts. Needs no PIN.

use card_enrolment::{Generation, Overview, State};
use card_pki::time::{Timestamp, Window, shown};
use serde::Serialize;
use serde_json::json;

use super::Session;
use crate::failure::Failure;
use crate::home::Seen;
use crate::report::Report;
use crate::texts::Lang;

/// What the card is.
///
/// # Errors
/// [`Failure`].
pub fn info(session: &mut Session) -> Result<Report, Failure> {
    let lang = session.lang();
    let found = session.look()?;
    session.note(&found)?;
    let reader = session.place();
    let stale = session.stale(&found)?;
    let policy = found.pin.policy;
    let mut report = Report::new(json!({
        "card": found.serial,
        "label": found.label,
        "manufacturer": found.manufacturer,
        "atr": hex::encode_upper(&found.atr),
        "reader": reader,
        "pin": { "min": policy.min, "max": policy.max, "tries_left": found.pin.tries },
        "free_slots": found.free_slots,
        "current": found.current().and_then(|current| current.certificate.as_ref()).map(|current| current.serial()),
        "authorities": found.authorities.len(),
        "registration_stale": stale.is_some(),
    }));
    report.line(lang.info_serial(&found.serial));
    report.lines.extend(found.label.as_ref().map(|label| lang.info_label(label)));
    report.lines.extend(found.manufacturer.as_ref().map(|name| lang.info_manufacturer(name)));
    report.line(lang.info_reader(reader)).line(lang.info_atr(hex::encode_upper(&found.atr)));
    report.line(match found.pin.tries {
        Some(tries) => lang.info_pin(policy.min, policy.max, tries),
        None => lang.info_pin_free(policy.min, policy.max),
    });
    if found.pin.tries == Some(0) {
        report.line(lang.locked(&found.serial));
    }
    report.line(lang.info_slots(found.free_slots)).line(lang.info_authorities(found.authorities.len()));
    match found.current().and_then(|current| current.certificate.as_ref()) {
        Some(current) => {
            let until = current.validity().not_after;
            let window = Window::before(until);
            report.line(lang.info_current(current.serial(), shown(until)));
            report.line(lang.info_window(shown(window.opens), shown(window.closes)));
        }
        None => {
            report.line(lang.info_no_certificate());
        }
    }
    report.lines.extend(open_work(lang, &found));
    report.lines.extend(stale);
    Ok(report)
}

fn open_work(lang: Lang, found: &Overview) -> Option<String> {
    use host_driver::pkcs15::Stage;
    let stage = found.journal.map(|journal| journal.stage).filter(|stage| *stage != Stage::Idle)?;
    Some(match stage {
        Stage::Keyed | Stage::Pending => lang.info_pending(),
        _ => lang.info_open(),
    })
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    state: String,
    /// For scripts, in no language.
    code: &'static str,
    slot: Option<u8>,
    serial: Option<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    subject: Option<String>,
    issuer: Option<String>,
}

/// The certificates: those on the card, and those that this computer saw on it once.
///
/// # Errors
/// [`Failure`].
pub fn certs(session: &mut Session) -> Result<Report, Failure> {
    let lang = session.lang();
    let found = session.look()?;
    let retired = session.note(&found)?;
    let stale = session.stale(&found)?;
    let mut rows: Vec<Row> = found.generations.iter().map(|generation| on_card(lang, generation)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.not_after));
    rows.extend(retired.iter().map(|seen| off_card(lang, seen)));
    let mut report =
        Report::new(json!({ "card": found.serial, "certificates": rows, "registration_stale": stale.is_some() }));
    report.line(lang.info_serial(&found.serial));
    if rows.is_empty() {
        report.line(lang.certs_none());
    } else {
        report.lines.extend(table(lang, &rows));
    }
    report.lines.extend(stale);
    Ok(report)
}

fn on_card(lang: Lang, generation: &Generation) -> Row {
    let certificate = generation.certificate.as_ref();
    let (code, state) = state(lang, &generation.state);
    Row {
        code,
        state,
        slot: generation.slot,
        serial: certificate.map(|certificate| certificate.serial().to_owned()),
        not_before: certificate.map(|certificate| certificate.validity().not_before),
        not_after: certificate.map(|certificate| certificate.validity().not_after),
        subject: certificate.map(|certificate| certificate.subject()),
        issuer: certificate.map(|certificate| certificate.issuer()),
    }
}

fn off_card(lang: Lang, seen: &Seen) -> Row {
    Row {
        code: "retired",
        state: lang.state_retired(),
        slot: seen.slot,
        serial: Some(seen.serial.clone()),
        not_before: Some(seen.not_before),
        not_after: Some(seen.not_after),
        subject: Some(seen.subject.clone()),
        issuer: Some(seen.issuer.clone()),
    }
}

fn state(lang: Lang, state: &State) -> (&'static str, String) {
    match state {
        State::Keyed => ("keyed", lang.state_keyed()),
        State::Pending => ("pending", lang.state_pending()),
        State::Active => ("current", lang.state_current()),
        State::Superseded => ("superseded", lang.state_superseded()),
        State::Early => ("early", lang.state_early()),
        State::Expired => ("expired", lang.state_expired()),
        State::Revoked { revocation } => ("revoked", lang.state_revoked(shown(revocation.at))),
        State::Unreadable => ("unreadable", lang.state_unreadable()),
    }
}

/// The rows in columns; the two names stand below their row, because they are long.
fn table(lang: Lang, rows: &[Row]) -> Vec<String> {
    let dash = || "-".to_owned();
    let mut cells =
        vec![[lang.head_state(), lang.head_slot(), lang.head_serial(), lang.head_from(), lang.head_until()]];
    cells.extend(rows.iter().map(|row| {
        [
            row.state.clone(),
            row.slot.map_or_else(dash, |slot| slot.to_string()),
            row.serial.clone().unwrap_or_else(dash),
            row.not_before.map_or_else(dash, shown),
            row.not_after.map_or_else(dash, shown),
        ]
    }));
    let widths: Vec<usize> = (0..5).map(|at| cells.iter().map(|row| width(&row[at])).max().unwrap_or(0)).collect();
    let mut lines = Vec::new();
    for (line, row) in cells.iter().zip(std::iter::once(None).chain(rows.iter().map(Some))) {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        lines.push(padded.join("  ").trim_end().to_owned());
        if let Some(row) = row {
            lines.extend(row.subject.as_ref().map(|name| format!("    {}: {name}", lang.head_subject())));
            lines.extend(row.issuer.as_ref().map(|name| format!("    {}: {name}", lang.head_issuer())));
        }
    }
    lines
}

/// Columns that a text takes on a terminal: Chinese characters take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum()
}

fn pad(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_characters_take_two_columns() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("\u{72c0}\u{614b}"), 4);
        assert_eq!(pad("\u{72c0}", 4), "\u{72c0}  ");
    }
}
