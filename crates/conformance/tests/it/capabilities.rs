//! What cases need, and what a probe finds a card to have.

use std::collections::{BTreeMap, BTreeSet};

use card_conformance::capabilities::{FoundPin, lines, pins, probe};
use card_conformance::card_file::{CardFile, Puk, SecretSource};
use card_conformance::needs::NEEDS;
use card_conformance::record::Capability;
use card_conformance::{CardState, FreshError, Source, Suite, Target};
use card_os::crypto::rsa::SoftRsa;
use card_os::sim::SimCard;
use card_wire::{Icc, Protocol};
use host_driver::TransportError;

use crate::cards::{seeded, suite};

const AID: [u8; 12] = [0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01];

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

/// How a card answers.
enum Behaviour {
    Card(Box<SimCard<SoftRsa>>),
    /// The same to everything.
    Same(Vec<u8>),
    /// Nothing behind so many commands, and no ATR any more.
    Silent(usize),
    /// Nothing to commands with extended lengths.
    ShortOnly(Box<SimCard<SoftRsa>>),
}

/// A card, and all that was done to it: `None` is a reset.
struct Watched {
    behaviour: Behaviour,
    atr: Vec<u8>,
    seen: Vec<Option<Vec<u8>>>,
}

impl Watched {
    fn of(preset: &str) -> Self {
        let mut card = seeded(preset, SoftRsa).unwrap();
        let atr = card.power_on(Protocol::T1).to_vec();
        Self { behaviour: Behaviour::Card(Box::new(card)), atr, seen: Vec::new() }
    }

    fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, atr: vec![0x3B, 0x80, 0x80, 0x01, 0x01], seen: Vec::new() }
    }

    fn personalised() -> Self {
        let mut card = Self::of("isoapplet");
        for command in [
            "00A404000CF276A288BCFBA69D34F31001",
            "002401021030313233343536373839616263646566",
            "0024010106313233343536",
        ] {
            assert!(card.transmit(&hex::decode(command).unwrap()).unwrap().ends_with(&[0x90, 0x00]));
        }
        card.seen.clear();
        card
    }

    fn commands(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.seen.iter().flatten()
    }
}

fn pass(card: &mut SimCard<SoftRsa>, command: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    card.transmit(command, &mut buffer).to_vec()
}

impl Target for Watched {
    fn fresh(&mut self, _preset: &str) -> Result<(), FreshError> {
        Err(FreshError::CannotReset)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.seen.push(None);
        match &mut self.behaviour {
            Behaviour::Card(card) | Behaviour::ShortOnly(card) => Ok(card.reset().to_vec()),
            Behaviour::Silent(0) => Err(TransportError::Unresponsive),
            Behaviour::Same(_) | Behaviour::Silent(_) => Ok(self.atr.clone()),
        }
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.seen.push(Some(command.to_vec()));
        match &mut self.behaviour {
            Behaviour::Card(card) => Ok(pass(card, command)),
            Behaviour::ShortOnly(_) if command.len() > 5 && command[4] == 0 => Err(TransportError::CardGone),
            Behaviour::ShortOnly(card) => Ok(pass(card, command)),
            Behaviour::Same(answer) => Ok(answer.clone()),
            Behaviour::Silent(0) => Err(TransportError::CardGone),
            Behaviour::Silent(left) => {
                *left -= 1;
                Ok(vec![0x90, 0x00])
            }
        }
    }

    fn describe(&self) -> String {
        "watched card".to_owned()
    }
}

/// Only what changes nothing that lasts and can be taken for no try of a secret, even with its data cut off.
fn is_harmless(command: &[u8]) -> bool {
    let is_form = matches!(command[0], 0x00 | 0x10);
    is_form
        && match command[1..4] {
            // VERIFY without data.
            [0x20, 0x00, _] => command.len() == 4,
            [0x70, 0x00, 0x00] => command.len() == 5,
            // Channel 0 is not closed: it cannot be, and a card may try.
            [0x70, 0x80, 0x01..=0x13] => command.len() == 4,
            [0x84 | 0xC0, 0x00, 0x00] => command.len() == 5,
            [0xA4, 0x00 | 0x04, 0x00 | 0x0C] => true,
            [0xB2, 0x01, 0x04] | [0xCA, 0x00, 0x66] | [0xCA, 0x01, 0x01] => command.len() == 5,
            _ => false,
        }
}

