//! Tests that cannot run here say so, and are counted.

use std::fs::OpenOptions;
use std::io::Write;
use std::thread;

use thiserror::Error;

/// A file that collects one line per skipped test: its name, a tab and the reason.
const SKIPS: &str = "CARDLAB_SKIPS";
/// Set to 1, a skip is a failure.
const NO_SKIP: &str = "CARDLAB_NO_SKIP";

/// Something that a test needs is not on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Unavailable {
    /// What is missing, and if possible how to get it.
    pub reason: String,
}

impl Unavailable {
    /// For the reason given.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// The value, or nothing where this test must be skipped: then one line says why, and the skip is recorded in
/// the file that the environment variable `CARDLAB_SKIPS` names. The test should return then: each record counts as
/// one skipped test.
///
/// # Panics
/// Instead of a skip where `CARDLAB_NO_SKIP` is 1, and where a skip cannot be recorded.
#[must_use]
#[track_caller]
pub fn require_or_skip<T>(value: Result<T, Unavailable>) -> Option<T> {
    let Unavailable { reason } = match value {
        Ok(value) => return Some(value),
        Err(missing) => missing,
    };
    assert!(std::env::var(NO_SKIP).as_deref() != Ok("1"), "nothing may be skipped here, but: {reason}");
    let test = thread::current().name().unwrap_or("unnamed").to_owned();
    let reason = reason.replace(['\n', '\t'], " ");
    // Written to the stream itself: the test harness hides what `println!` says in a test that does not fail.
    // Nobody listening is no reason to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason} ({test})");
    if let Some(file) = std::env::var_os(SKIPS) {
        let line = format!("{test}\t{reason}\n");
        let written = OpenOptions::new().create(true).append(true).open(&file);
        // One write, so that the lines of tests that run at the same time do not mix.
        written.and_then(|mut file| file.write_all(line.as_bytes())).expect("the file in CARDLAB_SKIPS can be written");
    }
    None
}
