//! Snapshot, fork, restore: a seed, a fork and a list of commands are a whole run, byte by byte, and no fork touches
//! another.

use card_os::platform::{Event, Events, NoEvents, Parts};
use card_os::sim::{SimNvm, SimPlatform, seeded_rng};
use card_os::{Card, Preset};
use card_wire::Protocol;

use super::player::{ToyRsa, send};
use super::scene::{self, bytes, small};

/// Keeps every event as text.
#[derive(Clone, Default)]
struct Diary(Vec<String>);

impl Events for Diary {
    fn event(&mut self, event: Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

type Told = Card<SimPlatform<ToyRsa, Diary>>;

fn told(seed: u64, preset: &Preset) -> Told {
    let nvm = SimNvm::new(preset.nvm_len as usize);
    let mut card =
        Card::create(Parts { nvm, rng: seeded_rng(seed, 0), rsa: ToyRsa, events: Diary::default() }, preset).unwrap();
    card.power_on(Protocol::T1);
    card
}

/// Everything that a run leaves: answers, events, memory, and what randomness is drawn next.
fn run(card: &mut Told, commands: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<String>, Vec<u8>, Vec<u8>) {
    let answers = commands.iter().map(|command| send(card, command)).collect();
    let events = card.events_mut().0.clone();
    let next = send(&mut card.fork(), &bytes("0084000040"));
    (answers, events, card.nvm().image(), next)
}

/// Commands of all flows behind one another; after the first they meet a card that is not blank, and mostly fail.
fn commands() -> Vec<Vec<u8>> {
    scene::flows().into_iter().flat_map(|flow| flow.steps).map(|step| step.command).collect()
}

#[test]
fn a_seed_a_snapshot_and_commands_repeat_a_run() {
    let commands = commands();
    let (first, second) = commands.split_at(commands.len() / 3);
    let mut card = told(5, &small());
    run(&mut card, first);
    let snapshot = card.fork();
    let whole = run(&mut card, second);
    assert_eq!(run(&mut snapshot.fork(), second), whole, "from a snapshot");
    let mut again = told(5, &small());
    run(&mut again, first);
    assert_eq!(run(&mut again, second), whole, "from the seed");
    let mut other = told(6, &small());
    run(&mut other, first);
    assert_ne!(run(&mut other, second), whole, "another seed is another run");
}

#[test]
fn no_fork_touches_another() {
    let commands = commands();
    let (first, second) = commands.split_at(commands.len() / 3);
    let mut card = told(5, &small());
    run(&mut card, first);
    let mut alone = card.fork();
    let expected = run(&mut alone, second);
    // Two forks take turns, each with commands of its own.
    let (mut left, mut right) = (card.fork(), card.fork());
    let before = run(&mut card.fork(), &[]);
    for (number, command) in second.iter().enumerate() {
        send(&mut left, command);
        send(&mut right, &second[second.len() - 1 - number]);
    }
    assert_eq!(run(&mut card.fork(), &[]), before, "the original, after its forks were changed");
    assert_eq!((left.nvm().image(), &left.events_mut().0), (expected.2.clone(), &expected.1));
    assert_eq!(run(&mut card, second), expected, "the original goes on");
    let changed = right.nvm().image();
    drop((card, left));
    assert_eq!(right.nvm().image(), changed, "a fork outlives the others");
}

#[test]
fn a_fork_takes_the_power_and_the_session_with_it() {
    let mut card = told(5, &small());
    for command in commands().iter().take(11) {
        send(&mut card, command);
    }
    let mut fork = card.fork();
    fork.nvm_mut().cut_power_after(40);
    assert!(send(&mut fork, &bytes("00D6000003AABBCC")).is_empty());
    assert_eq!(send(&mut card, &bytes("00D6000003AABBCC")), [0x90, 0x00], "its power is its own");
}

#[test]
fn a_fork_of_a_personalised_card_that_reads_takes_little_memory() {
    let preset = Preset::isoapplet();
    let mut card = told(5, &preset);
    let flows = scene::flows();
    let steps = flows[0].steps.iter().chain(&flows[1].steps[4..]);
    let mut commands: Vec<Vec<u8>> = steps.map(|step| step.command.clone()).collect();
    for (slot, environment) in ["00224100068001EC840102", "00224100068001F3840103"].into_iter().zip([4, 6]) {
        commands.extend([bytes(slot), flows[1].steps[environment + 1].command.clone()]);
    }
    for command in &commands {
        let answer = send(&mut card, command);
        assert_eq!(answer[answer.len() - 2..], [0x90, 0x00], "{}", hex::encode(command));
    }
    // The diary is the test's own.
    card.events_mut().0.clear();
    let mut quiet: Card<SimPlatform<ToyRsa>> =
        Card::open(Parts { nvm: card.nvm().clone(), rng: seeded_rng(5, 1), rsa: ToyRsa, events: NoEvents }).unwrap();
    quiet.power_on(Protocol::T1);
    send(&mut quiet, &bytes(crate::support::SELECT_AID));
    let (select, read, update) = (bytes("00A40000024401 00"), bytes("00B0000000"), bytes("00D6000003AABBCC"));
    let mut buffer = [0; 300];
    let reading = counting_alloc::bytes_during(|| {
        let mut fork = quiet.fork();
        assert_eq!(fork.transmit(&select, &mut buffer).len(), 25);
        assert_eq!(fork.transmit(&read, &mut buffer).len(), 258);
        fork
    });
    let writing = counting_alloc::bytes_during(|| {
        let mut fork = quiet.fork();
        fork.transmit(&select, &mut buffer);
        assert_eq!(fork.transmit(&bytes(crate::support::VERIFY), &mut buffer), [0x90, 0x00]);
        assert_eq!(fork.transmit(&update, &mut buffer), [0x90, 0x00]);
        fork
    });
    println!("a fork that reads: {reading} bytes; one that writes: {writing}");
    assert!(reading < 4096, "{reading} bytes");
    assert!(writing > 4096, "the count sees what a write copies");
}
