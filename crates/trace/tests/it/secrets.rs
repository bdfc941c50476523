//! No PIN, key or deciphered text gets into a trace, whatever way it goes.

use std::time::Duration;

use card_trace::{Reveal, What};
use proptest::prelude::*;

use super::Sink;

const ALL: Reveal = Reveal { files: true, doubtful: true };

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

/// What a trace shows of these commands, each answered with AA and 9000. `reset` is one.
fn shown(reveal: Reveal, commands: &[&str]) -> Vec<String> {
    let (tracer, sink) = Sink::tracer(reveal);
    for command in commands {
        match *command {
            "reset" => tracer.note(Some("r"), None, What::Atr(vec![0x3B, 0])),
            command => tracer.exchange("r", Some(1), &bytes(command), &[0xAA, 0x90, 0], Duration::from_micros(5)),
        }
    }
    tracer.finish().unwrap();
    sink.bytes(">")
}

#[test]
fn pins_and_keys_are_hidden_and_headers_are_not() {
    for (command, hidden) in [
        ("00A4040003112233", "00A4040003112233"),
        ("0020000106313233343536", "0020000106············"),
        ("0120000106313233343536", "0120000106············"),
        ("00200001000006313233343536", "00200001000006············"),
        ("002000010631323334353600", "0020000106············00"),
        ("00200001", "00200001"),
        ("00DB3FFF097F48069201AA9301BB", "00DB3FFF097F48069201··9301··"),
        ("80D800810211 22", "80D8008102····"),
    ] {
        assert_eq!(shown(ALL, &[command]), [hidden]);
    }
    // What is written to a file may be a key.
    assert_eq!(shown(Reveal::default(), &["00D6000003112233"]), ["00D6000003······"]);
    assert_eq!(shown(Reveal { files: true, doubtful: false }, &["00D6000003112233"]), ["00D6000003112233"]);
}

#[test]
fn answers_are_hidden_with_their_rest() {
    let (tracer, sink) = Sink::tracer(Reveal { files: true, doubtful: false });
    let say = |command: &str, answer: &str| tracer.exchange("r", None, &bytes(command), &bytes(answer), Duration::ZERO);
    say("102A8086 01 00", "9000");
    say("002A8086 01 AA", "5ECE 6102");
    say("00C00000 02", "5ECE 9000");
    say("00A40000", "6102");
    say("00C00000 02", "6F00 9000");
    assert_eq!(sink.bytes("<"), ["9000", "····6102", "····9000", "6102", "6F009000"]);
    assert_eq!(sink.bytes(">")[1], "002A808601AA", "the cryptogram may be seen");
}

#[test]
fn a_chain_waits_until_it_is_complete_and_what_it_has_brought_is_hidden_where_it_is_not() {
    let (tracer, sink) = Sink::tracer(ALL);
    let say = |command: &str| tracer.exchange("r", None, &bytes(command), &[0x90, 0], Duration::ZERO);
    say("10DB3FFF 04 7F480692");
    assert_eq!(sink.bytes(">"), [""; 0]);
    say("00DB3FFF 05 01AA9301BB");
    assert_eq!(sink.bytes(">"), ["10DB3FFF047F480692", "00DB3FFF0501··9301··"]);
    // Broken off by a reset, by another command, by another channel: all of it is hidden, and the trace goes on at once.
    for breaks in ["reset", "0084000008", "01A40000"] {
        let said = shown(ALL, &["10DA0101 04 11223344", breaks, "00DA0101 01 55"]);
        let [first, .., last] = &said[..] else { panic!("{said:?}") };
        assert_eq!(first, "10DA010104········", "{breaks}");
        // Behind a reset nothing can be the rest of it.
        assert_eq!(last, if breaks == "reset" { "00DA01010155" } else { "00DA010101··" }, "{breaks}");
    }
}

#[test]
fn an_open_chain_holds_others_up_only_for_a_while_and_leaks_nothing_then() {
    let (tracer, sink) = Sink::tracer(ALL);
    let say = |reader: &str, command: &str| tracer.exchange(reader, None, &bytes(command), &[0x90, 0], Duration::ZERO);
    // The parts are whole objects each, so that none looks like the rest of a key.
    say("a", "10DB3FFF 06 7F48 820006 9201 AA");
    for _ in 0..1000 {
        say("b", "00A40000");
    }
    assert!(sink.bytes(">").len() > 900, "they are written");
    say("a", "10DB3FFF 03 9301BB");
    say("a", "00DB3FFF 03 9401CC");
    let own: Vec<String> = sink.bytes(">").into_iter().filter(|command| command[2..].starts_with("DB")).collect();
    assert_eq!(own.len(), 3);
    assert!(
        own.iter().all(|command| command[8..].contains("··") && !command[10..].contains(char::is_alphanumeric)),
        "{own:?}"
    );
}

