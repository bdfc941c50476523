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
        let what = || format!("ins {} {} ({})", row.ins, example.send, row.name);
        match player.card(&row.card, &preset(table, &row.card), setup) {
            Ok(mut host) => {
                let got = host.status(&bytes(&example.send, &player.values));
                failures.check(&example.status, &got, what);
            }
            Err(error) => failures.setup(&error, &table.card[&row.card].pending, what),
        }
    }
    failures
}

#[test]
fn every_example() {
    let table = Table::load();
    assert_none(&table.played("iso").map(|row| show(&table, row)).collect::<Vec<_>>());
}