fn present(capabilities: &[Capability]) -> BTreeMap<&str, Option<bool>> {
    capabilities.iter().map(|one| (one.name.as_str(), one.present)).collect()
}

/// The names of what is present, and of what is missing.
fn sorted(capabilities: &[Capability]) -> [Vec<&str>; 2] {
    [true, false].map(|wanted| {
        capabilities.iter().filter(|one| one.present == Some(wanted)).map(|one| one.name.as_str()).collect()
    })
}

#[test]
fn nothing_is_sent_that_could_cost_anything() {
    let same = |answer: &[u8]| Watched::new(Behaviour::Same(answer.to_vec()));
    let mut cards: Vec<Watched> = ["isoapplet", "certificate", "iso", "tight"].map(Watched::of).into();
    cards.push(Watched::personalised());
    cards.extend([&[0x90, 0x00][..], &[0x6F, 0x00], &[0x61, 0x10], &[0x6C, 0x05], &[1, 0x90, 0x00]].map(same));
    cards.extend([0, 1, 2, 5, 9].map(|count| Watched::new(Behaviour::Silent(count))));
    for mut card in cards {
        let found = probe(&mut card, None, &AID);
        assert!(found.iter().map(|one| one.name.as_str()).eq(NEEDS.iter().map(|need| need.name)));
        assert!(found.iter().all(|one| !one.how.is_empty()));
        assert!(card.seen.first() == Some(&None) && card.seen.last() == Some(&None), "no reset");
        assert!(card.commands().all(|command| command[1] != 0x20), "a probe needs no VERIFY");
        let asked = card.seen.len();
        let _ = pins(&mut card, &AID);
        assert!(card.seen[asked].is_none() && card.seen.last() == Some(&None), "no reset");
        let costly: Vec<String> =
            card.commands().filter(|command| !is_harmless(command)).map(hex::encode_upper).collect();
        assert!(costly.is_empty(), "{costly:?}");
        assert!(card.seen.len() < 120, "{}", card.seen.len());
        let numbers = |command: &[u8]| card.commands().filter(|sent| sent.starts_with(command)).count();
        let opened = card.seen.iter().flatten().filter(|sent| sent.starts_with(&[0x00, 0x70, 0x00])).count();
        assert!(numbers(&[0x00, 0x70, 0x80]) <= opened);
    }
}

#[test]
fn the_cards_of_the_presets_have_what_they_have() {
    for (preset, has, lacks) in [
        (
            "isoapplet",
            "version-0 version-1 chaining extended challenge rsa-2048 rsa-4096 p256 p384 pss ecdsa",
            "records channels",
        ),
        ("certificate", "version-0 version-1 chaining extended challenge rsa-2048", "records channels"),
        ("tight", "version-1 challenge rsa-2048", "version-0 chaining extended records channels"),
        ("iso", "chaining extended challenge records data-objects channels", "version-0 version-1"),
    ] {
        let found = probe(&mut Watched::of(preset), None, &AID);
        let [present, missing] = sorted(&found);
        let named = |names: &str| names.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        for name in named(has) {
            assert!(present.contains(&name.as_str()), "{preset} {name}: {}", lines(&found));
        }
        for name in named(lacks) {
            assert!(missing.contains(&name.as_str()), "{preset} {name}: {}", lines(&found));
        }
        assert!(!present.contains(&"puk") && !missing.contains(&"life-cycle"), "{}", lines(&found));
    }
}

