//! Who is told of a reset, and for how long.

use pcsc::{Attribute, Card, Disposition, Protocols, ShareMode};

use super::{Scenario, leave, send, word};
use crate::card::{ASK, SET};
use crate::raw::{EXCLUSIVE, Raw, SHARED, word as field};
use crate::world::World;

pub(super) const ALL: &[Scenario] = &[
    ("a reset at the end is told to others", |w| ended(w, Disposition::ResetCard, transmit), "ResetCard"),
    ("power taken at the end is told to others", |w| ended(w, Disposition::UnpowerCard, transmit), "ResetCard"),
    ("a card left alone is told to nobody", |w| ended(w, Disposition::LeaveCard, transmit), "6982"),
    ("an ejected card is told to nobody", |w| ended(w, Disposition::EjectCard, transmit), "6982"),
    ("SCardStatus tells a reset", |w| ended(w, Disposition::ResetCard, |card| word(card.status2_owned())), "ResetCard"),
    ("SCardBeginTransaction tells a reset", |w| ended(w, Disposition::ResetCard, begin), "ResetCard"),
    ("SCardGetAttrib tells a reset", |w| ended(w, Disposition::ResetCard, attribute), "ResetCard"),
    ("a reset is told until the program has connected anew", until_reconnect, "ResetCard, ResetCard, ok, 6982"),
    ("a program's own reset is not told to it", own_reset, "ok, 6982"),
    ("a program's own reset is told to others", others_reset, "ok, ResetCard"),
    ("power taken and given back", |w| reconnected(w, Disposition::UnpowerCard), "ok, 6982"),
    ("connecting anew without a reset", |w| reconnected(w, Disposition::LeaveCard), "ok, 9000"),
    ("connecting anew with another protocol", other_protocol, "ProtoMismatch"),
    ("connecting anew with another protocol after a reset", other_protocol_reset, "ok, 6982"),
    ("a new handle is not told of what was before it", new_handle, "6982"),
    ("a reset at the end of a transaction is told to its program", end_reset, "ok, ResetCard"),
    ("a program that dies in a transaction resets the card", dies_inside, "ResetCard"),
    ("a program that dies outside leaves the card", dies_outside, "9000"),
    ("a program that dies with an exclusive handle sets it free", dies_exclusive, "ok, 6982"),
    ("a released context leaves the card", released, "9000"),
];

fn transmit(card: &mut Card) -> String {
    send(card, ASK)
}

fn begin(card: &mut Card) -> String {
    word(card.transaction().map(drop))
}

fn attribute(card: &mut Card) -> String {
    word(card.get_attribute_owned(Attribute::AtrString))
}

/// What another program sees when one has ended so.
fn ended(world: &World, disposition: Disposition, look: fn(&mut Card) -> String) -> Vec<String> {
    let [one, mut other] = [world.shared().unwrap(), world.shared().unwrap()];
    one.disconnect(disposition).map_err(|(_, error)| error).unwrap();
    vec![look(&mut other)]
}

fn until_reconnect(world: &World) -> Vec<String> {
    let [one, mut other] = [world.shared().unwrap(), world.shared().unwrap()];
    send(&one, SET);
    one.disconnect(Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
    let told = [send(&other, ASK), send(&other, ASK)];
    let again = other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard);
    [&told[..], &[word(again), send(&other, ASK)]].concat()
}

/// The card remembers something, and then the program connects anew.
fn reconnected(world: &World, initialization: Disposition) -> Vec<String> {
    let mut card = world.shared().unwrap();
    send(&card, SET);
    let again = card.reconnect(ShareMode::Shared, Protocols::ANY, initialization);
    vec![word(again), send(&card, ASK)]
}

fn own_reset(world: &World) -> Vec<String> {
    reconnected(world, Disposition::ResetCard)
}

fn others_reset(world: &World) -> Vec<String> {
    let [mut one, other] = [world.shared().unwrap(), world.shared().unwrap()];
    let again = one.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard);
    vec![word(again), send(&other, ASK)]
}

fn other_protocol(world: &World) -> Vec<String> {
    let mut card = world.connect(ShareMode::Shared, Protocols::T0).unwrap();
    vec![word(card.reconnect(ShareMode::Shared, Protocols::T1, Disposition::LeaveCard))]
}

fn other_protocol_reset(world: &World) -> Vec<String> {
    let mut card = world.connect(ShareMode::Shared, Protocols::T0).unwrap();
    let again = card.reconnect(ShareMode::Shared, Protocols::T1, Disposition::ResetCard);
    vec![word(again), send(&card, ASK)]
}

fn new_handle(world: &World) -> Vec<String> {
    let one = world.shared().unwrap();
    one.disconnect(Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
    vec![send(&world.shared().unwrap(), ASK)]
}

fn end_reset(world: &World) -> Vec<String> {
    let mut card = world.shared().unwrap();
    let transaction = card.transaction().unwrap();
    let ended = transaction.end(Disposition::ResetCard).map_err(|(_, error)| error);
    vec![word(ended), send(&card, ASK)]
}

/// Another program, until it dies.
fn victim(world: &World, share: u32) -> (Raw, u32) {
    Raw::on(&world.socket(), "CardLab 00 00", share)
}

/// Waits until the service has noticed a death.
fn noticed() {
    std::thread::sleep(std::time::Duration::from_millis(200));
}

fn dies_inside(world: &World) -> Vec<String> {
    let card = world.shared().unwrap();
    let (mut raw, handle) = victim(world, SHARED);
    assert_eq!(field(&raw.ask(0x07, &[handle, 0]), 4), 0);
    drop(raw);
    noticed();
    vec![send(&card, ASK)]
}

fn dies_outside(world: &World) -> Vec<String> {
    let card = world.shared().unwrap();
    send(&card, SET);
    drop(victim(world, SHARED));
    noticed();
    vec![send(&card, ASK)]
}

fn dies_exclusive(world: &World) -> Vec<String> {
    let (mut raw, handle) = victim(world, EXCLUSIVE);
    assert_eq!(raw.transmit(handle, SET).1, [0x90, 0x00]);
    drop(raw);
    noticed();
    let card = world.shared();
    vec![word(card.as_ref().map_err(|error| *error)), card.map_or_else(|_| String::new(), |card| send(&card, ASK))]
}

fn released(world: &World) -> Vec<String> {
    let card = world.shared().unwrap();
    send(&card, SET);
    let (mut raw, context) = Raw::begin_with(&world.socket(), 4);
    raw.card(context, "CardLab 00 00", SHARED);
    assert_eq!(field(&raw.ask(0x02, &[context, 0]), 4), 0);
    let seen = send(&card, ASK);
    leave(card);
    vec![seen]
}
