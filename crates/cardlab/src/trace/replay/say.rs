//! What is said of a replay: the differences, each with what was played before it, and the counts.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use card_conformance::record::{ExchangeRecord, Part};
use card_conformance::report::explain::{Explained, Explainer};
use card_conformance::report::redact::write;
use card_trace::replay::{Difference, Outcome, Skip};
use card_trace::{Entry, Shown, What};
use serde::Serialize;

use super::reason;
use crate::output;
use crate::trace::words;

/// So many lines of what was played before a difference are shown.
const BEFORE: usize = 4;
/// With --all and --json, more differences are counted and not kept.
const MOST_KEPT: usize = 1000;

/// What has come of the replay so far.
pub(super) struct Story {
    file: PathBuf,
    json: bool,
    expected: Explainer,
    got: Explainer,
    before: VecDeque<String>,
    sent: usize,
    not_compared: usize,
    skipped: BTreeMap<Skip, usize>,
    resets: usize,
    differences: usize,
    kept: Vec<Told>,
    ending: Option<String>,
}

/// A difference for programs.
#[derive(Serialize)]
struct Told {
    line: u64,
    command: String,
    /// What is different.
    what: String,
    expected: Option<String>,
    got: Option<String>,
    expected_meaning: String,
    got_meaning: String,
}

#[derive(Serialize)]
struct Document<'a> {
    same: bool,
    sent: usize,
    not_compared: usize,
    resets: usize,
    skipped: BTreeMap<String, usize>,
    differences: usize,
    first: &'a [Told],
    ending: &'a Option<String>,
}

impl Story {
    pub(super) fn new(file: &Path, json: bool) -> Self {
        Self {
            file: file.to_owned(),
            json,
            expected: Explainer::default(),
            got: Explainer::default(),
            before: VecDeque::new(),
            sent: 0,
            not_compared: 0,
            skipped: BTreeMap::new(),
            resets: 0,
            differences: 0,
            kept: Vec::new(),
            ending: None,
        }
    }

    /// What is to be said at the end.
    pub(super) fn note(&mut self, ending: Option<String>) {
        self.ending = ending;
    }

    /// Takes in what came of an entry.
    pub(super) fn take(&mut self, entry: &Entry, outcome: Outcome) -> anyhow::Result<()> {
        let explained = words::explain(&mut self.expected, entry);
        match (&outcome, &entry.event.what) {
            (Outcome::Skipped(skip), _) => *self.skipped.entry(*skip).or_default() += 1,
            (Outcome::Nothing, _) => {}
            (_, What::Command(_)) => self.sent += 1,
            _ => self.resets += 1,
        }
        self.not_compared += usize::from(outcome == Outcome::NotCompared);
        let mut line = said(entry, explained.as_ref());
        match outcome {
            Outcome::Differs(difference) => {
                self.differences += 1;
                self.differs(entry, explained.as_ref(), &difference)?;
            }
            Outcome::Skipped(_) => line.push_str("  (not sent)"),
            _ if explained.is_none() => words::reset(&mut self.got),
            // So that chains and answers in parts are understood in what comes then.
            _ => drop(words::explain(&mut self.got, entry)),
        }
        if self.before.len() == BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(line);
        Ok(())
    }

    fn differs(&mut self, entry: &Entry, expected: Option<&Explained>, difference: &Difference) -> anyhow::Result<()> {
        let got = expected.map(|_| explained(&mut self.got, entry, difference.got.as_ref()));
        if self.json {
            if self.kept.len() < MOST_KEPT {
                self.kept.push(Told {
                    line: entry.line,
                    command: expected.map_or_else(|| "reset".to_owned(), words::phrase),
                    what: difference.kind.to_string(),
                    expected: difference.expected.as_deref().map(write),
                    got: difference.got.as_deref().map(write),
                    expected_meaning: meaning(expected),
                    got_meaning: meaning(got.as_ref()),
                });
            }
            return Ok(());
        }
        output::line(format_args!("{}:{}: another answer: {}", self.file.display(), entry.line, difference.kind))?;
        self.before.iter().try_for_each(output::line)?;
        output::line(said(entry, None))?;
        if let Some(expected) = expected {
            output::line(format_args!("        {}", words::phrase(expected)))?;
        }
        one("expected", difference.expected.as_ref(), expected)?;
        one("got", difference.got.as_ref(), got.as_ref())?;
        Ok(())
    }

