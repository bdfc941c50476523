//! The embedded cases: all there, well-formed, different, and passed by our own card.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use card_conformance::script::{Action, Step};
use card_conformance::template::Template;
use card_conformance::{Case, InProcessTarget, Jobs, Suite, Target, embedded, run_parallel, run_suite};

use crate::cards::{blank, not_passed, play, suite};

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

#[test]
fn the_list_of_scripts_is_the_directory() {
    let directory = std::fs::read_dir(fixtures().join("conformance")).unwrap();
    let names: BTreeSet<_> = directory
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    let embedded: BTreeSet<_> = embedded::SCRIPTS.iter().map(|source| source.name.to_owned()).collect();
    assert_eq!(names, embedded);
    for source in embedded::SCRIPTS {
        let text = std::fs::read_to_string(fixtures().join("conformance").join(source.name)).unwrap();
        assert_eq!(source.text, text, "{}", source.name);
    }
}

#[test]
fn there_are_enough_cases_and_each_says_what_it_shows() {
    let suite = suite();
    assert!(suite.cases.len() >= 750, "{} cases", suite.cases.len());
    let titles: BTreeSet<_> = suite.cases.iter().map(|case| (&case.preset, &case.title, &case.file)).collect();
    assert_eq!(titles.len(), suite.cases.len(), "two cases of a file show the same");
    for case in &suite.cases {
        assert!(["isoapplet", "certificate", "iso", "tight"].contains(&case.preset.as_str()), "{}", case.id);
        assert!(case.clause.is_some() || case.source.is_some(), "{} says nowhere where it is from", case.id);
    }
}

#[test]
fn no_two_cases_do_the_same() {
    let suite = suite();
    let mut seen = BTreeMap::new();
    for case in &suite.cases {
        let steps = case.steps.iter().map(|step| (&step.action, &step.data, &step.tlv, &step.captures));
        let what = format!("{} {:?}", case.preset, steps.collect::<Vec<_>>());
        if let Some(other) = seen.insert(what, &case.id) {
            panic!("{} and {other} are the same", case.id);
        }
    }
}

/// Instruction and expected status word of each command.
fn answers(suite: &Suite, steps: &[Step]) -> Vec<(u8, u16)> {
    let instruction = |command: &Template| {
        let mut variables = suite.values.clone();
        for name in command.names() {
            variables.entry(name.to_owned()).or_insert_with(|| vec![0; 600]);
        }
        command.bytes(&variables).unwrap().get(1).copied()
    };
    let sent = steps.iter().filter_map(|step| match &step.action {
        Action::Send { command, status, .. } => Some((instruction(command)?, status.words().next()?.0)),
        _ => None,
    });
    sent.collect()
}

/// What counts is not how many cases there are but how many situations: an instruction, what came before, the answer.
#[test]
fn the_cases_are_distinct_in_instruction_precondition_and_status() {
    let suite = suite();
    let mut all = BTreeSet::new();
    for case in &suite.cases {
        for (ins, status) in answers(&suite, &case.steps[case.setup_steps..]) {
            all.insert((case.preset.as_str(), case.setups.as_slice(), ins, status));
        }
    }
    let iso = all.iter().filter(|(preset, ..)| *preset == "iso").count();
    println!("{} cases, {} distinct triples, {iso} of them on preset iso", suite.cases.len(), all.len());
    assert!(all.len() >= 450, "{} distinct triples", all.len());
    assert!(iso >= 450, "{iso} distinct triples on preset iso");
}

#[test]
fn every_command_of_the_iso_card_is_seen_with_success_and_refusal() {
    let suite = suite();
    let mut seen: BTreeMap<u8, BTreeSet<u16>> = BTreeMap::new();
    for case in suite.cases.iter().filter(|case| case.preset == "iso") {
        for (ins, status) in answers(&suite, &case.steps) {
            seen.entry(ins).or_default().insert(status);
        }
    }
    let files = [0x04, 0x44, 0xA4, 0xE0, 0xE4, 0xE6, 0xE8, 0xFE];
    let contents =
        [0xB0, 0xB1, 0xD0, 0xD1, 0xD6, 0xD7, 0x0E, 0x0F, 0xB2, 0xDC, 0xD2, 0xE2, 0xA2, 0xCA, 0xCB, 0xDA, 0xDB];
    let security = [0x20, 0x24, 0x2C, 0x26, 0x28, 0x82, 0x88, 0x84, 0x22, 0x46, 0x2A];
    for ins in files.into_iter().chain(contents).chain(security).chain([0x70, 0xC0, 0xC2]) {
        let words = seen.get(&ins).unwrap_or_else(|| panic!("no case sends {ins:02X}"));
        assert!(words.contains(&0x9000) && words.len() >= 4, "{ins:02X}: {words:04X?}");
    }
}

#[test]
fn every_command_of_the_dialect_is_seen_with_success_and_refusal() {
    let suite = suite();
    let mut seen: BTreeMap<u8, BTreeSet<u16>> = BTreeMap::new();
    let dialect = ["isoapplet", "certificate", "tight"];
    for case in suite.cases.iter().filter(|case| dialect.contains(&case.preset.as_str())) {
        for (ins, status) in answers(&suite, &case.steps) {
            seen.entry(ins).or_default().insert(status);
        }
    }
    for ins in [0xA4, 0xE0, 0xE4, 0xB0, 0xD6, 0x20, 0x24, 0x2C, 0x22, 0x46, 0x2A, 0xDB, 0x84, 0xCA, 0xC0] {
        let words = seen.get(&ins).unwrap_or_else(|| panic!("no case sends {ins:02X}"));
        assert!(words.contains(&0x9000) && words.len() >= 4, "{ins:02X}: {words:04X?}");
    }
}

