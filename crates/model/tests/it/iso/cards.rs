//! Iso cards for the model to stand beside.

use std::cell::RefCell;
use std::collections::BTreeMap;

use card_model::{Model, Profile};
use card_os::preset::Preset;

use crate::cards::{Event, Played as _, ReadyRsa, RealCard, follow};
use crate::keys::object;

/// Objects from "tag value, tag value", all hexadecimal with one-byte tags.
fn objects(text: &str) -> Vec<u8> {
    let parts = text.split(',').map(|part| hex::decode(part.replace(' ', "")).unwrap());
    parts.flat_map(|part| object(&part[..1], &part[1..])).collect()
}

/// A short command with data.
fn with(header: &str, data: &[u8]) -> Vec<u8> {
    [&hex::decode(header).unwrap()[..], &[u8::try_from(data.len()).unwrap()], data].concat()
}

/// CREATE FILE with these objects, and what tag A5 says if there is one.
fn file(info: &str, internal: &str) -> Vec<u8> {
    let mut body = objects(info);
    if !internal.is_empty() {
        body.extend(object(&[0xA5], &objects(internal)));
    }
    with("00E00000", &object(&[0x62], &body))
}

/// Files of every kind, with PINs and keys that are set. The MF stays in the creation state.
fn equipment() -> Vec<Vec<u8>> {
    let rule = |text: &str| with("00E20000", &hex::decode(text.replace(' ', "")).unwrap());
    vec![
        // EF.ARR: read with PIN 1, update with key 1; all free; nothing; all with PIN 1 and key 1.
        file("82 04010028, 83 2F06, 80 0100, 8A 01, 88", ""),
        rule("800101 A406 830101 950108 800102 A406 830101 950180"),
        rule("80017F 9000"),
        rule("80017F 9700"),
        rule("80017F 9E01B1"),
        // PIN 1, reset by PIN 2; it can be disabled.
        file("82 08, 83 0011, 8A 05", "80 01, 81 01, 82 040803, 83 02, 84 01"),
        file("82 08, 83 0012, 8A 05", "80 01, 81 02, 82 060805"),
        file("82 08, 83 0013, 8A 05, 8C 0200", "80 02, 81 01, 82 1003"),
        with("00240101", b"1234"),
        with("00240102", b"123456"),
        with("00A4020C", &[0x00, 0x13]),
        with("00D60000", b"0123456789abcdef"),
        // A DF with a PIN of its own, and files under rules of every form.
        file("82 38, 83 1100, 8A 05, 84 4E616D6531", ""),
        file("82 08, 83 1111, 8A 05, 8C 0600FF", "80 01, 81 01, 82 040803, 84 01"),
        with("00240181", b"4321"),
        file("82 0121, 83 1001, 80 0028, 8A 05, 8C 031100", ""),
        file("82 0121, 83 1002, 80 0028, 8A 05, 8B 2F0601", ""),
        file("82 06210004, 83 1003, 80 000C, 8A 05, 8C 0710A131", ""),
        file("82 0241000A05, 83 1004, 8A 05, AB 800107AF08A4038301019E0121", ""),
        file("82 0121, 83 1007, 80 0010, 8A 05, AB 800103A403830101", ""),
        file("82 0121, 83 1008, 80 0010, 8A 05, 8C 031111", ""),
        file("82 08, 83 1005, 8A 05, 8C 07110000", "80 03, 81 02, 82 E1"),
        file("82 08, 83 1006, 8A 05, 8C 07000000", "80 03, 81 00, 82 F3"),
        with("002241B8", &[0x80, 1, 0x11, 0x84, 1, 0]),
        vec![0, 0x46, 0, 0, 0, 0, 0],
        with("00A4000C", &[0x3F, 0x00]),
        vec![0, 0x22, 0xF3, 0],
    ]
}

thread_local! {
    static READY: RefCell<BTreeMap<bool, (RealCard, Model)>> = const { RefCell::new(BTreeMap::new()) };
}

/// A blank card and its model, or one with files.
pub(crate) fn ready(equipped: bool) -> (RealCard, Model) {
    READY.with_borrow_mut(|ready| {
        let (card, model) = ready.entry(equipped).or_insert_with(|| pair(equipped));
        (card.fork(), model.clone())
    })
}

fn pair(equipped: bool) -> (RealCard, Model) {
    let mut card = RealCard::from_seed(&Preset::iso(), 7, ReadyRsa).unwrap();
    let mut model = Model::new(Profile::iso());
    model.verify_signatures(true);
    for command in equipment().into_iter().filter(|_| equipped) {
        let event = Event::Command(command);
        let answer = card.play(&event);
        follow(&mut model, &event, &answer).unwrap();
        assert!(answer.ends_with(&[0x90, 0]), "{event:?}");
    }
    (card, model)
}
