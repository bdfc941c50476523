//! What a case came to on one side, and the walk along both.

use card_wire::Status;

use super::random::Randomness;
use super::{Comparison, Difference, Divergence, Likeness, Side, data};
use crate::outcome::{Failure, Outcome, Verdict};
use crate::report::redact::Secrets;
use crate::script::{Action, Case, Path, Step};
use crate::transcript::Event;

/// One exchange or reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// The command; nothing for a reset.
    pub(crate) command: Option<Vec<u8>>,
    /// The answer with its status word, or the ATR.
    pub(crate) answer: Option<Vec<u8>>,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At its end.
    Passed,
    /// At the last of its exchanges, or in a step behind it that sends nothing.
    Failed { why: String, place: Option<(String, usize)> },
    /// It did not begin.
    NotPlayed(String),
}

/// What a case came to on one side: an exchange for each step that has one, without the fresh card before them and
/// without the teardown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Play {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) ending: Ending,
}

impl Play {
    pub(crate) fn of(outcome: &Outcome, case: &Case, secrets: &Secrets) -> Self {
        let events = outcome.transcript.events();
        // The first is the fresh card or the reset that stands for it.
        let exchanges = events.get(1..outcome.parts[1]).unwrap_or_default().iter().filter_map(exchange);
        let exchanges: Vec<Exchange> = exchanges.take(steps(case).len()).collect();
        let ending = match &outcome.verdict {
            Verdict::Passed => Ending::Passed,
            Verdict::NotApplicable(why) | Verdict::Refused(why) => Ending::NotPlayed(why.clone()),
            Verdict::Skipped(reason) => Ending::NotPlayed(reason.to_string()),
            Verdict::Failed(Failure { what, .. }) if events.is_empty() => {
                Ending::NotPlayed(secrets.text(&what.to_string()))
            }
            Verdict::Failed(Failure { what, file, line, .. }) => {
                Ending::Failed { why: secrets.text(&what.to_string()), place: Some((file.clone(), *line)) }
            }
        };
        Self { exchanges, ending }
    }

    fn failed_after(&self, count: usize) -> Option<(&str, Option<&(String, usize)>)> {
        match &self.ending {
            Ending::Failed { why, place } if self.exchanges.len() == count => Some((why, place.as_ref())),
            _ => None,
        }
    }
}

fn exchange(event: &Event) -> Option<Exchange> {
    match event {
        Event::Fresh(_) => None,
        Event::Reset(atr) => Some(Exchange { command: None, answer: atr.clone() }),
        Event::Exchange { command, answer } => {
            Some(Exchange { command: Some(command.clone()), answer: answer.clone() })
        }
    }
}

/// The step of each exchange, in order, and whether it belongs to a setup.
pub(crate) fn steps(case: &Case) -> Vec<(&Step, bool)> {
    let times = |step: &Step| if matches!(step.action, Action::Reset) { 1 } else { step.commands() };
    let numbered = case.steps.iter().enumerate();
    numbered.flat_map(|(at, step)| std::iter::repeat_n((step, at < case.setup_steps), times(step))).collect()
}

/// Walks along both sides to the first divergence.
pub(crate) fn first(case: &Case, reference: &Play, target: &Play) -> Comparison {
    let done = |alike, likeness| Comparison { case: case.id.clone(), title: case.title.clone(), alike, likeness };
    for (side, play) in [(Side::Reference, reference), (Side::Target, target)] {
        if let Ending::NotPlayed(why) = &play.ending {
            return done(0, Likeness::NotCompared(format!("{side}: {why}")));
        }
    }
    let mut randomness = Randomness::default();
    let steps = steps(case);
    for (at, (step, setup)) in steps.iter().enumerate() {
        if let Some(likeness) = ended(case, at, [reference, target], &steps) {
            return done(at, likeness);
        }
        let (Some(one), Some(other)) = (reference.exchanges.get(at), target.exchanges.get(at)) else { break };
        if let Some(difference) = compare(step, one, other, &mut randomness) {
            let header = one.command.as_ref().and_then(|command| command.first_chunk().copied());
            let (file, line) = (step.file.clone(), step.line);
            let divergence = Divergence { exchange: at + 1, setup: *setup, file, line, header, difference };
            return done(at, Likeness::Diverged(Box::new(divergence)));
        }
    }
    let count = steps.len();
    let likeness = ended(case, count, [reference, target], &steps).unwrap_or(Likeness::Same);
    done(count, likeness)
}

/// What there is to say where the case failed behind `count` exchanges for one side or for both.
fn ended(case: &Case, count: usize, plays: [&Play; 2], steps: &[(&Step, bool)]) -> Option<Likeness> {
    let [reference, target] = plays.map(|play| play.failed_after(count));
    let (side, (why, place)) = match (reference, target) {
        (None, None) => return None,
        (Some((why, _)), Some(_)) => return Some(Likeness::SameFailure(why.to_owned())),
        (Some(failed), None) => (Side::Reference, failed),
        (None, Some(failed)) => (Side::Target, failed),
    };
    let last = count.checked_sub(1).and_then(|last| steps.get(last));
    let place = place.cloned().or_else(|| last.map(|(step, _)| (step.file.clone(), step.line)));
    let (file, line) = place.unwrap_or_else(|| (case.file.clone(), case.line));
    let command = count.checked_sub(1).and_then(|last| plays[0].exchanges.get(last)?.command.as_ref());
    Some(Likeness::Diverged(Box::new(Divergence {
        exchange: count,
        setup: last.is_some_and(|(_, setup)| *setup),
        file,
        line,
        header: command.and_then(|command| command.first_chunk().copied()),
        difference: Difference::Ended { side, why: why.to_owned() },
    })))
}

fn compare(step: &Step, one: &Exchange, other: &Exchange, randomness: &mut Randomness) -> Option<Difference> {
    let (reference, target) = match (&one.answer, &other.answer) {
        (None, None) => return None,
        (None, Some(_)) => return Some(Difference::NoAnswer(Side::Reference)),
        (Some(_), None) => return Some(Difference::NoAnswer(Side::Target)),
        (Some(reference), Some(target)) => (reference.as_slice(), target.as_slice()),
    };
    let (Some(command), Some(other)) = (&one.command, &other.command) else {
        // Any card has its own ATR; where a case looks at it, it counts.
        let looks = step.data.to_string() != "*" || !step.captures.is_empty();
        let free = data::Free::Parts(Vec::new());
        return if looks { data::difference(reference, target, &free, false) } else { None };
    };
    let free = randomness.of(step, [command, other], reference);
    let (Some((data, status)), Some((their_data, their_status))) = (Status::split(reference), Status::split(target))
    else {
        let (reference, target) = (reference.len(), target.len());
        let path = Path(Vec::new());
        return (reference != target).then_some(Difference::Length { path, reference, target });
    };
    // How much more of a random answer waits can depend on how many zeros its numbers begin with.
    let both_wait = status.waiting().is_some() && their_status.waiting().is_some() && free == data::Free::All;
    if status != their_status && !both_wait {
        return Some(Difference::Status { reference: status, target: their_status });
    }
    data::difference(data, their_data, &free, !step.tlv.is_empty())
}
