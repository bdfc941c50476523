//! `cardlab fuzz` finds what is wrong with a card and keeps it so that it can be played again; and finds nothing on ours.

mod card;
mod trouble;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(120);

/// The program with a card that has this bug.
fn cardlab(bug: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    command.args(args).env(card::BUG, bug);
    command
}

fn run(bug: &str, args: &[&str]) -> Output {
    testkit::run_bounded(&mut cardlab(bug, args), LIMIT)
}

/// A run with a document at its end.
fn fuzz(bug: &str, out: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let card = card::command_line();
    let fixed = ["fuzz", "--json", "--target-cmd", &card, "--out", out.to_str().unwrap()];
    let output = run(bug, &[&fixed[..], args].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    let document = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{bug}: {error}\n{text}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), document)
}

/// Finds the bug, and finds it again in what was kept. Returns the script and how many commands it has.
fn is_found(bug: &str, promise: &str, ins: &str, args: &[&str]) -> (String, u64) {
    let place = tempfile::tempdir().unwrap();
    let (code, document) = fuzz(bug, place.path(), &[&["--seed", "3"], args].concat());
    assert_eq!(code, Some(1), "{bug}: {document:#}");
    let findings = document["findings"].as_array().unwrap();
    let found = findings.iter().find(|found| found["promise"] == promise && found["ins"] == ins);
    let Some(found) = found else { panic!("{bug}: {findings:#?}") };
    assert_eq!(found["confirmed"], true, "{bug}: {found:#}");
    let file = PathBuf::from(found["file"].as_str().unwrap());
    let card = card::command_line();
    let fixed = ["apdu", "--json", "--script", file.to_str().unwrap(), "--target-cmd", &card];
    let replay = [&fixed[..], limit(args)].concat();
    let output = run(bug, &replay);
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{bug}: {again:#}");
    let broken = again["broken"].as_array().unwrap();
    assert!(broken.iter().any(|broken| broken["promise"] == promise && broken["ins"] == ins), "{bug}: {again:#}");
    // The same script on a card without the bug: nothing.
    let output = run("none", &replay);
    assert_eq!(output.status.code(), Some(0), "{bug}: {}", String::from_utf8_lossy(&output.stdout));
    (std::fs::read_to_string(file).unwrap(), found["commands"].as_u64().unwrap())
}

/// The time limit among the arguments, if there is one.
fn limit<'a>(args: &'a [&'a str]) -> &'a [&'a str] {
    args.iter().position(|arg| *arg == "--answer-timeout").map_or(&[], |at| &args[at..at + 2])
}

#[test]
fn planted_bugs_are_found_and_played_again() {
    let few = ["--commands", "800"];
    for (bug, promise, ins, most) in [
        ("crash", "crash", "B0", 1),
        ("exit", "crash", "CA", 1),
        ("one-byte", "short", "22", 1),
        ("empty", "short", "22", 1),
        ("status", "status", "2A", 1),
        ("long", "long", "84", 2),
        ("data-with-error", "data-with-error", "E0", 1),
        ("counter", "counter", "20", 12),
    ] {
        let (script, commands) = is_found(bug, promise, ins, &few);
        assert!(commands <= most, "{bug}: {commands} commands\n{script}");
        assert!(script.contains(&format!("# promise: {promise}\n# seed: 3, command ")), "{script}");
    }
}

#[test]
fn a_frequent_bug_hides_no_other() {
    let few = ["--commands", "800"];
    for (promise, ins) in [("counter", "20"), ("crash", "B0"), ("long", "84")] {
        let (script, commands) = is_found("three", promise, ins, &few);
        assert!(commands <= 12, "{commands} commands\n{script}");
    }
}

#[test]
fn a_second_answer_is_blamed_on_its_command() {
    let (script, commands) = is_found("twice", "unasked", "B0", &["--commands", "300"]);
    assert!(commands <= 1, "{script}");
}

#[test]
fn a_bug_that_needs_a_past_is_cut_down_to_it() {
    let (script, commands) = is_found("crash-late", "crash", "84", &["--commands", "3000"]);
    // Select the application, create, delete, ask.
    assert!((3..=6).contains(&commands), "{script}");
}

#[test]
fn what_a_card_says_before_it_dies_is_kept() {
    let (script, _) = is_found("crash", "crash", "B0", &["--commands", "300"]);
    assert!(script.contains("# the card said: index out of bounds: the card is broken"), "{script}");
    assert!(script.contains("(SIGABRT)"), "{script}");
}

#[test]
fn a_card_that_hangs_is_found_and_left_behind() {
    let args = ["--commands", "500", "--answer-timeout", "1"];
    let (script, commands) = is_found("hang", "hang", "E4", &args);
    assert!(commands <= 2 && script.contains("no answer within 1s"), "{script}");
}

#[test]
fn our_own_card_keeps_its_promises() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("finds");
    let (code, document) = fuzz("none", &out, &["--seed", "5", "--commands", "20000"]);
    assert_eq!((code, document["findings"].as_array().unwrap().len()), (Some(0), 0), "{document:#}");
    assert_eq!((document["commands"].as_u64(), document["starts"].as_u64()), (Some(20_000), Some(10)));
    assert!(document["pairs"].as_u64().unwrap() > 150, "{}", document["pairs"]);
    assert!(!out.exists(), "a directory without a finding stays behind");
}

#[test]
fn a_seed_repeats_a_run_and_another_does_not() {
    let place = tempfile::tempdir().unwrap();
    let sent = |name: &str, seed: &str, bug: &str| {
        let log = place.path().join(name);
        let card = card::command_line();
        let out = place.path().join("out");
        let args = ["fuzz", "--target-cmd", &card, "--commands", "400", "--seed", seed, "--out", out.to_str().unwrap()];
        let output = testkit::run_bounded(cardlab(bug, &args).env(card::LOG, &log), LIMIT);
        assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("seed {seed}")));
        std::fs::read_to_string(log).unwrap()
    };
    let one = sent("one", "7", "none");
    assert!(one.lines().count() > 400);
    // Compared and not shown: the logs are long.
    assert!(one == sent("two", "7", "none"), "a seed does not repeat its run");
    assert!(one != sent("three", "8", "none"), "another seed changes nothing");
    // A card that answers differently is asked differently.
    assert!(one != sent("four", "7", "no-files"), "the answers change nothing");
}

#[test]
fn no_try_is_spent_where_the_pin_is_to_be_kept() {
    let place = tempfile::tempdir().unwrap();
    let (code, document) = fuzz("none", place.path(), &["--seed", "1", "--commands", "3000", "--keep-pin"]);
    assert_eq!(code, Some(0));
    let cells = document["coverage"].as_array().unwrap();
    let touches = |cell: &&Value| {
        let (ins, status) = (cell["ins"].as_str().unwrap(), cell["status"].as_str().unwrap());
        ["24", "25", "2C", "2D"].contains(&ins) || ins == "20" && ["63C2", "63C1", "6983"].contains(&status)
    };
    assert_eq!(cells.iter().find(touches), None);
    assert!(cells.iter().any(|cell| cell["ins"] == "20"), "VERIFY without data is harmless and useful");
}