/// Every status word in a row of the command table. Dialect rows have no list of their own.
fn words(row: &toml::Table) -> BTreeSet<String> {
    fn collect(value: &toml::Value, words: &mut BTreeSet<String>) {
        match value {
            toml::Value::Array(values) => values.iter().for_each(|value| collect(value, words)),
            toml::Value::Table(table) => {
                let told =
                    ["status", "otherwise", "with", "without", "params", "lengths", "example", "access", "allowed"];
                told.iter().filter_map(|key| table.get(*key)).for_each(|value| collect(value, words));
            }
            toml::Value::String(text) => words.extend(text.split_whitespace().map(str::to_owned)),
            _ => {}
        }
    }
    let mut words = BTreeSet::new();
    match row.get("status") {
        Some(status) => collect(status, &mut words),
        None => collect(&toml::Value::Table(row.clone()), &mut words),
    }
    words.retain(|word| word.len() == 4 && word.starts_with(['6', '9']));
    words
}

/// Good input, bad input, refused access and blocked states: all that a row of the command table can answer.
#[test]
fn every_status_word_of_the_command_table_is_asked_for() {
    let text = std::fs::read_to_string(fixtures().join("commands.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let suite = suite();
    let mut seen: BTreeMap<(bool, String), BTreeSet<String>> = BTreeMap::new();
    for case in &suite.cases {
        for (ins, status) in answers(&suite, case.own_steps()) {
            let words = seen.entry((case.preset == "iso", format!("{ins:02X}"))).or_default();
            words.insert(format!("{status:04X}"));
        }
    }
    let rows = table["command"].as_array().unwrap();
    assert!(rows.len() >= 55, "{} rows", rows.len());
    for row in rows.iter().filter_map(toml::Value::as_table) {
        let (card, ins) = (row["card"].as_str().unwrap(), row["ins"].as_str().unwrap());
        let asked = &seen[&(card == "iso", ins.to_owned())];
        let words = words(row);
        assert!(!words.is_empty(), "{card} {ins}");
        assert!(asked.contains("9000") || (card, ins) == ("dialect", "70"), "{card} {ins} never succeeds");
        for word in words {
            let shown = word.trim_end_matches('x');
            assert!(asked.iter().any(|asked| asked.starts_with(shown)), "no case of {card} {ins} expects {word}");
        }
    }
}

/// On fresh cards, with keys that they compute; forks and ready keys are the other tests' (`isolation.rs`).
#[test]
fn our_own_card_passes_every_case_of_every_preset() {
    let suite = suite();
    let cases: Vec<&Case> = suite.cases.iter().collect();
    let fresh = || Box::new(InProcessTarget::new(blank)) as Box<dyn Target>;
    let report = run_parallel(&suite, &cases, Jobs::available(), fresh, |_| {}, |_| {});
    for outcome in &report.outcomes {
        if let card_conformance::Verdict::Failed(failure) = &outcome.verdict {
            eprintln!("{}: {failure}", outcome.case);
        }
    }
    assert!(not_passed(report.outcomes.iter()).is_empty(), "{}", report.summary());
    assert_eq!(report.passed(), suite.cases.len());
}

#[test]
fn a_card_that_is_there_to_stay_gets_only_what_leaves_no_trace() {
    let suite = suite();
    let mut target = card_conformance::TransportTarget::fixed(host_driver::InProcess::new(blank("isoapplet").unwrap()));
    let report = run_suite(&suite, &suite.cases, &mut target, |_| {});
    let stateless = suite.cases.iter().filter(|case| case.stateless).count();
    assert!(not_passed(report.outcomes.iter().filter(|o| !o.transcript.events().is_empty())).is_empty());
    assert_eq!(report.passed(), stateless);
    assert_eq!(report.skipped(), suite.cases.len() - stateless);
    let lasting = [0xE0, 0xE4, 0xD6, 0x24, 0x2C, 0x46, 0xDB, 0x20];
    for outcome in &report.outcomes {
        for event in outcome.transcript.events() {
            if let card_conformance::transcript::Event::Exchange { command, answer: Some(answer) } = event {
                let changed = lasting.contains(&command[1]) && answer.ends_with(&[0x90, 0x00]);
                assert!(!changed, "{} changes the card", outcome.case);
            }
        }
    }
}

#[test]
fn a_transport_with_a_renewed_card_says_the_same_as_a_card_in_process() {
    let suite = suite();
    let renew = |transport: &mut host_driver::InProcess, preset: &str| {
        *transport = host_driver::InProcess::new(blank(preset)?);
        Ok(())
    };
    let first = host_driver::InProcess::new(blank("isoapplet").unwrap());
    let mut target = card_conformance::TransportTarget::renewed(first, renew);
    for case in suite.select("select-*", None).chain(suite.select("certificate-block", None)) {
        let over_transport = card_conformance::run_case(&suite, case, &mut target);
        assert_eq!(over_transport.transcript, play(&suite, case).transcript, "{}", case.id);
        assert!(over_transport.verdict.is_passed(), "{}", case.id);
    }
}
