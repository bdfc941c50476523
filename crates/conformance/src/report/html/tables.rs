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
    /// Ids of the cases that failed.
    failed: Vec<&'r str>,
}

/// The case was played on the card itself.
pub(super) const fn is_played(standing: Standing) -> bool {
    matches!(standing, Standing::Passed | Standing::Failed | Standing::Excepted)
}

/// One row for each name that `names` finds in a case, in the order of the alphabet.
pub(super) fn by<'r>(record: &'r RunRecord, names: impl Fn(&'r CaseRecord) -> Vec<&'r str>) -> Vec<Row<'r>> {
    let mut rows: BTreeMap<&str, Vec<&CaseRecord>> = BTreeMap::new();
    for case in &record.cases {
        for name in names(case) {
            rows.entry(name).or_default().push(case);
        }
    }
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
    let failed = cases.iter().filter(|case| Standing::of(case) == Standing::Failed);
    Row { name, counts, word, class, failed: failed.map(|case| case.id.as_str()).collect() }
}
