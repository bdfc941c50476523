//! `--faults`: what a program sees of each fault, and what is said about them at the end.

use std::time::Instant;

use testkit::{find_program, require_or_skip};

use super::{cardlab, text};

/// What OpenSC's tool says of a SELECT with this fault and of the command behind it; and how the run ends.
fn with_fault(fault: &str) -> Option<(String, Option<i32>)> {
    require_or_skip(find_program("opensc-tool"))?;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("f.toml");
    let script = format!("seed = 3\n[[fault]]\npattern = \"00A404000CF276*\"\n{fault}\n");
    std::fs::write(&file, script).unwrap();
    let select = "00A404000CF276A288BCFBA69D34F31001";
    let apdus = ["--", "opensc-tool", "-c", "default", "-s", select, "-s", "0084000002"];
    let output = cardlab(&[&["--faults", file.to_str().unwrap()], &apdus[..]].concat());
    let said = [text(&output.stdout), text(&output.stderr)].concat();
    let words =
        said.lines().filter(|line| line.contains("Received") || line.contains("cardlab:") || line.contains("failed"));
    Some((words.collect::<Vec<_>>().join("\n"), output.status.code()))
}

#[test]
fn each_fault_is_seen() {
    let (once, ok) = ("cardlab: faults, seed 3: fault 1 fired 1x", "Received (SW1=0x90, SW2=0x00)");
    for (fault, seen) in [
        ("do = { delay = 300 }", vec![ok, ok]),
        ("do = \"mute\"", vec!["APDU transmit failed: Transmit failed"]),
        ("do = { truncate = 1 }", vec!["Received (SW1=0x06, SW2=0x90)", ok]),
        ("do = { lengthen = 2 }", vec!["Received (SW1=0x00, SW2=0x00)", ok]),
        ("do = { status = \"6F00\" }", vec!["Received (SW1=0x6F, SW2=0x00)", ok]),
        ("do = { remove = \"before\" }", vec!["APDU transmit failed: Card removed"]),
        ("do = { remove = \"during\" }", vec!["APDU transmit failed: Card removed"]),
        ("do = { remove = \"after\" }", vec![ok, "APDU transmit failed: Card removed"]),
        // The tool connects anew, to a card on which nothing is selected.
        ("do = \"reset\"", vec![ok, "Received (SW1=0x6D, SW2=0x00)"]),
    ] {
        let begin = Instant::now();
        let Some((said, code)) = with_fault(fault) else { return };
        let lines: Vec<&str> = said.lines().map(|line| line.trim_end_matches(':')).collect();
        let failed = seen.iter().any(|line| line.contains("failed"));
        assert_eq!((lines, code), ([&seen[..], &[once]].concat(), Some(i32::from(failed))), "{fault}");
        assert!(!fault.contains("delay") || begin.elapsed().as_millis() >= 300);
    }
}

#[test]
fn a_fault_that_never_comes_up_is_an_error() {
    let Some((said, code)) = with_fault("command = 2\ndo = \"mute\"") else { return };
    assert_eq!(code, Some(2), "{said}");
    assert!(said.ends_with("cardlab: faults, seed 3: fault 1 never fired"), "{said}");
}

#[test]
fn a_list_with_a_mistake_starts_nothing() {
    let Some((said, code)) = with_fault("do = \"explode\"") else { return };
    assert_eq!(code, Some(2), "{said}");
    assert!(said.starts_with("cardlab: ") && said.contains("line 4") && said.contains("explode"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_card_that_went_by_itself_is_put_back() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("f.toml");
    std::fs::write(&file, "[[fault]]\ninstruction = \"A4\"\ndo = { remove = \"during\" }\n").unwrap();
    let own = env!("CARGO_BIN_EXE_cardlab");
    let script = format!("opensc-tool -n; {own} ctl list; {own} ctl insert; opensc-tool -n");
    let output = cardlab(&["--faults", file.to_str().unwrap(), "--", "sh", "-c", &script]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("0: CardLab 00 00: no card") && said.contains("Javacard with IsoApplet"), "{said}");
}
