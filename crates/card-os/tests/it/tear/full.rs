//! A full memory: every kind of object is refused with 6A84, what is there stays, can be changed and removed.

use card_os::sim::SimNvm;

use super::player::{On, blank, look_live, send, status};
use super::scene::{bytes, small};
use crate::support::{SELECT_AID, SET_PIN, SET_PUK, VERIFY};

const CURVE: &str = "8120FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF8220FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC83205AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B8441046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F58520FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC63255187020001";

fn ask(card: &mut On<SimNvm>, command: &str) -> String {
    status(&send(card, &bytes(command)))
}

fn ef(id: u16, len: u16) -> String {
    format!("00E00000 17 6F158102 {len:04X} 820101 8302{id:04X} 8608FF00000000000000")
}

fn curve_into(card: &mut On<SimNvm>, slot: u8) -> String {
    ask(card, &format!("00224100 06 8001EC 8401{slot:02X}"));
    ask(card, &format!("00460000 0000CF {CURVE} 0000"))
}

fn rsa_into(card: &mut On<SimNvm>, slot: u8) -> String {
    ask(card, &format!("00224100 06 8001F3 8401{slot:02X}"));
    ask(card, "00464200 000000")
}

/// A card with a key on a curve and one of RSA, and files until nothing of `len` bytes fits any more.
fn filled(lengths: &[u16]) -> On<SimNvm> {
    let mut card = blank(SimNvm::new(small().nvm_len as usize));
    for command in [SELECT_AID, SET_PUK, SET_PIN, VERIFY] {
        assert_eq!(ask(&mut card, command), "9000");
    }
    assert_eq!((curve_into(&mut card, 0), rsa_into(&mut card, 1)), ("9000".to_owned(), "9000".to_owned()));
    assert_eq!(ask(&mut card, &ef(0x4401, 2048)), "9000");
    let mut id = 0x6000;
    for len in lengths {
        loop {
            match ask(&mut card, &ef(id, *len)).as_str() {
                "9000" => id += 1,
                status => break assert_eq!(status, "6A84"),
            }
        }
        assert!(id > 0x6000, "nothing fits from the beginning");
    }
    card
}

#[test]
fn every_kind_of_object_is_refused_by_a_full_memory() {
    let mut card = filled(&[2048, 300, 16]);
    let before = look_live(&mut card.fork());
    let df = "00E00000 10 6F0E 820138 83025015 8405A000000015";
    for refused in [ef(0x5031, 16), ef(0x5031, 300), ef(0x5031, 2048), df.to_owned()] {
        assert_eq!(ask(&mut card, &refused), "6A84", "{refused}");
    }
    assert_eq!(curve_into(&mut card, 2), "6A84");
    assert_eq!(rsa_into(&mut card, 2), "6A84");
    assert_eq!(rsa_into(&mut card, 0), "6A84", "a larger key in the place of a smaller one");
    assert!(look_live(&mut card.fork()) == before, "a refused command changed something");
    // What is there can be rewritten, keys and PIN included.
    assert_eq!(ask(&mut card, "00A4000C024401"), "9000");
    for fill in ["11", "22", "33"] {
        assert_eq!(ask(&mut card, &format!("00D60000 000800 {}", fill.repeat(2048))), "9000");
    }
    assert_eq!((curve_into(&mut card, 0), rsa_into(&mut card, 1)), ("9000".to_owned(), "9000".to_owned()));
    let change = "00240001 20 31323334353600000000000000000000 36353433323100000000000000000000";
    assert_eq!(ask(&mut card, change), "9000");
    // And removed, which makes room.
    assert_eq!(ask(&mut card, "00E4000002 4401"), "9000");
    assert_eq!(ask(&mut card, "00200001 06 363534333231"), "9000");
    assert_eq!((rsa_into(&mut card, 2), ask(&mut card, df)), ("9000".to_owned(), "9000".to_owned()));
}
