//! Golden files: what a card answered to every case, kept to be held against later runs.
//!
//! One text of lines, so that a version control shows what changed: a header, then each case with its exchanges. What is
//! secret is hidden in it as in a report; a hidden byte is compared with nothing.

mod text;

use std::collections::BTreeMap;

use crate::compare::{Comparison, Ending, Exchange, Play, first, steps};
use crate::outcome::Outcome;
use crate::record::Part;
use crate::report::redact::{self, RawExchange, Secrets, Shown};
use crate::script::{Action, Case, Step, Suite};
use crate::template::Variables;

/// Version of the form of the file.
pub const FORM: u32 = 1;

/// What a card answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Golden {
    /// Name and version of the program that recorded it.
    pub program: String,
    /// The ATR; nothing where none is known.
    pub atr: Option<Vec<u8>>,
    /// The preset of the card; nothing where each case had a card of its own.
    pub preset: Option<String>,
    cases: BTreeMap<String, Kept>,
}

/// What is kept of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    passed: bool,
    exchanges: Vec<KeptExchange>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct KeptExchange {
    command: Option<Shown>,
    answer: Option<Shown>,
}

/// Why a golden file is of no use here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// A line that is not of the form.
    #[error("line {line}: {what}")]
    Form {
        /// Its number, the first is 1.
        line: usize,
        /// What should be there.
        what: &'static str,
    },
    /// A case that the suite does not have.
    #[error("the suite has no case `{0}`; record the golden file anew")]
    NoSuchCase(String),
    /// A case that the file does not have.
    #[error("there is nothing of case `{0}` in the golden file; record it anew")]
    NotRecorded(String),
    /// The case sends something else than it did.
    #[error("case `{case}` is another now: exchange {exchange} is not what it was; record the golden file anew")]
    OtherSteps {
        /// The case.
        case: String,
        /// Number of the exchange, the first is 1.
        exchange: usize,
    },
    /// Recorded with a card of another preset.
    #[error("the golden file is of a card of preset `{recorded}`, this one is `{here}`")]
    OtherPreset {
        /// That of the file; `*` for one of each case's own.
        recorded: String,
        /// That of the run.
        here: String,
    },
}

impl Golden {
    /// A file without a case yet.
    #[must_use]
    pub fn new(program: &str, atr: Option<Vec<u8>>, preset: Option<&str>) -> Self {
        Self { program: program.to_owned(), atr, preset: preset.map(str::to_owned), cases: BTreeMap::new() }
    }

    /// Keeps what came of a case. One that did not begin is not kept.
    pub fn record(&mut self, case: &Case, outcome: &Outcome, secrets: &Secrets) {
        let play = Play::of(outcome, case, secrets);
        if matches!(play.ending, Ending::NotPlayed(_)) {
            return;
        }
        let shown = hidden(&play.exchanges, case, secrets);
        let passed = play.ending == Ending::Passed;
        self.cases.insert(case.id.clone(), Kept { passed, exchanges: shown });
    }

    /// Ids of the cases that are in it.
    pub fn cases(&self) -> impl Iterator<Item = &str> {
        self.cases.keys().map(String::as_str)
    }

    /// Whether the file is about a card of this preset, and about cases of this suite.
    ///
    /// # Errors
    /// The first that is not so.
    pub fn fits(&self, suite: &Suite, preset: Option<&str>) -> Result<(), GoldenError> {
        if self.preset.as_deref() != preset {
            let name = |preset: Option<&str>| preset.unwrap_or("*").to_owned();
            return Err(GoldenError::OtherPreset { recorded: name(self.preset.as_deref()), here: name(preset) });
        }
        match self.cases.keys().find(|id| suite.case(id).is_none()) {
            Some(id) => Err(GoldenError::NoSuchCase(id.clone())),
            None => Ok(()),
        }
    }

