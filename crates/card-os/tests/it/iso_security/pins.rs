//! PINs and administration keys.

use aes::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};

use super::{df, internal, iso, pin, pin_file, transparent, with_data};
use crate::support::Host;

#[test]
fn a_pin_is_set_verified_and_blocked() {
    let mut host = iso();
    host.expect("0020000100", "6700");
    host.expect("00200001", "6A88");
    host.expect(&pin_file("A001", 1, "", ""), "9000");
    host.expect("00200001", "6984");
    host.verify("01", "1234", "6984");
    for new in ["123", "123456789", "12\0\0\0\0"] {
        host.expect(&with_data("00240101", &pin(new)), "6700");
    }
    host.expect(&with_data("00240101", &pin("1234\0\0")), "9000");
    host.expect("00200001", "63C3");
    let counter = host.counter();
    host.verify("01", "123456789", "6700");
    host.verify("01", "123", "6700");
    host.verify("01", "12345", "63C2");
    host.verify("01", "1234", "9000");
    host.expect("00200001", "9000");
    host.verify("01", "1234\0\0\0", "9000");
    host.verify("01", "4321", "63C2");
    host.expect("00200001", "63C2");
    host.verify("01", "4321", "63C1");
    host.verify("01", "4321", "63C0");
    host.verify("01", "1234", "6983");
    host.expect("00200001", "6983");
    assert_eq!(host.counter(), counter, "tries are no changes");
    host.expect("00200021", "6A86");
    host.expect("00200101", "6A86");
    host.expect("00B0000000", "6981");
    host.expect("00D6000004 31323334", "6981");
}

#[test]
fn change_takes_the_old_pin_or_a_rule() {
    let mut host = iso();
    host.make_pin("A001", "01", 1, "1234", "", "");
    host.verify("01", "1234", "9000");
    let counter = host.counter();
    host.expect(&with_data("00240001", &pin("1234")), "6700");
    host.expect(&with_data("00240001", &pin("12345")), "6700");
    host.expect(&with_data("00240001", &pin("123")), "6700");
    host.expect("00200001", "9000");
    host.expect(&with_data("00240001", &pin("432156789")), "63C2");
    assert_eq!(host.counter(), counter);
    host.expect("00200001", "63C2");
    host.expect(&with_data("00240001", &pin("123456789\0\0")), "9000");
    assert_eq!(host.counter(), counter + 1);
    host.expect("00200001", "63C3");
    host.verify("01", "56789", "9000");
    host.expect(&with_data("00240101", &pin("1111")), "6982");
    // A rule that wants PIN 1 for setting PIN 2.
    host.make_pin("A002", "02", 2, "2222", "", "8C0202 11");
    host.expect(&with_data("00240102", &pin("3333")), "9000");
    host.expect("00200001", "9000");
    host.expect("0020FF01", "9000");
    host.expect(&with_data("00240102", &pin("4444")), "6982");
    host.verify("02", "3333", "9000");
}

/// PIN 1, which PIN 2 resets.
fn with_resetting_pin(more: &str) -> Host {
    let mut host = iso();
    host.make_pin("A001", "01", 1, "1234", "830102", more);
    host.expect(&with_data("002C0001", &pin("999999991111")), "6A88");
    host.expect(&pin_file("A002", 2, "", ""), "9000");
    host.expect(&with_data("002C0001", &pin("999999991111")), "6984");
    host.expect(&with_data("00240102", &pin("99999999")), "9000");
    host
}

/// Spends all tries of PIN 1.
fn block(host: &mut Host) {
    while host.status(&with_data("00200001", &pin("0000"))) != "6983" {}
    host.verify("01", "1234", "6983");
}

