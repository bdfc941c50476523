//! What the suite reached on the card: instructions by status words, altogether and by the state of the card.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::state;
use crate::record::{Part, RunRecord};
use crate::report::{Standing, explain};

#[derive(Serialize)]
pub(super) struct Matrix {
    /// Every status word that came, with its meaning.
    statuses: Vec<(String, String)>,
    /// One row for each instruction, one cell for each status word.
    rows: Vec<Row>,
    states: Vec<State>,
    /// Number of exchanges counted.
    exchanges: usize,
    /// Distinct combinations of instruction, state and status word.
    distinct: usize,
}

#[derive(Serialize)]
struct Row {
    ins: String,
    name: String,
    /// How often; nothing for never.
    cells: Vec<Option<usize>>,
    total: usize,
}

/// What was reached from one state.
#[derive(Serialize)]
struct State {
    name: String,
    rows: Vec<Reached>,
}

#[derive(Serialize)]
struct Reached {
    ins: String,
    name: String,
    /// Status words and how often each came.
    statuses: Vec<(String, usize)>,
}

type Counts<'r> = BTreeMap<(&'r str, u8, u16), usize>;

impl Matrix {
    /// Counts the exchanges of the cases themselves, on the card itself.
    pub(super) fn of(record: &RunRecord) -> Self {
        let mut counts = Counts::new();
        for case in record.cases.iter().filter(|case| Standing::of(case) != Standing::Simulated) {
            for exchange in case.exchanges.iter().filter(|exchange| exchange.part == Part::Case) {
                if let Some((ins, status)) = explain::reached(exchange) {
                    *counts.entry((state(case), ins, status)).or_default() += 1;
                }
            }
        }
        let statuses: BTreeSet<u16> = counts.keys().map(|(_, _, status)| column(*status)).collect();
        Self {
            rows: rows(&counts, &statuses),
            states: states(&counts),
            exchanges: counts.values().sum(),
            distinct: counts.len(),
            statuses: statuses.iter().map(|status| heading(*status)).collect(),
        }
    }
}

/// Words that only tell a length share a column.
const fn column(status: u16) -> u16 {
    match status >> 8 {
        0x61 | 0x6C => status & 0xFF00,
        _ => status,
    }
}

fn heading(column: u16) -> (String, String) {
    match column >> 8 {
        0x61 => ("61xx".to_owned(), "more of the answer waits for GET RESPONSE".to_owned()),
        0x6C => ("6Cxx".to_owned(), "wrong Le; the right one is told".to_owned()),
        _ => (word(column), explain::meaning(column)),
    }
}

fn word(status: u16) -> String {
    format!("{status:04X}")
}

fn name(ins: u8) -> String {
    card_wire::Ins(ins).name().unwrap_or("unassigned").to_owned()
}

fn rows(counts: &Counts<'_>, statuses: &BTreeSet<u16>) -> Vec<Row> {
    let mut sums: BTreeMap<u8, BTreeMap<u16, usize>> = BTreeMap::new();
    for ((_, ins, status), count) in counts {
        *sums.entry(*ins).or_default().entry(column(*status)).or_default() += count;
    }
    let row = |(ins, sums): (u8, BTreeMap<u16, usize>)| Row {
        ins: format!("{ins:02X}"),
        name: name(ins),
        cells: statuses.iter().map(|status| sums.get(status).copied()).collect(),
        total: sums.values().sum(),
    };
    sums.into_iter().map(row).collect()
}

fn states(counts: &Counts<'_>) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    // In the order of states, instructions, status words.
    for ((state, ins, status), count) in counts {
        if states.last().is_none_or(|last| last.name != *state) {
            states.push(State { name: (*state).to_owned(), rows: Vec::new() });
        }
        let Some(last) = states.last_mut() else { continue };
        let ins_text = format!("{ins:02X}");
        if last.rows.last().is_none_or(|row| row.ins != ins_text) {
            last.rows.push(Reached { ins: ins_text, name: name(*ins), statuses: Vec::new() });
        }
        if let Some(row) = last.rows.last_mut() {
            row.statuses.push((word(*status), *count));
        }
    }
    states
}
