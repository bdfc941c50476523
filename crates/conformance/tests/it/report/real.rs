//! The project's own suite on a card that is broken, as a record.

use std::time::Instant;

use card_conformance::dishonest::{Dishonest, Lie};
use card_conformance::record::{CaseRecord, Part, RunRecord, VerdictKind};
use card_conformance::report::redact::{RawExchange, Secrets};
use card_conformance::report::terminal::Show;
use card_conformance::report::{diff, html, json, junit, terminal};
use card_conformance::transcript::Event;
use card_conformance::{Case, InProcessTarget, Outcome, Suite, Verdict, run_case};
use card_wire::Icc;

use super::{kept, sample};
use crate::cards::{blank, suite};

/// The start of the first prime of the RSA-1024 key that the suite imports.
const PRIME: &str = "E72F943FE37F014715BA093DA4A1A48C";
/// PINs and PUKs of the suite.
const PINS: [&str; 5] = ["123456", "654321", "999999", "0123456789abcdef", "fedcba9876543210"];

fn exchanges(outcome: &Outcome, setup: usize) -> Vec<RawExchange> {
    let mut commands = 0;
    let raw = |event: &Event| {
        let (command, answer) = match event {
            Event::Fresh(_) => return None,
            Event::Reset(atr) => (None, atr.clone()),
            Event::Exchange { command, answer } => (Some(command.clone()), answer.clone()),
        };
        let part = if commands < setup { Part::Setup } else { Part::Case };
        commands += usize::from(command.is_some());
        Some(RawExchange { part, command, answer, micros: None, key_file: false })
    };
    outcome.transcript.events().iter().filter_map(raw).collect()
}

fn played(suite: &Suite, case: &Case, secrets: &Secrets) -> CaseRecord {
    let make = |preset: &str| Ok(Box::new(Dishonest::new(blank(preset)?, Lie::WrongFci)) as Box<dyn Icc>);
    let start = Instant::now();
    let outcome = run_case(suite, case, &mut InProcessTarget::new(make));
    let (verdict, reason) = match &outcome.verdict {
        Verdict::Passed => (VerdictKind::Passed, None),
        Verdict::Failed(failure) => (VerdictKind::Failed, Some(secrets.text(&failure.to_string()))),
        other => (other.kind(), other.reason()),
    };
    CaseRecord {
        title: case.title.clone(),
        file: format!("{}.toml", case.id.split('-').next().unwrap_or_default()),
        requirements: vec![],
        clause: case.clause.clone(),
        source: case.source.clone(),
        preset: case.preset.clone(),
        setup: vec![format!("{} commands", case.setup_commands())],
        tags: vec![],
        verdict,
        reason,
        micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        exchanges: secrets.redact(&exchanges(&outcome, case.setup_commands())),
        ..sample::case(&case.id, verdict)
    }
}

fn record(secrets: &Secrets) -> RunRecord {
    let suite = suite();
    let mut record = sample::record();
    record.cases = suite
        .cases
        .iter()
        .filter(|case| !case.is_about_generation())
        .map(|case| played(&suite, case, secrets))
        .collect();
    record.exceptions.clear();
    secrets.sweep(&mut record);
    sample::finish(record)
}

#[test]
fn no_pin_and_no_key_of_the_suite_is_in_any_form() {
    let record = record(&Secrets::new(PINS.map(|pin| pin.as_bytes().to_vec())));
    assert!(record.summary.failed > 5 && record.summary.passed > 300, "{:?}", record.summary);
    let start = Instant::now();
    let page = html::write(&record).unwrap();
    println!("{} cases, {} bytes, {:?}", record.cases.len(), page.len(), start.elapsed());
    std::fs::write(kept("real.html"), &page).unwrap();
    let json = json::write(&record).unwrap();
    std::fs::write(kept("real.json"), &json).unwrap();
    assert_eq!(json::read(&json).unwrap(), record);
    let forms = [
        page,
        json,
        junit::write(&record).unwrap(),
        terminal::lines(&record, Show::All),
        diff::diff(&sample::record(), &record).to_string(),
    ];
    for form in forms {
        let dense: String = form.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
        for pin in PINS {
            assert!(!form.contains(pin), "{pin} as characters");
            assert!(!dense.contains(&hex::encode_upper(pin)), "{pin} in hexadecimal");
        }
        assert!(!dense.contains(PRIME), "a prime");
    }
}

#[test]
fn fields_alone_hide_the_pins_and_keys_of_the_suite() {
    let record = record(&Secrets::default());
    let commands = record.cases.iter().flat_map(|case| case.exchanges.iter().map(move |exchange| (case, exchange)));
    let mut hidden = 0;
    // One case creates a file whose free text happens to begin as the PUK does, some hash a text that has a PIN's digits.
    let by_chance = |id: &str| id == "create-proprietary-data" || id.starts_with("iso-hash-");
    for (case, exchange) in commands.filter(|(case, _)| !by_chance(&case.id)) {
        let Some(command) = &exchange.command else { continue };
        hidden += usize::from(command.contains('·'));
        for pin in PINS {
            assert!(!command.contains(&hex::encode_upper(pin)), "{}: {command}", case.id);
        }
        assert!(!command.contains(PRIME), "{}: {command}", case.id);
    }
    assert!(hidden > 300, "{hidden}");
}
