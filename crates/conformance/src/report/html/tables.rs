//! What the cases say about each requirement and each clause.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::record::{CaseRecord, RunRecord};
use crate::report::Standing;

/// A requirement or clause, and how its cases came out.
#[derive(Serialize)]
pub(super) struct Row<'r> {
    name: &'r str,
    /// One count for each of [`Standing::ALL`].
    counts: Vec<usize>,
    word: &'static str,
    class: &'static str,
    /// Ids of the first cases that failed.
    failed: Vec<&'r str>,
    /// How many more there are.
    more: usize,
}

/// So many failing cases are named in a row; all of them stand below.
const NAMED: usize = 6;

/// The case was played on the card itself.
pub(super) const fn is_played(standing: Standing) -> bool {
    matches!(standing, Standing::Passed | Standing::Failed | Standing::Excepted)
}

/// A name as it is sorted: numbers in it by their value.
fn natural(name: &str) -> Vec<(&str, usize, &str)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let (number, behind) = behind.split_at(end);
        let digits = number.trim_start_matches('0');
        key.push((word, digits.len(), digits));
        rest = behind;
    }
    key
}

/// One row for each name that `names` finds in a case, in the order of the names.
pub(super) fn by<'r>(record: &'r RunRecord, names: impl Fn(&'r CaseRecord) -> Vec<&'r str>) -> Vec<Row<'r>> {
    let mut rows: BTreeMap<&str, Vec<&CaseRecord>> = BTreeMap::new();
    for case in &record.cases {
        for name in names(case) {
            rows.entry(name).or_default().push(case);
        }
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_cached_key(|(name, _)| natural(name));
    rows.into_iter().map(|(name, cases)| row(name, &cases)).collect()
}

fn row<'r>(name: &'r str, cases: &[&'r CaseRecord]) -> Row<'r> {
    let count = |standing| cases.iter().filter(|case| Standing::of(case) == standing).count();
    let counts: Vec<usize> = Standing::ALL.iter().map(|standing| count(*standing)).collect();
    let (failed, excepted, passed) = (count(Standing::Failed), count(Standing::Excepted), count(Standing::Passed));
    let (word, class) = match () {
        () if failed > 0 => ("not met", "failed"),
        () if excepted > 0 => ("met but for known exceptions", "excepted"),
        () if passed == cases.len() => ("met", "passed"),
        () if passed > 0 => ("met as far as played", "open"),
        () => ("not shown", "open"),
    };
    let named = cases.iter().filter(|case| Standing::of(case) == Standing::Failed).take(NAMED);
    let named: Vec<&str> = named.map(|case| case.id.as_str()).collect();
    Row { name, counts, word, class, more: failed - named.len(), failed: named }
}
