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

/// Does one step and holds the answer against the promises. Returns the answer; an ATR for a reset.
///
/// # Errors
/// [`Trouble`] where a promise is broken. For a broken answer, `broken` gets it.
pub fn play(
    card: &mut dyn ForeignCard,
    watch: &mut Watch,
    step: &Step,
    limit: Duration,
    broken: &mut Vec<u8>,
) -> Result<Vec<u8>, Trouble> {
    broken.clear();
    let (command, result) = match step {
        Step::Reset => (None, card.reset(limit)),
        Step::Command(bytes) => (Some(bytes.as_slice()), card.transmit(bytes, patience(bytes, limit))),
    };
    let answer = result.map_err(|failure| match Breach::of_failure(&failure, command) {
        Some(breach) if failure != Failure::Stopped => Trouble::Breach(breach),
        _ => Trouble::Stopped,
    })?;
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
    /// The breach, if it came, and at which step.
    pub(super) end: Option<(usize, Breach)>,
    /// What the card answered to commands, the breaking answer included where there was one.
    pub(super) answers: Vec<Vec<u8>>,
}

/// Plays all steps on the card started anew, up to the first breach.
pub(super) fn replay(card: &mut dyn ForeignCard, steps: &[Step], limit: Duration) -> Result<Replay, StartError> {
    let mut watch = Watch::new();
    card.start()?;
    let (mut answers, mut broken) = (Vec::new(), Vec::new());
    for (at, step) in steps.iter().enumerate() {
        match play(card, &mut watch, step, limit, &mut broken) {
            Ok(answer) if matches!(step, Step::Command(_)) => answers.push(answer),
            Ok(_) => {}
            Err(Trouble::Breach(breach)) => {
                answers.extend((!broken.is_empty()).then_some(broken));
                return Ok(Replay { end: Some((at, breach)), answers });
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
    pub(super) limit: Duration,
    pub(super) end: Instant,
    pub(super) replays: usize,
}

impl Reducer<'_> {
    /// Whether these steps still do it; those after the breach are cut off then.
    fn still(&mut self, steps: &[Step]) -> Option<Vec<Step>> {
        if self.replays == 0 || Instant::now() >= self.end {
            return None;
        }
        self.replays -= 1;
        let replay = replay(self.card, steps, self.limit).ok()?;
        let (at, breach) = replay.end?;
        breach.is_like(self.breach).then(|| steps[..=at].to_vec())
    }

    /// Steps that are enough. The last one stays: it is the one that broke the promise.
    pub(super) fn reduce(mut self, mut steps: Vec<Step>) -> Vec<Step> {
        let mut size = steps.len().saturating_sub(1).max(1);
        loop {
            let mut end = steps.len().saturating_sub(1);
            while end > 0 {
                let begin = end.saturating_sub(size);
                let fewer = [&steps[..begin], &steps[end..]].concat();
                if let Some(enough) = self.still(&fewer) {
                    steps = enough;
                }
                end = begin.min(steps.len().saturating_sub(1));
            }
            if size == 1 || self.replays == 0 || Instant::now() >= self.end {
                return steps;
            }
            size = (size / 2).max(1);
        }
    }
}
