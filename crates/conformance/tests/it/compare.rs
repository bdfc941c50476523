//! Two cards side by side, and a card beside what it once answered.

use card_conformance::compare::{Comparison, Difference, Differential, Likeness, Side};
use card_conformance::dishonest::{Dishonest, Lie};
use card_conformance::golden::{self, Golden, GoldenError};
use card_conformance::{Case, FreshError, InProcessTarget, Player, Source, Suite, Target};
use card_os::crypto::rsa::SoftRsa;
use card_os::preset::Preset;
use card_os::sim::SimCard;
use card_wire::{Icc, Status};
use host_driver::TransportError;

use crate::cards::{blank, suite};

/// The seed of the other card.
const OTHER: u64 = 4711;

fn seeded(preset: &str, seed: u64) -> Box<dyn Icc> {
    Box::new(SimCard::from_seed(&Preset::named(preset).unwrap(), seed, SoftRsa).unwrap())
}

/// A card of the preset that the case asks for, from the other seed.
fn other() -> InProcessTarget<impl FnMut(&str) -> Result<Box<dyn Icc>, FreshError>> {
    InProcessTarget::new(|preset: &str| Ok(seeded(preset, OTHER)))
}

fn liar(lie: Lie) -> InProcessTarget<impl FnMut(&str) -> Result<Box<dyn Icc>, FreshError>> {
    InProcessTarget::new(move |preset: &str| Ok(Box::new(Dishonest::new(seeded(preset, OTHER), lie)) as Box<dyn Icc>))
}

fn quick(suite: &Suite) -> impl Iterator<Item = &Case> {
    suite.cases.iter().filter(|case| !case.is_about_generation())
}

fn compared(suite: &Suite, id: &str, target: &mut dyn Target) -> Comparison {
    let case = suite.case(id).unwrap_or_else(|| panic!("no case {id}"));
    Differential::new(suite).play(case, &mut InProcessTarget::new(blank), target)
}

#[test]
fn cards_of_two_seeds_are_alike() {
    let suite = suite();
    let mut differential = Differential::new(&suite);
    let (mut reference, mut target) = (InProcessTarget::new(blank), other());
    let mut different = Vec::new();
    for case in quick(&suite) {
        let comparison = differential.play(case, &mut reference, &mut target);
        if comparison.likeness != Likeness::Same {
            different.push(comparison.to_string());
        }
    }
    assert!(different.is_empty(), "{} cases:\n{}", different.len(), different.join("\n"));
}

#[test]
fn a_golden_file_of_one_seed_passes_with_another() {
    let suite = suite();
    let secrets = golden::secrets(&suite.values);
    let mut golden = Golden::new("test 1", Some(vec![0x3B, 0]), None);
    let (mut player, mut target) = (Player::new(&suite), InProcessTarget::new(blank));
    for case in quick(&suite) {
        golden.record(case, &player.play(case, &mut target), &secrets);
    }
    let text = golden.to_string();
    let golden = Golden::read(&text).unwrap();
    assert_eq!(golden.to_string(), text);
    golden.fits(&suite, None).unwrap();
    assert!(!text.contains("313233343536") && text.contains("··"));
    let (mut player, mut target) = (Player::new(&suite), other());
    let mut different = Vec::new();
    for case in quick(&suite) {
        let comparison = golden.compare(&suite, case, &player.play(case, &mut target), &secrets).unwrap();
        if comparison.likeness != Likeness::Same {
            different.push(comparison.to_string());
        }
    }
    assert!(different.is_empty(), "{} cases:\n{}", different.len(), different.join("\n"));
}

/// What is said about the first divergence, without its place.
#[track_caller]
fn diverges(suite: &Suite, id: &str, lie: Lie, exchange: usize, what: &str) {
    let comparison = compared(suite, id, &mut liar(lie));
    let divergence = comparison.divergence().unwrap_or_else(|| panic!("{lie:?}: {comparison}"));
    assert_eq!(divergence.exchange, exchange, "{lie:?}: {comparison}");
    assert!(divergence.difference.to_string().starts_with(what), "{lie:?}: {comparison}\nwanted {what}");
}

