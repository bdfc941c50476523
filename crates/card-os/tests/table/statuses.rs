//! The list of status words of a row says no more and no less than the rest of the table.

use std::collections::BTreeSet;

use crate::failures::matches;
use crate::load::{Row, Table};

/// Every status word that the row expects somewhere.
fn expected(table: &Table, row: &Row) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = row.params.iter().map(|param| param.status.clone()).collect();
    words.insert(row.otherwise.clone());
    for entry in row.lengths.iter().flat_map(|lengths| &lengths.rows) {
        words.extend([entry.without.clone(), entry.with.clone()]);
    }
    for states in &row.states {
        words.extend(states.expect.split_whitespace().map(str::to_owned));
    }
    for access in &row.access {
        words.insert(access.allowed.clone());
        words.extend(access.unruled.clone());
        let denies = table.condition.iter().any(|condition| condition.card == row.card && !condition.holds);
        words.extend(denies.then(|| "6982".to_owned()));
    }
    words.extend(row.example.iter().map(|example| example.status.clone()));
    words
}

/// Words of the list that nothing shows, and words that are shown and not in the list.
pub(crate) fn differences(table: &Table, row: &Row) -> Vec<String> {
    let listed: Vec<&str> = row.status.split_whitespace().collect();
    let seen = expected(table, row);
    let unseen = listed.iter().filter(|word| !seen.iter().any(|got| matches(word, got)));
    let unlisted = seen.iter().filter(|got| !listed.iter().any(|word| matches(word, got)));
    let what = |word: &str, why: &str| format!("{} of {}: {word} {why}", row.name, row.card);
    let unseen = unseen.map(|word| what(word, "is listed and never shown"));
    unseen.chain(unlisted.map(|word| what(word, "is expected and not listed"))).collect()
}

#[test]
fn the_list_of_every_row_is_complete() {
    let table = Table::load();
    let wrong: Vec<String> = table.rows("iso").flat_map(|row| differences(&table, row)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
