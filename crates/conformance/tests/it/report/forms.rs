//! JUnit, HTML, terminal and comparison, from the record made by hand.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use card_conformance::record::{RunRecord, VerdictKind};
use card_conformance::report::terminal::Show;
use card_conformance::report::{diff, html, junit, terminal};

use super::{kept, sample};

const LIMIT: Duration = Duration::from_secs(60);

/// Runs xmllint, where it is installed: true where it is content.
fn xmllint(words: &[&str], file: &Path) -> Option<Result<(), String>> {
    let missing = |_| testkit::Unavailable::new("xmllint is not installed: apt-get install libxml2-utils");
    let program = testkit::require_or_skip(testkit::find_program("xmllint").map_err(missing))?;
    let mut command = Command::new(program);
    let output = testkit::run_bounded(command.args(["--noout", "--nonet"]).args(words).arg(file), LIMIT);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

fn schema() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/reports/junit.xsd").to_owned()
}

#[test]
fn junit_follows_the_common_schema() {
    let file = kept("sample.xml");
    let text = junit::write(&sample::record()).unwrap();
    std::fs::write(&file, &text).unwrap();
    let Some(result) = xmllint(&["--schema", &schema()], &file) else { return };
    result.unwrap();
    // The schema can say no.
    let file = kept("wrong.xml");
    std::fs::write(&file, text.replacen("<failure", "<broken", 1).replacen("</failure", "</broken", 1)).unwrap();
    xmllint(&["--schema", &schema()], &file).unwrap().unwrap_err();
}

