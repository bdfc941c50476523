//! What the time of an answer tells: nothing about how many bytes of a PIN were right, and nothing about how a padding was
//! wrong. Time on a shared machine is noise, so instructions are counted instead, by valgrind, and must be equal.
//!
//! This says nothing of the RSA provider: `rsa` is not constant-time (RUSTSEC-2023-0071), and the provider here is a mirror.

use std::process::Command;
use std::time::Duration;

use card_os::sim::SimCard;
use testkit::{find_program, require_or_skip, run_bounded};

use super::{Mirror, NEW_PIN, PIN, PUK, command, internal, iso, oaep, oaep_data, send, verified, with_oaep_key};

/// Names the case that the body is to play, in a process that [`instructions`] has started.
const CASE: &str = "CARDLAB_TIMING_CASE";

/// The card's work on one command, in a function of its own so that valgrind finds it.
#[inline(never)]
fn measured(card: &mut SimCard<Mirror>, command: &[u8], buffer: &mut [u8]) -> usize {
    std::hint::black_box(card.transmit(command, buffer).len())
}

/// Plays one case and returns the answer.
fn play(case: &str) -> String {
    let (mut card, command) = prepared(case);
    let mut buffer = [0; 600];
    let len = measured(&mut card, &command, &mut buffer);
    hex::encode_upper(&buffer[..len])
}

/// What is compared: wrong PINs by how many leading bytes are right, bad paddings by where they are bad.
const WRONG_PINS: [&str; 4] = ["pin 0", "pin 1", "pin 8", "pin 15"];
const WRONG_PUKS: [&str; 3] = ["puk 0", "puk 8", "puk 15"];
const BAD_PADDINGS: [&str; 7] = ["first", "second", "both", "none", "early 2", "early 9", "empty"];
const WRONG_ISO_PINS: [&str; 4] = ["iso 0", "iso 1", "iso 8", "iso 15"];
const BAD_OAEP: [&str; 6] = ["oaep 0", "oaep 1", "oaep 2", "oaep 3", "oaep 4", "oaep 5"];

fn prepared(case: &str) -> (SimCard<Mirror>, Vec<u8>) {
    let (kind, at) = case.split_once(' ').unwrap_or((case, "0"));
    let at: usize = at.parse().unwrap();
    let wrong = |secret: &[u8; 16]| {
        let mut wrong = *secret;
        wrong[at] ^= 0x40;
        wrong
    };
    match kind {
        "pin" => (verified(Mirror), command("00200001", &wrong(PIN))),
        "puk" => (verified(Mirror), command("002C0001", &[wrong(PUK), *NEW_PIN].concat())),
        "iso" => (with_iso_pin(), command("00200001", &wrong(PIN))),
        "oaep" => (with_oaep_key(), [command("002A8086", &[&[0][..], &bad_oaep(at)].concat()), vec![0, 0]].concat()),
        _ => (with_key(), [command("002A8086", &[&[0][..], &block(kind, at)].concat()), vec![0, 0]].concat()),
    }
}

/// An encryption block of 256 bytes that is good for no message.
fn block(kind: &str, at: usize) -> Vec<u8> {
    let mut block = [&[0, 2][..], &[0xEE; 100], &[0], &[0x55; 153]].concat();
    match kind {
        "first" => block[0] = 1,
        "second" => block[1] = 1,
        "both" => block[..2].fill(7),
        "none" => block[102] = 0xEE,
        "early" => block[at] = 0,
        "empty" => block.fill(0),
        _ => panic!("no such case"),
    }
    block
}

/// An OAEP block that is bad in one of six ways.
fn bad_oaep(way: usize) -> Vec<u8> {
    let mut data = oaep_data(&[0x77; 16]);
    let separator = data.len() - 17;
    match way {
        0 => return [&[1][..], &oaep(data)[1..]].concat(),
        1 => data[0] ^= 1,
        2 => data[31] ^= 1,
        3 => data[32] = 2,
        4 => data[separator] = 0,
        _ => data.fill(0),
    }
    oaep(data)
}

fn with_iso_pin() -> SimCard<Mirror> {
    let mut card = iso(Mirror);
    send(&mut card, &internal(1, &[0x80, 1, 1, 0x81, 1, 1, 0x82, 3, 4, 16, 3]), "9000");
    send(&mut card, &command("00240101", PIN), "9000");
    card
}

fn with_key() -> SimCard<Mirror> {
    let mut card = verified(Mirror);
    send(&mut card, &command("00224100", &[0x80, 1, 0xF3, 0x84, 1, 5]), "9000");
    send(&mut card, &hex::decode("0046420000").unwrap(), "610E");
    send(&mut card, &command("002241B8", &[0x80, 1, 0x11, 0x84, 1, 5]), "9000");
    card
}

/// Not a test of its own accord: plays the case that the environment names, for [`instructions`] to count.
#[test]
fn body() {
    if let Ok(case) = std::env::var(CASE) {
        println!("\nanswer {}", play(&case));
    }
}

/// Instructions between a command and its answer, and the answer.
fn instructions(valgrind: &std::path::Path, case: &str) -> (u64, String) {
    let mut counting = Command::new(valgrind);
    counting
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg("--toggle-collect=*timing*measured*")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "timing::body", "--nocapture", "--test-threads", "1"])
        .env(CASE, case)
        // The same seeds for everything that hashes at random, and no other output.
        .env_remove("RUST_BACKTRACE");
    let output = run_bounded(&mut counting, Duration::from_secs(120));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let after = |text: &str, word: &str| {
        let rest = text.split_once(word).map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default().to_owned());
        rest.unwrap_or_else(|| panic!("no `{word}` for {case}:\n{out}{err}"))
    };
    (after(&err, "Collected :").parse().unwrap(), after(&out, "answer "))
}

/// All cases cost the same and answer the same.
fn equal(cases: &[&str], status: &str) -> Option<u64> {
    let valgrind = require_or_skip(find_program("valgrind"))?;
    let counts: Vec<_> = cases.iter().map(|case| instructions(&valgrind, case)).collect();
    println!("{cases:?}: {counts:?}");
    let (first, _) = counts[0];
    assert!(first > 1000, "{first} instructions are no command");
    assert!(counts.iter().all(|(count, said)| *count == first && said == status), "{cases:?}: {counts:?}");
    Some(first)
}

#[test]
fn a_wrong_pin_costs_the_same_wherever_it_is_wrong() {
    equal(&WRONG_PINS, "63C2");
    equal(&WRONG_PUKS, "63C4");
    equal(&WRONG_ISO_PINS, "63C2");
}

#[test]
fn a_bad_padding_costs_the_same_however_it_is_bad() {
    equal(&BAD_PADDINGS, "6A80");
    equal(&BAD_OAEP, "6A80");
}

/// What the memory and the listener see of a bad padding is the same as well: nothing is written, no key event.
#[test]
fn a_bad_padding_leaves_no_trace() {
    let traces = BAD_PADDINGS.map(|case| {
        let (mut card, command) = prepared(case);
        let commits = card.commit_number();
        // A meter for what is written, equal bytes included.
        card.nvm_mut().cut_power_after(1000);
        send(&mut card, &command, "6A80");
        (card.nvm().power_left(), card.commit_number() - commits)
    });
    assert_eq!(traces, [(Some(1000), 0); BAD_PADDINGS.len()]);
}
