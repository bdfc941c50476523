//! Rows of figures, as a table or as JSON.

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// All that was measured, and what could not be.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) skipped: Vec<String>,
}

/// One figure.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    what: String,
    measured: f64,
    unit: String,
    p95: Option<f64>,
    /// What it is held against, in the same unit.
    reference: Option<f64>,
    ratio: Option<f64>,
    target: Option<f64>,
    reached: Option<bool>,
}

impl Row {
    /// A figure without a target.
    pub(crate) fn new(what: impl Into<String>, measured: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            measured,
            unit: unit.into(),
            p95: None,
            reference: None,
            ratio: None,
            target: None,
            reached: None,
        }
    }

    pub(crate) fn with_p95(self, p95: f64) -> Self {
        Self { p95: Some(p95), ..self }
    }

    /// Reached if the figure is at most this.
    pub(crate) fn at_most(self, target: f64) -> Self {
        Self { target: Some(target), reached: Some(self.measured <= target), ..self }
    }

    /// Held against a reference, without a target.
    pub(crate) fn against(self, reference: f64) -> Self {
        Self { reference: Some(reference), ratio: Some(self.measured / reference), ..self }
    }

    /// Reached if the figure is at most this many times the reference.
    pub(crate) fn within(self, times: f64, reference: f64) -> Self {
        let reached = Some(self.measured <= times * reference);
        Self { target: Some(times), reached, ..self.against(reference) }
    }

    fn line(&self) -> String {
        let number = |value: Option<f64>| value.map_or(String::from("-"), short);
        let verdict = self.reached.map_or("", |reached| if reached { "yes" } else { "NO" });
        format!(
            "{:<52} {:>9} {:<11} {:>9} {:>9} {:>7} {:>7}  {verdict}",
            self.what,
            short(self.measured),
            self.unit,
            number(self.p95),
            number(self.reference),
            number(self.ratio),
            number(self.target),
        )
    }
}

/// Three or more significant digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value == value.trunc() => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

impl Report {
    pub(crate) fn push(&mut self, row: Row) {
        eprintln!("{}", row.line());
        self.rows.push(row);
    }

    /// Says what could not be measured, and why.
    pub(crate) fn skip(&mut self, what: &str, reason: impl std::fmt::Display) {
        let line = format!("{what}: not measured: {reason}");
        eprintln!("{line}");
        self.skipped.push(line);
    }

    /// Takes over the rows of another report.
    pub(crate) fn append(&mut self, other: Self) {
        other.rows.into_iter().for_each(|row| self.push(row));
        self.skipped.extend(other.skipped);
    }

    pub(crate) fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        println!(
            "{:<52} {:>9} {:<11} {:>9} {:>9} {:>7} {:>7}  reached",
            "what", "median", "unit", "p95", "against", "ratio", "target"
        );
        self.rows.iter().for_each(|row| println!("{}", row.line()));
        self.skipped.iter().for_each(|line| println!("{line}"));
        Ok(())
    }
}