#[test]
fn junit_counts_only_what_the_card_itself_did() {
    let text = junit::write(&sample::record()).unwrap();
    let head = text.lines().find(|line| line.starts_with("<testsuites")).unwrap();
    assert!(head.contains(r#"tests="11" skipped="6" failures="2" errors="0""#), "{head}");
    assert_eq!(text.matches("<testsuite ").count(), 3);
    for part in [
        r#"<skipped message="known exception: ticket 17: answers 6A86 for P2=08; it failed"#,
        r#"<skipped message="simulated on the built-in card: passed" type="simulated"/>"#,
        r#"<skipped message="simulated on the built-in card: failed: pin-simulated-failure"#,
        r#"type="not-applicable""#,
        r#"type="refused""#,
        r#"type="skipped""#,
        r#"<property name="requirement" value="SRS-12"/>"#,
        r#"<property name="clause" value="iso7816-4-2020-select"/>"#,
        r#"<property name="tag" value="reads"/>"#,
        r#"<property name="mark" value="simulated"/>"#,
        r#"<property name="exception" value="ticket 9"/>"#,
        r#"time="0.001""#,
        "= 6982 security status not satisfied",
        "84 DF name, 12: A0 00 00 00 63 50 4B 43 53 2D 31 35",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("<script>"));
}

#[test]
fn the_page_is_well_formed_and_holds_everything() {
    let record = sample::record();
    let page = html::write(&record).unwrap();
    let file = kept("sample.html");
    std::fs::write(&file, &page).unwrap();
    for case in &record.cases {
        assert!(page.contains(&case.id), "{}", case.id);
    }
    for part in [
        "2 of 11 cases failed on this card.",
        "Zoë O&#x27;Neill &lt;zoe@example.org&gt;",
        "&lt;script&gt;alert(&quot;1&quot;)",
        "証明書",
        "{{ 7*7 }}",
        &record.digests.record,
        &record.digests.suite[0].sha256,
        "GET DATA 0101 announces it",
        "cardlab conform --target pcsc --reader ACS --card my.toml --case select-after-generate",
        "public key template",
        "security status not satisfied",
        "Signature",
        "simulated: passed",
        "passed; exception stale",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    for foreign in ["http://", "https://", "src=", "@import", "url(", "<link"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    // XML is stricter than HTML: whatever is XML is nested and escaped as it must be.
    let xml = kept("sample.xhtml");
    let named = page.replacen("<!DOCTYPE html>", "", 1);
    std::fs::write(&xml, named.replace('\u{1}', "")).unwrap();
    if let Some(result) = xmllint(&[], &xml) {
        result.unwrap();
    }
}

#[test]
fn the_page_has_no_control_characters() {
    let page = html::write(&sample::record()).unwrap();
    assert!(!page.chars().any(|c| c.is_control() && !"\n\t".contains(c)));
}

#[test]
fn a_large_run_stays_a_page() {
    for failing in [false, true] {
        let record = sample::large(failing);
        let start = Instant::now();
        let page = html::write(&record).unwrap();
        let time = start.elapsed();
        std::fs::write(kept(if failing { "all-fail.html" } else { "large.html" }), &page).unwrap();
        assert!(page.len() < 2_000_000, "{}", page.len());
        // A debug build on a busy machine is given ten times what a release build may take.
        assert!(time < Duration::from_secs(10), "{time:?}");
        assert_eq!(page.contains("exchanges are left out here"), failing);
        assert!(page.contains("id=\"case-case-number-5\""));
        let at = |name: &str| page.find(&format!("<th scope=\"row\">{name}</th>")).unwrap();
        assert!(at("SRS-2") < at("SRS-10"), "numbers are sorted as numbers");
    }
}

#[test]
fn terminal_lines_end_in_the_counts() {
    let record = sample::record();
    let all = terminal::lines(&record, Show::All);
    let mut last = all.lines().rev();
    assert_eq!(last.next(), Some("3 passed, 2 failed, 3 skipped"));
    assert_eq!(
        last.next(),
        Some(
            "1 failed as a known exception says, 1 stale exceptions, 2 simulated on the built-in card, 1 not applicable, 1 refused"
        )
    );
    assert!(all.contains("[simulated]") && all.contains("[known exception: ticket 17"), "{all}");
    assert!(all.contains("stale exception `select-mf`: passed all the same: select-mf"), "{all}");
    let failures = terminal::lines(&record, Show::Failures);
    let first: Vec<&str> = failures.lines().take(2).collect();
    assert_eq!(
        first,
        [
            "FAILED   select-after-generate  what select-after-generate shows",
            "         select.toml:14: expected 9000 (success), got 6982 (security status not satisfied)"
        ]
    );
    assert!(!failures.contains("select-by-name") && !all.contains('\u{1}'));
}

#[test]
fn a_plain_run_has_only_the_last_line() {
    let mut record = sample::record();
    record.cases.retain(|case| case.id == "select-by-name");
    record.exceptions.clear();
    let lines = terminal::lines(&sample::finish(record), Show::All);
    assert_eq!(lines, "passed   select-by-name  what select-by-name shows\n1 passed, 0 failed, 0 skipped\n");
}

fn set(record: &mut RunRecord, id: &str, verdict: VerdictKind) {
    let case = record.cases.iter_mut().find(|case| case.id == id).unwrap();
    case.reason = (verdict != VerdictKind::Passed).then(|| "now 6F00".to_owned());
    case.verdict = verdict;
}

#[test]
fn comparisons_tell_fixed_broken_new_and_gone() {
    let old = sample::record();
    let mut new = old.clone();
    set(&mut new, "select-after-generate", VerdictKind::Passed);
    set(&mut new, "select-by-name", VerdictKind::Failed);
    set(&mut new, "select-terminated", VerdictKind::Failed);
    set(&mut new, "select-fresh", VerdictKind::Passed);
    new.cases.retain(|case| case.id != "verify-reads");
    new.cases.push(sample::case("added", VerdictKind::Passed));
    new.run.serial = None;
    let diff = diff::diff(&old, &sample::finish(new));
    assert_eq!(diff.exit_code(), 1);
    let expected = "\
note: another serial: 0102030405060708, now none
BROKEN   select-by-name         passed -> failed  what select-by-name shows
         now 6F00
BROKEN   select-terminated      refused -> failed  what select-terminated shows
         now 6F00
fixed    select-after-generate  failed -> passed  what select-after-generate shows
new      added                  passed  what added shows
gone     verify-reads           passed  what verify-reads shows
changed  select-fresh           skipped -> passed  what select-fresh shows
1 fixed, 2 broken, 1 new, 1 gone, 1 changed otherwise, 6 the same";
    assert_eq!(diff.to_string(), expected);
}

#[test]
fn a_comparison_fails_only_for_what_fails_newly() {
    let old = sample::record();
    assert_eq!(diff::diff(&old, &old).exit_code(), 0, "failing as before");
    let mut new = old.clone();
    set(&mut new, "select-by-name", VerdictKind::NotApplicable);
    assert_eq!(diff::diff(&old, &new).exit_code(), 0);
    new.cases.push(sample::case("added", VerdictKind::Failed));
    assert_eq!(diff::diff(&old, &new).exit_code(), 1, "a new case that fails");
    let mut lifted = old.clone();
    lifted.cases.iter_mut().for_each(|case| case.exception = None);
    assert_eq!(diff::diff(&old, &lifted).exit_code(), 1, "an exception that is gone");
}
