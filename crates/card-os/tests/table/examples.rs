//! Single commands for status words that no other part of the table shows.

use crate::bytes::bytes;
use crate::failures::{Failures, assert_none};
use crate::load::{Row, Table};
use crate::play::{Player, preset};

pub(crate) fn show(table: &Table, row: &Row) -> Failures {
    let mut failures = Failures::default();
    let player = Player::new(table);
    for example in &row.example {
        let setup = example.setup.as_ref().unwrap_or(&row.setup);
        let got = player
            .card(&row.card, &preset(table, &row.card), setup)
            .map(|mut host| host.status(&bytes(&example.send, &player.values)))
            .unwrap_or_else(|error| error);
        failures.check(&example.status, &got, || format!("ins {} {} ({})", row.ins, example.send, row.name));
    }
    failures
}

#[test]
fn every_example() {
    let table = Table::load();
    assert_none(&table.command.iter().map(|row| show(&table, row)).collect::<Vec<_>>());
}
