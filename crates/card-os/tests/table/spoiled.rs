//! The checks can fail: a table with one wrong cell is caught.

use crate::failures::Failures;
use crate::load::Table;
use crate::play::preset;
use crate::{access, examples, instructions, lengths, params, states, statuses};

fn caught(reports: &[Failures]) -> bool {
    reports.iter().any(|report| !report.is_empty())
}

#[test]
fn a_spoiled_row_is_caught() {
    let spoiled = |ins: &str, spoil: &dyn Fn(&mut crate::load::Row)| {
        let mut table = Table::load();
        spoil(table.row_mut("dialect", ins));
        table
    };
    let sweep = |table: &Table, ins: &str| {
        let row = table.rows("dialect").find(|row| row.ins == ins).unwrap();
        params::sweep(table, row, &preset(table, "dialect"), false).report()
    };
    let report = sweep(&spoiled("E4", &|row| row.otherwise = "6A80".to_owned()), "E4");
    assert!(report.contains("ins E4 p1p2 0001: expected 6A80, got 6A86") && report.contains("more"), "{report}");
    let report = sweep(&spoiled("B0", &|row| row.params[0].p1p2 = "0000-0040 81[0-3]?".to_owned()), "B0");
    assert!(report.lines().count() == 1 && report.contains("p1p2 0040"), "one wrong pair is one line: {report}");
    let table = spoiled("20", &|row| row.lengths[0].rows[0].without = "9000".to_owned());
    assert!(caught(&lengths::measure_all(&table, "dialect")));
    let table = spoiled("B0", &|row| row.access[0].allowed = "6982".to_owned());
    assert!(caught(&access::ask_all(&table, "dialect")));
    let table = spoiled("B0", &|row| row.ins = "B1".to_owned());
    assert!(!instructions::instructions(&table, "dialect").is_empty());
    let mut table = Table::load();
    table.class[0].status = "6E00".to_owned();
    assert!(!instructions::classes(&table, "dialect").is_empty());
    let mut table = Table::load();
    table.row_mut("iso", "B0").states[0].expect = "9000 9000 9000 6985 6985 6985 9000".to_owned();
    table.row_mut("iso", "B0").example[0].status = "9000".to_owned();
    let row = table.rows("iso").find(|row| row.ins == "B0").unwrap();
    let report = states::walk(&table, row, &row.states[0]).report();
    assert!(report.lines().count() == 1 && report.contains("TERMINATE CARD USAGE"), "{report}");
    assert_eq!(examples::show(&table, row).report().lines().count(), 1);
    let mut table = Table::load();
    table.row_mut("iso", "B0").status.push_str(" 6A89");
    let row = table.rows("iso").find(|row| row.ins == "B0").unwrap();
    assert_eq!(statuses::differences(&table, row).len(), 1);
}