#[test]
fn all_four_ways_to_reset_a_counter() {
    let mut host = with_resetting_pin("");
    host.expect(&pin_file("A003", 3, "", ""), "9000");
    host.expect(&with_data("00240103", &pin("1234")), "9000");
    host.expect(&with_data("002C0003", &pin("999999991111")), "6985");
    host.expect("002C0303", "6982");
    let mut host = with_resetting_pin("8C0202 00");
    block(&mut host);
    let counter = host.counter();
    host.expect(&with_data("002C0101", &pin("99999990")), "63C2");
    host.expect(&with_data("002C0101", &pin("99999999")), "9000");
    host.expect("00200002", "63C3");
    host.expect("00200001", "63C3");
    assert_eq!(host.counter(), counter);
    host.verify("01", "1234", "9000");
    block(&mut host);
    host.expect(&with_data("002C0001", &pin("99999999111")), "6700");
    host.expect(&with_data("002C0001", &pin("999999801111")), "63C2");
    host.expect(&with_data("002C0001", &pin("999999991111")), "9000");
    assert_eq!(host.counter(), counter + 1);
    host.expect("00200002", "63C3");
    host.verify("01", "1111", "9000");
    host.expect(&with_data("002C0201", &pin("1234")), "9000");
    assert_eq!(host.counter(), counter + 2);
    host.expect("00200001", "63C3");
    block(&mut host);
    host.expect("002C0301", "9000");
    host.verify("01", "1234", "9000");
    assert_eq!(host.counter(), counter + 2);
    host.expect("002C030100", "6700");
    host.expect("002C0401", "6A86");
    for left in ["63C2", "63C1", "63C0", "6983"] {
        host.expect(&with_data("002C0101", &pin("99999990")), left);
    }
    host.expect(&with_data("002C0101", &pin("99999999")), "6983");
}

#[test]
fn a_pin_can_name_itself_to_reset_it() {
    let mut host = iso();
    host.make_pin("A001", "01", 1, "1234", "830101", "");
    host.expect(&with_data("002C0001", &pin("12345678")), "9000");
    host.verify("01", "5678", "9000");
    host.expect(&with_data("002C0101", &pin("5678")), "9000");
    host.expect(&with_data("002C0101", &pin("5679")), "63C2");
}

#[test]
fn verification_can_be_made_unnecessary() {
    let mut host = iso();
    // A file that PIN 1 guards.
    host.expect(&transparent("B001", "8C0201 11"), "9000");
    host.expect("00B0000001", "6982");
    host.make_pin("A001", "01", 1, "1234", "840101", "");
    host.make_pin("A002", "02", 2, "1234", "", "");
    host.expect("00260102", "6985");
    host.expect("00260101", "6982");
    let counter = host.counter();
    host.expect(&with_data("00260001", &pin("4321")), "63C2");
    assert_eq!(host.counter(), counter);
    host.expect(&with_data("00260001", &pin("1234")), "9000");
    assert_eq!(host.counter(), counter + 1);
    host.expect(&with_data("00260001", &pin("1234")), "9000");
    host.expect("00260101", "9000");
    assert_eq!(host.counter(), counter + 1, "it was disabled already");
    host.card.reset();
    host.expect("00200001", "9000");
    host.expect("00A4020C02B001", "9000");
    host.expect("00B0000001", "009000");
    host.expect("00280101", "9000");
    assert_eq!(host.counter(), counter + 2);
    host.expect("00200001", "63C3");
    host.expect("00B0000001", "6982");
    host.expect("00260101", "6982");
    host.verify("01", "1234", "9000");
    host.expect("00B0000001", "009000");
    host.expect("00260101", "9000");
    host.expect(&with_data("00280001", &pin("1234")), "9000");
    host.expect("0026020100", "6A86");
}

#[test]
fn specific_and_global_pins_are_told_apart() {
    let mut host = iso();
    host.make_pin("A001", "01", 1, "1111", "", "");
    host.expect("00200081", "6A88");
    host.expect(&df("D001"), "9000");
    host.make_pin("A001", "81", 1, "2222", "", "");
    host.expect(&df("D002"), "9000");
    host.verify("81", "2222", "9000");
    host.verify("01", "1111", "9000");
    host.expect("00A4030C", "9000");
    host.expect("00200081", "9000");
    // A DF outside of the one that has the PIN forgets it, not the global one.
    host.expect("00A4000C", "9000");
    host.expect("00A4000C02D001", "9000");
    host.expect("00200081", "63C3");
    host.expect("00200001", "9000");
    host.verify("81", "2222", "9000");
    host.expect("0020FF81", "9000");
    host.expect("00200081", "63C3");
    host.verify("81", "2222", "9000");
    host.expect("0020FF00", "9000");
    host.expect("00200081", "63C3");
    host.expect("00200001", "63C3");
    host.expect("0020FF80", "6A88");
    host.expect("0020FF0104 31313131", "6700");
}

#[test]
fn channels_share_counters_and_not_verifications() {
    let mut host = iso();
    host.make_pin("A001", "01", 1, "1111", "", "");
    host.verify("01", "1111", "9000");
    host.expect("00700001", "9000");
    host.expect("01200001", "63C3");
    host.expect(&with_data("01200001", &pin("0000")), "63C2");
    host.expect("00200001", "9000");
    host.expect(&with_data("01240001", &pin("11112222")), "9000");
    host.expect("00200001", "9000");
    host.expect(&with_data("01200001", &pin("2222")), "9000");
    host.expect("00708001", "9000");
    host.expect("00700001", "9000");
    host.expect("01200001", "63C3");
    host.card.reset();
    host.expect("00200001", "63C3");
}

