//! `cardlab conform` with files of a tester: own suites, exceptions, imports, golden files, comparisons.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use card_conformance::report::json;
use card_os::Preset;
use card_os::sim::SimCard;
use rsa_host::HostRsa;
use testkit::PrivatePcscd;
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

fn conform(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    testkit::run_bounded(command.arg("conform").args(words), Duration::from_secs(120))
}

/// What is said on both outputs, with this exit code.
#[track_caller]
fn says(words: &[&str], code: i32) -> String {
    let output = conform(words);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    said
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[test]
fn a_new_suite_passes_and_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let dir = path(folder.path(), "my-suite");
    assert!(says(&["new", &dir], 0).contains("example.toml"));
    assert!(says(&["--suite", &dir], 0).contains("3 passed, 0 failed, 0 skipped"));
    let example = path(Path::new(&dir), "example.toml");
    fs::write(&example, "# mine\n").unwrap();
    assert!(says(&["new", &dir], 2).contains("not empty"));
    assert_eq!(fs::read_to_string(&example).unwrap(), "# mine\n");
    assert!(says(&["--suite", &dir], 2).contains("there is no case in"));
}

#[test]
fn mistakes_are_underlined() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display().to_string();
    let case = "[[case]]\nid = \"a\"\ntitle = \"t\"\nclause = \"unsourced\"\npreset = \"isoapplet\"\nsteps = [\n  { send = \"00A4\", stauts = \"9000\" },\n]\n";
    fs::write(folder.path().join("a.toml"), case).unwrap();
    let said = says(&["--suite", &dir], 2);
    assert!(said.starts_with("cardlab: a.toml:7:20: "), "{said}");
    for words in ["unknown field `stauts`", "7 │   { send = \"00A4\", stauts = \"9000\" },", "╰── is `status` meant?"]
    {
        assert!(said.contains(words), "{said}");
    }
    fs::write(folder.path().join("a.toml"), case.replace("stauts", "status").replace("00A4", "00${pim}")).unwrap();
    let said = says(&["--suite", &dir], 2);
    assert!(said.contains("`pim` is neither") && said.contains("╰── is `pin` meant?"), "{said}");
    assert!(says(&["--suite", &path(folder.path(), "none")], 2).contains("cannot read"));
}

#[test]
fn the_schema_is_printed() {
    let schema: serde_json::Value = serde_json::from_str(&says(&["schema"], 0)).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn exceptions_decide_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let dir = path(folder.path(), "suite");
    fs::create_dir(&dir).unwrap();
    let wrong = "[[case]]\nid = \"wrong\"\ntitle = \"t\"\nclause = \"unsourced\"\npreset = \"isoapplet\"\nsteps = [{ send = \"00840000 08\", status = \"6F00\" }]\n";
    let right = wrong.replace("wrong", "right").replace("send = \"00840000 08\", status = \"6F00\"", "reset = true");
    fs::write(path(Path::new(&dir), "a.toml"), format!("{wrong}{right}")).unwrap();
    let file = path(folder.path(), "known.toml");
    let exception = |case: &str| {
        fs::write(&file, format!("[[exception]]\ncase = \"{case}\"\nreason = \"ticket 17\"\n")).unwrap();
    };
    assert!(says(&["--suite", &dir], 1).contains("1 passed, 1 failed"));
    exception("*");
    assert!(says(&["--suite", &dir, "--exceptions", &file], 0).contains("known    wrong: ticket 17"));
    exception("wrng");
    assert!(says(&["--suite", &dir, "--exceptions", &file], 2).contains("is `wrong` meant?"));
    exception("select-mf");
    let of_suite = ["--case", "select-mf", "--exceptions", &file];
    assert!(says(&of_suite, 0).contains("STALE    select-mf: ticket 17"));
    says(&[&of_suite[..], &["--strict"]].concat(), 1);
}

