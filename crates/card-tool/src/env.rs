//! The environment check: everything that must be right on this computer before a card can be used, row by row.

mod machine;
mod software;

use serde::Serialize;
use serde_json::json;

use crate::failure::{FAILED, Failure};
use crate::home::Home;
use crate::report::Report;
use crate::settings::Settings;
use crate::texts::Lang;

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Failed,
    /// It was wrong and has been repaired.
    Fixed,
    /// There is nothing to compare it with.
    Skipped,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// For scripts.
    pub(crate) id: &'static str,
    /// For people.
    pub(crate) title: String,
    pub(crate) state: Standing,
    /// What was found.
    pub(crate) finding: String,
    /// What to do, where something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Row {
    pub(crate) fn ok(id: &'static str, title: String, finding: String) -> Self {
        Self { id, title, state: Standing::Ok, finding, advice: None }
    }

    pub(crate) fn failed(id: &'static str, title: String, finding: String, advice: String) -> Self {
        Self { id, title, state: Standing::Failed, finding, advice: Some(advice) }
    }

    pub(crate) fn skipped(id: &'static str, title: String, finding: String, advice: Option<String>) -> Self {
        Self { id, title, state: Standing::Skipped, finding, advice }
    }

    /// The same row after its repair: fixed where it is right now.
    pub(crate) fn repaired(self) -> Self {
        match self.state {
            Standing::Ok => Self { state: Standing::Fixed, ..self },
            _ => self,
        }
    }
}

/// Runs a check, and where it fails and may be repaired, repairs and checks again.
fn row(fix: bool, check: impl Fn() -> Row, repair: impl FnOnce() -> bool) -> Row {
    let found = check();
    if fix && found.state == Standing::Failed && repair() { check().repaired() } else { found }
}

/// Checks, and repairs what can be repaired if that is wanted.
///
/// # Errors
/// [`Failure`] only where nothing can be checked at all.
pub fn check(settings: &Settings, fix: bool) -> Result<Report, Failure> {
    let lang = settings.lang;
    let home = Home::of(settings)?;
    let mut rows = vec![machine::system(lang)];
    rows.push(row(fix, || machine::service(lang), machine::start_service));
    rows.extend(machine::readers(lang));
    rows.push(software::module(lang));
    rows.push(row(fix, || software::p11kit(lang), || crate::csp::install(lang, &home, None).is_ok()));
    rows.push(row(fix, || software::nss(lang), || crate::csp::install(lang, &home, None).is_ok()));
    rows.push(machine::clock(settings));
    rows.push(row(fix, || machine::permissions(lang, &home), || machine::make_private(&home)));
    rows.push(machine::channel(settings));
    Ok(report(lang, &rows, fix))
}

fn report(lang: Lang, rows: &[Row], fix: bool) -> Report {
    let failed = rows.iter().filter(|row| row.state == Standing::Failed).count();
    let mut report = Report::new(json!({ "rows": rows, "failed": failed }));
    report.line(lang.env_title());
    for (row, number) in rows.iter().zip(1..) {
        let state = match row.state {
            Standing::Ok => lang.env_ok(),
            Standing::Failed => lang.env_failed(),
            Standing::Fixed => lang.env_fixed(),
            Standing::Skipped => lang.env_skipped(),
        };
        report.line(format!("{number:2}. [{state}] {}: {}", row.title, row.finding));
        if let Some(advice) = &row.advice {
            report.line(format!("      -> {advice}"));
        }
    }
    if failed == 0 {
        report.line(lang.env_all_good());
    } else if !fix {
        report.line(lang.env_fix_hint());
    }
    report.exit = if failed == 0 { 0 } else { FAILED };
    report
}
