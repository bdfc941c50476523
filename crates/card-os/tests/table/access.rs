//! Commands that an access rule governs, under every kind of rule.

use crate::bytes::bytes;
use crate::failures::{Failures, assert_none};
use crate::load::{Access, Condition, Row, Table};
use crate::play::{Player, preset};

fn one(table: &Table, row: &Row, access: &Access, condition: &Condition) -> Result<String, String> {
    let player = Player::new(table).with("rule", &condition.rule).with("mode", &access.mode).with("ins", &row.ins);
    let mut host = player.card(&row.card, &preset(table, &row.card), &condition.before)?;
    player.setups(&mut host, &access.setup)?;
    player.setups(&mut host, &condition.after)?;
    Ok(host.status(&bytes(&access.send, &player.values)))
}

pub(crate) fn ask(table: &Table, row: &Row, access: &Access) -> Failures {
    let mut failures = Failures::default();
    for condition in table.condition.iter().filter(|condition| condition.card == row.card) {
        let what = || {
            format!("ins {} {} ({}), mode {}, rule: {}", row.ins, access.send, row.name, access.mode, condition.name)
        };
        let got = one(table, row, access, condition).unwrap_or_else(|error| error);
        let expected = match (&access.unruled, condition.holds) {
            (Some(unruled), _) if condition.rule.is_empty() => unruled,
            (_, true) => &access.allowed,
            (_, false) => "6982",
        };
        failures.check(expected, &got, what);
    }
    failures
}

pub(crate) fn ask_all(table: &Table, card: &str) -> Vec<Failures> {
    table.rows(card).flat_map(|row| row.access.iter().map(move |access| ask(table, row, access))).collect()
}

#[test]
fn every_rule_of_iso() {
    assert_none(&ask_all(&Table::load(), "iso"));
}

#[test]
fn every_rule_of_the_dialect() {
    assert_none(&ask_all(&Table::load(), "dialect"));
}
