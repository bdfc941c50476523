//! What goes wrong around a run: interrupted, killed, no port, no card.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{LIMIT, card, cardlab, run};

/// Fails with code 2 and one line that holds the words.
#[track_caller]
fn refuses(args: &[&str], bug: &str, words: &[&str]) {
    let output = run(bug, args);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
    for word in words {
        assert!(error.contains(word), "{args:?}: {error} lacks {word}");
    }
}

#[test]
fn mistakes_are_said_and_leave_nothing() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let out = out.to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("vpcd:{}", taken.local_addr().unwrap().port());
    refuses(&["fuzz", "--target", &target, "--out", out], "none", &["cannot listen at 127.0.0.1", "in use"]);
    refuses(&["fuzz", "--target-cmd", "/no/such/card", "--out", out], "none", &["cannot start /no/such/card"]);
    refuses(&["fuzz", "--target-cmd", "'open", "--out", out], "none", &["quote"]);
    refuses(&["fuzz", "--target-cmd", &card::command_line(), "--out", out], "no-atr", &["no ATR", "exit status: 3"]);
    refuses(&["fuzz", "--target", "pcsc:1", "--out", out], "none", &["vpcd:35963"]);
    refuses(&["fuzz", "--out", out], "none", &["--target <vpcd:PORT>", "--target-cmd <CMD>"]);
    refuses(&["fuzz", "--target-cmd", "x", "--seconds", "0"], "none", &["--seconds"]);
    assert!(!Path::new(out).exists(), "a run that did not begin leaves a directory");
    let script = place.path().join("s.apdu");
    std::fs::write(&script, "reset\n00A40400\nnonsense # x\n").unwrap();
    let script = script.to_str().unwrap();
    refuses(&["apdu", "--script", script], "none", &["s.apdu:3: neither"]);
    refuses(&["apdu", "--script", "/no/such/script"], "none", &["cannot read the script /no/such/script"]);
    refuses(&["apdu", "--script", script, "00A40400"], "none", &["--script"]);
    refuses(&["apdu", "--target-cmd", "x", "00A40400"], "none", &["--script"]);
    refuses(&["apdu", "--target-cmd", "x"], "none", &["--target-cmd goes with --script FILE"]);
}

#[test]
fn a_script_goes_on_after_a_broken_promise_and_tells_each() {
    let place = tempfile::tempdir().unwrap();
    let script = place.path().join("s.apdu");
    std::fs::write(&script, "\u{FEFF}0022000000\n002A0000\n0022000000\n").unwrap();
    let args = ["apdu", "--json", "--script", script.to_str().unwrap(), "--target-cmd", &card::command_line()];
    let output = run("one-byte", &args);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let lines: Vec<_> = document["broken"].as_array().unwrap().iter().map(|broken| broken["line"].as_u64()).collect();
    assert_eq!(lines, [Some(1), Some(3)], "{document:#}");
    let exchanges = document["exchanges"].as_array().unwrap();
    assert_eq!((exchanges.len(), exchanges[0]["data"].as_str().map(str::len)), (3, Some(2)), "{document:#}");
    assert!(exchanges[0]["status"].is_null() && exchanges[1]["status"].is_string(), "{document:#}");
}

