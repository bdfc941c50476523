//! A run as plain lines. The last line is always `N passed, N failed, N skipped`.

use std::fmt::Write as _;

use super::Standing;
use crate::record::{CaseRecord, RunRecord, Summary, VerdictKind};

/// Which cases have a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// All.
    All,
    /// Those that failed.
    Failures,
}

/// The lines of a run, with the counts as the last ones.
#[must_use]
pub fn lines(record: &RunRecord, show: Show) -> String {
    let cases = || record.cases.iter().filter(|case| show == Show::All || Standing::of(case) == Standing::Failed);
    let width = cases().map(|case| case.id.chars().count()).max().unwrap_or(0);
    let word_width = cases().map(|case| word(case).len()).max().unwrap_or(0).max("skipped".len());
    let mut text = String::new();
    for case in cases() {
        let title = one_line(&case.title);
        let _ = writeln!(text, "{:<word_width$}  {:<width$}  {title}{}", word(case), one_line(&case.id), marks(case));
        for line in case.reason.iter().flat_map(|reason| reason.lines()) {
            let _ = writeln!(text, "{:word_width$}  {}", "", printable(line));
        }
    }
    for exception in record.exceptions.iter().filter(|exception| !exception.stale.is_empty()) {
        let (pattern, cases) = (one_line(&exception.case), one_line(&exception.stale.join(", ")));
        let _ = writeln!(text, "stale exception `{pattern}`: passed all the same: {cases}");
    }
    text + &summary(&record.summary) + "\n"
}

/// The counts: a line for those that are rare, where there are any, and the last line.
#[must_use]
pub fn summary(summary: &Summary) -> String {
    let rare = [
        (summary.excepted, "failed as a known exception says"),
        (summary.stale, "stale exceptions"),
        (summary.simulated, "simulated on the built-in card"),
        (summary.not_applicable, "not applicable"),
        (summary.refused, "refused"),
    ];
    let rare: Vec<_> = rare.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let above = if rare.is_empty() { String::new() } else { format!("{}\n", rare.join(", ")) };
    format!("{above}{} passed, {} failed, {} skipped", summary.passed, summary.failed, summary.not_played())
}

const fn word(case: &CaseRecord) -> &'static str {
    match case.verdict {
        VerdictKind::Failed if case.exception.is_none() => "FAILED",
        verdict => verdict.word(),
    }
}

fn marks(case: &CaseRecord) -> String {
    let simulated = if case.simulated { " [simulated]" } else { "" };
    let exception = match (&case.exception, case.verdict) {
        (Some(reason), VerdictKind::Passed) => format!(" [stale exception: {}]", one_line(reason)),
        (Some(reason), _) => format!(" [known exception: {}]", one_line(reason)),
        (None, _) => String::new(),
    };
    format!("{simulated}{exception}")
}

fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What a file says must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
