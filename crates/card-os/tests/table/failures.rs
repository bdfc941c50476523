//! What did not come out as the table says.

use std::fmt::Write as _;

/// Collected, so that one run shows them all.
#[derive(Default)]
pub(crate) struct Failures {
    shown: Vec<String>,
    count: usize,
}

/// So many are printed for each command; the rest is counted.
const SHOWN: usize = 12;

impl Failures {
    /// Compares; `what` says which command it was.
    pub(crate) fn check(&mut self, expected: &str, got: &str, what: impl FnOnce() -> String) {
        if !matches(expected, got) {
            self.push(format!("{}: expected {expected}, got {got}", what()));
        }
    }

    pub(crate) fn push(&mut self, line: String) {
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(line);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The lines and how many there are beyond them.
    pub(crate) fn report(&self) -> String {
        let mut text = self.shown.join("\n");
        if self.count > self.shown.len() {
            let _ = write!(text, "\n… and {} more", self.count - self.shown.len());
        }
        text
    }
}

/// Fails with the reports of all commands that have one.
#[track_caller]
pub(crate) fn assert_none(reports: &[Failures]) {
    let bad: Vec<String> = reports.iter().filter(|report| !report.is_empty()).map(Failures::report).collect();
    assert!(bad.is_empty(), "\n{}\n", bad.join("\n"));
}

/// Whether a status word is the expected one; `x` stands for any digit.
pub(crate) fn matches(expected: &str, got: &str) -> bool {
    expected.len() == got.len() && expected.bytes().zip(got.bytes()).all(|(want, have)| want == b'x' || want == have)
}
