//! What exchanges say in words.

use card_conformance::record::{ExchangeRecord, Part};
use card_conformance::report::explain;

use super::sample::exchange;

fn text(command: &str, answer: &str) -> String {
    explain::text(&[exchange(Part::Case, command, answer)])
}

#[test]
fn commands_are_named_and_objects_unfolded() {
    let said = text("00 A4 04 04 02 A0 01 00", "6F 0F 84 02 A0 01 A5 03 80 01 07 8A 01 05 82 01 38 90 00");
    let expected = "\
1. SELECT [case]: by name A0 01, answer FCP, 2 bytes of data, any answer length
   > 00 A4 04 04 02 A0 01 00
   < 6F 0F 84 02 A0 01 A5 03 80 01 07 8A 01 05 82 01 38
     6F FCI template, 15:
       84 DF name, 2: A0 01
       A5 proprietary, 3:
         80 size of the data, 1: 07
       8A life-cycle state, 1: 05 (operational, activated)
       82 file descriptor, 1: 38 (DF)
   = 9000 success
";
    assert_eq!(said, expected);
}

#[test]
fn common_commands_are_said_in_words() {
    for (command, words) in [
        ("00200001", "VERIFY [case]: reference 1, asks whether the PIN is needed"),
        ("00200081 02 ····", "VERIFY [case]: reference 1 of the DF, PIN, 2 bytes of data"),
        ("002C0001 02 ····", "reference 1, PUK and new PIN"),
        ("00240101 02 ····", "reference 1, new PIN"),
        ("00B0010000", "READ BINARY [case]: offset 256, any answer length"),
        ("00D6830201AA", "UPDATE BINARY [case]: SFI 3, offset 2, 1 byte of data"),
        ("00B2010C00", "record 1, SFI 1"),
        ("002241B6 03 840100", "set signature for computing and deciphering"),
        ("002A9E9A 01 00 00", "compute a signature"),
        ("002A8086 01 00 00", "decipher"),
        ("0084000008", "random bytes, asks for 8 bytes"),
        ("0170800100", "MANAGE CHANNEL [case]: close channel 1, channel 1"),
        ("10DB3FFF 01 7F", "object named in the data, current DF, more of the chain follows"),
        ("00CA010100", "object 0101"),
        ("80770102", "INS 77 [case]: P1 01, P2 02, proprietary class 80"),
        ("00A4", "SELECT [case]: its length fields do not fit its length"),
    ] {
        let said = text(command, "9000");
        assert!(said.contains(words), "{command}: {said}");
    }
}

#[test]
fn chains_and_answers_in_parts_are_unfolded_together() {
    let said = explain::text(&[
        exchange(Part::Case, "10DB3FFF 04 7F48 07 92", "9000"),
        exchange(Part::Case, "00DB3FFF 06 02 ···· 93 01 07", "9000"),
        exchange(Part::Case, "00CB3FFF 03 5C01 42 00", "30 04 02 6102"),
        exchange(Part::Case, "00C0000003", "02 01 05 9000"),
    ]);
    assert!(said.contains("92 prime p, 2: ·· ·· (hidden)"), "{said}");
    assert!(said.contains("30 SEQUENCE, 4:\n       02 INTEGER, 2: 01 05"), "{said}");
}

#[test]
fn broken_and_hidden_bytes_are_shown_as_they_are() {
    for (command, answer) in
        [("zz", "zz"), ("", ""), ("0", "9"), ("····", "··"), ("00A4····", "····"), ("00A40000·", "é")]
    {
        let exchange = ExchangeRecord {
            part: Part::Case,
            command: Some(command.to_owned()),
            answer: Some(answer.to_owned()),
            micros: Some(1),
        };
        assert!(explain::text(&[exchange]).ends_with("[1 µs]\n"));
    }
    let deep = format!("00CA0000{}", "3080".repeat(200));
    assert!(!text(&deep, "9000").is_empty());
    let deep: String = (1..100).rev().map(|n| format!("30{:02X}", 2 * n)).collect();
    let said = text("00CA3FFF00", &format!("{deep}3000 9000"));
    assert!(said.lines().count() < 40, "{said}");
}
