//! `cardlab conform describe`, and what a run says that a card can do.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use card_conformance::Source;
use card_conformance::card_file::CardFile;
use card_conformance::needs::NEEDS;
use card_conformance::report::json;
use card_os::Preset;
use card_os::sim::SimCard;
use card_wire::Protocol;
use rsa_host::HostRsa;
use virtual_reader::{VirtualReader, VpcdAddress};

fn card(preset: &str, commands: &[&str]) -> SimCard<HostRsa> {
    let mut card = SimCard::from_seed(&Preset::named(preset).unwrap(), 9, HostRsa).unwrap();
    card.power_on(Protocol::T1);
    for command in commands {
        let mut buffer = [0; 300];
        let answer = card.transmit(&hex::decode(command).unwrap(), &mut buffer);
        assert!(answer.ends_with(&[0x90, 0x00]), "{command}: {answer:02X?}");
    }
    card
}

/// Sets PUK and PIN.
const PERSONALISE: [&str; 3] =
    ["00A404000CF276A288BCFBA69D34F31001", "002401021030313233343536373839616263646566", "0024010106313233343536"];

fn conform(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    testkit::run_bounded(command.arg("conform").args(words), Duration::from_secs(120))
}

/// What is printed, with this exit code, and what is said beside it.
#[track_caller]
fn says(words: &[&str], code: i32) -> (String, String) {
    let output = conform(words);
    let [out, err] = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
    assert_eq!(output.status.code(), Some(code), "{words:?}: {out}{err}");
    (out, err)
}

/// The same, with this card behind a vpcd socket.
#[track_caller]
fn over_vpcd(card: SimCard<HostRsa>, before: &[&str], behind: &[&str], code: i32) -> (String, String) {
    let port = testkit::free_port_pair().unwrap();
    let _reader = VirtualReader::start(Box::new(card), VpcdAddress::local(port));
    let listen = format!("127.0.0.1:{port}");
    says(&[before, &["--target", "vpcd", "--listen", &listen], behind].concat(), code)
}

fn draft(card: SimCard<HostRsa>) -> (String, toml::Table) {
    let text = over_vpcd(card, &["describe"], &[], 0).0;
    let table = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    (text, table)
}

#[test]
fn a_blank_card_is_described() {
    let (text, draft) = draft(card("isoapplet", &[]));
    assert!(text.contains("# ATR: 3B80800101\n"), "{text}");
    assert!(text.contains("none is set") && text.contains("# [pin]\n# reference = 1\n"), "{text}");
    assert_eq!(draft["name"].as_str(), Some("my-card"));
    assert_eq!(draft["preset"].as_str(), Some("isoapplet"));
    assert_eq!(draft["state"].as_str(), Some("blank"));
    assert_eq!(draft["aid"].as_str(), Some("F276A288BCFBA69D34F31001"));
    assert_eq!(draft["limits"]["command"].as_integer(), Some(65_544));
    assert_eq!(draft["capabilities"]["version-1"].as_bool(), Some(true));
    assert!(text.contains("\nversion-0 = true   # announced in the answer to SELECT\n"), "{text}");
    assert!(text.contains("\n# puk = true   # nothing tells it without changing the card\n"), "{text}");
    assert!(!draft.contains_key("pin") && !draft.contains_key("puk") && !draft.contains_key("keys"));
    only_known_keys(&text);
}

fn load(text: &str) {
    let file = CardFile::load(Source { name: "card.toml", text });
    file.unwrap_or_else(|error| panic!("{error}: {text}"));
}

/// All that the draft says, and all that it says as a comment, is in the form of the file.
fn only_known_keys(text: &str) {
    let plain: Vec<&str> = text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    let lines = plain.into_iter().filter(|line| line.starts_with('[') || line.contains(" = "));
    load(text);
    let lines = lines.collect::<Vec<_>>().join("\n");
    load(&lines);
    let whole: toml::Table = lines.parse().unwrap_or_else(|error| panic!("{error}"));
    for (name, keys) in [
        ("pin", &["reference", "min", "max", "tries", "padded", "value"][..]),
        ("puk", &["tries", "value"]),
        ("keys", &["rsa2048", "p256", "spare"]),
        ("area", &["df"]),
        ("limits", &["command", "response"]),
        ("values", &["greeting"]),
    ] {
        let table = whole[name].as_table().unwrap();
        assert!(table.keys().all(|key| keys.contains(&key.as_str())) && table.len() == keys.len(), "{table}");
    }
    let capabilities = whole["capabilities"].as_table().unwrap();
    assert!(NEEDS.iter().all(|need| capabilities.contains_key(need.name)) && capabilities.len() == NEEDS.len());
    let top = ["name", "serial", "preset", "state", "aid"];
    let tables = ["pin", "puk", "keys", "area", "limits", "capabilities", "values"];
    assert!(whole.keys().all(|key| top.contains(&key.as_str()) || tables.contains(&key.as_str())), "{whole}");
}

