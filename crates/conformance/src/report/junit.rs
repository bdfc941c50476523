//! A run as JUnit XML: one testsuite for each script file.
//!
//! JUnit knows passed, failed and skipped. Only what passed on the card itself is passed there; a known exception and what
//! was simulated are skipped, each with what came out as its message, so that no machine counts them for the card.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Standing, explain};
use crate::record::{CaseRecord, RunRecord, VerdictKind};

/// Why there is no JUnit file.
#[derive(Debug, thiserror::Error)]
#[error("the run cannot be written as JUnit XML: {0}")]
pub struct JunitError(#[source] quick_junit::SerializeError);

/// The run as JUnit XML.
///
/// # Errors
/// The serialiser's own; none is known.
pub fn write(record: &RunRecord) -> Result<String, JunitError> {
    let mut report = Report::new(record.program.clone());
    report.set_time(Duration::from_micros(record.cases.iter().map(|case| case.micros).sum()));
    for (file, cases) in by_file(record) {
        report.add_test_suite(suite(record, file, &cases));
    }
    report.to_string().map_err(JunitError)
}

/// The cases by file, the files in the order of the suite.
pub(super) fn by_file(record: &RunRecord) -> Vec<(&str, Vec<&CaseRecord>)> {
    let mut files: Vec<(&str, Vec<&CaseRecord>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &record.cases {
        let place = *places.entry(&case.file).or_insert_with(|| {
            files.push((&case.file, Vec::new()));
            files.len() - 1
        });
        files[place].1.push(case);
    }
    files
}

fn suite(record: &RunRecord, file: &str, cases: &[&CaseRecord]) -> TestSuite {
    let mut suite = TestSuite::new(file);
    suite.set_time(Duration::from_micros(cases.iter().map(|case| case.micros).sum()));
    let run = &record.run;
    let digest = record.digests.suite.iter().find(|digest| digest.name == file);
    let properties = [
        ("program", Some(&record.program)),
        ("target", Some(&run.target)),
        ("card", record.card.as_ref().map(|card| &card.name)),
        ("reader", run.reader.as_ref()),
        ("atr", run.atr.as_ref()),
        ("serial", run.serial.as_ref()),
        ("operator", run.operator.as_ref()),
        ("started", Some(&run.started)),
        ("ended", Some(&run.ended)),
        ("sha256", digest.map(|digest| &digest.sha256)),
        ("record-sha256", Some(&record.digests.record)),
    ];
    for (name, value) in properties {
        if let Some(value) = value {
            suite.add_property(Property::new(name, value));
        }
    }
    suite.add_test_cases(cases.iter().map(|case| test_case(case)));
    suite
}

fn test_case(case: &CaseRecord) -> TestCase {
    let mut test = TestCase::new(case.id.clone(), status(case));
    test.set_classname(case.file.trim_end_matches(".toml").to_owned());
    test.set_time(Duration::from_micros(case.micros));
    test.add_property(Property::new("title", &case.title));
    test.add_property(Property::new("line", case.line.to_string()));
    let lists = [("requirement", &case.requirements), ("tag", &case.tags), ("need", &case.needs)];
    for (name, values) in lists {
        test.add_properties(values.iter().map(|value| Property::new(name, value)));
    }
    let simulated = "simulated".to_owned();
    let singles = [
        ("clause", case.clause.as_ref()),
        ("source", case.source.as_ref()),
        ("mark", case.simulated.then_some(&simulated)),
        ("exception", case.exception.as_ref()),
    ];
    let singles = singles.into_iter().filter_map(|(name, value)| Some(Property::new(name, value?)));
    test.add_properties(singles);
    if case.verdict == VerdictKind::Failed && !matches!(Standing::of(case), Standing::Failed) {
        test.set_system_out(explain::text(&case.exchanges));
    }
    test
}

fn status(case: &CaseRecord) -> TestCaseStatus {
    let reason = case.reason.clone().unwrap_or_else(|| "no reason is recorded".to_owned());
    let skipped = |kind: &str, message: String| {
        let mut status = TestCaseStatus::skipped();
        status.set_type(kind).set_message(message);
        status
    };
    match Standing::of(case) {
        Standing::Passed => TestCaseStatus::success(),
        Standing::Failed => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let description = format!("{reason}\n\n{}", explain::text(&case.exchanges));
            status.set_type("failed").set_message(reason).set_description(description);
            status
        }
        Standing::Excepted => {
            let why = case.exception.as_deref().unwrap_or_default();
            skipped("known-exception", format!("known exception: {why}; it failed: {reason}"))
        }
        Standing::Simulated => {
            let outcome = match case.verdict {
                VerdictKind::Passed => "passed".to_owned(),
                verdict => format!("{}: {reason}", verdict.word()),
            };
            skipped("simulated", format!("simulated on the built-in card: {outcome}"))
        }
        standing => skipped(&standing.word().replace(' ', "-"), reason),
    }
}
