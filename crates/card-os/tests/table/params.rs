//! All 65,536 pairs of P1 and P2 of every instruction.

use card_os::Preset;

use crate::bytes::{bytes, command};
use crate::failures::{Failures, assert_none};
use crate::load::{Row, Table};
use crate::play::{Player, preset, presets};

/// Whether a pair is meant: four digits, each of which may be `?` or `[…]`, or two numbers with `-` between them.
fn is_meant(pattern: &str, p1p2: u16) -> bool {
    match pattern.split_once('-').filter(|(low, high)| low.len() == 4 && high.len() == 4) {
        Some((low, high)) => {
            let number = |text| u16::from_str_radix(text, 16).unwrap_or_else(|_| panic!("pattern {pattern}"));
            (number(low)..=number(high)).contains(&p1p2)
        }
        None => {
            let digits = digits(pattern);
            (0..4).all(|at| digits[at] & 1 << (p1p2 >> (12 - 4 * at) & 0xF) != 0)
        }
    }
}

/// For each of the four digits the set of those that are meant.
fn digits(pattern: &str) -> [u16; 4] {
    let digit = |c: char| 1 << c.to_digit(16).unwrap_or_else(|| panic!("pattern {pattern}"));
    let mut sets = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let len = if c == '[' { rest.find(']').unwrap_or_else(|| panic!("pattern {pattern}")) + 1 } else { 1 };
        sets.push(match c {
            '?' => 0xFFFF,
            '[' => set(&rest[1..len - 1], digit),
            _ => digit(c),
        });
        rest = &rest[len..];
    }
    sets.try_into().unwrap_or_else(|_| panic!("pattern {pattern}"))
}

/// Digits and ranges of digits.
fn set(inner: &str, digit: impl Fn(char) -> u16) -> u16 {
    let chars: Vec<char> = inner.chars().collect();
    let mut set = 0;
    let mut at = 0;
    while at < chars.len() {
        if chars.get(at + 1) == Some(&'-') {
            let (low, high) = (digit(chars[at]), digit(chars[at + 2]));
            set |= (high - low) | high;
            at += 3;
        } else {
            set |= digit(chars[at]);
            at += 1;
        }
    }
    set
}

/// For each pair the number of the entry that decides it; behind the last one, `otherwise`.
fn deciders(row: &Row) -> Vec<usize> {
    let mut out = vec![row.params.len(); 0x1_0000];
    for (number, param) in row.params.iter().enumerate().rev() {
        for pattern in param.p1p2.split_whitespace() {
            for p1p2 in 0..=0xFFFF {
                if is_meant(pattern, p1p2) {
                    out[usize::from(p1p2)] = number;
                }
            }
        }
    }
    out
}

/// Expected status, data field and Ne.
struct Probe {
    status: u16,
    data: Vec<u8>,
    ne: usize,
}

fn probes(row: &Row, player: &Player<'_>, second: bool) -> Vec<Probe> {
    let number = |text: &str| u16::from_str_radix(text, 16).unwrap_or_else(|_| panic!("{}: status {text}", row.name));
    let data = |text: &str| bytes(text, &player.values);
    let mut probes: Vec<Probe> = row
        .params
        .iter()
        .map(|param| Probe {
            status: number(param.certificate.as_ref().filter(|_| second).unwrap_or(&param.status)),
            data: data(param.data.as_ref().unwrap_or(&row.data)),
            ne: param.ne.unwrap_or(row.ne),
        })
        .collect();
    probes.push(Probe { status: number(&row.otherwise), data: data(&row.data), ne: row.ne });
    probes
}

/// Sends the row's probe with every pair, each to a copy of the prepared card.
pub(crate) fn sweep(table: &Table, row: &Row, preset: &Preset, second: bool) -> Failures {
    let mut failures = Failures::default();
    let player = Player::new(table);
    let host = match player.card(&row.card, preset, &row.setup) {
        Ok(host) => host,
        Err(error) => {
            failures.push(format!("{} {} on {}: {error}", row.ins, row.name, preset.name));
            return failures;
        }
    };
    let probes = probes(row, &player, second);
    let mut buffer = vec![0; 65_538];
    for (p1p2, decider) in (0..=0xFFFF).zip(deciders(row)) {
        let probe = &probes[decider];
        let got = host.probe(&command(row.ins(), p1p2, &probe.data, probe.ne), &mut buffer);
        if got != probe.status {
            failures.push(format!(
                "ins {} p1p2 {p1p2:04X}: expected {:04X}, got {got:04X} ({} on {})",
                row.ins, probe.status, row.name, preset.name
            ));
        }
    }
    failures
}

pub(crate) fn sweep_all(table: &Table, card: &str) -> Vec<Failures> {
    let presets = presets(table, card);
    let rows = |n| table.rows(card).map(move |row| (n, row));
    let jobs: Vec<(usize, &Row)> = (0..presets.len()).flat_map(rows).collect();
    jobs.iter().map(|(n, row)| sweep(table, row, &presets[*n], *n > 0)).collect()
}

#[test]
fn every_p1_p2_of_iso() {
    assert_none(&sweep_all(&Table::load(), "iso"));
}

#[test]
fn every_p1_p2_of_the_dialect() {
    assert_none(&sweep_all(&Table::load(), "dialect"));
}

/// With lengths that are wrong in every way, a wrong P1-P2 is still what the card tells.
fn wrong_lengths(table: &Table, row: &Row) -> Failures {
    let mut failures = Failures::default();
    let player = Player::new(table);
    let Some(p1p2) = deciders(row).iter().position(|decider| *decider == row.params.len()) else { return failures };
    let p1p2 = u16::try_from(p1p2).unwrap();
    let host = player.card(&row.card, &preset(table, &row.card), &row.setup);
    let host = host.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    for (data, ne) in [(&[][..], 0), (&[], 256), (&[0xAA; 3], 0), (&[0xAA; 3], 256), (&[0xAA; 300], 65_536)] {
        let got = host.fork().status(&command(row.ins(), p1p2, data, ne));
        let what = || format!("ins {} p1p2 {p1p2:04X} Lc {} Ne {ne} ({})", row.ins, data.len(), row.name);
        failures.check(&row.otherwise, &got, what);
    }
    failures
}

#[test]
fn p1_p2_are_checked_before_lengths() {
    let table = Table::load();
    let rows = table.card.keys().flat_map(|card| table.rows(card)).filter(|row| row.otherwise == "6A86");
    assert_none(&rows.map(|row| wrong_lengths(&table, row)).collect::<Vec<_>>());
}

/// An entry that decides nothing is a mistake in the table.
#[test]
fn every_entry_decides_something() {
    for row in &Table::load().command {
        let deciders = deciders(row);
        for (number, param) in row.params.iter().enumerate() {
            assert!(deciders.contains(&number), "{} of {}: {} never decides", row.name, row.card, param.p1p2);
        }
    }
}

#[test]
fn patterns_mean_what_they_say() {
    let meant = |pattern: &str| (0..=0xFFFF).filter(|p1p2| is_meant(pattern, *p1p2)).collect::<Vec<u16>>();
    assert_eq!(meant("0[1-3]0[4A]"), [0x0104, 0x010A, 0x0204, 0x020A, 0x0304, 0x030A]);
    assert_eq!(meant("8000-8003"), [0x8000, 0x8001, 0x8002, 0x8003]);
    assert_eq!(meant("FF?0").len(), 16);
    assert_eq!(meant("????").len(), 0x1_0000);
}