#[test]
fn the_first_lie_is_the_divergence() {
    let suite = suite();
    let tells = |id, lie, exchange, what| diverges(&suite, id, lie, exchange, what);
    tells("short-identifier-unknown", Lie::WrongStatus, 5, "status: reference 6A82");
    tells("certificate-pin-length", Lie::EndlessTries, 6, "status: reference 63C3");
    tells("read-refused-pin", Lie::AnyPin, 9, "status: reference 9000");
    tells("life-second-host", Lie::StaysLoggedIn, 8, "status: reference 6982");
    tells("get-response-more", Lie::DropsMore, 2, "status: reference 6104");
    tells("update-refused-never", Lie::WrongFci, 5, "byte 12 of 6F/83: reference 01, target 00");
    tells("read-whole", Lie::ForgetsUpdates, 5, "byte 0: reference 01, target 00");
    tells("chain-on-channel", Lie::IgnoresChannel, 2, "status: reference 6881");
    tells("iso-rec-modes-lf", Lie::StuckPointer, 8, "byte 0: reference 22, target 11");
    tells("iso-rule-always", Lie::IgnoresRules, 3, "status: reference 6982");
    tells("iso-ch-pin", Lie::PinEverywhere, 8, "status: reference 63C3");
    tells("iso-counter-create", Lie::ConstantCounter, 3, "byte 0: reference 00, target 01");
    tells("iso-hash-sha1", Lie::WrongHash, 7, "byte 19: reference");
    // What is random looks alike; the case knows better.
    tells("challenge-eight", Lie::ConstantChallenge, 3, "the answers look alike, but for the target the case fails");
    tells("ecdsa-p256", Lie::WrongSignature, 9, "the answers look alike, but for the target the case fails");
}

#[test]
fn a_lie_about_nothing_in_the_case_is_no_divergence() {
    let suite = suite();
    let comparison = compared(&suite, "challenge-eight", &mut liar(Lie::WrongFci));
    assert_eq!((comparison.likeness, comparison.alike), (Likeness::Same, 3));
}

#[test]
fn another_preset_diverges_where_its_profile_does() {
    let suite = suite();
    let mut target = InProcessTarget::new(|_: &str| Ok(seeded("certificate", OTHER)));
    let comparison = compared(&suite, "decipher-extended", &mut target);
    let divergence = comparison.divergence().unwrap();
    assert!(divergence.setup && divergence.file == "_setups.toml", "{comparison}");
    assert_eq!(divergence.header, Some([0x00, 0xDB, 0x3F, 0xFF]));
    let status = Difference::Status { reference: Status::OK, target: Status(0x6900) };
    assert_eq!(divergence.difference, status);
    // The rest of the suite's cases of both presets is about what they have in common.
    assert_eq!(compared(&suite, "challenge-eight", &mut target).likeness, Likeness::Same);
}

/// An honest card whose answers are altered on the way.
struct Altered<T, F> {
    card: T,
    alter: F,
}

impl<T: Target, F: FnMut(&[u8], Vec<u8>) -> Option<Vec<u8>>> Target for Altered<T, F> {
    fn fresh(&mut self, preset: &str) -> Result<(), FreshError> {
        self.card.fresh(preset)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.card.reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command)?;
        (self.alter)(command, answer).ok_or(TransportError::CardGone)
    }

    fn describe(&self) -> String {
        "altered".to_owned()
    }
}

/// How the case diverges on a card whose data for SELECT of the master file is this instead.
fn select_answering(data: Option<&str>) -> Difference {
    let suite = suite();
    let alter = |command: &[u8], answer: Vec<u8>| {
        if !command.starts_with(&[0x00, 0xA4, 0x00, 0x00]) || !answer.starts_with(&[0x6F]) {
            return Some(answer);
        }
        data.map(|data| [hex::decode(data).unwrap(), vec![0x90, 0x00]].concat())
    };
    let comparison = compared(&suite, "select-mf", &mut Altered { card: other(), alter });
    comparison.divergence().unwrap_or_else(|| panic!("{comparison}")).difference.clone()
}

