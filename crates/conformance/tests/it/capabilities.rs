//! What cases need, and what a probe finds a card to have.

use std::collections::BTreeMap;

use card_conformance::{Source, Suite};

use crate::cards::suite;

/// What one case with these lines needs. `${aid}` is A0 in it.
fn needs(lines: &str) -> Vec<&'static str> {
    let text = format!(
        "[values]\naid = \"A0\"\n[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"unsourced\"\npreset = \"iso\"\n{lines}\n"
    );
    let suite = Suite::load(Source { name: "clauses.toml", text: "" }, &[Source { name: "s.toml", text: &text }]);
    suite.unwrap_or_else(|error| panic!("{error}")).cases.remove(0).needs
}

/// What a case needs that sends this and is answered this.
fn of(command: &str, status: &str) -> Vec<&'static str> {
    needs(&format!("steps = [{{ send = \"{command}\", status = {status}, data = \"*\" }}]"))
}

#[test]
fn steps_prove_what_they_need() {
    for (command, need) in [
        ("10A4000C 01 3F", "chaining"),
        ("00A4000C 000002 3F00", "extended"),
        ("00B00000 000000", "extended"),
        ("00840000 08", "challenge"),
        ("00B20104 00", "records"),
        ("00440000", "life-cycle"),
        ("00700000 01", "channels"),
        ("002C0101 01 31", "puk"),
        ("00DB3FFF 03 7F4800", "key-import"),
        ("002241B6 06 800112 840100", "pss"),
        ("002241B6 06 800121 840100", "ecdsa"),
    ] {
        for success in ["\"9000\"", "\"610E\"", "\"6282\"", "[\"9000\", \"6282\"]"] {
            assert_eq!(of(command, success), [need], "{command} {success}");
        }
        assert!(of(command, "\"6D00\"").is_empty() && of(command, "[\"9000\", \"6D00\"]").is_empty(), "{command}");
    }
    for command in ["00708001", "002C0301", "00DB3FFF 03 4501AA", "002241B8 06 800121 840100", "00B00000 00"] {
        assert!(of(command, "\"9000\"").is_empty(), "{command}");
    }
}

#[test]
fn the_version_is_proved_by_what_select_answers() {
    let select = |p2: &str, data: &str| {
        needs(&format!("steps = [{{ send = \"00A404{p2} 01 ${{aid}}\", status = \"9000\"{data} }}]"))
    };
    assert_eq!(select("00", ", data = \"len:3\""), ["version-0"]);
    assert_eq!(select("00", ", tlv = { 6F = \"*\" }"), ["version-0"]);
    assert!(select("00", "").is_empty(), "a card of version 1 answers that too");
    assert_eq!(select("0C", ""), ["version-1"]);
    assert!(select("0C", ", data = \"len:3\"").is_empty());
    assert!(of("00A40400 01 A1", "\"9000\"").is_empty());
}

#[test]
fn what_is_declared_and_proved_is_needed_once_in_the_order_of_the_list() {
    let steps = "steps = [{ send = \"00840000 08\", status = \"9000\", data = \"*\" }, { send = \"00B20104 00\", status = \"9000\", data = \"*\" }]";
    assert_eq!(needs(&format!("needs = [\"records\", \"puk\"]\n{steps}")), ["challenge", "puk", "records"]);
    // An operational card is not made operational again.
    let setup = "setup = [\"s\"]\n[setups.s]\nsteps = [{ send = \"00700000 01\", status = \"9000\", data = \"*\" }]\noperational = []";
    assert_eq!(needs(&format!("{steps}\n{setup}")), ["challenge", "records"]);
}

#[test]
fn the_cases_of_the_suite_need_what_their_presets_have() {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let suite = suite();
    for case in &suite.cases {
        for need in &case.needs {
            *counts.entry((&case.preset, need)).or_default() += 1;
        }
    }
    let count = |preset, need| counts.get(&(preset, need)).copied().unwrap_or(0);
    assert!(count("isoapplet", "version-0") > 200 && count("isoapplet", "version-1") > 100, "{counts:?}");
    assert!(count("iso", "records") > 80 && count("iso", "life-cycle") > 100, "{counts:?}");
    for (preset, lacks) in [
        ("iso", &["version-0", "version-1"][..]),
        ("isoapplet", &["records", "channels", "life-cycle"]),
        ("tight", &["version-0", "chaining", "extended", "key-import"]),
        ("certificate", &["records", "channels", "life-cycle"]),
    ] {
        for need in lacks {
            assert_eq!(count(preset, need), 0, "{preset} {need}");
        }
    }
    let both = suite.cases.iter().filter(|case| case.needs.starts_with(&["version-0", "version-1"]));
    assert!(both.count() < 10);
}