#[test]
fn what_one_reader_breaks_off_decides_nothing_about_another() {
    let (tracer, sink) = Sink::tracer(ALL);
    let say = |reader: &str, command: &str| tracer.exchange(reader, None, &bytes(command), &[0x90, 0], Duration::ZERO);
    // The key of reader a is split where an object ends.
    say("a", "10DB3FFF 06 7F480A 9201 AA");
    say("b", "10DA0101 01 11");
    say("b", "00A40000");
    assert_eq!(sink.bytes(">"), [""; 0], "the chain of reader a is open");
    say("b", "10DB3FFF 02 5306");
    tracer.note(Some("b"), None, What::Atr(vec![0x3B, 0]));
    say("b", "00DB3FFF 06 E0048802BBBB");
    say("a", "00DB3FFF 07 9301CC 940199 80");
    let text = sink.bytes(">").concat();
    for secret in ["9201AA", "9301CC", "8802BBBB"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.contains("00A40000"), "{text}");
}

#[test]
fn envelopes_are_followed() {
    let inner = ["00C20000 06 002000010431", "00C20000 03 323334", "00A40000"];
    assert_eq!(shown(ALL, &inner), ["00C20000060020000104··", "00C2000003······", "00A40000"]);
    // One that is whole holds nothing up.
    let (tracer, sink) = Sink::tracer(ALL);
    tracer.exchange("r", None, &bytes("00C20000 0A 0020000105 3132333435"), &[0x90, 0], Duration::ZERO);
    assert_eq!(sink.bytes(">"), ["00C200000A0020000105··········"]);
    // A chain inside of them is followed by nobody.
    let said = shown(ALL, &["00C20000 08 10DB3FFF 03 9201AA", "00C20000 08 00DB3FFF 03 9301BB", "00DB3FFF 03 9401CC"]);
    assert!(said.iter().all(|command| command.ends_with("··") && !command.contains("9301")), "{said:?}");
}

/// The ways in which a secret goes to a card.
fn ways(secret: &[u8], cut: usize) -> Vec<Vec<Vec<u8>>> {
    let (head, tail) = secret.split_at(cut % secret.len());
    let len = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let short = |header: [u8; 4], data: &[u8]| [&header, &[len(data)][..], data].concat();
    let long = |header: [u8; 4], data: &[u8]| [&header, &[0, 0, len(data)][..], data].concat();
    let key = [&[0x7F, 0x48, len(secret) + 2, 0x92, len(secret)][..], secret].concat();
    let mut ways = Vec::new();
    for channel in [0x00, 0x01, 0x03, 0x40] {
        for ins in [0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D] {
            ways.push(vec![short([channel, ins, 0, 1], secret)]);
            ways.push(vec![long([channel, ins, 0, 1], secret)]);
            ways.push(vec![[short([channel, ins, 0, 1], secret), vec![0]].concat()]);
            ways.push(vec![short([channel | 0x10, ins, 0, 1], head), short([channel, ins, 0, 1], tail)]);
            ways.push(vec![short([0, 0xC2, 0, 0], &short([channel, ins, 0, 1], secret))]);
        }
        let (key_head, key_tail) = key.split_at(cut % key.len());
        let header = |class| [class, 0xDB, 0x3F, 0xFF];
        ways.push(vec![short(header(channel), &key)]);
        ways.push(vec![long(header(channel), &key)]);
        ways.push(vec![short(header(channel | 0x10), key_head), short(header(channel), key_tail)]);
        // Only the beginning; a reset; something in between; the rest.
        ways.push(vec![short(header(channel | 0x10), key_head), vec![], short(header(channel), &key)]);
        let between = vec![channel, 0xA4, 0, 0];
        ways.push(vec![short(header(channel | 0x10), key_head), between, short(header(channel), key_tail)]);
    }
    ways
}

fn survives(text: &str, secret: &[u8]) -> bool {
    // Half of it is enough to help, and short enough to be found in parts.
    let digits = hex::encode_upper(secret);
    let half = digits.len() / 4 * 2;
    text.contains(&digits[..half]) || text.contains(&digits[half..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_secret_survives(secret in proptest::collection::vec(any::<u8>(), 16..24), cut in 0usize..40) {
        for way in ways(&secret, cut) {
            let (tracer, sink) = Sink::tracer(ALL);
            for command in &way {
                if command.is_empty() {
                    tracer.note(Some("r"), None, What::Atr(vec![0x3B, 0]));
                } else {
                    tracer.exchange("r", None, command, &[0x90, 0], Duration::ZERO);
                }
            }
            tracer.finish().unwrap();
            let text: String = sink.bytes(">").concat();
            prop_assert!(!survives(&text, &secret), "{way:02X?}\n{}", sink.text());
        }
    }

    #[test]
    fn any_commands_are_taken_down_and_can_be_read(
        commands in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..20),
        files: bool,
        doubtful: bool,
    ) {
        let (tracer, sink) = Sink::tracer(Reveal { files, doubtful });
        for (bytes, is_reset) in &commands {
            if *is_reset {
                tracer.note(Some("r"), None, What::Atr(bytes.clone()));
            } else {
                tracer.exchange("r", None, bytes, bytes, Duration::from_micros(1));
            }
        }
        tracer.finish().unwrap();
        let text = sink.text();
        let entries: Result<Vec<_>, _> = card_trace::Trace::new(text.as_bytes()).unwrap().collect();
        prop_assert_eq!(entries.unwrap().len(), commands.len());
    }
}