#[test]
fn the_pin_of_a_personalised_card_is_found_and_keeps_its_tries() {
    let wrong = "002000011039393939393900000000000000000000";
    let (text, table) = draft(card("isoapplet", &PERSONALISE));
    assert_eq!(table["state"].as_str(), Some("operational"));
    assert!(text.contains("#   01: 3 tries left\n"), "{text}");
    let pin = &table["pin"];
    assert_eq!((pin["reference"].as_integer(), pin["tries"].as_integer()), (Some(1), Some(3)));
    assert_eq!(pin["value"]["env"].as_str(), Some("CARD_PIN"));
    assert_eq!(pin["padded"].as_integer(), Some(16));
    only_known_keys(&text);
    let mut blocked = card("isoapplet", &PERSONALISE);
    for _ in 0..3 {
        let mut buffer = [0; 300];
        blocked.transmit(&hex::decode(wrong).unwrap(), &mut buffer);
    }
    let (text, table) = draft(blocked);
    assert!(text.contains("#   01: 0 tries left: it is blocked\n"), "{text}");
    assert_eq!(table["pin"]["tries"].as_integer(), Some(3));
}

#[test]
fn cards_of_other_kinds_are_described() {
    let (text, table) = draft(card("iso", &[]));
    assert_eq!((table["preset"].as_str(), table["state"].as_str()), (Some("iso"), Some("blank")));
    assert!(!table.contains_key("aid"));
    assert!(text.contains("\nrecords = true   # announced in the ATR\n"), "{text}");
    only_known_keys(&text);
    let (text, table) = draft(card("tight", &[]));
    assert_eq!(table["preset"].as_str(), Some("isoapplet"));
    assert_eq!(table["limits"]["command"].as_integer(), Some(261));
    assert_eq!(table["capabilities"]["chaining"].as_bool(), Some(false));
    assert!(text.contains("\nchaining = false   # answers 6884 to a chained SELECT\n"), "{text}");
    only_known_keys(&text);
}

#[test]
fn a_draft_is_not_written_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("card.toml").display().to_string();
    let words = ["describe", "--preset", "tight", "--name", "Batch 7", "-o", &file];
    let (out, err) = says(&words, 0);
    assert!(out.is_empty() && err.contains(&file), "{out}{err}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("name = \"Batch 7\"\n") && text.contains("preset tight"), "{text}");
    fs::write(&file, "# mine\n").unwrap();
    assert!(says(&words, 2).1.contains("is not written over: name another file"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    assert!(says(&["describe", "--name", "\"7\""], 2).1.contains("as in --name my-card-2"));
    let nowhere = folder.path().join("none/card.toml").display().to_string();
    assert!(says(&["describe", "-o", &nowhere], 2).1.contains("name another file"));
}

#[test]
fn a_run_tells_what_the_card_can_do_before_it_plays() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json").display().to_string();
    let words = ["--case", "detect-piv", "--json-report", &report];
    let (out, _) = over_vpcd(card("isoapplet", &[]), &[], &words, 0);
    assert!(out.starts_with("has      version-0     announced in the answer to SELECT\n"), "{out}");
    assert!(out.contains("2 passed, 0 failed"), "{out}");
    let record = json::read(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!(record.capabilities.len(), NEEDS.len());
    let (out, _) = over_vpcd(card("tight", &[]), &[], &["--case", "detect-piv", "--on-card-only"], 2);
    assert!(out.starts_with("lacks    version-0     SELECT announces no version, GET DATA version 1\n"), "{out}");
    assert!(out.contains("the card lacks what it needs: version-0"), "{out}");
    let (out, err) = over_vpcd(card("isoapplet", &[]), &["--json"], &["--case", "detect-piv"], 0);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["capabilities"][0]["name"], "version-0");
    assert_eq!(document["capabilities"][0]["present"], true);
    assert!(!err.contains("version-0"), "{err}");
    let built_in = says(&["--json", "--case", "challenge-one"], 0).0;
    let document: serde_json::Value = serde_json::from_str(&built_in).unwrap();
    assert_eq!(document["capabilities"], serde_json::json!([]));
}

#[test]
fn a_draft_is_the_description_for_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (file, report) = (at("card.toml"), at("run.json"));
    over_vpcd(card("isoapplet", &PERSONALISE), &["describe"], &["-o", &file], 0);
    let words = ["--card", &file, "--case", "challenge-*", "--json-report", &report, "--on-card-only"];
    assert!(says(&[&["--target", "vpcd"][..], &words].concat(), 2).1.contains("CARD_PIN is not set"));
    let port = testkit::free_port_pair().unwrap();
    let _reader = VirtualReader::start(Box::new(card("isoapplet", &PERSONALISE)), VpcdAddress::local(port));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardlab"));
    command.env("CARD_PIN", "123456").args(["conform", "--target", "vpcd", "--listen", &format!("127.0.0.1:{port}")]);
    let output = testkit::run_bounded(command.args(words), Duration::from_secs(120));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let record = json::read(&fs::read_to_string(&report).unwrap()).unwrap();
    let capability = record.capabilities.iter().find(|one| one.name == "version-1").unwrap();
    assert_eq!((capability.present, capability.how.as_str()), (Some(true), "card file"));
    assert!(record.summary.passed > 3 && record.summary.failed == 0, "{:?}", record.summary);
}
