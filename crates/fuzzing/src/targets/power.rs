//! Sequences with power cuts: after each the card is in one of the states that the model allows.

use std::cell::RefCell;

use card_model::{Candidates, Model, probe};

use crate::cards::{self, RENDER};
use crate::device::{FuzzCard, Subject};
use crate::invariants::MAX_ANSWER;
use crate::sequence::{Control, MAX_COMMANDS, Step, Steps};
use crate::targets::sequence::{Watcher, reopen};

/// Cuts in one run: after each, everything visible is read.
const MAX_CUTS: usize = 12;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; MAX_ANSWER]);
}

/// What the card may be.
enum Oracle {
    One(Box<Model>),
    Several(Candidates),
}

impl Oracle {
    fn step(&mut self, command: &[u8], answer: &[u8]) {
        let result = match self {
            Self::One(model) => model.step(command, answer),
            Self::Several(candidates) => candidates.step(command, answer),
        };
        if let Err(mismatch) = result {
            panic!("{mismatch}");
        }
    }

    fn reset(&mut self) {
        match self {
            Self::One(model) => model.reset(),
            Self::Several(candidates) => candidates.reset(),
        }
    }

    /// The power went during `command`.
    fn cut(&mut self, command: &[u8]) {
        *self = Self::Several(match self {
            Self::One(model) => model.cut(command),
            Self::Several(candidates) => candidates.cut(command),
        });
    }

    /// The states that are left, or the one.
    fn states(&self) -> &[Model] {
        match self {
            Self::One(model) => std::slice::from_ref(model),
            Self::Several(candidates) => candidates.states(),
        }
    }

    fn narrow(&mut self) {
        if let Self::Several(candidates) = self
            && let [model] = candidates.states()
        {
            *self = Self::One(Box::new(model.clone()));
        }
    }
}

/// Runs one sequence with its cuts.
///
/// # Panics
/// Where the card breaks a promise.
pub fn check(data: &[u8]) {
    let Some(choice) = data.first() else { return };
    let (mut card, model) = cards::fork(*choice);
    card.events_mut().render = choice & RENDER != 0;
    let mut watcher = Watcher::of(&card, None);
    play(&mut card, model, &mut watcher, data);
    finish(card);
}

fn finish(mut card: FuzzCard) {
    assert!(card.power_cycle(), "the card stays mute");
    reopen(&card);
}

/// Plays the steps of an input on any card.
///
/// # Panics
/// Where the card breaks a promise.
pub fn play(card: &mut impl Subject, model: Model, watcher: &mut Watcher, data: &[u8]) {
    let [_, steps @ ..] = data else { return };
    BUFFER.with_borrow_mut(|buffer| {
        let mut run = Run { card, oracle: Oracle::One(Box::new(model)), watcher, buffer, sent: data, cuts: 0 };
        for step in Steps::new(steps).take(MAX_COMMANDS) {
            match step {
                Step::Command(command) => run.command(command),
                Step::Control(control) => run.control(control),
            }
        }
        run.revive();
        run.look_around();
    });
}

struct Run<'r, S> {
    card: &'r mut S,
    oracle: Oracle,
    watcher: &'r mut Watcher,
    buffer: &'r mut [u8],
    sent: &'r [u8],
    cuts: usize,
}

impl<S: Subject> Run<'_, S> {
    fn command(&mut self, command: &[u8]) {
        let answer = self.card.transmit(command, self.buffer);
        let power_went = !self.card.has_power();
        self.watcher.look(command, answer, self.sent, power_went, self.card.take_work());
        if answer.is_empty() {
            self.oracle.cut(command);
            self.revive();
            self.look_around();
        } else {
            self.oracle.step(command, answer);
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Reset => {
                assert!(self.card.reset(), "the card stays mute");
                self.oracle.reset();
            }
            Control::PowerCycle => {
                // A cut that is still armed comes during recovery, if that writes.
                let alive = self.card.power_cycle_with_cut();
                assert!(alive || !self.card.has_power(), "the card stays mute");
                self.oracle.reset();
                if !alive {
                    self.revive();
                }
            }
            Control::Cut { after, torn } => {
                if self.cuts < MAX_CUTS {
                    self.cuts += 1;
                    self.card.cut_power(after, torn);
                }
            }
        }
        self.card.take_work();
    }

    /// The power comes back, for good.
    fn revive(&mut self) {
        assert!(self.card.power_cycle(), "the card stays mute after a cut");
        self.oracle.reset();
        self.card.take_work();
    }

    /// Reads everything and leaves the card as after a reset.
    fn look_around(&mut self) {
        let before = self.oracle.states().len();
        self.ask(self.oracle.states().first().map(probe));
        if before > 1 {
            // What only the state after the command has.
            self.ask(self.oracle.states().last().map(probe));
        }
        self.oracle.narrow();
        assert!(self.card.reset(), "the card stays mute");
        self.oracle.reset();
    }

    fn ask(&mut self, commands: Option<Vec<Vec<u8>>>) {
        for command in commands.unwrap_or_default() {
            let answer = self.card.transmit(&command, self.buffer);
            self.watcher.look(&command, answer, self.sent, false, self.card.take_work());
            self.oracle.step(&command, answer);
        }
    }
}
