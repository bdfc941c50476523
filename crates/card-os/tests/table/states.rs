//! Commands on a file in each life-cycle state.

use crate::bytes::bytes;
use crate::failures::{Failures, assert_none};
use crate::load::{Row, States, Table};
use crate::play::{Player, preset};

/// One state of the file.
fn one(table: &Table, row: &Row, states: &States, at: usize) -> Result<String, String> {
    let state = &table.state[at];
    let player = Player::new(table).with("lcs", &state.lcs).with("id", &states.id).with("terminate", &states.terminate);
    let mut host = player.card(&row.card, &preset(table, &row.card), &states.setup)?;
    player.steps(&mut host, &state.steps)?;
    Ok(host.status(&bytes(&states.send, &player.values)))
}

pub(crate) fn walk(table: &Table, row: &Row, states: &States) -> Failures {
    let mut failures = Failures::default();
    let expected: Vec<&str> = states.expect.split_whitespace().collect();
    assert_eq!(expected.len(), table.state.len(), "{}: one status for each state", row.name);
    for (at, expected) in expected.iter().enumerate() {
        let what = || {
            format!("ins {} {} ({}) with the file in state {}", row.ins, states.send, row.name, table.state[at].name)
        };
        let got = one(table, row, states, at).unwrap_or_else(|error| error);
        failures.check(expected, &got, what);
    }
    failures
}

#[test]
fn every_state_of_a_file() {
    let table = Table::load();
    let walk = |row: &Row| row.states.iter().map(|states| walk(&table, row, states)).collect::<Vec<_>>();
    assert_none(&table.rows("iso").flat_map(walk).collect::<Vec<_>>());
}
