//! Random sequences that the model steers, on the card and on the model.
//!
//! `CARD_MODEL_CASES` and `CARD_MODEL_SEED` ask for more sequences and for others.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use card_model::Model;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::cards::{Event, Played as _, RealCard, follow, pair};
use crate::generator::{Dice, next};

/// A number from the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Where a sequence begins, and the model as it is foreseen.
#[derive(Clone, Debug)]
struct Plan {
    start: Start,
    model: Model,
}

/// The cards that sequences begin with.
#[derive(Clone, Copy, Debug)]
struct Start {
    preset: &'static str,
    personalised: bool,
}

struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Plan;
    type Transition = Vec<Event>;

    fn init_state() -> BoxedStrategy<Plan> {
        let starts = [("isoapplet", false), ("isoapplet", true), ("isoapplet", true), ("certificate", true)];
        let plan = |(preset, personalised): (&'static str, bool)| Plan {
            start: Start { preset, personalised },
            model: ready(preset, personalised).1,
        };
        proptest::sample::select(starts.to_vec()).prop_map(plan).boxed()
    }

    fn transitions(plan: &Plan) -> BoxedStrategy<Vec<Event>> {
        let model = plan.model.clone();
        any::<u64>().no_shrink().prop_map(move |seed| next(&model, &mut Dice(seed))).boxed()
    }

    fn apply(mut plan: Plan, transition: &Vec<Event>) -> Plan {
        for event in transition {
            match event {
                Event::Command(command) => drop(plan.model.assume(command)),
                Event::Reset | Event::PowerCycle => plan.model.reset(),
            }
        }
        plan
    }
}

thread_local! {
    static READY: RefCell<BTreeMap<(String, bool), (RealCard, Model)>> = const { RefCell::new(BTreeMap::new()) };
    static SEEN: RefCell<Seen> = RefCell::default();
}

/// A copy of a card and a model that are made once.
pub(crate) fn ready(preset: &str, personalised: bool) -> (RealCard, Model) {
    READY.with_borrow_mut(|ready| {
        let entry = ready.entry((preset.to_owned(), personalised));
        let (card, model) = entry.or_insert_with(|| pair(preset, personalised));
        (card.fork(), model.clone())
    })
}

/// What the sequences reached.
#[derive(Default)]
struct Seen {
    cells: BTreeMap<u8, BTreeSet<u16>>,
    steps: usize,
    good: usize,
    runs: usize,
    blocked: usize,
}

struct Beside {
    card: RealCard,
    model: Model,
    blocked: bool,
}

impl StateMachineTest for Beside {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(plan: &Plan) -> Self {
        let (card, model) = ready(plan.start.preset, plan.start.personalised);
        SEEN.with_borrow_mut(|seen| seen.runs += 1);
        Self { card, model, blocked: false }
    }

    fn apply(mut state: Self, _: &Plan, transition: Vec<Event>) -> Self {
        for event in transition {
            let answer = state.card.play(&event);
            if let Err(mismatch) = follow(&mut state.model, &event, &answer) {
                panic!("{mismatch}\n{event:?}");
            }
            let (Event::Command(command), Some((_, status))) = (&event, answer.split_last_chunk()) else { continue };
            let status = u16::from_be_bytes(*status);
            SEEN.with_borrow_mut(|seen| {
                seen.steps += 1;
                seen.good += usize::from(status == 0x9000);
                if let Some(ins) = command.get(1) {
                    // How much waits is no cell of its own.
                    seen.cells.entry(*ins).or_default().insert(if status >> 8 == 0x61 { 0x6100 } else { status });
                }
            });
            state.blocked |= state.model.tries().pin_blocked();
        }
        state
    }

    fn teardown(state: Self, _: Plan) {
        SEEN.with_borrow_mut(|seen| seen.blocked += usize::from(state.blocked));
    }
}

#[test]
fn card_and_model_agree_on_what_the_model_steers() {
    let cases = u32::try_from(setting("CARD_MODEL_CASES", 400)).unwrap();
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&setting("CARD_MODEL_SEED", 1).to_be_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config.clone(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let sequences = Reference::sequential_strategy(20..80);
    let outcome = runner.run(&sequences, |(start, transitions, counter)| {
        Beside::test_sequential(config.clone(), start, transitions, counter);
        Ok(())
    });
    match outcome {
        Ok(()) => (),
        Err(TestError::Fail(reason, (plan, events, _))) => panic!("{reason}\n{:?}\n{events:?}", plan.start),
        Err(error) => panic!("{error}"),
    }
    SEEN.with_borrow(report);
}

/// Prints what was reached, and requires that it is enough to mean something.
fn report(seen: &Seen) {
    let cells: usize = seen.cells.values().map(BTreeSet::len).sum();
    for (ins, words) in seen.cells.iter().filter(|(_, words)| words.len() > 1) {
        let words: Vec<_> = words.iter().map(|word| format!("{word:04X}")).collect();
        println!("{ins:02X}: {}", words.join(" "));
    }
    let known = seen.cells.values().filter(|words| words.len() > 1).map(BTreeSet::len).sum::<usize>();
    println!("{} runs, {} steps, {} answer 9000, {} runs block a PIN", seen.runs, seen.steps, seen.good, seen.blocked);
    println!("{cells} cells of INS and status word, {known} of them of instructions that the card has");
    assert!(5 * seen.good >= seen.steps, "fewer than 20 % of the steps answer 9000");
    assert!(100 * seen.blocked >= seen.runs, "fewer than 1 % of the runs block a PIN");
    assert!(known >= 120, "the sequences reach fewer cells than they did");
}
