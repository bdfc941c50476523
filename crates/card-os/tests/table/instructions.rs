//! All 256 instructions and all 256 classes.

use crate::bytes::bytes;
use crate::failures::{Failures, assert_none};
use crate::load::Table;
use crate::play::{Player, presets};

/// An instruction without a row is unknown, one with a row is not, whatever else is wrong with the command.
pub(crate) fn instructions(table: &Table, card: &str) -> Failures {
    let mut failures = Failures::default();
    for preset in presets(table, card) {
        let host = Player::new(table).card(card, &preset, &[]).unwrap();
        for ins in 0..=0xFF {
            let known = table.rows(card).any(|row| row.ins() == ins);
            for tail in [&[0, 0][..], &[0, 0, 0], &[0xFF, 0xFF, 1, 0], &[0, 0, 5, 0]] {
                let got = host.fork().status(&[&[0, ins], tail].concat());
                if known == (got == "6D00") || got == "mute" {
                    let expected = if known { "anything but 6D00" } else { "6D00" };
                    let tail = hex::encode_upper(tail);
                    failures.push(format!("ins {ins:02X} {tail}: expected {expected}, got {got} ({})", preset.name));
                }
            }
        }
    }
    failures
}

/// The class decides before the instruction does.
pub(crate) fn classes(table: &Table, card: &str) -> Failures {
    let mut failures = Failures::default();
    let player = Player::new(table);
    for preset in presets(table, card) {
        let host = player.card(card, &preset, &[]).unwrap();
        for cla in 0..=0xFF {
            let meant = |text: &str| match bytes(&text.replace('-', " "), &player.values)[..] {
                [one] => one == cla,
                [low, high] => (low..=high).contains(&cla),
                _ => false,
            };
            let row = table.class.iter().find(|row| row.cla.split(' ').any(meant));
            let expected = &row.unwrap_or_else(|| panic!("nothing for class {cla:02X}")).status;
            let got = host.fork().status(&[cla, 0xA4, 0, 0x0C]);
            failures.check(expected, &got, || format!("cla {cla:02X} ({})", preset.name));
            let unknown = if expected == "9000" { "6D00" } else { expected };
            let got = host.fork().status(&[cla, 0x01, 0, 0]);
            failures.check(unknown, &got, || format!("cla {cla:02X} with an unknown instruction ({})", preset.name));
        }
    }
    failures
}

#[test]
fn every_instruction() {
    let table = Table::load();
    assert_none(&table.card.keys().map(|card| instructions(&table, card)).collect::<Vec<_>>());
}

#[test]
fn every_class() {
    let table = Table::load();
    assert_none(&table.card.keys().map(|card| classes(&table, card)).collect::<Vec<_>>());
}
