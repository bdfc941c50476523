//! What changed between two runs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Standing;
use crate::record::{CaseRecord, RunRecord, VerdictKind};

/// What changed between two runs, case by case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Differences that make the comparison weaker: another card, suite or program.
    pub notes: Vec<String>,
    /// Failed before, passes now.
    pub fixed: Vec<Change>,
    /// Did not fail before, fails now.
    pub broken: Vec<Change>,
    /// Not in the old run.
    pub new: Vec<Change>,
    /// Not in the new run.
    pub gone: Vec<Change>,
    /// Another verdict or mark otherwise.
    pub changed: Vec<Change>,
    /// Cases of both runs that came out the same.
    pub same: usize,
}

/// A case that came out otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Id of the case.
    pub id: String,
    /// What the case shows.
    pub title: String,
    /// How it came out before.
    pub old: Option<String>,
    /// How it comes out now.
    pub new: Option<String>,
    /// It fails now: on the card, without an exception.
    pub fails: bool,
    /// Why it comes out so.
    pub reason: Option<String>,
}

/// Compares a run with an earlier one.
#[must_use]
pub fn diff(old: &RunRecord, new: &RunRecord) -> Diff {
    let before: BTreeMap<&str, &CaseRecord> = old.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let now: BTreeMap<&str, &CaseRecord> = new.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let mut diff = Diff { notes: notes(old, new), ..Diff::default() };
    // In the order of the suite.
    for case in &new.cases {
        let Some(earlier) = before.get(case.id.as_str()) else {
            diff.new.push(change(None, Some(case)));
            continue;
        };
        if outcome(earlier) == outcome(case) {
            diff.same += 1;
            continue;
        }
        let failed = |case: &CaseRecord| case.verdict == VerdictKind::Failed && !case.simulated;
        let list = match (failed(earlier), Standing::of(case)) {
            (true, Standing::Passed) => &mut diff.fixed,
            (false, Standing::Failed) => &mut diff.broken,
            _ => &mut diff.changed,
        };
        list.push(change(Some(earlier), Some(case)));
    }
    let gone = old.cases.iter().filter(|case| !now.contains_key(case.id.as_str()));
    diff.gone = gone.map(|case| change(Some(case), None)).collect();
    diff
}

impl Diff {
    /// Exit code of a program that compared: 1 where a case fails that did not fail before, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let mut now = self.broken.iter().chain(&self.new).chain(&self.changed);
        u8::from(now.any(|change| change.fails))
    }
}

fn change(old: Option<&CaseRecord>, new: Option<&CaseRecord>) -> Change {
    let case = new.or(old);
    let text = |of: fn(&CaseRecord) -> &String| case.map(of).cloned().unwrap_or_default();
    Change {
        id: text(|case| &case.id),
        title: text(|case| &case.title),
        old: old.map(outcome),
        new: new.map(outcome),
        fails: new.is_some_and(|case| Standing::of(case) == Standing::Failed),
        reason: new.and_then(|case| case.reason.clone()),
    }
}

fn outcome(case: &CaseRecord) -> String {
    let simulated = if case.simulated { ", simulated" } else { "" };
    let exception = if case.exception.is_some() { ", known exception" } else { "" };
    format!("{}{simulated}{exception}", case.verdict.word())
}

fn notes(old: &RunRecord, new: &RunRecord) -> Vec<String> {
    let card = |record: &RunRecord| record.card.as_ref().map(|card| card.name.clone());
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    let pairs = [
        ("program", Some(old.program.clone()), Some(new.program.clone())),
        ("target", Some(old.run.target.clone()), Some(new.run.target.clone())),
        ("card", card(old), card(new)),
        ("serial", old.run.serial.clone(), new.run.serial.clone()),
        ("ATR", old.run.atr.clone(), new.run.atr.clone()),
    ];
    let differ = pairs.into_iter().filter(|(_, old, new)| old != new);
    let mut notes: Vec<_> =
        differ.map(|(what, old, new)| format!("another {what}: {}, now {}", or_none(old), or_none(new))).collect();
    if old.digests.suite != new.digests.suite {
        notes.push("the suite was changed in between".to_owned());
    }
    if old.digests.exceptions != new.digests.exceptions {
        notes.push("the exceptions were changed in between".to_owned());
    }
    notes
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(f, "note: {}", clean(note))?;
        }
        let lists = [
            ("BROKEN", &self.broken),
            ("fixed", &self.fixed),
            ("new", &self.new),
            ("gone", &self.gone),
            ("changed", &self.changed),
        ];
        let width = lists.iter().flat_map(|(_, list)| *list).map(|change| change.id.chars().count()).max().unwrap_or(0);
        for (word, list) in lists {
            for change in list {
                let way = match (&change.old, &change.new) {
                    (Some(old), Some(new)) => format!("{old} -> {new}"),
                    (Some(only), None) | (None, Some(only)) => only.clone(),
                    (None, None) => String::new(),
                };
                let (id, title) = (clean(&change.id), clean(&change.title));
                writeln!(f, "{word:<7}  {id:<width$}  {way}  {title}")?;
                if let (true, Some(reason)) = (change.fails, &change.reason) {
                    writeln!(f, "         {}", clean(reason))?;
                }
            }
        }
        let [broken, fixed, new, gone, changed] = lists.map(|(_, list)| list.len());
        let same = self.same;
        write!(
            f,
            "{fixed} fixed, {broken} broken, {new} new, {gone} gone, {changed} changed otherwise, {same} the same"
        )
    }
}

/// On one line and without what would steer a terminal.
fn clean(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
