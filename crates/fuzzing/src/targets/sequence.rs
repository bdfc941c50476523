//! A sequence of commands on a forked card, with the model beside it.

use std::cell::RefCell;

use card_model::Model;

use crate::canary::Secrets;
use crate::cards::{self, RENDER, REOPEN, SHORT};
use crate::device::{FuzzCard, Subject, has_several_pins, open};
use crate::invariants::{Counters, MAX_ANSWER, bounded, silent, well_formed};
use crate::sequence::{Control, MAX_COMMANDS, Step, Steps};

/// A short answer and its status word.
const SHORT_ANSWER: usize = 258;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; MAX_ANSWER]);
}

/// What stands beside the card and watches.
pub struct Watcher {
    /// Says what the answer must be; none where the host has too little room for it.
    pub model: Option<Model>,
    /// Memory of the card in bytes.
    pub memory: u64,
    /// What must not come out; none to measure what the search costs.
    pub secrets: Option<&'static Secrets>,
    /// What was told of tries; not where PINs of several DFs share a number.
    counters: Option<Counters>,
}

impl Watcher {
    /// Watches with everything there is.
    #[must_use]
    pub fn new(model: Option<Model>, memory: u64) -> Self {
        Self { model, memory, secrets: Some(Secrets::planted()), counters: Some(Counters::default()) }
    }

    /// A watcher of this card.
    #[must_use]
    pub fn of(card: &FuzzCard, model: Option<Model>) -> Self {
        let mut watcher = Self::new(model, u64::from(card.preset().nvm_len));
        if has_several_pins(card.preset()) {
            watcher.counters = None;
        }
        watcher
    }

    /// Holds an exchange against everything but the model. `sent` is all that the host sends in this run.
    ///
    /// # Panics
    /// Where the card breaks a promise.
    #[inline]
    pub fn look(&mut self, command: &[u8], answer: &[u8], sent: &[u8], power_went: bool, work: u64) {
        well_formed(command, answer, power_went);
        if let Some(counters) = &mut self.counters {
            counters.observe(command, answer);
        }
        bounded(work, self.memory, command.len() + answer.len());
        if let Some(secrets) = self.secrets {
            silent(secrets, answer, sent);
        }
    }
}

/// Runs one sequence.
///
/// # Panics
/// Where the card breaks a promise.
pub fn check(data: &[u8]) {
    let Some(choice) = data.first() else { return };
    let (mut card, model) = cards::fork(*choice);
    card.events_mut().render = choice & RENDER != 0;
    let mut watcher = Watcher::of(&card, (choice & SHORT == 0).then_some(model));
    play(&mut card, &mut watcher, data);
    if choice & REOPEN != 0 {
        reopen(&card);
    }
}

/// Plays the steps of an input. Cuts are for the target `power`; here the power goes and comes back between commands.
///
/// # Panics
/// Where the card breaks a promise.
pub fn play(card: &mut impl Subject, watcher: &mut Watcher, data: &[u8]) {
    let [choice, steps @ ..] = data else { return };
    let room = if choice & SHORT == 0 { MAX_ANSWER } else { SHORT_ANSWER };
    BUFFER.with_borrow_mut(|buffer| {
        let buffer = &mut buffer[..room];
        for step in Steps::new(steps).take(MAX_COMMANDS) {
            match step {
                Step::Command(command) => {
                    let answer = card.transmit(command, buffer);
                    watcher.look(command, answer, data, false, card.take_work());
                    if let Some(model) = &mut watcher.model
                        && let Err(mismatch) = model.step(command, answer)
                    {
                        panic!("{mismatch}");
                    }
                }
                Step::Control(control) => {
                    let alive = if control == Control::Reset { card.reset() } else { card.power_cycle() };
                    assert!(alive, "the card stays mute");
                    card.take_work();
                    if let Some(model) = &mut watcher.model {
                        model.reset();
                    }
                }
            }
        }
    });
}

/// Whatever happened, the memory is a card.
///
/// # Panics
/// If it is not.
pub fn reopen(card: &FuzzCard) {
    let mut memory = card.nvm().memory().clone();
    memory.restore_power();
    match open(memory) {
        Ok(mut card) => assert!(card.power_cycle(), "the card stays mute after it was opened again"),
        Err(error) => panic!("the memory cannot be opened again: {error}"),
    }
}