#[test]
fn a_ninth_verification_takes_the_place_of_the_first() {
    let mut host = iso();
    for number in 1..=9 {
        let reference = format!("{number:02X}");
        host.make_pin(&format!("A0{reference}"), &reference, number, "1111", "", "");
        host.verify(&reference, "1111", "9000");
    }
    host.expect("00200001", "63C3");
    for number in 2..=9 {
        host.expect(&format!("002000{number:02X}"), "9000");
    }
}

#[test]
fn a_pin_that_was_deactivated_is_not_asked() {
    let mut host = iso();
    host.make_pin("A001", "01", 1, "1111", "840101", "");
    host.expect("0004000002A001", "9000");
    host.expect("00200001", "6985");
    host.verify("01", "1111", "6985");
    host.expect("00260101", "6985");
    host.expect(&with_data("00240001", &pin("11112222")), "6985");
    host.expect("0044000002A001", "9000");
    host.verify("01", "1111", "9000");
    host.expect("00E4000002A001", "9000");
    host.expect("00200001", "6A88");
    host.expect("00FE0000", "9000");
    host.expect("00200001", "6985");
}

const KEY: [u8; 32] = *b"a key for administration, 32 byt";

/// The data field of EXTERNAL AUTHENTICATE with AES-128 or AES-256.
fn response(key: &[u8], challenge: &str) -> String {
    let challenge = hex::decode(challenge).unwrap();
    let mut block = Array::try_from(&challenge[..16]).unwrap();
    match key.len() {
        16 => aes::Aes128::new_from_slice(key).unwrap().encrypt_block(&mut block),
        24 => aes::Aes192::new_from_slice(key).unwrap().encrypt_block(&mut block),
        _ => aes::Aes256::new_from_slice(key).unwrap().encrypt_block(&mut block),
    }
    hex::encode_upper(block)
}

#[test]
fn administration_keys_authenticate() {
    for len in [16, 24, 32] {
        let mut host = iso();
        host.expect(&transparent("B001", "8C0202 23"), "9000");
        let key = &KEY[..len];
        // Without a rule a key is set once.
        host.expect(&internal("A004", &format!("800102 810104 8202{len:02X}02"), ""), "9000");
        host.expect(&with_data("00D60000", &hex::encode(key)), "9000");
        host.expect(&with_data("00D60000", &hex::encode(key)), "6982");
        host.expect(&internal("A003", &format!("800102 810103 8202{len:02X}02"), "8C03030000"), "9000");
        host.expect("00820003", "6984");
        host.expect(&with_data("00D60000", &hex::encode(&key[1..])), "6700");
        host.expect(&with_data("00D60001", &hex::encode(key)), "6B00");
        host.expect(&with_data("00D60000", &hex::encode(key)), "9000");
        host.expect("00B0000000", "6981");
        host.expect("00820003", "63C2");
        let counter = host.counter();
        let challenge = host.send("0084000010");
        let right = with_data("00820003", &response(key, &challenge));
        assert_eq!(host.status("0084000008"), "9000");
        host.expect(&right, "6985");
        let challenge = host.send("0084000010");
        let right = with_data("00820003", &response(key, &challenge));
        let wrong = with_data("00820003", &response(&[7; 16], &challenge));
        host.expect(&wrong, "63C1");
        host.expect(&right, "6985");
        let challenge = host.send("0084000010");
        let right = with_data("00820003", &response(key, &challenge));
        host.expect(&right, "9000");
        host.expect("00820003", "9000");
        host.expect(&right, "6985");
        assert_eq!(host.counter(), counter);
        host.expect("00A4020C02B001", "9000");
        host.expect("00D60000 01 55".replace(' ', "").as_str(), "9000");
        host.expect("00A4020C02A003", "9000");
        host.expect(&with_data("00D60000", &hex::encode(key)), "9000");
        host.expect("00820003", "63C2");
        for left in ["63C1", "63C0"] {
            host.send("0084000010");
            host.expect(&with_data("00820003", &"00".repeat(16)), left);
        }
        host.expect(&with_data("00820003", &"00".repeat(16)), "6983");
        host.expect("008200030C 000000000000000000000000", "6700");
    }
}
