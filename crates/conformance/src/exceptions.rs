//! Known exceptions: cases that a card is known not to pass, each with a reason. The form of the file is in `GUIDE.md`.

use serde::Deserialize;
use toml::Spanned;

use crate::error::{ScriptError, ScriptErrorKind};
use crate::needs;
use crate::record::{CaseRecord, ExceptionRecord, VerdictKind};
use crate::script::{Source, Suite};

/// One known exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Pattern of the ids of its cases, whole; `*` stands for any characters.
    pub case: String,
    /// Why it is known.
    pub reason: String,
    /// What is expected in place of passed.
    pub verdict: VerdictKind,
    /// Where the pattern stands in the file, in bytes.
    at: usize,
}

impl Exception {
    /// Whether the exception is about the case of this id.
    #[must_use]
    pub fn is_about(&self, id: &str) -> bool {
        fits(id, &self.case)
    }
}

/// The known exceptions of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions(pub Vec<Exception>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    exception: Vec<RawException>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawException {
    case: Spanned<String>,
    reason: Spanned<String>,
    verdict: Option<Spanned<String>>,
}

/// What can be expected in place of passed, by the name in the file.
const VERDICTS: [(&str, VerdictKind); 4] = [
    ("failed", VerdictKind::Failed),
    ("not-applicable", VerdictKind::NotApplicable),
    ("refused", VerdictKind::Refused),
    ("skipped", VerdictKind::Skipped),
];

impl Exceptions {
    /// Loads a file of exceptions for a suite.
    ///
    /// # Errors
    /// The first mistake with its line and column; a pattern that fits no case of the suite is one.
    pub fn load(file: Source<'_>, suite: &Suite) -> Result<Self, ScriptError> {
        let wrong = |at, kind| ScriptError::at(file.name, file.text, at, kind);
        let raw: RawFile = toml::from_str(file.text)
            .map_err(|error| wrong(error.span().unwrap_or_default().start, ScriptErrorKind::Toml(Box::new(error))))?;
        let mut exceptions = Vec::new();
        for row in raw.exception {
            if row.reason.get_ref().trim().is_empty() {
                return Err(wrong(row.reason.span().start, ScriptErrorKind::Reason));
            }
            let verdict = match &row.verdict {
                None => VerdictKind::Failed,
                Some(name) => verdict(name.get_ref()).map_err(|kind| wrong(name.span().start, kind))?,
            };
            let at = row.case.span().start;
            let exception = Exception { case: row.case.into_inner(), reason: row.reason.into_inner(), verdict, at };
            exceptions.push(exception);
        }
        let unused = exceptions.iter().find(|one| !suite.cases.iter().any(|case| one.is_about(&case.id)));
        if let Some(Exception { case, at, .. }) = unused {
            let ids = suite.cases.iter().map(|case| case.id.as_str());
            let nearest = needs::nearest(case, ids).map(str::to_owned);
            return Err(wrong(*at, ScriptErrorKind::NoSuchCase { pattern: case.clone(), nearest }));
        }
        Ok(Self(exceptions))
    }

    /// The first exception that is about this case and expects this verdict.
    #[must_use]
    pub fn covering(&self, id: &str, verdict: VerdictKind) -> Option<&Exception> {
        self.0.iter().find(|exception| exception.is_about(id) && exception.verdict == verdict)
    }

    /// What becomes of each exception by these verdicts, of cases that were played on the card itself: used by the cases
    /// that came out as it says, stale for those that passed all the same. A case uses the first exception that covers
    /// it.
    #[must_use]
    pub fn sort<'c>(&self, cases: impl IntoIterator<Item = (&'c str, VerdictKind)>) -> Vec<ExceptionRecord> {
        let record = |exception: &Exception| ExceptionRecord {
            case: exception.case.clone(),
            reason: exception.reason.clone(),
            used: Vec::new(),
            stale: Vec::new(),
        };
        let mut records: Vec<ExceptionRecord> = self.0.iter().map(record).collect();
        for (id, verdict) in cases {
            let about = self.0.iter().zip(&mut records).filter(|(exception, _)| exception.is_about(id));
            if verdict == VerdictKind::Passed {
                about.for_each(|(_, record)| record.stale.push(id.to_owned()));
            } else if let Some((_, record)) = { about }.find(|(exception, _)| exception.verdict == verdict) {
                record.used.push(id.to_owned());
            }
        }
        records
    }

    /// Marks the cases that came out as an exception says with its reason, and tells what became of each exception.
    /// What was played on the built-in card in place of the card says nothing about the card.
    pub fn apply(&self, cases: &mut [CaseRecord]) -> Vec<ExceptionRecord> {
        let played = cases.iter().filter(|case| !case.simulated).map(|case| (case.id.as_str(), case.verdict));
        let records = self.sort(played);
        for case in cases.iter_mut().filter(|case| !case.simulated) {
            case.exception = self.covering(&case.id, case.verdict).map(|exception| exception.reason.clone());
        }
        records
    }
}

fn verdict(name: &str) -> Result<VerdictKind, ScriptErrorKind> {
    VERDICTS.iter().find(|(known, _)| *known == name).map(|(_, verdict)| *verdict).ok_or_else(|| {
        let nearest = needs::nearest(name, VERDICTS.map(|(known, _)| known)).map(str::to_owned);
        ScriptErrorKind::UnknownVerdict { name: name.to_owned(), nearest }
    })
}

/// Whether all of `text` is `pattern`, where `*` stands for any characters.
fn fits(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let tail = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_is_about_the_whole_id() {
        assert!(fits("select-mf", "select-mf") && fits("select-mf", "select-*") && fits("select-mf", "*"));
        assert!(fits("select-mf-fci", "select*-fci") && fits("select-mf-fci", "s*mf*i"));
        assert!(!fits("select-mf", "select") && !fits("reselect-mf", "select-*") && !fits("ab", "ab*b"));
        assert!(!fits("select-mf", "*mf*mf") && fits("", "*") && !fits("a", ""));
    }
}
