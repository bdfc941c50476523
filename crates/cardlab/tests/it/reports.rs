//! `cardlab conform verify-report` and `diff`, as a tester calls them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use card_conformance::record::{CaseRecord, FileDigest, RunRecord, SCHEMA, Summary, VerdictKind};
use card_conformance::report::json;

fn conform(words: &[&str], files: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    command.arg("conform").args(words).args(files);
    testkit::run_bounded(&mut command, Duration::from_secs(60))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn case(id: &str, verdict: VerdictKind) -> CaseRecord {
    CaseRecord {
        id: id.to_owned(),
        title: format!("what {id} shows"),
        file: "my.toml".to_owned(),
        line: 1,
        requirements: vec![],
        clause: None,
        source: None,
        preset: "isoapplet".to_owned(),
        setup: vec![],
        tags: vec![],
        needs: vec![],
        verdict,
        simulated: false,
        exception: None,
        reason: None,
        micros: 1,
        exchanges: vec![],
    }
}

fn record(folder: &Path, name: &str, cases: Vec<CaseRecord>) -> (RunRecord, PathBuf) {
    let mut record = RunRecord { schema: SCHEMA, program: "cardlab".to_owned(), ..RunRecord::default() };
    record.summary = Summary::of(&cases, &[]);
    record.cases = cases;
    record.digests.suite = vec![FileDigest { name: "my.toml".to_owned(), sha256: json::sha256(b"suite") }];
    record.digests.card = Some(FileDigest { name: "card.toml".to_owned(), sha256: json::sha256(b"card") });
    json::seal(&mut record).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, json::write(&record).unwrap()).unwrap();
    (record, path)
}

#[test]
fn a_record_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (record, path) = record(folder.path(), "run.json", vec![case("a", VerdictKind::Passed)]);
    let output = conform(&["verify-report"], &[&path]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("the suite file my.toml is not here: not checked"), "{}", said(&output));
    let with_suite = ["verify-report", "--suite", folder.path().to_str().unwrap()];
    assert_eq!(conform(&with_suite, &[&path]).status.code(), Some(1), "a missing file that was asked for");
    std::fs::write(folder.path().join("my.toml"), "suite").unwrap();
    std::fs::write(folder.path().join("card.toml"), "card").unwrap();
    let output = conform(&with_suite, &[&path]);
    assert!(output.status.success() && said(&output).contains("1 cases, 0 wrong, 0 not checked"), "{}", said(&output));
    std::fs::write(folder.path().join("card.toml"), "another").unwrap();
    let output = conform(&with_suite, &[&path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("WRONG: the card file card.toml was changed"), "{}", said(&output));
    let text = json::write(&record).unwrap().replace("\"a\"", "\"b\"");
    std::fs::write(&path, text).unwrap();
    let output = conform(&["verify-report"], &[&path]);
    assert!(said(&output).contains("WRONG: the record was changed"), "{}", said(&output));
}

#[test]
fn what_is_no_record_could_not_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.json");
    for (text, told) in [("", "not JSON"), ("{}", "no record of a run"), ("{\"schema\": 7}", "schema 7")] {
        std::fs::write(&path, text).unwrap();
        for output in [conform(&["verify-report"], &[&path]), conform(&["diff"], &[&path, &path])] {
            assert_eq!(output.status.code(), Some(2));
            assert!(said(&output).contains(told), "{}", said(&output));
        }
    }
    let output = conform(&["diff"], &[&folder.path().join("none"), &path]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn records_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let old = vec![case("a", VerdictKind::Passed), case("b", VerdictKind::Failed)];
    let new = vec![case("a", VerdictKind::Failed), case("b", VerdictKind::Passed)];
    let (_, old) = record(folder.path(), "old.json", old);
    let (_, new) = record(folder.path(), "new.json", new);
    let output = conform(&["diff"], &[&old, &new]);
    assert_eq!(output.status.code(), Some(1));
    let last = "1 fixed, 1 broken, 0 new, 0 gone, 0 changed otherwise, 0 the same\n";
    assert!(said(&output).ends_with(last), "{}", said(&output));
    assert_eq!(conform(&["diff"], &[&old, &old]).status.code(), Some(0));
    let output = conform(&["diff", "--json"], &[&old, &new]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["broken"][0]["id"], "a");
    assert_eq!(json["fixed"][0]["old"], "failed");
}
