//! The power goes at every byte that the card writes.
//!
//! A card plays its flows on a memory that logs ([`tape`]). From the log of one command every memory is made that a cut
//! can leave: cut at each byte, the byte itself old, new or garbage. Each distinct one is opened; the card must then be
//! in the state before or after the command, or have a try spent, by every byte behind the journal and by what a host
//! sees. The writes of that recovery are cut in the same way, and so on until nothing new appears ([`campaign`]).
//! A sample of the cuts is made for real and must leave the same ([`real`]); cut cards are also held against the reference
//! model ([`model`]).
//!
//! The ordinary tests open a seeded sample of the memories. All of them, in some minutes:
//!
//! ```text
//! CARDLAB_EXHAUSTIVE=1 cargo test --release -p card-os --test it tear -- --nocapture
//! ```

mod campaign;
mod disk;
mod failing;
mod fork;
mod full;
mod layout;
mod model;
mod player;
mod real;
mod scene;
mod scene_iso;
mod tape;
mod wrong;

use campaign::{Campaign, Counts, Effort, length};
use card_os::sim::SimNvm;
use player::play;
use real::Real;
use scene::Flow;
use tape::{Tape, Wrong};

fn is_exhaustive() -> bool {
    std::env::var("CARDLAB_EXHAUSTIVE").is_ok_and(|value| value == "1") || !cfg!(debug_assertions)
}

/// Tears every command of a flow.
fn tear(flow: &Flow) {
    let effort = if is_exhaustive() { Effort::Exhaustive } else { Effort::Sample { torn: 5, recovered: 61 } };
    let preset = (flow.preset)();
    let len = preset.nvm_len as usize;
    let mut card = player::blank_of(Tape::new(vec![0; len], Wrong::Nothing), &preset);
    let mut twin = player::blank_of(SimNvm::new(len), &preset);
    let (mut counts, mut told) = (Counts::default(), 0);
    for (number, step) in flow.steps.iter().enumerate() {
        let played = play(&mut card, step);
        assert_eq!(played.told, length(&played.log), "what the card says it wrote is what arrived");
        if number >= flow.from {
            let real = Real::cut(&twin, &step.command, &played, if is_exhaustive() { 40 } else { 4 }, number as u64);
            let mut campaign = Campaign::new(&played, Wrong::Nothing, effort, Some(&real));
            if let Err(fault) = campaign.run() {
                panic!("{}, step {number}, {}: {fault}", flow.name, hex::encode_upper(&step.command));
            }
            told += played.told;
            counts.add(&campaign.counts);
        }
        assert_eq!(player::send(&mut twin, &step.command), played.answer);
        assert!(twin.nvm().image() == card.nvm().bytes, "two memories of one card");
    }
    assert_eq!((counts.written, counts.cuts), (told, 3 * told), "cut points are bytes written times three");
    assert_eq!(counts.recovery_cuts, 3 * counts.recovered[0] + 2 * counts.recovered[1]);
    println!("{}: {counts:?}", flow.name);
}

fn named(name: &str) -> Flow {
    scene::flows().into_iter().chain(scene_iso::flows()).find(|flow| flow.name == name).unwrap()
}

#[test]
fn personalising_survives_every_cut() {
    tear(&named("personalise"));
}

#[test]
fn first_keys_survive_every_cut() {
    tear(&named("first keys"));
}

#[test]
fn blocking_and_unblocking_survive_every_cut() {
    tear(&named("PIN block and unblock"));
}

#[test]
fn deletions_survive_every_cut() {
    tear(&named("deletions"));
}

#[test]
fn replaced_keys_survive_every_cut() {
    tear(&named("import and replacement of keys"));
}

#[test]
fn updates_survive_every_cut() {
    tear(&named("updates of all forms"));
}

#[test]
fn a_full_memory_survives_every_cut() {
    tear(&named("a full memory"));
}

#[test]
fn records_survive_every_cut() {
    tear(&named("records"));
}

#[test]
fn objects_life_cycles_and_environments_survive_every_cut() {
    tear(&named("objects and life cycles"));
}

#[test]
fn several_pins_survive_every_cut() {
    tear(&named("several PINs"));
}

#[test]
fn key_files_survive_every_cut() {
    tear(&named("key files"));
}
