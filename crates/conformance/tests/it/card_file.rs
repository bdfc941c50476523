//! Descriptions of cards: right ones, mistakes where they stand, and secrets that must not be told.

use std::collections::BTreeMap;

use card_conformance::card_file::{CardFile, CardSecrets, SecretError, SecretSource};
use card_conformance::{CardState, ScriptError, Source};
use zeroize::Zeroizing;

use crate::cards::suite;

const EXAMPLE: &str = include_str!("../../../../fixtures/example-card.toml");

fn load(text: &str) -> Result<CardFile, ScriptError> {
    CardFile::load(Source { name: "my.toml", text })
}

/// A right file with one line replaced, or one more where nothing is to be replaced.
fn with(old: &str, new: &str) -> String {
    let text = "name = \"mine\"\npreset = \"isoapplet\"\nstate = \"operational\"\n[pin]\nmin = 4\nmax = 16\ntries = 3\nvalue = { env = \"CARD_PIN\" }\n";
    assert!(text.contains(old));
    text.replacen(old, new, 1)
}

/// The mistake begins with this place and contains `what`.
#[track_caller]
fn wrong(text: &str, place: &str, what: &str) {
    let error = load(text).expect_err("must not load").to_string();
    assert!(error.starts_with(&format!("my.toml:{place}: ")) && error.contains(what), "{error}\nwanted {place} {what}");
}

#[test]
fn the_example_is_read() {
    let card = load(EXAMPLE).unwrap();
    assert_eq!((card.preset.as_str(), card.state), ("isoapplet", CardState::Operational));
    let pin = card.pin.unwrap();
    assert_eq!((pin.reference, pin.min, pin.max, pin.tries, pin.padded), (1, 4, 16, 3, Some(16)));
    assert_eq!(pin.value, SecretSource::Env("CARD_PIN".to_owned()));
    assert_eq!(card.puk.unwrap().value, SecretSource::Prompt);
    assert_eq!((card.spare, card.keys.get("rsa2048")), (Some(7), Some(&0)));
    assert_eq!((card.area, card.max_command), (Some(0x5F00), Some(261)));
    assert_eq!(card.capabilities, BTreeMap::from([("records", false)]));
    assert_eq!(&*card.values["my-file"], [0x32, 0x01]);
}

#[test]
fn mistakes_are_told_where_they_stand() {
    wrong(&with("name = ", "nmae = "), "1:1", "is `name` meant?");
    wrong(&with("\"mine\"", "\"\""), "1:8", "not be empty");
    wrong(&with("\"operational\"", "\"new\""), "3:9", "blank or operational");
    wrong(&with("min = 4", "min = 0"), "5:7", "1 to 255 bytes");
    wrong(&with("max = 16", "max = 3"), "6:7", "at least min");
    wrong(&with("tries = 3", "tries = 16"), "7:9", "1 to 15");
    wrong(&with("tries = 3", "tries = 3\npadded = 15"), "8:10", "at least as long");
    wrong(&with("tries = 3", "tries = 3\ntires = 3"), "8:1", "is `tries` meant?");
    wrong(&with("tries = 3", "tries = 3\nreference = 256"), "8:13", "another type");
    wrong(&with("{ env = \"CARD_PIN\" }", "{ env = \"A\", fd = 3 }"), "8:9", "one of");
    wrong(&with("{ env = \"CARD_PIN\" }", "{ prompt = false }"), "8:9", "one of");
    wrong(&with("{ env = \"CARD_PIN\" }", "{ fd = -1 }"), "8:9", "one of");
    wrong(&with("[pin]", "aid = \"A0000000\"\n[pin]"), "4:7", "5 to 16 bytes");
    wrong(&with("[pin]", "aid = \"A0G\"\n[pin]"), "4:7", "hexadecimal");
    wrong(&with("[pin]", "[area]\ndf = \"5F\"\n[pin]"), "5:6", "two bytes");
    wrong(&with("[pin]", "[limits]\ncommand = 5\n[pin]"), "5:11", "at least 6");
    wrong(&with("[pin]", "[capabilities]\nchainig = true\n[pin]"), "5:1", "is `chaining` meant?");
    wrong(&with("[pin]", "[keys]\nRSA = 1\n[pin]"), "5:1", "lower-case");
    wrong(&with("[pin]", "[keys]\nrsa = 256\n[pin]"), "5:7", "another type");
    wrong(&with("[pin]", "[values]\na = \"${b}\"\n[pin]"), "5:5", "no value");
    wrong("", "1:1", "missing field");
}