#[test]
fn tags_order_and_length_are_told_apart() {
    let text = |data| select_answering(Some(data)).to_string();
    assert_eq!(text("6F0783023F00820138"), "order of tags of 6F: reference 82 83, target 83 82");
    assert_eq!(text("6F0782013885023F00"), "tag at 6F/83: reference 83, target 85");
    assert_eq!(text("6F03820138"), "tag at 6F/83: reference 83, target none");
    assert_eq!(text("6F088202380083023F00").as_str(), "length of 6F/82: reference 1, target 2 bytes");
    assert_eq!(text("6F0782013883023F01"), "byte 8 of 6F/83: reference 00, target 01");
    assert_eq!(text("6F078201"), "length: reference 9, target 4 bytes");
    assert_eq!(select_answering(None), Difference::NoAnswer(Side::Target));
}

#[test]
fn both_failing_alike_is_no_divergence() {
    let suite = suite();
    let altered = |seed| Altered {
        card: InProcessTarget::new(move |preset: &str| Ok(seeded(preset, seed))),
        alter: |_: &[u8], _: Vec<u8>| Some(vec![0x6F, 0x00]),
    };
    let case = suite.case("challenge-eight").unwrap();
    let comparison = Differential::new(&suite).play(case, &mut altered(1), &mut altered(2));
    assert!(matches!(&comparison.likeness, Likeness::SameFailure(why) if why.contains("6F00")), "{comparison}");
    let fixed = || card_conformance::TransportTarget::fixed(host_driver::InProcess::new(seeded("isoapplet", 1)));
    let case = suite.cases.iter().find(|case| !case.stateless).unwrap();
    let comparison = Differential::new(&suite).play(case, &mut other(), &mut fixed());
    assert!(matches!(&comparison.likeness, Likeness::NotCompared(why) if why.contains("the target")), "{comparison}");
}

/// A card that is there to stay plays what needs no fresh one, and answers as a fresh one does.
#[test]
fn a_card_that_is_there_to_stay_is_compared_in_what_is_stateless() {
    let suite = suite();
    let mut there = card_conformance::TransportTarget::fixed(host_driver::InProcess::new(seeded("isoapplet", OTHER)));
    let mut reference = InProcessTarget::new(blank);
    let mut differential = Differential::new(&suite);
    for case in suite.cases.iter().filter(|case| case.preset == "isoapplet" && !case.is_about_generation()) {
        let comparison = differential.play(case, &mut reference, &mut there);
        match &comparison.likeness {
            Likeness::Same if case.stateless => {}
            Likeness::NotCompared(why) if !case.stateless => assert_eq!(why, "the target: needs a fresh card"),
            _ => panic!("{comparison}"),
        }
    }
}

/// The teardown behind a setup that fails is no part of the case.
#[test]
fn a_setup_that_fails_on_both_is_no_divergence() {
    let text = "[setups.s]\nsteps = [{ send = \"00A40000\", status = \"9000\" }]\n[[case]]\nid = \"a\"\ntitle = \"t\"\n\
        clause = \"unsourced\"\npreset = \"isoapplet\"\nstateless = true\nsetup = [\"s\"]\nsteps = [{ reset = true }]\n\
        teardown = [{ send = \"00A40000\", status = \"9000\" }]\n";
    let suite = Suite::load(Source { name: "c", text: "" }, &[Source { name: "s", text }]).unwrap();
    let alter = |_: &[u8], _: Vec<u8>| Some(vec![0x6F, 0x00]);
    let there = card_conformance::TransportTarget::fixed(host_driver::InProcess::new(seeded("isoapplet", 1)));
    let (mut reference, mut target) = (Altered { card: other(), alter }, Altered { card: there, alter });
    let comparison = Differential::new(&suite).play(&suite.cases[0], &mut reference, &mut target);
    assert!(matches!(comparison.likeness, Likeness::SameFailure(_)), "{comparison}");
    assert_eq!(comparison.alike, 1);
}

