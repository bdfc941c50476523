//! One program, one card.

use std::time::Instant;

use pcsc::{Attribute, Disposition, Protocols, ShareMode, Status};

use super::{Scenario, at_least, leave, name, send, value, word};
use crate::card::{ASK, ATR, DIE, SET, long};
use crate::raw::{Raw, SHARED};
use crate::world::World;

pub(super) const ALL: &[Scenario] = &[
    ("readers are listed", listed, r#"["CardLab 00 00", "CardLab 00 01"]"#),
    ("a context is valid until it is released", valid, "ok"),
    (
        "an unknown reader",
        |w| vec![word(w.context.connect(c"Nobody 00 00", ShareMode::Shared, Protocols::ANY))],
        "UnknownReader",
    ),
    ("T=1 is preferred", |w| vec![protocol(w, Protocols::ANY)], "Some(T1)"),
    ("T=0 where asked for", |w| vec![protocol(w, Protocols::T0)], "Some(T0)"),
    ("T=1 where asked for", |w| vec![protocol(w, Protocols::T1)], "Some(T1)"),
    ("no protocol", |w| vec![word(w.connect(ShareMode::Shared, Protocols::UNDEFINED))], "ProtoMismatch"),
    (
        "no protocol is needed without a card's use",
        |w| vec![word(w.connect(ShareMode::Direct, Protocols::UNDEFINED))],
        "ok",
    ),
    ("a command and its answer", echo, "0011223344559000"),
    ("a command of 255 bytes", |w| vec![sent(w, 260)], "262 bytes"),
    ("an extended command", |w| vec![sent(w, 4000)], "4002 bytes"),
    ("an extended answer", |w| vec![send(&w.shared().unwrap(), &long(4002))], "4002 bytes"),
    ("an answer without room", no_room, "InsufficientBuffer, 9000"),
    ("an answer that fits exactly", fits, "9000"),
    ("the wrong protocol's command", |w| sent_as(w, 1), "8010000F, []"),
    ("a raw command", |w| sent_as(w, 4), "0, [90, 00]"),
    (
        "the state of a card in use",
        status,
        r#""CardLab 00 00", PRESENT | POWERED | NEGOTIABLE, Some(T1), [59, 128, 128, 1, 1]"#,
    ),
    (
        "the ATR as an attribute",
        |w| vec![value(w.shared().unwrap().get_attribute_owned(Attribute::AtrString).map(|atr| atr == ATR))],
        "true",
    ),
    (
        "an attribute that there is not",
        |w| vec![word(w.shared().unwrap().get_attribute_owned(Attribute::MaxClk))],
        "UnsupportedFeature",
    ),
    ("a card that a program leaves remembers", remembers, "9000, 9000"),
    ("a card that a program resets forgets", forgets, "6982"),
    ("a card that a program unpowers forgets", unpowers, "6982"),
    ("a card is ejected into the reader", ejects, "9000"),
    ("a second context is another", second_context, "ok, ok, 9000"),
    ("a direct handle knows no protocol", direct, "None"),
    ("a dead card", dead, "silent, ok, 9000"),
    ("no wait for a card that is there", no_wait, "at once"),
];

fn listed(world: &World) -> Vec<String> {
    vec![value(world.context.list_readers_owned())]
}

fn valid(world: &World) -> Vec<String> {
    let context = world.other();
    let valid = word(context.is_valid());
    context.release().map_err(|(_, error)| error).unwrap();
    vec![valid]
}

fn protocol(world: &World, protocols: Protocols) -> String {
    let card = world.connect(ShareMode::Shared, protocols).unwrap();
    value(card.status2_owned().map(|status| status.protocol2())).replace("Some(Some", "Some")
}

fn echo(world: &World) -> Vec<String> {
    vec![send(&world.shared().unwrap(), &[0x00, 0x11, 0x22, 0x33, 0x44, 0x55])]
}

fn sent(world: &World, len: usize) -> String {
    send(&world.shared().unwrap(), &vec![0x11; len])
}

fn no_room(world: &World) -> Vec<String> {
    let card = world.shared().unwrap();
    let refused = word(card.transmit(SET, &mut [0; 1]));
    // It was executed all the same.
    vec![refused, send(&card, ASK)]
}

fn fits(world: &World) -> Vec<String> {
    let card = world.shared().unwrap();
    let mut room = [0; 2];
    vec![card.transmit(SET, &mut room).map_or_else(name, |answer| format!("{:02X}{:02X}", answer[0], answer[1]))]
}

/// A program that says what the crate's types do not let us say.
fn sent_as(world: &World, pci: u32) -> Vec<String> {
    let (mut raw, card) = Raw::on(&world.socket(), "CardLab 00 00", SHARED);
    let (rv, answer) = raw.transmit_as(card, pci, SET);
    vec![format!("{rv:X}"), format!("{answer:02X?}")]
}

fn status(world: &World) -> Vec<String> {
    let card = world.shared().unwrap();
    let status = card.status2_owned().unwrap();
    let bits = |flags: Status| flags.iter_names().map(|(name, _)| name).collect::<Vec<_>>().join(" | ");
    vec![
        format!("{:?}", status.reader_names()[0]),
        bits(status.status()),
        format!("{:?}", status.protocol2()),
        format!("{:?}", status.atr()),
    ]
}

fn remembers(world: &World) -> Vec<String> {
    let card = world.shared().unwrap();
    let set = send(&card, SET);
    leave(card);
    let card = world.shared().unwrap();
    vec![set, send(&card, ASK)]
}

fn after(world: &World, disposition: Disposition) -> Vec<String> {
    let card = world.shared().unwrap();
    send(&card, SET);
    card.disconnect(disposition).map_err(|(_, error)| error).unwrap();
    vec![send(&world.shared().unwrap(), ASK)]
}

fn forgets(world: &World) -> Vec<String> {
    after(world, Disposition::ResetCard)
}

fn unpowers(world: &World) -> Vec<String> {
    after(world, Disposition::UnpowerCard)
}

fn ejects(world: &World) -> Vec<String> {
    after(world, Disposition::EjectCard)
}

fn second_context(world: &World) -> Vec<String> {
    let first = world.shared().unwrap();
    let other = world.other();
    let second = other.connect(&world.reader, ShareMode::Shared, Protocols::ANY);
    let connected = word(second.as_ref().map_err(|error| *error));
    let second = second.unwrap();
    let set = send(&first, SET);
    vec![connected, if set == "9000" { "ok".into() } else { set }, send(&second, ASK)]
}

fn direct(world: &World) -> Vec<String> {
    let card = world.connect(ShareMode::Direct, Protocols::UNDEFINED).unwrap();
    vec![value(card.status2_owned().map(|status| status.protocol2())).replace("Some(", "").replace(')', "")]
}

fn dead(world: &World) -> Vec<String> {
    let mut card = world.shared().unwrap();
    let died = send(&card, DIE);
    // What the driver under pcscd makes of silence is its own affair; nobody may take it for an answer.
    let silent = if died.ends_with("9000") { died } else { "silent".into() };
    world.put();
    let again = card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard);
    vec![silent, word(again), send(&card, SET)]
}

fn no_wait(world: &World) -> Vec<String> {
    let begin = Instant::now();
    world.seen();
    vec![at_least(1000, begin)]
}
