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
    let output = cardlab(&[&["--seed", "8", "--faults", file.to_str().unwrap()], &apdus[..]].concat());
    let said = [text(&output.stdout), text(&output.stderr)].concat();
    let words =
        said.lines().filter(|line| line.contains("Received") || line.contains("cardlab:") || line.contains("failed"));
    Some((words.collect::<Vec<_>>().join("\n"), output.status.code()))
}

#[test]
fn each_fault_is_seen() {
    let (once, ok) =
        ("cardlab: faults (again with --fault-seed 3 --seed 8): fault 1 fired 1x", "Received (SW1=0x90, SW2=0x00)");
    for (fault, seen) in [
        ("do = { delay = 300 }", vec![ok, ok]),
        ("do = \"mute\"", vec!["APDU transmit failed: Transmit failed"]),
        ("do = { truncate = 1 }", vec!["Received (SW1=0x06, SW2=0x90)", ok]),
        ("do = { lengthen = 2 }", vec!["Received (SW1=0x00, SW2=0x00)", ok]),
        ("do = { status = \"6F00\" }", vec!["Received (SW1=0x6F, SW2=0x00)", ok]),
        ("do = { remove = \"before\" }", vec!["APDU transmit failed: Card removed"]),
        ("do = { remove = \"during\" }", vec!["APDU transmit failed: Card removed"]),
        ("do = { remove = \"after\" }", vec![ok, "APDU transmit failed: Card removed"]),
        ("do = { power-loss = 0 }", vec!["APDU transmit failed: Transmit failed"]),
        ("do = \"unplug\"", vec!["APDU transmit failed: Reader reattached"]),
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
    assert!(said.ends_with("cardlab: faults (again with --fault-seed 3 --seed 8): fault 1 never fired"), "{said}");
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

/// A wrong PIN costs a try, and the cut comes somewhere in what is written for it: before or after, never in between.
#[test]
fn power_goes_in_the_middle_of_a_write() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("f.toml");
    let mut seen = std::collections::BTreeSet::new();
    for bytes in [0, 1, 100, 500, 1000, 100_000] {
        let image = home.path().join(format!("{bytes}.img"));
        let reader = format!("ready:{}", image.display());
        std::fs::write(&file, format!("[[fault]]\ninstruction = \"20\"\ndo = {{ power-loss = {bytes} }}\n")).unwrap();
        let select = "00A404000CF276A288BCFBA69D34F31001";
        let wrong = "002000011031313131313100000000000000000000";
        let faulty = ["--faults", file.to_str().unwrap(), "--reader", &reader, "--"];
        let tool = ["opensc-tool", "-c", "default", "-s", select, "-s"];
        let output = cardlab(&[&faulty[..], &tool, &[wrong]].concat());
        assert!(text(&output.stderr).contains("fault 1 fired 1x"), "{output:?}");
        assert!(text(&output.stderr).contains("Transmit failed"), "{output:?}");
        let output = cardlab(&[&["--reader", &reader, "--"], &tool[..], &["00200001"]].concat());
        assert!(output.status.success(), "{output:?}");
        let said = text(&output.stdout).to_owned();
        let tries = ["SW2=0xC3", "SW2=0xC2"].into_iter().find(|tries| said.contains(tries));
        seen.insert(tries.unwrap_or_else(|| panic!("{said}")));
    }
    assert_eq!(seen.len(), 2, "no cut came before the commit, or none behind it");
}

#[test]
fn a_reader_is_unplugged_and_comes_back_with_its_card() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let own = env!("CARGO_BIN_EXE_cardlab");
    let script = format!(
        "{own} ctl unplug; opensc-tool -l; {own} ctl list; {own} ctl remove; {own} ctl plug; opensc-tool -n; \
         {own} ctl plug; {own} ctl unplug --reader 0; {own} ctl plug --reader CardLab; {own} ctl list"
    );
    let output = cardlab(&["--", "sh", "-c", &script]);
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{output:?}");
    for line in [
        "No smart card readers found.",
        "0: CardLab 00 00: unplugged",
        "Javacard with IsoApplet",
        "0: CardLab 00 00: card",
    ] {
        assert!(said.lines().any(|other| other == line), "{line}: {output:?}");
    }
    let mistakes: Vec<_> = errors.lines().filter(|line| line.starts_with("cardlab: ")).collect();
    assert_eq!(
        mistakes,
        ["cardlab: CardLab 00 00 is not plugged in; `plug` does that", "cardlab: CardLab 00 00 is plugged in"]
    );
}

#[test]
fn somebody_elses_card_cannot_lose_its_power_in_a_write() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("f.toml");
    std::fs::write(&file, "[[fault]]\ndo = { power-loss = 3 }\n").unwrap();
    let output = cardlab(&["--faults", file.to_str().unwrap(), "--reader", "vpcd:1", "--", "true"]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("fault 1") && said.contains("vpcd:1"), "{output:?}");
}

/// What is drawn is told, and repeats everything.
#[test]
fn a_failing_schedule_is_one_line_to_repeat() {
    let Some(_) = require_or_skip(find_program("opensc-tool")) else { return };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("f.toml");
    std::fs::write(&file, "[[fault]]\nprobability = 0.5\ndo = { flip = 9 }\n").unwrap();
    let challenges =
        ["-s", "00A404000CF276A288BCFBA69D34F31001", "-s", "0084000010", "-s", "0084000010", "-s", "0084000010"];
    let run = |seeds: &[&str]| {
        let tool = ["--reader", "isoapplet", "--", "opensc-tool", "-c", "default"];
        cardlab(&[seeds, &["--faults", file.to_str().unwrap()], &tool, &challenges].concat())
    };
    let first = run(&[]);
    let line = text(&first.stderr).lines().find(|line| line.contains("again with")).unwrap().to_owned();
    let seeds = line.split_once("again with ").unwrap().1.split_once(')').unwrap().0;
    let again = run(&seeds.split(' ').collect::<Vec<_>>());
    assert_eq!((text(&first.stdout), first.status.code()), (text(&again.stdout), again.status.code()), "{line}");
    assert!(text(&again.stderr).contains(&line));
    assert_ne!(text(&run(&[]).stdout), text(&first.stdout));
}