/// What the cases of a preset need its own card must not be found to lack: they would be left out.
#[test]
fn no_case_is_left_out_on_the_card_that_it_is_about() {
    let suite = suite();
    for preset in ["isoapplet", "certificate", "iso", "tight"] {
        let found = probe(&mut Watched::of(preset), None, &AID);
        let [_, missing] = sorted(&found);
        for case in suite.cases.iter().filter(|case| case.preset == preset) {
            let lacks = case.needs.iter().find(|need| missing.contains(need));
            assert_eq!(lacks, None, "{}: {}", case.id, lines(&found));
        }
    }
}

#[test]
fn what_is_announced_and_does_not_work_counts_as_there() {
    let mut card = Watched::new(Behaviour::Same(vec![0x6F, 0x00]));
    card.atr = hex::decode("3B8580018073F721DBFA").unwrap();
    let found = probe(&mut card, None, &AID);
    let [has, lacks] = sorted(&found);
    assert_eq!(has, ["chaining", "extended", "records", "channels"]);
    assert_eq!(lacks, ["version-0", "version-1"]);
    assert_eq!(found[2].how, "announced in the ATR");
    // A card that says neither yes nor no is asked by the cases.
    let mut card = Watched::new(Behaviour::Same(vec![0x6F, 0x00]));
    let [has, lacks] = sorted(&probe(&mut card, None, &AID)).map(|names| names.len());
    assert_eq!((has, lacks), (0, 2));
}

#[test]
fn a_card_without_an_answer_is_unknown() {
    for count in [0, 1] {
        let found = probe(&mut Watched::new(Behaviour::Silent(count)), None, &AID);
        assert!(found.iter().all(|one| one.present.is_none()), "{}", lines(&found));
    }
    let Behaviour::Card(card) = Watched::of("tight").behaviour else { panic!("it is a card") };
    let found = probe(&mut Watched::new(Behaviour::ShortOnly(card)), None, &AID);
    assert_eq!(present(&found)["extended"], None);
    assert_eq!(present(&found)["channels"], Some(false), "what follows is heard again");
}

#[test]
fn the_card_file_has_the_last_word() {
    let file = CardFile {
        name: "mine".to_owned(),
        preset: "iso".to_owned(),
        state: CardState::Operational,
        serial: None,
        aid: None,
        pin: None,
        puk: Some(Puk { tries: 5, value: SecretSource::Prompt }),
        keys: BTreeMap::from([("rsa3072".to_owned(), 1)]),
        spare: None,
        area: None,
        max_command: None,
        max_response: None,
        capabilities: BTreeMap::from([("records", false), ("life-cycle", true)]),
        values: BTreeMap::new(),
    };
    let found = probe(&mut Watched::of("iso"), Some(&file), &AID);
    let present = present(&found);
    assert_eq!((present["records"], present["life-cycle"]), (Some(false), Some(true)));
    assert_eq!((present["puk"], present["rsa-3072"], present["channels"]), (Some(true), Some(true), Some(true)));
    let said = lines(&found);
    assert!(said.contains("lacks    records       card file\n"), "{said}");
    assert!(said.contains("unknown  rsa-4096      nothing tells it without changing the card\n"), "{said}");
    assert_eq!(said.lines().count(), NEEDS.len());
}

#[test]
fn pins_are_found_without_a_try() {
    assert_eq!(pins(&mut Watched::of("isoapplet"), &AID), []);
    assert_eq!(pins(&mut Watched::of("iso"), &AID), []);
    let found = |left| [FoundPin { reference: 1, tries_left: Some(left), blocked: left == 0 }];
    let mut card = Watched::personalised();
    let wrong = hex::decode("002000011039393939393900000000000000000000").unwrap();
    for left in [3, 2, 1, 0] {
        assert_eq!(pins(&mut card, &AID), found(left));
        assert_eq!(pins(&mut card, &AID), found(left));
        let _ = (card.transmit(&hex::decode("00A404000CF276A288BCFBA69D34F31001").unwrap()), card.transmit(&wrong));
    }
}
