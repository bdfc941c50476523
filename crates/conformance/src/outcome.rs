//! What came out of a case and of a run, and the table that says so.

use std::collections::BTreeMap;
use std::fmt;

use card_wire::Status;
use host_driver::TransportError;

use crate::record::VerdictKind;
use crate::script::Case;
use crate::target::FreshError;
use crate::template::TemplateError;
use crate::transcript::Transcript;
use crate::verify::VerifyError;

/// What came out of one case.
#[derive(Debug)]
pub struct Outcome {
    /// Id of the case.
    pub case: String,
    /// Title of the case.
    pub title: String,
    /// Passed, failed or skipped.
    pub verdict: Verdict,
    /// What went over the wire.
    pub transcript: Transcript,
    /// How many of its events are from before the case's own steps, and from before its teardown.
    pub parts: [usize; 2],
    /// How long the whole case took, in microseconds.
    pub micros: u64,
    /// How long single answers took, where the case asks for it: event of the transcript, and microseconds.
    pub times: Vec<(usize, u64)>,
    /// What went wrong when the card was put back into its state; the verdict is of the case alone.
    pub left_behind: Option<Failure>,
    /// It was played on another card in place of the card under test, and why.
    pub simulated: Option<String>,
}

impl Outcome {
    /// Of a case that was not played.
    #[must_use]
    pub fn not_played(case: &Case, verdict: Verdict) -> Self {
        Self {
            case: case.id.clone(),
            title: case.title.clone(),
            verdict,
            transcript: Transcript::of(&case.id),
            parts: [0; 2],
            micros: 0,
            times: Vec::new(),
            left_behind: None,
            simulated: None,
        }
    }

    /// That it was played on another card, and why, if it was.
    #[must_use]
    pub fn elsewhere(&self) -> Option<String> {
        self.simulated.as_ref().map(|why| format!("simulated on the built-in card: {why}"))
    }

    /// It passed on the card under test.
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        self.verdict.is_passed() && self.simulated.is_none()
    }

    /// It failed on the card under test.
    #[must_use]
    pub const fn is_failed(&self) -> bool {
        self.verdict.is_failed() && self.simulated.is_none()
    }
}

/// How a case came out.
#[derive(Debug)]
pub enum Verdict {
    /// Every step answered as it must.
    Passed,
    /// A step did not; the case ended there.
    Failed(Failure),
    /// The case says nothing about this card: it is about another, or a capability is missing.
    NotApplicable(String),
    /// It was not played, for the safety of the card.
    Refused(String),
    /// The case was not played.
    Skipped(SkipReason),
}

/// Why a case was not played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// It needs a fresh card and the target has only the one that is there.
    #[error("needs a fresh card")]
    NeedsFreshCard,
}

/// Where and how a case failed.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {}{what}", if *.setup { "in the setup: " } else { "" })]
pub struct Failure {
    /// File of the step.
    pub file: String,
    /// Line of the step.
    pub line: usize,
    /// The step belongs to a setup.
    pub setup: bool,
    /// What was not as expected.
    #[source]
    pub what: Mismatch,
}

/// How a step came out otherwise than expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// No fresh card could be had.
    #[error(transparent)]
    Fresh(FreshError),
    /// The command or the answer did not arrive.
    #[error("the card was not reached: {0}")]
    Transport(#[source] TransportError),
    /// The answer has no status word.
    #[error("the answer has no status word")]
    ShortAnswer,
    /// Another status word.
    #[error("expected {}, got {got}", one_of(.expected))]
    Status {
        /// Those that are right.
        expected: Vec<Status>,
        /// The one that came.
        got: Status,
    },
    /// Other data.
    #[error("expected data `{expected}`, got {} bytes: {}", .got.len(), shorten(.got))]
    Data {
        /// The pattern.
        expected: String,
        /// What came.
        got: Vec<u8>,
    },
    /// A data object that is missing or has another value.
    #[error("expected `{expected}` in {path}, which is not in {}", shorten(.got))]
    Object {
        /// Tags on the way.
        path: String,
        /// The pattern.
        expected: String,
        /// What came.
        got: Vec<u8>,
    },
    /// The part to capture is not there.
    #[error("nothing to capture for `{name}`")]
    Capture {
        /// The name.
        name: String,
    },
    /// A signature or an encryption that cannot be right.
    #[error("{0}")]
    Verify(#[source] VerifyError),
    /// A byte string that cannot be put together from what was captured.
    #[error("{0}")]
    Template(#[source] TemplateError),
    /// The target panicked, and said this.
    #[error("the target panicked: {0}")]
    Panicked(String),
}

/// Status words as alternatives.
fn one_of(words: &[Status]) -> String {
    words.iter().map(Status::to_string).collect::<Vec<_>>().join(" or ")
}

/// The first bytes, enough to recognise them.
fn shorten(bytes: &[u8]) -> String {
    match bytes.get(..40) {
        Some(head) if bytes.len() > 40 => format!("{}…", hex::encode_upper(head)),
        _ => hex::encode_upper(bytes),
    }
}

impl Verdict {
    /// Every step answered as it must.
    #[must_use]
    pub const fn is_passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    /// A step did not answer as it must.
    #[must_use]
    pub const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// The verdict as a record has it.
    #[must_use]
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Self::Passed => VerdictKind::Passed,
            Self::Failed(_) => VerdictKind::Failed,
            Self::NotApplicable(_) => VerdictKind::NotApplicable,
            Self::Refused(_) => VerdictKind::Refused,
            Self::Skipped(_) => VerdictKind::Skipped,
        }
    }

    /// One word for the table.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "FAILED",
            Self::NotApplicable(_) => "n/a",
            Self::Refused(_) => "refused",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why it did not pass; none where it did.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Passed => None,
            Self::Failed(failure) => Some(failure.to_string()),
            Self::NotApplicable(why) | Self::Refused(why) => Some(why.clone()),
            Self::Skipped(reason) => Some(reason.to_string()),
        }
    }
}

