//! No secret gets into a record, whatever way it is sent, and so into no form of a report.

use card_conformance::record::{ExchangeRecord, Part, VerdictKind};
use card_conformance::report::redact::{RawExchange, Secrets};
use card_conformance::report::terminal::Show;
use card_conformance::report::{diff, html, json, junit, terminal};
use proptest::prelude::*;

use super::sample;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

fn raw(command: &[u8], answer: &[u8]) -> RawExchange {
    let (command, answer) = (Some(command.to_vec()), Some(answer.to_vec()));
    RawExchange { part: Part::Case, command, answer, micros: None, key_file: false }
}

/// The commands as they are shown, without any secret known by its bytes.
fn shown(commands: &[&str]) -> Vec<String> {
    let exchanges: Vec<_> = commands.iter().map(|command| raw(&bytes(command), &[0x90, 0])).collect();
    Secrets::default().redact(&exchanges).into_iter().filter_map(|exchange| exchange.command).collect()
}

#[test]
fn pin_commands_keep_their_header_and_lengths() {
    for ins in ["20", "24", "28", "26", "2C", "21"] {
        let command = format!("00{ins}0001 04 31323334 00");
        assert_eq!(shown(&[&command]), [format!("00{ins}000104········00")]);
        assert_eq!(shown(&[&format!("80{ins}0001 04 31323334")]), [format!("80{ins}000104········")]);
        assert_eq!(
            shown(&[&format!("10{ins}0001 0131"), &format!("00{ins}0001 0132")]).concat().matches('·').count(),
            4
        );
    }
    assert_eq!(shown(&["00200001 000004 31323334"]), ["00200001000004········"], "extended");
    assert_eq!(shown(&["00200001 0931"]), ["00200001····"], "broken lengths");
    assert_eq!(shown(&["FF200001 0131"]), ["FF200001····"], "a class that is none");
    assert_eq!(shown(&["00200001", "002000", ""]), ["00200001", "002000", ""]);
    assert_eq!(shown(&["00820001 0411223344"]), ["008200010411223344"], "an answer to a challenge");
}

#[test]
fn key_templates_lose_their_values_and_other_objects_stay() {
    assert_eq!(shown(&["00DB3FFF 09 7F4806 9201AA 930 1BB"]), ["00DB3FFF097F48069201··9301··"]);
    assert_eq!(shown(&["00DB3FFF 06 E004 8802AABB"]), ["00DB3FFF06E0048802····"]);
    assert_eq!(shown(&["00DB3FFF 08 4D06 7F4803 9201AA"]), ["00DB3FFF084D067F48039201··"]);
    assert_eq!(shown(&["00DA7F48 03 9201AA"]), ["00DA7F48039201··"]);
    assert_eq!(shown(&["00DA00E0 02 AABB"]), ["00DA00E002····"], "no objects");
    assert_eq!(shown(&["00DA5F48 02 AABB"]), ["00DA5F4802····"]);
    assert_eq!(shown(&["00DB3FFF 05 5C01429 901"]), ["00DB3FFF05··········"], "no objects where there must be some");
    for harmless in ["00DA0101 0401020304", "00DB3FFF 04 5002AABB", "00D60000 02AABB", "00DA0042 03E00102"] {
        let compact: String = harmless.split_whitespace().collect();
        if harmless.ends_with("E00102") {
            assert!(shown(&[harmless])[0].contains('·'), "a key's tag, cut off");
        } else {
            assert_eq!(shown(&[harmless]), [compact]);
        }
    }
}

#[test]
fn chains_are_put_together() {
    let parts = shown(&["10DB3FFF 04 7F480692", "10DB3FFF 02 01AA", "00DB3FFF 03 9301BB"]);
    assert_eq!(parts, ["10DB3FFF047F480692", "10DB3FFF0201··", "00DB3FFF039301··"]);
    // A chain that something breaks off: the rest is still a key.
    let parts = shown(&["10DB3FFF 05 7F48069203", "00840000 08", "00DB3FFF 03 AABBCC"]);
    assert_eq!(parts, ["10DB3FFF05··········", "0084000008", "00DB3FFF03······"]);
    assert_eq!(shown(&["10DB3FFF 07 7F48069203AABB"])[0].matches("··").count(), 7, "a chain without its end");
}

#[test]
fn a_reset_ends_a_chain() {
    // An object of six bytes is begun; the key behind the reset is not its rest.
    let reset = RawExchange { command: None, ..raw(&[], &[0x3B, 0]) };
    let (begun, key) =
        (raw(&bytes("10DB3FFF 02 5306"), &[0x90, 0]), raw(&bytes("00DB3FFF 06 E0048802AABB"), &[0x90, 0]));
    let shown = Secrets::default().redact(&[begun, reset, key]);
    assert_eq!(shown[2].command.as_deref(), Some("00DB3FFF06E0048802····"));
}

