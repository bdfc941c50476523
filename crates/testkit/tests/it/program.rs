use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{RunError, find_program, run_bounded, try_run_bounded};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn output_and_status_come_back() {
    let output = run_bounded(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(20));
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn more_output_than_a_pipe_holds_is_no_deadlock() {
    let script = "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done";
    assert_eq!(run_bounded(&mut shell(script), Duration::from_secs(60)).stdout.len(), 220_000);
}

#[test]
fn a_program_that_hangs_is_killed_with_its_children() {
    let begin = Instant::now();
    let error = try_run_bounded(&mut shell("echo begun; sleep 60 & sleep 60"), Duration::from_millis(300)).unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(20));
    let RunError::TimedOut { output, .. } = error else { panic!("{error}") };
    assert_eq!(output.stdout, b"begun\n");
}

#[test]
fn input_is_empty() {
    assert_eq!(run_bounded(&mut shell("cat; echo end"), Duration::from_secs(20)).stdout, b"end\n");
}

#[test]
fn a_missing_program_is_named() {
    let error = try_run_bounded(&mut Command::new("no-such-program"), Duration::from_secs(1)).unwrap_err();
    assert!(error.to_string().starts_with("no-such-program did not start"), "{error}");
    assert!(find_program("no-such-program").unwrap_err().reason.contains("no-such-program"));
    assert!(find_program("sh").is_ok());
}
