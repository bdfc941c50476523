//! How fast the sequence target is: commands a second on one core, with the parts of the check added one by one.

use std::time::{Duration, Instant};

use crate::cards;
use crate::device::Subject as _;
use crate::invariants::MAX_ANSWER;
use crate::sequence::{Control, MAX_COMMANDS, OwnedStep, Sequence, Step, Steps};
use crate::targets::sequence::{Watcher, play};

/// What one way of running came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figure {
    /// Commands that were sent.
    pub commands: u64,
    /// Sequences that were run, each on a fork of its own.
    pub sequences: u64,
    /// How long it took.
    pub time: Duration,
}

impl Figure {
    /// Commands a second.
    #[must_use]
    pub fn rate(&self) -> u64 {
        let nanos = self.time.as_nanos().max(1);
        u64::try_from(u128::from(self.commands) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
    }
}

/// All figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speed {
    /// The card alone.
    pub card: Figure,
    /// With the invariants, but neither canaries nor model.
    pub invariants: Figure,
    /// With the canaries as well.
    pub canaries: Figure,
    /// Everything: what the target does.
    pub everything: Figure,
}

/// Whether a command reaches RSA or a curve.
fn computes(command: &[u8]) -> bool {
    matches!(command.get(1), Some(0x46 | 0x2A | 0xDB))
}

/// The sequences without commands that compute with keys.
#[must_use]
pub fn without_keys(inputs: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let parsed = inputs.iter().filter_map(|bytes| Sequence::parse(bytes));
    let kept = parsed.map(|mut sequence| {
        sequence.steps.retain(|step| !matches!(step, OwnedStep::Command(command) if computes(command)));
        sequence.choice &= 7;
        sequence
    });
    kept.filter(|sequence| !sequence.steps.is_empty()).map(|sequence| sequence.encode()).collect()
}

/// Measures each way for so long.
#[must_use]
pub fn measure(inputs: &[Vec<u8>], each: Duration) -> Speed {
    let watched = |canaries: bool, model: bool| {
        timed(inputs, each, move |input| {
            let (mut card, start) = cards::fork(input[0]);
            let mut watcher = Watcher::of(&card, model.then_some(start));
            if !canaries {
                watcher.secrets = None;
            }
            play(&mut card, &mut watcher, input);
        })
    };
    let mut buffer = vec![0; MAX_ANSWER];
    let card = timed(inputs, each, |input| {
        let (mut card, _) = cards::fork(input[0]);
        for step in Steps::new(&input[1..]).take(MAX_COMMANDS) {
            match step {
                Step::Command(command) => {
                    card.transmit(command, &mut buffer);
                }
                Step::Control(Control::Reset) => {
                    card.reset();
                }
                Step::Control(_) => {
                    card.power_cycle();
                }
            }
        }
    });
    Speed { card, invariants: watched(false, false), canaries: watched(true, false), everything: watched(true, true) }
}

fn timed(inputs: &[Vec<u8>], each: Duration, mut run: impl FnMut(&[u8])) -> Figure {
    let count = |input: &[u8]| {
        let commands = Steps::new(&input[1..]).filter(|step| matches!(step, Step::Command(_)));
        u64::try_from(commands.take(MAX_COMMANDS).count()).unwrap_or(0)
    };
    let counts: Vec<u64> = inputs.iter().map(|input| count(input)).collect();
    // Once, so that cards and models are there.
    inputs.iter().for_each(|input| run(input));
    let mut figure = Figure::default();
    let begin = Instant::now();
    while figure.time < each && !inputs.is_empty() {
        for (input, commands) in inputs.iter().zip(&counts) {
            run(input);
            figure.commands += commands;
            figure.sequences += 1;
        }
        figure.time = begin.elapsed();
    }
    figure
}
