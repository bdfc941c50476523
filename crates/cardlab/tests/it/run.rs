//! `cardlab run`: what the program that it starts sees, and what is seen of it from outside.
#![cfg(unix)]

mod control;
mod faults;
mod pads;
mod programs;
mod speed;
mod suite;

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use testkit::run_bounded;

const LIMIT: Duration = Duration::from_secs(60);

fn cardlab(args: &[&str]) -> Output {
    run_bounded(Command::new(env!("CARGO_BIN_EXE_cardlab")).arg("run").args(args), LIMIT)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_exit_code_and_the_output_are_the_programs() {
    let output = cardlab(&["--", "sh", "-c", "echo said; echo complained >&2; exit 7"]);
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("said\n", "complained\n"));
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(cardlab(&["--", "true"]).status.code(), Some(0));
    assert_eq!(cardlab(&["--", "sh", "-c", "kill -KILL $$"]).status.code(), Some(128 + 9));
}

#[test]
fn a_program_that_does_not_start_has_the_shells_codes() {
    for (program, code) in [("no-such-program", 127), ("/etc/passwd", 126)] {
        let output = cardlab(&["--", program]);
        assert_eq!(output.status.code(), Some(code));
        let said = text(&output.stderr);
        assert!(said.starts_with("cardlab: cannot start") && said.lines().count() == 1, "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_wrong_reader_is_one_line_and_starts_nothing() {
    for (reader, word) in [
        ("nonsense", "isoapplet"),
        ("isoapplet,speed=9", "speed"),
        (":/no/such.img", "no image"),
        ("isoapplet,name=", "no reader can be called"),
        ("isoapplet,atr=3B", "atr=3B"),
    ] {
        let output = cardlab(&["--reader", reader, "--", "echo", "started"]);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{said}");
        assert!(said.starts_with("cardlab: ") && said.lines().count() == 1 && said.contains(word), "{said}");
    }
    let twice = cardlab(&["--reader", "empty,name=A 00 00", "--reader", "empty,name=A 00 00", "--", "true"]);
    assert!(text(&twice.stderr).contains("two readers are called `A 00 00`"));
}

#[test]
fn the_socket_is_its_users_and_goes_with_the_program() {
    let output = cardlab(&["--", "sh", "-c", "stat -c '%a %n' \"${PCSCLITE_CSOCK_NAME%/*}\""]);
    let (mode, directory) = text(&output.stdout).trim().split_once(' ').unwrap();
    assert_eq!(mode, "700");
    assert!(!Path::new(directory).exists(), "{directory}");
}

/// A program that has said that it is ready.
fn ready(script: &str) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cardlab"))
        .args(["run", "--", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"ready\n");
    child
}

#[test]
fn signals_are_passed_on() {
    for signal in ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2"] {
        let script = format!("trap 'echo got {signal}; exit 9' {signal}; echo ready; while :; do sleep 0.02; done");
        let mut child = ready(&script);
        let killed = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((said.as_str(), child.wait().unwrap().code()), (format!("got {signal}\n").as_str(), Some(9)));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_ignored_signal_stays_ignored() {
    let bits = |inner: &str| {
        let script = format!("trap '' HUP; exec {inner} grep SigIgn /proc/self/status");
        let output = run_bounded(Command::new("sh").args(["-c", &script]), LIMIT);
        text(&output.stdout).to_owned()
    };
    let wrapped = bits(&format!("{} run --", env!("CARGO_BIN_EXE_cardlab")));
    assert!(wrapped.starts_with("SigIgn"));
    assert_eq!(wrapped, bits(""));
}

#[test]
fn a_seed_makes_the_same_card() {
    let Some(_) = testkit::require_or_skip(testkit::find_program("opensc-tool")) else { return };
    let challenge = |seed: &[&str]| {
        let apdus = ["--", "opensc-tool", "-s", "00A404000CF276A288BCFBA69D34F31001", "-s", "0084000010"];
        let output = cardlab(&[seed, &apdus].concat());
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    assert_eq!(challenge(&["--seed", "5"]), challenge(&["--seed", "5"]));
    assert_eq!(challenge(&["--seed", "5"]), challenge(&["--reader", "isoapplet,seed=5"]));
    assert_ne!(challenge(&["--seed", "5"]), challenge(&["--seed", "6"]));
    assert_ne!(challenge(&[]), challenge(&[]));
}