/// The outcome of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// One outcome for each case, in the order they were played.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Number of cases that passed on the card under test.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_passed()).count()
    }

    /// Number of cases that failed on the card under test.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_failed()).count()
    }

    /// Number of cases that were played on another card in its place.
    #[must_use]
    pub fn simulated(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.simulated.is_some()).count()
    }

    /// Number of cases that were not played on the card under test.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.outcomes.len() - self.passed() - self.failed()
    }

    /// Each case and its verdict, without those that were simulated: they say nothing about the card.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, VerdictKind)> {
        let own = self.outcomes.iter().filter(|outcome| outcome.simulated.is_none());
        own.map(|outcome| (outcome.case.as_str(), outcome.verdict.kind()))
    }

    /// Ids of the cases that failed, in order.
    #[must_use]
    pub fn failures(&self) -> Vec<&str> {
        let failed = self.outcomes.iter().filter(|outcome| outcome.is_failed());
        failed.map(|outcome| outcome.case.as_str()).collect()
    }

    /// Exit code of a program that ran this: 0 all as expected, 1 not, 2 nothing ran.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match (self.passed(), self.failed()) {
            (0, 0) => 2,
            (_, 0) => 0,
            _ => 1,
        }
    }

    /// All transcripts as one text, to be compared byte by byte.
    #[must_use]
    pub fn transcript(&self) -> String {
        self.outcomes.iter().map(|outcome| outcome.transcript.to_string()).collect()
    }

    /// The table: one line for each case that was played on the card, the reason under each that did not pass, and a line
    /// for each reason why others were not.
    #[must_use]
    pub const fn table(&self) -> Table<'_> {
        Table(self)
    }

    /// The last line: `N passed, N failed, N skipped`.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed(), self.failed(), self.skipped())
    }
}

/// Shows a [`Report`] as a table with the summary as its last line.
#[derive(Clone, Copy, Debug)]
pub struct Table<'r>(&'r Report);

/// Cases of a group that are named.
const NAMED: usize = 3;

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_told = |outcome: &&Outcome| outcome.verdict.is_failed() || outcome.is_passed();
        let (told, others): (Vec<&Outcome>, Vec<&Outcome>) = self.0.outcomes.iter().partition(is_told);
        let width = told.iter().map(|outcome| outcome.case.len()).max().unwrap_or(0);
        for outcome in told {
            writeln!(f, "{:<7}  {:<width$}  {}", outcome.verdict.word(), outcome.case, outcome.title)?;
            for reason in outcome.verdict.reason().into_iter().chain(outcome.elsewhere()) {
                writeln!(f, "         {reason}")?;
            }
        }
        // What was not played on the card: a line for each reason.
        let mut groups: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
        for outcome in others {
            let word = if outcome.simulated.is_some() { "simulated" } else { outcome.verdict.word() };
            let why = outcome.simulated.clone().or_else(|| outcome.verdict.reason()).unwrap_or_default();
            groups.entry((word, why)).or_default().push(&outcome.case);
        }
        for ((word, why), cases) in groups {
            let more = if cases.len() > NAMED { ", …" } else { "" };
            writeln!(f, "{word}: {why}: {} ({}{more})", cases.len(), cases[..cases.len().min(NAMED)].join(", "))?;
        }
        writeln!(f, "{}", self.0.summary())
    }
}