/// The golden file of these cases of the honest card.
fn recorded(suite: &Suite, ids: &[&str]) -> Golden {
    let mut golden = Golden::new("test 1", None, Some("isoapplet"));
    for id in ids {
        let case = suite.case(id).unwrap();
        golden.record(
            case,
            &Player::new(suite).play(case, &mut InProcessTarget::new(blank)),
            &golden::secrets(&suite.values),
        );
    }
    golden
}

#[test]
fn a_golden_file_finds_what_has_changed() {
    let suite = suite();
    let golden = recorded(&suite, &["update-refused-never", "challenge-eight"]);
    let case = suite.case("update-refused-never").unwrap();
    let outcome = Player::new(&suite).play(case, &mut liar(Lie::WrongFci));
    let comparison = golden.compare(&suite, case, &outcome, &golden::secrets(&suite.values)).unwrap();
    let told = comparison.divergence().unwrap().difference.to_string();
    assert_eq!(told, "byte 12 of 6F/83: reference 01, target 00");
}

#[test]
fn a_golden_file_that_does_not_fit_is_refused() {
    let suite = suite();
    let golden = recorded(&suite, &["challenge-eight"]);
    assert!(matches!(golden.fits(&suite, None), Err(GoldenError::OtherPreset { .. })));
    let text = golden.to_string();
    let gone = Golden::read(&text.replace("challenge-eight", "challenge-nine")).unwrap();
    assert_eq!(gone.fits(&suite, Some("isoapplet")), Err(GoldenError::NoSuchCase("challenge-nine".to_owned())));
    let case = suite.case("challenge-eight").unwrap();
    let outcome = Player::new(&suite).play(case, &mut other());
    let secrets = golden::secrets(&suite.values);
    let compare = |text: &str| Golden::read(text).unwrap().compare(&suite, case, &outcome, &secrets).map(|_| ());
    assert_eq!(compare(&text), Ok(()));
    let other = |exchange| Err(GoldenError::OtherSteps { case: "challenge-eight".to_owned(), exchange });
    assert_eq!(compare(&text.replacen("> 0084000008", "> 0084000010", 1)), other(2));
    let (first, _) = text.rsplit_once("> ").unwrap();
    assert_eq!(compare(first), other(3));
    assert_eq!(compare(&format!("{text}> reset\n< 3B00\n")), other(4));
    let ecdsa = suite.case("ecdsa-p256").unwrap();
    let outcome = Player::new(&suite).play(ecdsa, &mut self::other());
    let missing = golden.compare(&suite, ecdsa, &outcome, &secrets);
    assert_eq!(missing, Err(GoldenError::NotRecorded("ecdsa-p256".to_owned())));
}

#[test]
fn a_golden_file_out_of_form_is_told_by_its_line() {
    let form = |text: &str| match Golden::read(text) {
        Err(GoldenError::Form { line, .. }) => line,
        other => panic!("{other:?}"),
    };
    let head = "golden 1\nprogram p\natr -\npreset *\n";
    assert!(Golden::read(head).is_ok());
    assert_eq!(form(""), 0);
    assert_eq!(form("golden 2\n"), 1);
    assert_eq!(form("golden 1\nprogram p\natr 3\npreset *\n"), 3);
    assert_eq!(form(&format!("{head}\ncase a\n")), 6);
    assert_eq!(form(&format!("{head}case a passed\n> 00\n")), 6);
    assert_eq!(form(&format!("{head}case a passed\n> 00\n< 9\n")), 7);
    assert_eq!(form(&format!("{head}case a passed\n> 0·\n< 9000\n")), 6);
    assert_eq!(form(&format!("{head}case a passed\ncase a passed\n")), 6);
    assert_eq!(form(&format!("{head}case a passed\n< 9000\n")), 6);
}
