//! Reports: every form of a [`RunRecord`], and what is checked and compared in one.
//!
//! All of this sees the record and nothing else: no card, no suite, no clock. What enters a record is made safe by
//! [`redact`] first; what leaves it is [`json`], [`junit`], [`html`] or [`terminal`]. [`explain`] says in words what
//! went over the wire, [`check`] whether a record is still what was written, [`diff`] what changed between two.

pub mod build;
pub mod check;
pub mod diff;
pub mod explain;
pub mod html;
pub mod json;
pub mod junit;
pub mod redact;
pub mod terminal;

use crate::record::{CaseRecord, ExceptionRecord, RunRecord, Summary, VerdictKind};

impl VerdictKind {
    /// The verdict in lower-case words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotApplicable => "not applicable",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

/// How a case counts: its verdict and its mark together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Passed, on the card itself.
    Passed,
    /// Failed, on the card itself and without an exception.
    Failed,
    /// Failed as a known exception says.
    Excepted,
    /// Played on the built-in card in place of the card, whatever came out.
    Simulated,
    /// A need was missing.
    NotApplicable,
    /// Not allowed on this card.
    Refused,
    /// Not played for another reason.
    Skipped,
}

impl Standing {
    /// Every standing, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::Passed,
        Self::Failed,
        Self::Excepted,
        Self::Simulated,
        Self::NotApplicable,
        Self::Refused,
        Self::Skipped,
    ];

    /// How this case counts.
    #[must_use]
    pub const fn of(case: &CaseRecord) -> Self {
        match (case.simulated, case.verdict, &case.exception) {
            (true, ..) => Self::Simulated,
            (_, VerdictKind::Passed, _) => Self::Passed,
            (_, VerdictKind::Failed, None) => Self::Failed,
            (_, VerdictKind::Failed, Some(_)) => Self::Excepted,
            (_, VerdictKind::NotApplicable, _) => Self::NotApplicable,
            (_, VerdictKind::Refused, _) => Self::Refused,
            (_, VerdictKind::Skipped, _) => Self::Skipped,
        }
    }

    /// The standing in lower-case words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Excepted => "known exception",
            Self::Simulated => "simulated",
            Self::NotApplicable => "not applicable",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

impl Summary {
    /// Counts cases and exceptions, as [`RunRecord::summary`] must have it.
    #[must_use]
    pub fn of(cases: &[CaseRecord], exceptions: &[ExceptionRecord]) -> Self {
        let mut summary = Self::default();
        for case in cases {
            *match Standing::of(case) {
                Standing::Passed => &mut summary.passed,
                Standing::Failed => &mut summary.failed,
                Standing::Excepted => &mut summary.excepted,
                Standing::Simulated => &mut summary.simulated,
                Standing::NotApplicable => &mut summary.not_applicable,
                Standing::Refused => &mut summary.refused,
                Standing::Skipped => &mut summary.skipped,
            } += 1;
        }
        summary.stale = exceptions.iter().filter(|exception| !exception.stale.is_empty()).count();
        summary
    }

    /// The counts by name, as the record has them.
    #[must_use]
    pub const fn fields(&self) -> [(&'static str, usize); 8] {
        [
            ("passed", self.passed),
            ("failed", self.failed),
            ("excepted", self.excepted),
            ("not_applicable", self.not_applicable),
            ("refused", self.refused),
            ("skipped", self.skipped),
            ("simulated", self.simulated),
            ("stale", self.stale),
        ]
    }

    /// Cases that were not played at all.
    #[must_use]
    pub const fn not_played(&self) -> usize {
        self.not_applicable + self.refused + self.skipped
    }
}

/// The command that runs one case again.
#[must_use]
pub fn again(record: &RunRecord, case: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let word = if case.chars().all(plain) { case.to_owned() } else { format!("'{}'", case.replace('\'', r"'\''")) };
    record.run.again.replace("{case}", &word)
}

/// A duration in the unit that suits it.
#[must_use]
pub fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}
