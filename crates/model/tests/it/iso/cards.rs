//! Iso cards for the model to stand beside.

use std::cell::RefCell;
use std::collections::BTreeMap;

use card_model::{Model, Profile};
use card_os::preset::Preset;

use crate::cards::{Event, Played as _, ReadyRsa, RealCard, follow};

/// Files of every kind, with PINs and keys that are set. The MF stays in the creation state.
const EQUIPMENT: &[&str] = &[
    // EF.ARR: read with PIN 1, update with key 1; all free; nothing; all with PIN 1 and key 1.
    "00E0000016 6214 820404010028 83022F06 80020100 8A0101 880100",
    "00E200000C 800101A406830101950108",
    "00E2000005 80017F9000",
    "00E2000005 80017F9700",
    "00E2000006 80017F9E01B1",
    // PIN 1, reset by PIN 2; it can be disabled.
    "00E000001E 621C 820108 83020011 8A0105 A511 800101 810101 8203040803 830102 840101",
    "00E0000018 6216 820108 83020012 8A0105 A50B 800101 810102 8203060805",
    "00E000001A 6218 820108 83020013 8A0105 8C020200 A509 800102 810101 82021003",
    "0024010104 31323334",
    "0024010206 313233343536",
    "00A4020C02 0013",
    "00D6000010 000102030405060708090A0B0C0D0E0F",
    // A DF with a PIN of its own, and files that it, PIN 2 and key 1 protect.
    "00E0000012 6210 820138 83021100 8A0105 84054E616D6531",
    "00E000001B 6219 820108 83021111 8A0105 A50E 800101 810101 8203040803 840101",
    "0024018104 34333231",
    "00E0000019 6217 82020121 83021001 80020028 8A0105 8C0703 0011 FF",
];

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
    for line in EQUIPMENT.iter().filter(|_| equipped) {
        let event = Event::Command(hex::decode(line.replace(' ', "")).unwrap());
        let answer = card.play(&event);
        follow(&mut model, &event, &answer).unwrap();
        assert_eq!(answer, [0x90, 0], "{line}");
    }
    (card, model)
}