#[test]
fn secrets_in_the_file_are_mistakes_that_do_not_tell_them() {
    for (text, place) in [
        (with("{ env = \"CARD_PIN\" }", "\"secret77\""), "8:9"),
        (with("{ env = \"CARD_PIN\" }", "7777777"), "8:9"),
        (with("[pin]", "[puk]\ntries = 5\nvalue = \"secret77\"\n[pin]"), "6:9"),
        (with("[pin]", "[values]\nmy-pin = \"7777777\"\n[pin]"), "5:10"),
        (with("[pin]", "[values]\nadmin-key = \"7777777\"\n[pin]"), "5:13"),
        (with("[pin]", "[values]\npuk = \"7777777\"\n[pin]"), "5:7"),
    ] {
        let error = load(&text).unwrap_err();
        assert_eq!(format!("{}:{}", error.line, error.column), place, "{error}");
        let told = format!("{error} {error:?}");
        assert!(told.contains("must not stand in this file") && !told.contains("77"), "{told}");
    }
    let error = load(&with("[pin]\n", "pin = \"secret77\"\n[pin2]\n")).unwrap_err().to_string();
    assert!(!error.contains("77"), "{error}");
}

#[test]
fn values_are_those_of_the_card() {
    let card = load(EXAMPLE).unwrap();
    let secret = |text: &str| Some(Zeroizing::new(text.as_bytes().to_vec()));
    let suite = suite().values;
    let secrets = CardSecrets { pin: secret("24681357"), puk: secret("0123456789abcdef") };
    let values = card.values(&suite, &secrets).unwrap();
    assert_eq!(&*values["pin"], b"24681357");
    assert_eq!(&*values["pin-padded"], b"24681357\0\0\0\0\0\0\0\0");
    assert_eq!((&*values["spare"], &*values["key-rsa2048"]), (&[7][..], &[0][..]));
    assert_eq!((&*values["area"], &*values["my-file"]), (&[0x5F, 0][..], &[0x32, 1][..]));
    assert_eq!(values.get("wrong-padded"), None, "the suite's is wrong on this card too");
    assert!(!format!("{secrets:?}").contains('2'));

    // A wrong PIN must be wrong.
    let secrets = CardSecrets { pin: secret("999999"), puk: secret("fedcba9876543210") };
    let values = card.values(&suite, &secrets).unwrap();
    assert_eq!(&*values["wrong-padded"], b"899999\0\0\0\0\0\0\0\0\0\0");
    assert_ne!(values["wrong-puk"], suite["wrong-puk"]);
    assert_eq!(values["wrong-puk"].len(), 16);
}

#[test]
fn a_pin_against_the_policy_of_the_file_is_not_sent() {
    let card = load(EXAMPLE).unwrap();
    let suite = suite().values;
    for pin in ["123", "12345678901234567"] {
        let secrets = CardSecrets { pin: Some(Zeroizing::new(pin.as_bytes().to_vec())), puk: None };
        let expected = SecretError::PinLength { min: 4, max: 16 };
        assert_eq!(card.values(&suite, &secrets).unwrap_err(), expected);
        assert_eq!(card.guard(&secrets).unwrap_err(), expected);
        assert!(!expected.to_string().contains(pin));
    }
    assert!(card.guard(&CardSecrets::default()).unwrap().is_none());
}