#[test]
fn envelopes_are_opened() {
    assert_eq!(shown(&["00C20000 09 0020000104 31323334"]), ["00C20000090020000104········"]);
    let parts = shown(&["00C20000 06 002000010431", "00C20000 03 323334", "00C20000"]);
    assert_eq!(parts, ["00C20000060020000104··", "00C2000003······", "00C20000"]);
    assert_eq!(shown(&["10C20000 06 002000010431", "00C20000 03 323334"]).concat().matches("··").count(), 4);
    assert_eq!(shown(&["00C20000 07 00A40000023F00"]), ["00C200000700A40000023F00"], "nothing secret");
    assert_eq!(shown(&["00C20000 05 0020000104", "00840000", "00C20000 04 31323334"])[2], "00C2000004········");
    let key = shown(&["00C20000 0B 00DB3FFF 06 E004 8802AABB"]);
    assert_eq!(key, ["00C200000B00DB3FFF06E0048802····"]);
}

#[test]
fn key_files_are_hidden_where_told() {
    let mut write = raw(&bytes("00D60000 02AABB"), &[0x90, 0]);
    let mut read = raw(&bytes("00B0000002"), &bytes("AABB9000"));
    (write.key_file, read.key_file) = (true, true);
    let shown = Secrets::default().redact(&[write, read]);
    assert_eq!(shown[0].command.as_deref(), Some("00D6000002····"));
    assert_eq!(shown[1].answer.as_deref(), Some("····9000"));
}

#[test]
fn known_bytes_are_found_everywhere() {
    let secrets = Secrets::new([b"735512".to_vec(), b"12".to_vec()]);
    let exchanges = [
        raw(&bytes("00D60000 08 00373335353132 00"), &bytes("373335353132 9000")),
        raw(&bytes("00D60000 03 373335"), &bytes("37333535 6102")),
        raw(&bytes("00D60003 03 353132"), &bytes("3132 9000")),
        raw(&bytes("00D60000 04 07355120"), &bytes("0 373335353132 0 9000")),
    ];
    let shown = secrets.redact(&exchanges);
    assert_eq!(shown[0].command.as_deref(), Some("00D600000800············00"));
    assert_eq!(shown[0].answer.as_deref(), Some("············9000"));
    assert_eq!(shown[1].command.as_deref(), Some("00D6000003······"));
    assert_eq!(shown[2].answer.as_deref(), Some("····9000"));
    assert_eq!(shown[3].command.as_deref(), Some("00D6000004········"), "two digits to a byte, shifted");
    assert_eq!(shown[3].answer.as_deref(), Some("··············9000"), "shifted by half a byte");
    assert_eq!(
        secrets.text("expected 735512, got 8 bytes: 00373335353132aa, or 3733353…"),
        "expected ······, got 8 bytes: 00············aa, or ·······…"
    );
    assert_eq!(format!("{secrets:?}{:?}", exchanges[0]), "Secrets(…)RawExchange(…)");
}

/// Every form of a report, one after the other.
fn every_form(exchanges: Vec<ExchangeRecord>, reason: &str, secrets: &Secrets) -> String {
    let mut record = sample::record();
    record.cases.truncate(2);
    let mut case = sample::case("secret", VerdictKind::Failed);
    case.exchanges = exchanges;
    case.reason = Some(secrets.text(reason));
    record.cases.push(case);
    record.run.operator = Some(reason.to_owned());
    record.exceptions.clear();
    secrets.sweep(&mut record);
    let record = sample::finish(record);
    let mut old = record.clone();
    old.cases[2].verdict = VerdictKind::Passed;
    [
        json::write(&record).unwrap(),
        junit::write(&record).unwrap(),
        html::write(&record).unwrap(),
        terminal::lines(&record, Show::All),
        diff::diff(&old, &record).to_string(),
        serde_json::to_string(&diff::diff(&old, &record)).unwrap(),
    ]
    .join("\n")
}

fn survives(text: &str, secret: &[u8]) -> bool {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    let upper = hex::encode_upper(secret);
    let word = String::from_utf8(secret.to_vec()).ok().filter(|word| word.bytes().all(|byte| byte.is_ascii_graphic()));
    // As it stands on the page, with a space between two bytes, and without.
    let spaced = secret.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
    let text = text.to_ascii_uppercase();
    text.contains(&spaced)
        || text.contains(&upper)
        || word.is_some_and(|word| dense.contains(&word.to_ascii_uppercase()))
}

