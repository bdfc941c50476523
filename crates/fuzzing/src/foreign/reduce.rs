//! Playing steps again: to confirm what was found, and to find out which of them it needs.

use std::time::{Duration, Instant};

use card_wire::Ins;

use super::{Breach, Failure, ForeignCard, StartError, Step, Watch};

/// What ends the playing of steps early.
#[derive(Debug)]
pub enum Trouble {
    /// The card has broken a promise.
    Breach(Breach),
    /// The user wants to stop.
    Stopped,
}

/// How long to wait for a card.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// For one answer; for a key six times as long.
    pub limit: Duration,
    /// After each answer, for a second one that must not come. Nothing: only what is there already is seen.
    pub settle: Duration,
}

/// Does one step and holds the answer against the promises. Returns the answer; an ATR for a reset.
///
/// # Errors
/// [`Trouble`] where a promise is broken. For a broken answer, `broken` gets it.
pub fn play(
    card: &mut dyn ForeignCard,
    watch: &mut Watch,
    step: &Step,
    pace: Pace,
    broken: &mut Vec<u8>,
) -> Result<Vec<u8>, Trouble> {
    broken.clear();
    let (command, result) = match step {
        Step::Reset => (None, card.reset(pace.limit)),
        Step::Command(bytes) => (Some(bytes.as_slice()), card.transmit(bytes, patience(bytes, pace.limit))),
    };
    let failed = |failure: &Failure| Breach::of_failure(failure, command).map_or(Trouble::Stopped, Trouble::Breach);
    let answer = result.map_err(|failure| failed(&failure))?;
    if let Some(more) = card.unasked(pace.settle) {
        *broken = answer;
        return Err(failed(&Failure::Unasked(more)));
    }
    let held = match command {
        None => watch.reset(&answer),
        Some(command) => watch.answered(command, &answer),
    };
    match held {
        Ok(()) => Ok(answer),
        Err(breach) => {
            *broken = answer;
            Err(Trouble::Breach(breach))
        }
    }
}

/// Keys may take their time: six times as long as any other answer.
fn patience(command: &[u8], limit: Duration) -> Duration {
    match command.get(1) {
        Some(ins) if ins & 0xFE == Ins::GENERATE_ASYMMETRIC_KEY_PAIR.0 => limit * 6,
        _ => limit,
    }
}

/// How a whole replay went.
pub(super) struct Replay {
    /// The wanted breach, if it came, and at which step.
    pub(super) end: Option<(usize, Breach)>,
    /// What the card answered to commands, broken answers included.
    pub(super) answers: Vec<Vec<u8>>,
}

/// Plays all steps on the card started anew, up to the wanted breach, or another one that ends the card, or the time
/// at which nobody waits any longer. Other breaches are passed over: a frequent bug must not hide a rare one.
pub(super) fn replay(
    card: &mut dyn ForeignCard,
    steps: &[Step],
    pace: Pace,
    wanted: &Breach,
    until: Option<Instant>,
) -> Result<Replay, StartError> {
    let mut watch = Watch::new();
    card.start()?;
    let (mut answers, mut broken) = (Vec::new(), Vec::new());
    for (at, step) in steps.iter().enumerate() {
        if until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
        let is_command = matches!(step, Step::Command(_));
        match play(card, &mut watch, step, pace, &mut broken) {
            Ok(answer) => answers.extend(is_command.then_some(answer)),
            Err(Trouble::Breach(breach)) => {
                let ends = breach.promise.ends_the_card();
                // No answer is the empty one here, or none at all at the end.
                if is_command && (!ends || !broken.is_empty()) {
                    answers.push(std::mem::take(&mut broken));
                }
                if breach.is_like(wanted) {
                    return Ok(Replay { end: Some((at, breach)), answers });
                }
                if ends {
                    break;
                }
            }
            Err(Trouble::Stopped) => return Err(StartError::Stopped),
        }
    }
    Ok(Replay { end: None, answers })
}

/// Drops steps for as long as the same breach comes, and there is time.
pub(super) struct Reducer<'c> {
    pub(super) card: &'c mut dyn ForeignCard,
    pub(super) breach: &'c Breach,
    /// How long the card may take for an answer here.
    pub(super) pace: Pace,
    pub(super) end: Instant,
    pub(super) replays: usize,
}

/// Fewer steps, with the answers of the last replay that still did it; none where no step could be dropped.
pub(super) struct Reduced {
    pub(super) steps: Vec<Step>,
    pub(super) answers: Vec<Vec<u8>>,
    /// Why it ended early: the user wants to stop, or the card is lost.
    pub(super) early: Option<StartError>,
}

/// Steps that still do it, and the answers to them.
type Enough = (Vec<Step>, Vec<Vec<u8>>);

impl Reducer<'_> {
    /// Whether these steps still do it; those after the breach are cut off then.
    fn still(&mut self, steps: &[Step]) -> Result<Option<Enough>, StartError> {
        if self.is_over() {
            return Ok(None);
        }
        self.replays -= 1;
        match replay(self.card, steps, self.pace, self.breach, Some(self.end)) {
            Ok(Replay { end: Some((at, _)), answers }) => Ok(Some((steps[..=at].to_vec(), answers))),
            Err(error @ (StartError::Stopped | StartError::NobodyConnected(_))) => Err(error),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    fn is_over(&self) -> bool {
        self.replays == 0 || Instant::now() >= self.end
    }

    /// Steps that are enough. The last one stays: it is the one that broke the promise.
    pub(super) fn reduce(mut self, steps: Vec<Step>) -> Reduced {
        let mut reduced = Reduced { steps, answers: Vec::new(), early: None };
        let mut size = reduced.steps.len().saturating_sub(1).max(1);
        loop {
            let mut end = reduced.steps.len().saturating_sub(1);
            while end > 0 {
                let begin = end.saturating_sub(size);
                let fewer = [&reduced.steps[..begin], &reduced.steps[end..]].concat();
                match self.still(&fewer) {
                    Ok(None) => {}
                    Ok(Some((steps, answers))) => (reduced.steps, reduced.answers) = (steps, answers),
                    Err(early) => {
                        reduced.early = Some(early);
                        return reduced;
                    }
                }
                end = begin.min(reduced.steps.len().saturating_sub(1));
            }
            if size == 1 || self.is_over() {
                return reduced;
            }
            size = (size / 2).max(1);
        }
    }
}
