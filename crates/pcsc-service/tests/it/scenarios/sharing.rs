//! Several handles on one card.

use pcsc::{Disposition, Protocols, ShareMode};

use super::{Scenario, leave, send, word};
use crate::card::{ASK, SET};
use crate::world::World;

pub(super) const ALL: &[Scenario] = &[
    ("exclusive where another shares", |w| both(w, ShareMode::Shared, ShareMode::Exclusive), "SharingViolation"),
    ("shared where another is exclusive", |w| both(w, ShareMode::Exclusive, ShareMode::Shared), "SharingViolation"),
    ("direct where another is exclusive", |w| both(w, ShareMode::Exclusive, ShareMode::Direct), "SharingViolation"),
    ("exclusive twice", |w| both(w, ShareMode::Exclusive, ShareMode::Exclusive), "SharingViolation"),
    ("exclusive where another is direct", |w| both(w, ShareMode::Direct, ShareMode::Exclusive), "SharingViolation"),
    ("shared twice", |w| both(w, ShareMode::Shared, ShareMode::Shared), "ok"),
    ("direct where another shares", |w| both(w, ShareMode::Shared, ShareMode::Direct), "ok"),
    ("exclusive after the other has left", exclusive_later, "ok"),
    ("an exclusive handle works", exclusive_works, "9000, 9000"),
    ("from shared to exclusive", to_exclusive, "ok, SharingViolation"),
    ("the first program's protocol binds the second", bound, "ProtoMismatch, ok"),
    ("a protocol stays while the card has power", stays, "ProtoMismatch"),
    ("a reset sets the protocol free", free_again, "ok"),
    ("another's exclusive end sets the card free", exclusive_ends, "ok"),
];

fn both(world: &World, first: ShareMode, second: ShareMode) -> Vec<String> {
    let _first = world.connect(first, Protocols::ANY).unwrap();
    vec![word(world.connect(second, Protocols::ANY))]
}

fn exclusive_later(world: &World) -> Vec<String> {
    leave(world.shared().unwrap());
    vec![word(world.connect(ShareMode::Exclusive, Protocols::ANY))]
}

fn exclusive_works(world: &World) -> Vec<String> {
    let card = world.connect(ShareMode::Exclusive, Protocols::ANY).unwrap();
    vec![send(&card, SET), send(&card, ASK)]
}

fn to_exclusive(world: &World) -> Vec<String> {
    let mut card = world.shared().unwrap();
    let changed = card.reconnect(ShareMode::Exclusive, Protocols::ANY, Disposition::LeaveCard);
    vec![word(changed), word(world.shared())]
}

fn bound(world: &World) -> Vec<String> {
    let _card = world.connect(ShareMode::Shared, Protocols::T0).unwrap();
    let other = world.connect(ShareMode::Shared, Protocols::T1);
    vec![word(other), word(world.connect(ShareMode::Shared, Protocols::ANY))]
}

fn stays(world: &World) -> Vec<String> {
    leave(world.connect(ShareMode::Shared, Protocols::T0).unwrap());
    vec![word(world.connect(ShareMode::Shared, Protocols::T1))]
}

fn free_again(world: &World) -> Vec<String> {
    let card = world.connect(ShareMode::Shared, Protocols::T0).unwrap();
    card.disconnect(Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
    vec![word(world.connect(ShareMode::Shared, Protocols::T1))]
}

fn exclusive_ends(world: &World) -> Vec<String> {
    leave(world.connect(ShareMode::Exclusive, Protocols::ANY).unwrap());
    vec![word(world.shared())]
}
