use std::process::Command;
use std::time::Duration;

use testkit::{Unavailable, require_or_skip, run_bounded};

fn skipper_with(name: &str, value: &std::path::Path) -> std::process::Output {
    let mut test = Command::new(env!("CARGO_BIN_EXE_testkit-helper"));
    test.arg("skip").env_remove("CARDLAB_SKIPS").env_remove("CARDLAB_NO_SKIP").env(name, value);
    run_bounded(&mut test, Duration::from_secs(30))
}

#[test]
fn what_is_there_is_handed_on() {
    assert_eq!(require_or_skip(Ok::<_, Unavailable>(7)), Some(7));
}

#[test]
fn a_skip_is_told_and_recorded() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("skips");
    let output = skipper_with("CARDLAB_SKIPS", &file);
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("SKIPPED: no reader (main)\n"), "{said}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "main\tno reader\n");
}

#[test]
fn where_nothing_may_be_skipped_a_skip_fails() {
    let output = skipper_with("CARDLAB_NO_SKIP", "1".as_ref());
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing may be skipped here, but: no\nreader"));
}
