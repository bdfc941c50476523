//! Cards that come and go, and those who wait for it.

use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Disposition, Protocols, ReaderState, ShareMode, State};

use super::{Scenario, at_least, leave, send, value, word};
use crate::card::{ASK, SET};
use crate::world::World;

pub(super) const ALL: &[Scenario] = &[
    ("a removed card is told", |w| removed(w, |card| send(card, ASK)), "RemovedCard"),
    ("SCardStatus tells a removed card", |w| removed(w, |card| word(card.status2_owned())), "RemovedCard"),
    (
        "SCardBeginTransaction tells a removed card",
        |w| removed(w, |card| word(card.transaction().map(drop))),
        "RemovedCard",
    ),
    ("a card put back is still another one", put_back, "RemovedCard, ok, 6982"),
    ("connecting anew without a card", |w| removed(w, again), "NoSmartcard"),
    ("no card to connect to", |w| empty(w, ShareMode::Shared), "NoSmartcard"),
    ("no card to have alone", |w| empty(w, ShareMode::Exclusive), "NoSmartcard"),
    ("no card is needed for the reader itself", |w| empty(w, ShareMode::Direct), "ok"),
    ("removal breaks a transaction", breaks, "RemovedCard, ok"),
    ("a reader in nobody's use", |w| vec![flags(w)], "CHANGED | PRESENT"),
    ("a reader in use", in_use, "CHANGED | PRESENT | INUSE"),
    ("a reader in one's own use", exclusive_use, "CHANGED | PRESENT | EXCLUSIVE"),
    ("an empty reader", empty_flags, "CHANGED | EMPTY"),
    ("a removal and an insertion are two events", counted, "2"),
    ("a reset is no event", reset_uncounted, "0"),
    ("nothing happens", nothing, "Timeout, waited"),
    ("an unknown reader's state", unknown, "UnknownReader"),
    ("a removal ends a wait", removal_wakes, "ok, CHANGED | EMPTY"),
    ("an insertion ends a wait", insertion_wakes, "ok, CHANGED | PRESENT"),
    ("a cancelled wait", cancelled, "Cancelled"),
    ("a wait after a cancelled one", cancelled_twice, "Cancelled, Timeout"),
    ("a cancellation of nothing", nothing_cancelled, "ok"),
    ("two wait for the same", two_wait, "ok, ok"),
    ("an ATR that is waited for", atr_of, "[59, 128, 128, 1, 1]"),
];

fn removed(world: &World, look: fn(&mut pcsc::Card) -> String) -> Vec<String> {
    let mut card = world.shared().unwrap();
    world.pull();
    vec![look(&mut card)]
}

fn again(card: &mut pcsc::Card) -> String {
    word(card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard))
}

fn put_back(world: &World) -> Vec<String> {
    let mut card = world.shared().unwrap();
    send(&card, SET);
    world.pull();
    world.put();
    vec![send(&card, ASK), again(&mut card), send(&card, ASK)]
}

fn empty(world: &World, share: ShareMode) -> Vec<String> {
    world.pull();
    vec![word(world.connect(share, Protocols::ANY))]
}

fn breaks(world: &World) -> Vec<String> {
    let mut card = world.shared().unwrap();
    let transaction = card.transaction().unwrap();
    world.pull();
    world.put();
    let ended = word(transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error));
    let other = word(world.shared());
    vec![ended, other]
}

/// The flags without the counter.
fn names(state: State) -> String {
    state.iter_names().map(|(name, _)| name).collect::<Vec<_>>().join(" | ")
}

fn flags(world: &World) -> String {
    names(world.seen().event_state())
}

fn in_use(world: &World) -> Vec<String> {
    let _card = world.shared().unwrap();
    vec![flags(world)]
}

fn exclusive_use(world: &World) -> Vec<String> {
    let _card = world.connect(ShareMode::Exclusive, Protocols::ANY).unwrap();
    vec![flags(world)]
}

fn empty_flags(world: &World) -> Vec<String> {
    world.pull();
    vec![flags(world)]
}

fn counted(world: &World) -> Vec<String> {
    let before = world.seen().event_count();
    world.pull();
    world.put();
    vec![world.seen().event_count().wrapping_sub(before).to_string()]
}

fn reset_uncounted(world: &World) -> Vec<String> {
    let before = world.seen().event_count();
    let card = world.shared().unwrap();
    card.disconnect(Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
    vec![world.seen().event_count().wrapping_sub(before).to_string()]
}

/// The reader as a program knows it that has just looked.
fn known(world: &World) -> [ReaderState; 1] {
    let mut state = world.seen();
    state.sync_current_state();
    [state]
}

fn nothing(world: &World) -> Vec<String> {
    let begin = Instant::now();
    let waited = world.context.get_status_change(Duration::from_millis(300), &mut known(world));
    vec![word(waited), at_least(295, begin)]
}

fn unknown(world: &World) -> Vec<String> {
    let mut states = [ReaderState::new(c"Nobody 00 00", State::UNAWARE)];
    vec![word(world.context.get_status_change(Duration::ZERO, &mut states))]
}

/// Waits in a thread of its own while something happens.
fn wait(world: &World, happens: impl FnOnce()) -> Vec<String> {
    let (context, mut states) = (world.other(), known(world));
    let waiting = thread::spawn(move || {
        let waited = word(context.get_status_change(Duration::from_secs(20), &mut states));
        vec![waited, names(states[0].event_state())]
    });
    thread::sleep(Duration::from_millis(100));
    happens();
    waiting.join().unwrap()
}

fn removal_wakes(world: &World) -> Vec<String> {
    wait(world, || world.pull())
}

fn insertion_wakes(world: &World) -> Vec<String> {
    world.pull();
    wait(world, || world.put())
}

fn cancelled(world: &World) -> Vec<String> {
    let (context, mut states) = (world.other(), known(world));
    let canceller = context.clone();
    let waiting = thread::spawn(move || word(context.get_status_change(Duration::from_secs(20), &mut states)));
    thread::sleep(Duration::from_millis(100));
    canceller.cancel().unwrap();
    vec![waiting.join().unwrap()]
}

fn cancelled_twice(world: &World) -> Vec<String> {
    let (context, mut states) = (world.other(), known(world));
    let canceller = context.clone();
    let waiting = thread::spawn(move || {
        let first = word(context.get_status_change(Duration::from_secs(20), &mut states));
        vec![first, word(context.get_status_change(Duration::from_millis(50), &mut states))]
    });
    thread::sleep(Duration::from_millis(100));
    canceller.cancel().unwrap();
    waiting.join().unwrap()
}

fn nothing_cancelled(world: &World) -> Vec<String> {
    vec![word(world.other().cancel())]
}

fn two_wait(world: &World) -> Vec<String> {
    let wait = || {
        let (context, mut states) = (world.other(), known(world));
        thread::spawn(move || word(context.get_status_change(Duration::from_secs(20), &mut states)))
    };
    let waiting = [wait(), wait()];
    thread::sleep(Duration::from_millis(100));
    world.pull();
    waiting.map(|waiting| waiting.join().unwrap()).into()
}

fn atr_of(world: &World) -> Vec<String> {
    leave(world.shared().unwrap());
    vec![value(Ok(world.seen().atr().to_vec()))]
}
