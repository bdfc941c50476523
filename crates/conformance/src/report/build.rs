//! From the outcomes of a run to its record: redacted, counted and sealed.

use crate::exceptions::Exceptions;
use crate::outcome::{Outcome, Report};
use crate::record::{CaseRecord, Part, RunRecord, SCHEMA, Summary};
use crate::report::json::{self, RecordError};
use crate::report::redact::{RawExchange, Secrets};
use crate::script::{Case, Suite};
use crate::tags::Tag;
use crate::transcript::Event;

/// A case's outcome as the record has it. What it says of secrets is hidden.
#[must_use]
pub fn case_record(case: &Case, outcome: &Outcome, secrets: &Secrets) -> CaseRecord {
    let reason = outcome.verdict.reason();
    let left = outcome.left_behind.as_ref().map(|failure| format!("the card was not put back: {failure}"));
    let reason = match (reason, left) {
        (Some(reason), Some(left)) => Some(format!("{reason}; {left}")),
        (reason, left) => reason.or(left),
    };
    let reason = match (reason, outcome.elsewhere()) {
        (Some(reason), Some(elsewhere)) => Some(format!("{reason}; {elsewhere}")),
        (reason, elsewhere) => reason.or(elsewhere),
    };
    CaseRecord {
        id: case.id.clone(),
        title: case.title.clone(),
        file: case.file.clone(),
        line: case.line,
        requirements: case.requirements.clone(),
        clause: case.clause.clone(),
        source: case.source.clone(),
        preset: case.preset.clone(),
        setup: case.setups.clone(),
        tags: case.tags.iter().map(Tag::to_string).collect(),
        needs: case.needs.iter().map(|need| (*need).to_owned()).collect(),
        verdict: outcome.verdict.kind(),
        simulated: outcome.simulated.is_some(),
        exception: None,
        reason: reason.map(|reason| secrets.text(&reason)),
        micros: outcome.micros,
        exchanges: secrets.redact(&exchanges(outcome)),
    }
}

/// What went over the wire, by the part of the case that it belongs to.
fn exchanges(outcome: &Outcome) -> Vec<RawExchange> {
    let [own, teardown] = outcome.parts;
    let events = outcome.transcript.events().iter().enumerate();
    events
        .filter_map(|(at, event)| {
            let (command, answer) = match event {
                Event::Fresh(_) => return None,
                Event::Reset(atr) => (None, atr.clone()),
                Event::Exchange { command, answer } => (Some(command.clone()), answer.clone()),
            };
            let part = match at {
                _ if at < own => Part::Setup,
                _ if at < teardown => Part::Case,
                _ => Part::Teardown,
            };
            let micros = outcome.times.iter().find(|(event, _)| *event == at).map(|(_, micros)| *micros);
            // Keys are set by UPDATE BINARY on the ISO card, whose current file the wire does not tell: what looks like one
            // goes.
            let key_file = command.as_ref().is_some_and(|command| may_set_key(command));
            Some(RawExchange { part, command, answer, micros, key_file })
        })
        .collect()
}

/// UPDATE BINARY at offset 0 with as many bytes as an AES key has.
fn may_set_key(command: &[u8]) -> bool {
    matches!(command, [_, 0xD6, _, 0, lc @ (16 | 24 | 32), data @ ..] if data.len() >= usize::from(*lc))
}

/// Puts the record of a run together. `record` has everything but what the report and the exceptions say.
///
/// # Errors
/// [`RecordError`] where it cannot be written as JSON.
pub fn finish(
    mut record: RunRecord,
    suite: &Suite,
    report: &Report,
    known: &Exceptions,
    secrets: &Secrets,
) -> Result<RunRecord, RecordError> {
    record.schema = SCHEMA;
    if record.cases.is_empty() {
        let played = report.outcomes.iter().filter_map(|outcome| Some((suite.case(&outcome.case)?, outcome)));
        record.cases = played.map(|(case, outcome)| case_record(case, outcome, secrets)).collect();
    }
    record.exceptions = known.apply(&mut record.cases);
    record.summary = Summary::of(&record.cases, &record.exceptions);
    secrets.sweep(&mut record);
    json::seal(&mut record)?;
    Ok(record)
}