/// The record tells what was played and what was forgiven, so that an auditor can hold it against the files.
#[test]
fn the_record_knows_own_suites_exceptions_and_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    let (dir, known, report) = (at("my-suite"), at("known.toml"), at("run.json"));
    let page = at("run.html");
    says(&["new", &dir], 0);
    let example = path(Path::new(&dir), "example.toml");
    let text = fs::read_to_string(&example).unwrap();
    let spoilt = text.replacen("data = \"nonzero:8\"", "data = \"00*8\"", 1);
    assert_ne!(spoilt, text);
    fs::write(&example, spoilt).unwrap();
    fs::write(&known, "[[exception]]\ncase = \"example-challenge\"\nreason = \"ticket 17\"\n").unwrap();
    let files = ["--json-report", &report, "--html", &page, "--shuffle", "7"];
    says(&[&["--suite", &dir, "--exceptions", &known][..], &files].concat(), 0);
    let record = json::read(&fs::read_to_string(&report).unwrap()).unwrap();
    let names: Vec<&str> = record.digests.suite.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["_shared.toml", "clauses.toml", "example.toml"]);
    assert_eq!(record.digests.exceptions.as_ref().map(|file| file.name.as_str()), Some(known.as_str()));
    assert_eq!((record.exceptions[0].used.len(), record.run.shuffle), (1, Some(7)));
    let case = record.cases.iter().find(|case| case.id == "example-challenge").unwrap();
    assert_eq!(case.exception.as_deref(), Some("ticket 17"));
    assert!(record.run.again.contains(&dir), "{}", record.run.again);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("ticket 17") && page.contains("everything: each case has a built-in card of its own"));
    assert!(says(&["verify-report", &report, "--suite", &dir], 0).contains("0 wrong, 0 not checked"));
    fs::write(&known, "# nothing is forgiven\n").unwrap();
    assert!(says(&["verify-report", &report, "--suite", &dir], 1).contains("WRONG: the exceptions file"));
    fs::write(&example, text).unwrap();
    assert!(says(&["verify-report", &report, "--suite", &dir], 1).contains("WRONG: the suite file example.toml"));
}

#[test]
fn our_own_transcript_becomes_a_case_that_passes() {
    let folder = tempfile::tempdir().unwrap();
    let mut apdu = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    apdu.args(["apdu", "00A404000CF276A288BCFBA69D34F31001", "00A40000023F0000", "0084000008", "00B0000000"]);
    let transcript = testkit::run_bounded(&mut apdu, Duration::from_secs(60)).stdout;
    let log = path(folder.path(), "first try.log");
    fs::write(&log, transcript).unwrap();
    let script = says(&["import", &log], 0);
    assert!(script.contains("id = \"first-try\"") && script.contains("data = \"len:8\""), "{script}");
    let dir = path(folder.path(), "suite");
    fs::create_dir(&dir).unwrap();
    fs::write(path(Path::new(&dir), "imported.toml"), script).unwrap();
    assert!(says(&["--suite", &dir], 0).contains("1 passed"));
    fs::write(&log, "00A40000\nwhat?\n").unwrap();
    assert!(says(&["import", &log], 2).contains("first try.log:2: this is neither"));
}

#[test]
fn a_golden_file_is_recorded_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(folder.path(), "card.golden");
    let record = ["record", "--golden", &file, "--case", "challenge-*"];
    assert!(says(&record, 0).contains("cases kept in"));
    assert!(says(&record, 2).contains("is there already"));
    let compare = ["--golden", &file, "--case", "challenge-*"];
    assert!(says(&compare, 0).contains(" 0 different, 0 not compared"));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("< 0006069000", "< 0006079000", 1)).unwrap();
    let said = says(&compare, 1);
    assert!(said.contains("byte 2: reference 07, target 06") && said.contains(" 1 different"), "{said}");
    let document: serde_json::Value =
        serde_json::from_slice(&conform(&[&compare[..], &["--json"]].concat()).stdout).unwrap();
    assert_eq!(document["different"], 1);
    fs::write(&file, text.replacen("case challenge-", "case chalenge-", 1)).unwrap();
    assert!(says(&compare, 2).contains("the suite has no case `chalenge-"));
    fs::write(&file, "golden 1\nprogram\n").unwrap();
    assert!(says(&compare, 2).contains("line 2"));
    fs::write(&file, &text).unwrap();
    assert!(says(&["--golden", &file, "--case", "select-mf"], 2).contains("nothing was compared"));
    assert!(says(&[&record[..], &["--overwrite"]].concat(), 0).contains("kept"));
}

#[test]
fn cards_are_compared_with_the_built_in_one() {
    let same = says(&["--against", "sim", "--case", "select-*"], 0);
    assert!(same.contains(" 0 different, 0 not compared"), "{same}");
    // The presets differ in what a tester may see of them, and nothing else.
    let other = says(&["--against", "sim", "--preset", "certificate", "--case", "certificate-profile"], 0);
    assert!(other.contains("1 alike"), "{other}");
    says(&["--against", "sim", "--golden", "x"], 2);
}

