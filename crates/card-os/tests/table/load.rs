//! The table as the file has it. `fixtures/README.md` explains the grammar.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole file.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) setups: BTreeMap<String, Vec<String>>,
    pub(crate) card: BTreeMap<String, CardRow>,
    pub(crate) class: Vec<ClassRow>,
    pub(crate) state: Vec<StateRow>,
    pub(crate) condition: Vec<Condition>,
    pub(crate) command: Vec<Row>,
}

/// A card that rows are about.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardRow {
    /// Presets that are made for it; the first one is held to all of the table.
    pub(crate) presets: Vec<String>,
    /// What comes before every setup.
    pub(crate) base: Vec<String>,
}

/// Class bytes and the answer to a command that is good but for them.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassRow {
    pub(crate) cla: String,
    pub(crate) status: String,
}

/// A life-cycle state and the way into it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRow {
    pub(crate) name: String,
    pub(crate) lcs: String,
    pub(crate) steps: Vec<String>,
}

/// An access rule, what comes before the file is made and after, and whether the rule holds then.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    pub(crate) card: String,
    pub(crate) name: String,
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) before: Vec<String>,
    #[serde(default)]
    pub(crate) after: Vec<String>,
    pub(crate) holds: bool,
}

/// A command of one card.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) ins: String,
    pub(crate) name: String,
    pub(crate) card: String,
    pub(crate) cases: Vec<u8>,
    pub(crate) clause: String,
    pub(crate) area: String,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) setup: Vec<String>,
    #[serde(default)]
    pub(crate) data: String,
    #[serde(default)]
    pub(crate) ne: usize,
    pub(crate) params: Vec<Param>,
    #[serde(default = "wrong_p1_p2")]
    pub(crate) otherwise: String,
    #[serde(default)]
    pub(crate) lengths: Vec<Lengths>,
    #[serde(default)]
    pub(crate) states: Vec<States>,
    #[serde(default)]
    pub(crate) access: Vec<Access>,
    #[serde(default)]
    pub(crate) example: Vec<Example>,
}

fn wrong_p1_p2() -> String {
    "6A86".to_owned()
}

/// Pairs of P1-P2 and what the probe with them answers.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Param {
    pub(crate) p1p2: String,
    pub(crate) status: String,
    pub(crate) data: Option<String>,
    pub(crate) ne: Option<usize>,
    /// The other status of the dialect's second preset.
    pub(crate) certificate: Option<String>,
}

/// What one P1-P2 answers to every length.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lengths {
    pub(crate) p1p2: String,
    pub(crate) setup: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) data: String,
    #[serde(default = "zeros")]
    pub(crate) fill: String,
    pub(crate) rows: Vec<LengthRow>,
}

fn zeros() -> String {
    "00".to_owned()
}

/// Some lengths of the data field and the answers without and with Le.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LengthRow {
    pub(crate) lc: String,
    pub(crate) without: String,
    pub(crate) with: String,
}

/// A command on a file in each life-cycle state.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct States {
    pub(crate) setup: Vec<String>,
    pub(crate) id: String,
    /// The instruction that terminates the file.
    pub(crate) terminate: String,
    pub(crate) send: String,
    pub(crate) expect: String,
}

/// A command that an access rule governs.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    pub(crate) setup: Vec<String>,
    /// The access mode byte of the operation.
    pub(crate) mode: String,
    pub(crate) send: String,
    pub(crate) allowed: String,
    /// The answer where the file has no rule, if it is not `allowed`.
    pub(crate) unruled: Option<String>,
}

/// One more status word.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    pub(crate) setup: Option<Vec<String>>,
    pub(crate) send: String,
    pub(crate) status: String,
}

impl Table {
    /// The shipped table.
    pub(crate) fn load() -> Self {
        toml::from_str(include_str!("../../../../fixtures/commands.toml"))
            .unwrap_or_else(|error| panic!("fixtures/commands.toml: {error}"))
    }

    /// The rows of a card.
    pub(crate) fn rows<'t>(&'t self, card: &'t str) -> impl Iterator<Item = &'t Row> {
        self.command.iter().filter(move |row| row.card == card)
    }

    /// The row of an instruction, to spoil it.
    pub(crate) fn row_mut(&mut self, card: &str, ins: &str) -> &mut Row {
        self.command.iter_mut().find(|row| row.card == card && row.ins == ins).unwrap()
    }
}

impl Row {
    pub(crate) fn ins(&self) -> u8 {
        u8::from_str_radix(&self.ins, 16).unwrap()
    }
}

#[test]
fn every_row_is_well_formed() {
    let table = Table::load();
    let clauses = include_str!("../../../../fixtures/clauses.toml");
    for row in &table.command {
        let what = format!("{} of {}", row.name, row.card);
        assert!(table.card.contains_key(&row.card), "{what}: no such card");
        assert!(row.cases.iter().all(|case| (1..=4).contains(case)) && !row.cases.is_empty(), "{what}: cases");
        assert!(row.clause == "unsourced" || clauses.contains(&format!("id = \"{}\"", row.clause)), "{what}: clause");
        let same = table.rows(&row.card).filter(|other| other.ins == row.ins).count();
        assert_eq!(same, 1, "{what}: one row for each instruction");
        assert!(!row.lengths.is_empty(), "{what}: a table of lengths");
    }
}
