//! A session that a Rust test has recorded, played to cards again.

use card_os::Preset;
use card_os::sim::{SimCard, SoftRsa};
use card_trace::replay::{Outcome, Pins, Replay, Skip};
use card_trace::{Reveal, Trace};
use host_driver::{InProcess, Transport};
use zeroize::Zeroizing;

use super::Sink;

fn card(seed: u64) -> InProcess {
    InProcess::new(Box::new(SimCard::from_seed(&Preset::isoapplet(), seed, SoftRsa).unwrap()))
}

/// Selects, sets a PIN, shows a wrong one and the right one, and asks for a challenge.
fn session() -> String {
    let (tracer, sink) = Sink::tracer(Reveal::default());
    let mut way = tracer.transport("here", card(1));
    for command in [
        "00A404000CF276A288BCFBA69D34F31001",
        "0024010106313233343536",
        "0020000106393939393939",
        "0020000106313233343536",
        "0084000008",
    ] {
        way.transmit(&hex::decode(command).unwrap()).unwrap();
    }
    sink.text()
}

fn play(text: &str, card: &mut dyn Transport, pin: Option<&[u8]>, strict: bool, only_reads: bool) -> Vec<Outcome> {
    let mut pins = Pins::default();
    if let Some(pin) = pin {
        pins.pin(None, Zeroizing::new(pin.to_vec()));
    }
    let mut replay = Replay::new(pins, strict, only_reads);
    Trace::new(text.as_bytes()).unwrap().map(|entry| replay.play(&entry.unwrap(), card).unwrap()).collect()
}

#[test]
fn equal_cards_answer_the_same() {
    let text = session();
    let all = play(&text, &mut card(1), Some(b"123456"), true, false);
    assert!(all.iter().all(|outcome| *outcome == Outcome::Same), "{all:?}\n{text}");
    let random = play(&text, &mut card(2), Some(b"123456"), false, false);
    assert!(random.iter().all(|outcome| *outcome == Outcome::Same), "{random:?}");
    let strict = play(&text, &mut card(2), Some(b"123456"), true, false);
    assert!(matches!(strict.last(), Some(Outcome::Differs(_))), "{strict:?}");
}

#[test]
fn what_cannot_or_may_not_be_sent_is_left_out() {
    let text = session();
    let without = play(&text, &mut card(1), None, false, false);
    assert_eq!(without.iter().filter(|outcome| **outcome == Outcome::Skipped(Skip::NoPin)).count(), 3);
    let mut fresh = card(1);
    let reads = play(&text, &mut fresh, Some(b"123456"), false, true);
    let skipped = |outcome: &&Outcome| matches!(outcome, Outcome::Skipped(Skip::NotAllowed(_)));
    assert_eq!(reads.iter().filter(skipped).count(), 3, "{reads:?}");
    // The card was not touched: all of it can still be played.
    let all = play(&text, &mut fresh, Some(b"123456"), false, false);
    assert!(all.iter().all(|outcome| *outcome == Outcome::Same), "{all:?}");
    // A PIN that does not fit ends it.
    let mut pins = Pins::default();
    pins.pin(None, Zeroizing::new(b"1234".to_vec()));
    let mut replay = Replay::new(pins, false, false);
    let ends = Trace::new(text.as_bytes()).unwrap().map(|entry| replay.play(&entry.unwrap(), &mut card(1)));
    let error = ends.filter_map(Result::err).next().unwrap().to_string();
    assert!(error.contains("6 hidden bytes") && error.contains("nothing of this command was sent"), "{error}");
}