/// What the tools themselves print, of the built-in card under a real pcscd.
#[test]
fn what_opensc_tool_and_scriptor_print_is_imported() {
    let Some(pcscd) = testkit::require_or_skip(PrivatePcscd::start()) else { return };
    let programs = ["opensc-tool", "scriptor"].map(testkit::find_program).into_iter().collect::<Result<Vec<_>, _>>();
    if testkit::require_or_skip(programs).is_none() {
        return;
    }
    let card = SimCard::from_seed(&Preset::isoapplet(), 9, HostRsa).unwrap();
    let reader = VirtualReader::start(Box::new(card), VpcdAddress::local(pcscd.vpcd_port()));
    let limit = Duration::from_secs(60);
    assert!(reader.wait_for(LinkState::Connected, limit), "{}", pcscd.log());
    let end = Instant::now() + limit;
    let sees = |words: &[&str]| testkit::run_bounded(pcscd.command(words[0]).args(&words[1..]), limit).stdout;
    while !String::from_utf8_lossy(&sees(&["opensc-tool", "--atr"])).contains("3b:80") {
        assert!(Instant::now() < end, "pcscd sees no card: {}", pcscd.log());
    }
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        "00A404000CF276A288BCFBA69D34F31001",
        "00A40000023F0000",
        "0084000020",
        "00240102100123456789ABCDEF0123456789ABCDEF",
    ];
    let calls = commands[..3].iter().flat_map(|command| ["-s", command]);
    let tool = sees(&[&["opensc-tool"], calls.collect::<Vec<_>>().as_slice()].concat());
    let script = path(folder.path(), "script.txt");
    let lines = format!(
        "reset\n# select\n00 A4 04 00 \\\n0C F2 76 A2 88 BC FB A6 9D 34 F3 10 01\n{}\n",
        commands[1..].join("\n")
    );
    fs::write(&script, lines).unwrap();
    let dir = path(folder.path(), "suite");
    fs::create_dir(&dir).unwrap();
    for (name, said) in [("tool", tool), ("scriptor", sees(&["scriptor", &script]))] {
        let log = path(folder.path(), &format!("{name}.log"));
        fs::write(&log, &said).unwrap();
        let imported = says(&["import", &log], 0);
        let shown = String::from_utf8_lossy(&said);
        assert!(imported.contains("data = \"len:32\"") && !imported.contains("89ABCDEF"), "{shown}\n{imported}");
        let values = "\n[values]\nimported-1-pin = \"0123456789ABCDEF0123456789ABCDEF\"\n";
        let file = path(Path::new(&dir), "imported.toml");
        fs::write(&file, imported.clone() + if name == "tool" { "" } else { values }).unwrap();
        let said = String::from_utf8_lossy(&said).into_owned();
        let out = says(&["--suite", &dir], 0);
        assert!(out.contains("1 passed"), "{said}\n{imported}\n{out}");
    }
}

#[test]
fn comparisons_only_read_on_a_card_of_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let case = |id: &str, more: &str, steps: &str| {
        format!(
            "[[case]]\nid = \"{id}\"\ntitle = \"{id}\"\nclause = \"unsourced\"\npreset = \"isoapplet\"\nstateless = true\n{more}\nsteps = [{steps}]\n"
        )
    };
    let reads = case("reads", "setup = [\"v0\"]", "{ send = \"00840000 08\", status = \"9000\", data = \"len:8\" }");
    let spends = case("spends", "", "{ send = \"00200001 06 393939393939\", status = \"63C2\" }");
    fs::write(folder.path().join("a.toml"), reads + &spends).unwrap();
    let port = testkit::free_port_pair().unwrap();
    let card = SimCard::from_seed(&Preset::isoapplet(), 9, HostRsa).unwrap();
    let _reader = VirtualReader::start(Box::new(card), VpcdAddress::local(port));
    let (dir, listen) = (folder.path().display().to_string(), format!("127.0.0.1:{port}"));
    let said = says(&["--suite", &dir, "--against", "sim", "--target", "vpcd", "--listen", &listen], 0);
    assert!(said.contains("1 alike, 0 different, 1 not compared"), "{said}");
    assert!(said.contains("skipped  spends\n         refused: on somebody's card comparisons only read; on a wrong card it could be `spends-pin-try`, which --spend-tries allows"), "{said}");
}