    /// Says what came of it all.
    pub(super) fn end(&self) -> anyhow::Result<ExitCode> {
        let skipped: usize = self.skipped.values().sum();
        let same = self.differences == 0 && self.sent > 0;
        if self.json {
            let words = self.skipped.iter().map(|(skip, count)| (reason(*skip), *count));
            let document = Document {
                same,
                sent: self.sent,
                not_compared: self.not_compared,
                resets: self.resets,
                skipped: words.collect(),
                differences: self.differences,
                first: &self.kept,
                ending: &self.ending,
            };
            output::line(serde_json::to_string_pretty(&document)?)?;
        } else {
            for (skip, count) in &self.skipped {
                output::line(format_args!("not sent: {count} that {}", reason(*skip)))?;
            }
            if self.not_compared > 0 {
                output::line(format_args!(
                    "not compared: {} without an answer in the trace, or deciphering with a key that was made anew",
                    self.not_compared
                ))?;
            }
            if let Some(ending) = &self.ending {
                output::line(ending)?;
            }
            let verdict = match self.differences {
                0 if self.sent == 0 => "nothing compared".to_owned(),
                0 => "the same".to_owned(),
                1 => "1 difference".to_owned(),
                count => format!("{count} differences"),
            };
            let all = self.sent + skipped;
            output::line(format_args!("{verdict}: {} of {all} commands sent, {} resets", self.sent, self.resets))?;
        }
        anyhow::ensure!(self.sent > 0 || self.differences > 0, "no command could be sent, so nothing was compared");
        Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A line of what was played.
fn said(entry: &Entry, explained: Option<&Explained>) -> String {
    let content = match (&entry.event.what, explained) {
        (What::Command(command), None) => format!("> {}", write(command)),
        (_, Some(explained)) => {
            let status = explained.status.as_ref().map(|status| format!("{status} ")).unwrap_or_default();
            format!("{} = {status}{}", words::phrase(explained), explained.meaning)
        }
        (what, None) => words::event(what),
    };
    format!("{:6}  {content}", entry.line)
}

/// The command with the answer that came.
fn explained(explainer: &mut Explainer, entry: &Entry, got: Option<&Shown>) -> Explained {
    let command = match &entry.event.what {
        What::Command(command) => Some(write(command)),
        _ => None,
    };
    let answer = got.map(|got| write(got));
    explainer.explain(&ExchangeRecord { part: Part::Case, command, answer, micros: None })
}

fn meaning(explained: Option<&Explained>) -> String {
    explained.map_or_else(String::new, |explained| explained.meaning.clone())
}

fn one(name: &str, bytes: Option<&Shown>, explained: Option<&Explained>) -> anyhow::Result<()> {
    let data = match (bytes, explained) {
        (None, _) => "nothing".to_owned(),
        (Some(_), Some(explained)) => {
            let status = explained.status.as_deref().unwrap_or_default();
            let data = explained.answer.as_deref().unwrap_or_default();
            format!("{data} = {status} {}", explained.meaning).trim_start().to_owned()
        }
        (Some(bytes), None) => write(bytes),
    };
    output::line(format_args!("        {name:8}  {data}"))?;
    let nodes = explained.map_or(&[][..], |explained| &explained.came);
    for node in nodes {
        output::line(format_args!("{:1$}{2}", "", 18 + 2 * node.depth, node.line()))?;
    }
    Ok(())
}
