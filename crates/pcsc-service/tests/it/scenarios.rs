//! What programs do with PC/SC, written once: each scenario says what it saw, and must see the same in our service and
//! in pcscd.

mod changes;
mod resets;
mod sharing;
mod simple;
mod transactions;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use pcsc::{Card, Disposition, Error, MAX_BUFFER_SIZE_EXTENDED};
use testkit::{PrivatePcscd, in_own_process, in_own_process_without_rights, require_or_skip};

use crate::world::World;

/// One of them: its name, what happens, what must be seen.
type Scenario = (&'static str, fn(&World) -> Vec<String>, &'static str);

/// What the driver of vpcd cannot show: it has no ATR attribute, and takes a card that died for one that went.
const NOT_WITH_VPCD: [&str; 2] = ["the ATR as an attribute", "a dead card"];

fn all() -> impl Iterator<Item = &'static Scenario> {
    [simple::ALL, sharing::ALL, resets::ALL, transactions::ALL, changes::ALL].into_iter().flatten()
}

/// Plays all but some of them in one world.
fn play(world: &World, but: &[&str]) {
    let mut wrong = Vec::new();
    for (name, scenario, expected) in all().filter(|(name, ..)| !but.contains(name)) {
        world.fresh();
        let begin = Instant::now();
        let seen = scenario(world).join(", ");
        if std::env::var_os("CARDLAB_SCENARIOS").is_some() {
            println!("{:6} ms  {name}: {seen}", begin.elapsed().as_millis());
        }
        if seen != *expected {
            wrong.push(format!("{name}:\n  saw      {seen}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_scenario_is_seen_without_rights() {
    let done = in_own_process_without_rights(|| play(&World::private(), &[]));
    let _ = require_or_skip(done);
}

#[test]
fn each_scenario_is_seen_in_pcscd_as_well() {
    in_own_process(|| {
        let Some(pcscd) = require_or_skip(PrivatePcscd::start()) else { return };
        play(&World::pcscd(pcscd), &NOT_WITH_VPCD);
    });
}

#[test]
fn there_are_as_many_as_promised() {
    let names: std::collections::BTreeSet<_> = all().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), all().count());
    assert!(names.len() >= 60 + NOT_WITH_VPCD.len(), "{}", names.len());
}

/// `ok`, or the name of the error.
fn word<T>(result: Result<T, Error>) -> String {
    result.map_or_else(name, |_| "ok".to_owned())
}

/// The value, or the name of the error.
fn value<T: Debug>(result: Result<T, Error>) -> String {
    result.map_or_else(name, |value| format!("{value:?}"))
}

fn name(error: Error) -> String {
    format!("{error:?}")
}

/// The answer in hexadecimal, or the name of the error.
fn send(card: &Card, command: &[u8]) -> String {
    let mut buffer = vec![0; MAX_BUFFER_SIZE_EXTENDED];
    match card.transmit(command, &mut buffer) {
        Ok(answer) if answer.len() > 16 => format!("{} bytes", answer.len()),
        Ok(answer) => answer.iter().map(|byte| format!("{byte:02X}")).collect(),
        Err(error) => name(error),
    }
}

/// Lets go of a card and leaves it as it is; the crate would reset it.
fn leave(card: Card) {
    card.disconnect(Disposition::LeaveCard).map_err(|(_, error)| error).unwrap();
}

/// A duration in words that do not depend on the machine: whether it was at least this.
fn at_least(limit: u64, begin: Instant) -> String {
    let taken = begin.elapsed();
    let limit = Duration::from_millis(limit);
    if taken >= limit { "waited".to_owned() } else { "at once".to_owned() }
}
