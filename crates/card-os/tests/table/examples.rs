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
        let card = player.card(&row.card, &preset(table, &row.card), setup);
        let got = card.map(|mut host| host.status(&bytes(&example.send, &player.values))).unwrap_or_else(|error| error);
        failures.check(&example.status, &got, what);
    }
    failures
}

#[test]
fn every_example() {
    let table = Table::load();
    assert_none(&table.rows("iso").map(|row| show(&table, row)).collect::<Vec<_>>());
}

/// A command with contradicting lengths would be refused for them, whatever else it was to show.
#[test]
fn every_command_is_well_formed() {
    let table = Table::load();
    let player = Player::new(&table);
    for row in &table.command {
        let sends = row.example.iter().map(|example| &example.send);
        let sends = sends.chain(row.states.iter().map(|states| &states.send));
        for send in sends.chain(row.access.iter().map(|access| &access.send)) {
            let command = bytes(send, &player.values);
            let parsed = card_wire::Command::parse(&command);
            assert!(parsed.is_ok_and(|command| command.ins.0 == row.ins()), "{} of {}: {send}", row.name, row.card);
        }
    }
}