/// The ways in which a secret goes over the wire. `cut` splits it.
fn ways(secret: &[u8], cut: usize) -> Vec<Vec<RawExchange>> {
    let (head, tail) = secret.split_at(cut % secret.len());
    let len = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let with = |header: [u8; 4], data: &[u8]| [&header, &[len(data)][..], data].concat();
    let ok = [0x90, 0x00];
    let answer = [secret, &ok[..]].concat();
    let inner = with([0, 0x20, 0, 1], secret);
    let key = [&[0x7F, 0x48, len(secret) + 2, 0x92, len(secret)][..], secret].concat();
    let (key_head, key_tail) = key.split_at(cut % key.len());
    let (inner_head, inner_tail) = inner.split_at(cut % inner.len());
    let mut ways = vec![
        vec![raw(&with([0x10, 0xDB, 0x3F, 0xFF], key_head), &ok), raw(&with([0, 0xDB, 0x3F, 0xFF], key_tail), &ok)],
        vec![raw(&with([0x10, 0xC2, 0, 0], inner_head), &ok), raw(&with([0, 0xC2, 0, 0], inner_tail), &ok)],
        vec![raw(&with([0x10, 0xD6, 0, 0], head), &ok), raw(&with([0, 0xD6, 0, 0], tail), &ok)],
        vec![raw(&[0, 0xB0, 0, 0, 0], &answer)],
        vec![
            raw(&[0, 0xB0, 0, 0, 0], &[head, &[0x61, len(tail)]].concat()),
            raw(&[0, 0xC0, 0, 0, 0], &[tail, &ok].concat()),
        ],
        vec![raw(&[&[0, 0x20, 0, 1, 99][..], secret].concat(), &[])],
        vec![raw(secret, secret)],
    ];
    for ins in [0x20, 0x24, 0x26, 0x28, 0x2C, 0xDA, 0xDB, 0xD6, 0x82, 0xA4, 0xE0, 0x2A] {
        ways.push(vec![raw(&with([0, ins, 0, 1], secret), &ok)]);
        ways.push(vec![raw(&with([0x10, ins, 0, 1], head), &ok), raw(&with([0, ins, 0, 1], tail), &ok)]);
    }
    ways
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_secret_survives_in_any_form(
        secret in prop_oneof![
            proptest::collection::vec(any::<u8>(), 5..24),
            "[0-9]{6,12}".prop_map(String::into_bytes),
            "[a-zA-Z0-9]{8,16}".prop_map(String::into_bytes),
        ],
        cut in 0usize..40,
        digits: bool,
    ) {
        let secrets = Secrets::new([secret.clone()]);
        let all: Vec<ExchangeRecord> = ways(&secret, cut).iter().flat_map(|way| secrets.redact(way)).collect();
        let lower = hex::encode(&secret);
        let reason = match String::from_utf8(secret.clone()) {
            Ok(word) if !digits => format!("the card said {word} and {lower}"),
            _ => format!("got {} and {lower}", lower.to_ascii_uppercase()),
        };
        let text = every_form(all, &reason, &secrets);
        prop_assert!(!survives(&text, &secret), "{}", String::from_utf8_lossy(&secret));
    }

    #[test]
    fn fields_alone_hide_what_pin_commands_and_keys_carry(secret in proptest::collection::vec(any::<u8>(), 5..24), cut in 0usize..40) {
        // Without knowing the secret: all ways but those of other commands, answers and raw bytes.
        for (index, way) in ways(&secret, cut).iter().enumerate() {
            let by_field = [0, 1, 5].contains(&index) || (7..17).contains(&index);
            if by_field {
                let text = sample_text(Secrets::default().redact(way));
                prop_assert!(!survives(&text, &secret), "way {index}: {text}");
            }
        }
    }

    #[test]
    fn any_bytes_are_redacted_without_panic(
        commands in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..6),
    ) {
        let exchanges: Vec<_> = commands.iter().map(|(command, key_file)| RawExchange { key_file: *key_file, ..raw(command, command) }).collect();
        let shown = Secrets::new([vec![0; 4]]).redact(&exchanges);
        for (exchange, shown) in exchanges.iter().zip(&shown) {
            let len = shown.command.as_ref().unwrap().chars().count();
            prop_assert_eq!(len, 2 * exchange.command.as_ref().unwrap().len());
        }
        let _ = card_conformance::report::explain::text(&shown);
    }
}

fn sample_text(exchanges: Vec<ExchangeRecord>) -> String {
    let commands: Vec<String> = exchanges.into_iter().filter_map(|exchange| exchange.command).collect();
    commands.join("\n")
}