    /// Holds what came of a case now against what is kept of it, which is the reference.
    ///
    /// # Errors
    /// The case is not kept, or sends something else than it did: then there is nothing to compare.
    pub fn compare(
        &self,
        suite: &Suite,
        case: &Case,
        outcome: &Outcome,
        secrets: &Secrets,
    ) -> Result<Comparison, GoldenError> {
        let now = Play::of(outcome, case, secrets);
        let kept = self.cases.get(&case.id).ok_or_else(|| GoldenError::NotRecorded(case.id.clone()))?;
        let steps = steps(case);
        let other = |exchange| GoldenError::OtherSteps { case: case.id.clone(), exchange: exchange + 1 };
        if kept.exchanges.len() > steps.len() || (kept.passed && kept.exchanges.len() < steps.len()) {
            return Err(other(kept.exchanges.len().min(steps.len())));
        }
        let mut exchanges = Vec::new();
        for (at, was) in kept.exchanges.iter().enumerate() {
            let is = now.exchanges.get(at);
            let fits = match (is.map(|is| is.command.as_ref()), steps.get(at)) {
                (Some(is), Some((step, _))) => same_command(was.command.as_ref(), is, step, &suite.values),
                // This side ended before it could be sent.
                _ => true,
            };
            if !fits {
                return Err(other(at));
            }
            let command = was.command.as_ref().map(|was| filled(was, is.and_then(|is| is.command.as_ref())));
            let answer = was.answer.as_ref().map(|was| filled(was, is.and_then(|is| is.answer.as_ref())));
            exchanges.push(Exchange { command, answer });
        }
        let ending = if kept.passed {
            Ending::Passed
        } else {
            Ending::Failed { why: "it did when the golden file was recorded".to_owned(), place: None }
        };
        Ok(first(case, &Play { exchanges, ending }, &now))
    }
}

/// The values of a suite that must not stand in a file: those that are PINs, PUKs and keys by their names.
#[must_use]
pub fn secrets(values: &Variables) -> Secrets {
    let is_secret = |name: &str| name.split('-').any(|word| matches!(word, "pin" | "puk" | "key" | "aes" | "secret"));
    let bare = |value: &[u8]| {
        let end = value.iter().rposition(|byte| !matches!(byte, 0x00 | 0xFF)).map_or(0, |last| last + 1);
        value[..end].to_vec()
    };
    Secrets::new(values.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| bare(value)))
}

/// The exchanges with what is secret hidden.
fn hidden(exchanges: &[Exchange], case: &Case, secrets: &Secrets) -> Vec<KeptExchange> {
    let steps = steps(case);
    let raw = |(at, exchange): (usize, &Exchange)| RawExchange {
        part: if steps.get(at).is_some_and(|(_, setup)| *setup) { Part::Setup } else { Part::Case },
        command: exchange.command.clone(),
        answer: exchange.answer.clone(),
        micros: None,
        key_file: false,
    };
    let raw: Vec<RawExchange> = exchanges.iter().enumerate().map(raw).collect();
    let shown = secrets.redact(&raw).into_iter();
    let bytes = |shown: Option<String>| shown.and_then(|shown| redact::read(&shown));
    shown.map(|shown| KeptExchange { command: bytes(shown.command), answer: bytes(shown.answer) }).collect()
}

/// Hidden bytes are taken for what came instead, where that is as long.
fn filled(kept: &Shown, now: Option<&Vec<u8>>) -> Vec<u8> {
    let now = now.filter(|now| now.len() == kept.len());
    let byte =
        |(at, byte): (usize, &Option<u8>)| byte.or_else(|| now.and_then(|now| now.get(at).copied())).unwrap_or(0);
    kept.iter().enumerate().map(byte).collect()
}

/// Whether the step still sends what it did. What depends on captured values may be anything behind its header.
fn same_command(was: Option<&Shown>, is: Option<&Vec<u8>>, step: &Step, values: &Variables) -> bool {
    let (Some(was), Some(is)) = (was, is) else { return was.is_none() && is.is_none() };
    let Action::Send { command, .. } = &step.action else { return false };
    if command.names().all(|name| values.contains_key(name) || name == "n") {
        filled(was, Some(is)) == *is
    } else {
        was.iter().zip(is).take(4).all(|(was, is)| was.is_none_or(|was| was == *is))
    }
}
