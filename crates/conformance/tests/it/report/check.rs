//! Seals, and what breaks them.

use card_conformance::report::check::{Finding, Role, check};
use card_conformance::report::json::{self, RecordError};

use super::sample;

fn all_there(_: Role, name: &str) -> Option<Vec<u8>> {
    Some(sample::file(name))
}

#[test]
fn a_record_comes_back_as_it_was_and_is_found_whole() {
    let record = sample::record();
    let text = json::write(&record).unwrap();
    assert_eq!(json::read(&text).unwrap(), record);
    assert_eq!(json::read(&format!("\u{FEFF}{text}")).unwrap(), record);
    assert_eq!(check(&record, &all_there), []);
}

#[test]
fn every_change_of_a_word_or_number_is_found() {
    let text = json::write(&sample::record()).unwrap();
    let mut tried = 0;
    for (number, line) in text.lines().enumerate() {
        let Some((_, value)) = line.split_once(": ").or(Some(("", line.trim()))) else { continue };
        let changed = match value.trim_end_matches(',') {
            "true" => line.replace("true", "false"),
            "false" => line.replace("false", "true"),
            digits if digits.parse::<u64>().is_ok() => line.replace(digits, "77"),
            words if words.starts_with('"') && words.len() > 2 => line.replace(words, "\"changed\""),
            _ => continue,
        };
        let lines = text.lines().enumerate().map(|(at, line)| if at == number { changed.as_str() } else { line });
        let changed: String = lines.collect::<Vec<_>>().join("\n");
        let wrong =
            json::read(&changed).map_or(true, |record| check(&record, &all_there).iter().any(Finding::is_wrong));
        assert!(wrong, "not found: {line}");
        tried += 1;
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn files_are_held_against_their_digests() {
    let record = sample::record();
    let other = |role: Role, name: &str| match role {
        Role::Suite if name == "pin.toml" => Some(b"another".to_vec()),
        Role::Card => None,
        _ => Some(sample::file(name)),
    };
    let findings = check(&record, &other);
    let [Finding::Changed { role: Role::Suite, name, .. }, missing @ Finding::Missing { role: Role::Card, .. }] =
        findings.as_slice()
    else {
        panic!("{findings:?}")
    };
    assert_eq!(name, "pin.toml");
    assert!(!missing.is_wrong() && findings[0].is_wrong());
    assert_eq!(missing.to_string(), "the card file my.toml is not here: not checked");
}

#[test]
fn a_summary_that_flatters_is_found_even_when_sealed_again() {
    let mut record = sample::record();
    record.summary.failed = 0;
    record.summary.passed += 2;
    record.cases.push(record.cases[0].clone());
    json::seal(&mut record).unwrap();
    let findings: Vec<String> = check(&record, &all_there).iter().map(ToString::to_string).collect();
    assert!(findings.contains(&"the summary says 0 failed, the cases say 3".to_owned()), "{findings:?}");
    assert!(findings.contains(&"the case `select-after-generate` is there twice".to_owned()), "{findings:?}");
}

#[test]
fn what_is_no_record_is_said_to_be_none() {
    assert!(matches!(json::read(""), Err(RecordError::NotJson(_))));
    assert!(matches!(json::read("<html>"), Err(RecordError::NotJson(_))));
    assert!(matches!(json::read(&"[".repeat(100_000)), Err(RecordError::NotJson(_))));
    for text in ["null", "[]", "{}", "1", "{\"schema\": 1}", "{\"passed\": 3, \"cases\": []}", "{\"schema\": \"1\"}"] {
        assert!(matches!(json::read(text), Err(RecordError::NoRecord(_))), "{text}");
    }
    assert!(matches!(json::read("{\"schema\": 2}"), Err(RecordError::Schema { found: 2 })));
    let text = json::write(&sample::record()).unwrap();
    let more = text.replacen('{', "{\"approved\": true,", 1);
    assert!(matches!(json::read(&more), Err(RecordError::Fields)));
    let mut record = sample::record();
    record.schema = 9;
    assert!(check(&record, &all_there).contains(&Finding::Schema { found: 9 }));
}
