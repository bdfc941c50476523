//! Who has the card for itself, and who waits.

use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Disposition, Protocols, ShareMode};

use super::{Scenario, at_least, send, word};
use crate::card::{ASK, SET};
use crate::raw::{Raw, SHARED, word as field};
use crate::world::World;

pub(super) const ALL: &[Scenario] = &[
    ("a transaction holds off another's commands", |w| held(w, |card| send(&card, ASK)), "waited, 9000"),
    ("a transaction holds off another's transaction", |w| held(w, begin), "waited, ok"),
    ("a transaction holds off SCardStatus", |w| held(w, |card| word(card.status2_owned())), "waited, ok"),
    ("a transaction holds off a new connection", connects, "waited, ok"),
    (
        "a transaction holds off a reset at the end",
        |w| held(w, |card| ends(card, Disposition::ResetCard)),
        "waited, ok",
    ),
    (
        "a transaction does not hold off who leaves",
        |w| held(w, |card| ends(card, Disposition::LeaveCard)),
        "at once, ok",
    ),
    ("transactions nest", nest, "0, 80100016"),
    ("an end without a beginning", no_begin, "80100016"),
    ("another's end", anothers_end, "8010000B"),
    ("an end with an unknown disposition", bad_end, "80100011"),
    ("an exclusive handle's transaction", exclusive, "0, 0, 80100016"),
    ("a transaction survives connecting anew", survives, "0, 0"),
    ("a transaction ends with its handle", with_handle, "ok, 9000"),
    ("in a transaction nothing waits for itself", own, "9000, 9000"),
    ("a transaction is set free by its program's death", set_free, "ok"),
];

/// How long the transaction lasts.
const LONG: u64 = 400;

/// What another program does while one has the card for itself, and whether that took as long.
fn held(world: &World, act: fn(pcsc::Card) -> String) -> Vec<String> {
    let other = world.other().connect(&world.reader, ShareMode::Shared, Protocols::ANY).unwrap();
    let mut card = world.shared().unwrap();
    send(&card, SET);
    let transaction = card.transaction().unwrap();
    let begin = Instant::now();
    let waiting = thread::spawn(move || {
        let said = act(other);
        vec![at_least(LONG - 20, begin), said]
    });
    thread::sleep(Duration::from_millis(LONG));
    transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error).unwrap();
    waiting.join().unwrap()
}

fn begin(mut card: pcsc::Card) -> String {
    let begun = word(card.transaction().map(drop));
    // Not by dropping it, which resets the card.
    ends(card, Disposition::LeaveCard);
    begun
}

fn ends(card: pcsc::Card, disposition: Disposition) -> String {
    word(card.disconnect(disposition).map_err(|(_, error)| error))
}

fn connects(world: &World) -> Vec<String> {
    let mut card = world.shared().unwrap();
    let transaction = card.transaction().unwrap();
    let (begin, reader) = (Instant::now(), world.reader.clone());
    let context = world.other();
    let waiting = thread::spawn(move || {
        let connected = word(context.connect(&reader, ShareMode::Shared, Protocols::ANY));
        vec![at_least(LONG - 20, begin), connected]
    });
    thread::sleep(Duration::from_millis(LONG));
    transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error).unwrap();
    waiting.join().unwrap()
}

/// A program that says what the crate's types do not let us say.
fn frank(world: &World) -> (Raw, u32) {
    Raw::on(&world.socket(), "CardLab 00 00", SHARED)
}

const BEGIN: u32 = 0x07;
const END: u32 = 0x08;

fn begin_raw(raw: &mut Raw, card: u32) -> String {
    format!("{:X}", field(&raw.ask(BEGIN, &[card, 0]), 4))
}

fn end_raw(raw: &mut Raw, card: u32, disposition: u32) -> String {
    format!("{:X}", field(&raw.ask(END, &[card, disposition, 0]), 8))
}

fn nest(world: &World) -> Vec<String> {
    let (mut raw, card) = frank(world);
    begin_raw(&mut raw, card);
    begin_raw(&mut raw, card);
    end_raw(&mut raw, card, 0);
    vec![end_raw(&mut raw, card, 0), end_raw(&mut raw, card, 0)]
}

fn no_begin(world: &World) -> Vec<String> {
    let (mut raw, card) = frank(world);
    vec![end_raw(&mut raw, card, 0)]
}

fn anothers_end(world: &World) -> Vec<String> {
    let ((mut one, its), (mut other, others)) = (frank(world), frank(world));
    begin_raw(&mut one, its);
    let ended = vec![end_raw(&mut other, others, 0)];
    end_raw(&mut one, its, 0);
    ended
}

fn bad_end(world: &World) -> Vec<String> {
    let (mut raw, card) = frank(world);
    vec![end_raw(&mut raw, card, 4)]
}

fn exclusive(world: &World) -> Vec<String> {
    let (mut raw, card) = Raw::on(&world.socket(), "CardLab 00 00", crate::raw::EXCLUSIVE);
    vec![begin_raw(&mut raw, card), end_raw(&mut raw, card, 0), end_raw(&mut raw, card, 0)]
}

fn survives(world: &World) -> Vec<String> {
    let (mut raw, card) = frank(world);
    begin_raw(&mut raw, card);
    let again = raw.ask(0x05, &[card, SHARED, 3, 0, 0, 0]);
    vec![format!("{:X}", field(&again, 20)), end_raw(&mut raw, card, 0)]
}

fn with_handle(world: &World) -> Vec<String> {
    let (mut raw, card) = frank(world);
    begin_raw(&mut raw, card);
    begin_raw(&mut raw, card);
    assert_eq!(field(&raw.ask(0x06, &[card, 0, 0]), 8), 0);
    let other = world.shared().unwrap();
    let mut other = other;
    let begun = word(other.transaction().map(drop));
    vec![begun, send(&other, SET)]
}

fn own(world: &World) -> Vec<String> {
    let mut card = world.shared().unwrap();
    let transaction = card.transaction().unwrap();
    vec![send(&transaction, SET), send(&transaction, ASK)]
}

fn set_free(world: &World) -> Vec<String> {
    let (mut raw, card) = frank(world);
    begin_raw(&mut raw, card);
    let reader = world.reader.clone();
    let context = world.other();
    let waiting = thread::spawn(move || word(context.connect(&reader, ShareMode::Shared, Protocols::ANY)));
    thread::sleep(Duration::from_millis(100));
    drop(raw);
    vec![waiting.join().unwrap()]
}
