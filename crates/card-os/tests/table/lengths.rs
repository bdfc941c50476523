//! Every length of a data field, without and with Le, short and extended.

use crate::bytes::{bytes, encode};
use crate::failures::{Failures, assert_none};
use crate::load::{LengthRow, Lengths, Row, Table};
use crate::play::{Host, Player, preset};

/// Lengths that only the extended form can carry.
const LONG: [usize; 3] = [256, 300, 65_535];

/// Whether a length is meant: numbers and ranges in decimal, with spaces between, each with `even` or `odd` behind a `/`.
fn is_meant(text: &str, lc: usize) -> bool {
    text.split_whitespace().any(|part| {
        let (range, kind) = part.split_once('/').unwrap_or((part, ""));
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.parse::<usize>().unwrap_or_else(|_| panic!("length {part}"));
        let parity = match kind {
            "even" => lc.is_multiple_of(2),
            "odd" => !lc.is_multiple_of(2),
            _ => kind.is_empty(),
        };
        (number(low)..=number(high)).contains(&lc) && parity
    })
}

fn row_of<'l>(row: &Row, lengths: &'l Lengths, lc: usize) -> &'l LengthRow {
    let found = lengths.rows.iter().find(|entry| is_meant(&entry.lc, lc));
    found.unwrap_or_else(|| panic!("{} of {}, {}: nothing for Lc {lc}", row.name, row.card, lengths.p1p2))
}

/// The data field of that length.
fn data(player: &Player<'_>, lengths: &Lengths, lc: usize) -> Vec<u8> {
    let mut data = bytes(&lengths.data, &player.values);
    let fill = bytes(&lengths.fill, &player.values)[0];
    data.resize(lc.max(data.len()), fill);
    data.truncate(lc);
    data
}

fn one(failures: &mut Failures, host: &Host, row: &Row, lengths: &Lengths, data: &[u8], extended: bool) {
    let expected = row_of(row, lengths, data.len());
    let p1p2 = u16::from_str_radix(&lengths.p1p2, 16).unwrap();
    let all = if extended { 65_536 } else { 256 };
    let mut buffer = vec![0; 65_538];
    for (ne, expected) in [(0, &expected.without), (all, &expected.with)] {
        let got = host.probe(&encode(row.ins(), p1p2, data, ne, extended), &mut buffer);
        failures.check(expected, &format!("{got:04X}"), || {
            let form = if extended { "extended" } else { "short" };
            format!("ins {} p1p2 {} Lc {} Ne {ne} {form} ({})", row.ins, lengths.p1p2, data.len(), row.name)
        });
    }
}

pub(crate) fn measure(table: &Table, row: &Row, lengths: &Lengths) -> Failures {
    let mut failures = Failures::default();
    let player = Player::new(table);
    let setup = lengths.setup.as_ref().unwrap_or(&row.setup);
    match player.card(&row.card, &preset(table, &row.card), setup) {
        Err(error) => failures.push(format!("{} {}: {error}", row.ins, row.name)),
        Ok(host) => {
            for lc in 0..=255 {
                let data = data(&player, lengths, lc);
                one(&mut failures, &host, row, lengths, &data, false);
                one(&mut failures, &host, row, lengths, &data, true);
            }
            for lc in LONG {
                one(&mut failures, &host, row, lengths, &data(&player, lengths, lc), true);
            }
        }
    }
    failures
}

pub(crate) fn measure_all(table: &Table, card: &str) -> Vec<Failures> {
    table.rows(card).flat_map(|row| row.lengths.iter().map(move |lengths| measure(table, row, lengths))).collect()
}

#[test]
fn every_length_of_iso() {
    assert_none(&measure_all(&Table::load(), "iso"));
}

#[test]
fn every_length_of_the_dialect() {
    assert_none(&measure_all(&Table::load(), "dialect"));
}

/// A case that the row does not list is refused for its length.
#[test]
fn lengths_and_cases_say_the_same() {
    for row in &Table::load().command {
        for lengths in &row.lengths {
            for lc in (0..=255).chain(LONG) {
                let entry = row_of(row, lengths, lc);
                let cases = if lc == 0 { [1, 2] } else { [3, 4] };
                for (case, status) in cases.into_iter().zip([&entry.without, &entry.with]) {
                    let what = format!("{} of {}, {} Lc {lc}, case {case}", row.name, row.card, lengths.p1p2);
                    assert!(row.cases.contains(&case) || status == "6700", "{what}: {status}");
                }
            }
        }
    }
}