/// The head of the only script says how to play it; that is done as it is written, by a shell.
#[cfg(unix)]
#[test]
fn the_head_of_a_script_is_a_command_line() {
    let place = tempfile::tempdir().unwrap();
    let (out, card) = (place.path().join("out"), card::command_line().replacen("sh -c", "sh\n-c", 1));
    let fixed = ["fuzz", "--target-cmd", &card, "--out", out.to_str().unwrap(), "--seed", "3", "--commands", "200"];
    assert_eq!(run("crash", &[&fixed[..], &["--keep-pin", "--answer-timeout", "4"]].concat()).status.code(), Some(1));
    let file = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("--seed 3 --commands 200 --restart-every 2000 --answer-timeout 4 --keep-pin\n"), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix("# Play this file again with: ")).unwrap();
    let line = line.replacen("cardlab", env!("CARGO_BIN_EXE_cardlab"), 1).replacen("FILE", file.to_str().unwrap(), 1);
    if testkit::find_program("bash").is_ok() {
        let mut shell = Command::new("bash");
        let output = testkit::run_bounded(shell.args(["-c", &line]).env(card::BUG, "crash"), LIMIT);
        assert_eq!(output.status.code(), Some(1), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A program that a wrapper has started ends with it.
#[cfg(target_os = "linux")]
#[test]
fn what_a_wrapper_started_is_ended_too() {
    let place = tempfile::tempdir().unwrap();
    let (script, wrapper) = (place.path().join("s.apdu"), place.path().join("wrap.sh"));
    std::fs::write(&script, "0084000008\n").unwrap();
    let text =
        format!("sleep 600 &\nprintf %s $! >'{}'\n{}\n", place.path().join("pid").display(), card::command_line());
    std::fs::write(&wrapper, text).unwrap();
    let card = format!("sh '{}'", wrapper.display());
    let output = run("none", &["apdu", "--script", script.to_str().unwrap(), "--target-cmd", &card]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    card_is_gone(place.path());
}

#[test]
fn a_script_plays_on_the_built_in_card_too() {
    let place = tempfile::tempdir().unwrap();
    let script = place.path().join("s.apdu");
    std::fs::write(&script, "# a card\n00 A4 04 00 0C F276A288BCFBA69D34F31001\nreset\n00B0000000 # now 6D00\n")
        .unwrap();
    let output = run("none", &["apdu", "--script", script.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("< 000606\n  9000 (success)\n> reset\n< 3B80800101\n> 00B0000000\n  6D00"), "{text}");
}

fn start(bug: &str, args: &[&str], place: &Path) -> Child {
    let card = card::command_line();
    let out = place.join("out");
    let fixed = ["fuzz", "--target-cmd", &card, "--out", out.to_str().unwrap(), "--seconds", "100"];
    let mut command = cardlab(bug, &[&fixed[..], args].concat());
    command.env(card::PID, place.join("pid")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Waits for a line that begins with this; returns all lines up to it.
fn read_until(child: &mut Child, word: &str) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    let mut text = String::new();
    while lines.read_line(&mut text).unwrap() > 0 {
        if text.lines().last().unwrap_or_default().starts_with(word) {
            break;
        }
    }
    text
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The card's process is gone soon.
fn card_is_gone(place: &Path) {
    let pid = std::fs::read_to_string(place.join("pid")).unwrap();
    let end = Instant::now() + LIMIT;
    let is_there = || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while is_there() {
        assert!(Instant::now() < end, "the card {pid} goes on running");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_says_what_was_done_and_keeps_what_was_found() {
    let place = tempfile::tempdir().unwrap();
    let mut child = start("crash", &["--seed", "3"], place.path());
    let before = read_until(&mut child, "found 1: READ BINARY");
    signal(&child, "INT");
    let (mut rest, begin) = (String::new(), Instant::now());
    child.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{before}{rest}");
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?} to stop", begin.elapsed());
    assert!(rest.contains("\nstopped: ") && rest.contains(" seed 3: 1 found"), "{before}{rest}");
    let files: Vec<_> = std::fs::read_dir(place.path().join("out")).unwrap().collect();
    assert_eq!(files.len(), 1);
    card_is_gone(place.path());
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_a_whole_script_and_no_card() {
    let place = tempfile::tempdir().unwrap();
    let mut child = start("crash", &["--seed", "3"], place.path());
    read_until(&mut child, "found 1: READ BINARY");
    signal(&child, "KILL");
    child.wait().unwrap();
    let out = place.path().join("out");
    let mut scripts = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let script = scripts.find(|path| path.extension().is_some_and(|end| end == "apdu")).unwrap();
    let replay = ["apdu", "--target-cmd", &card::command_line(), "--script", script.to_str().unwrap()];
    assert_eq!(run("crash", &replay).status.code(), Some(1));
    card_is_gone(place.path());
}

#[test]
fn a_simulator_that_connects_is_fuzzed_as_well() {
    let place = tempfile::tempdir().unwrap();
    let port = testkit::free_port_pair().unwrap();
    let mut sim = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    sim.args(["sim", "--seed", "1", "--vpcd", &format!("127.0.0.1:{port}")]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut sim = sim.spawn().unwrap();
    let (target, out) = (format!("vpcd:{port}"), place.path().join("out"));
    let args = ["fuzz", "--target", &target, "--commands", "3000", "--seed", "2", "--out", out.to_str().unwrap()];
    let output = run("none", &args);
    sim.kill().unwrap();
    sim.wait().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("done: 3000 commands") && text.contains("seed 2: nothing found"), "{text}");
}
