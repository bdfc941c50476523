//! The list of commands in the README is made from the table.

use std::fmt::Write as _;
use std::path::Path;

use crate::load::Table;

const BEGIN: &str = "<!-- commands:begin -->\n";
const END: &str = "<!-- commands:end -->";

/// One line for each area, in the order of the table.
fn render(table: &Table) -> String {
    let mut areas: Vec<&str> = Vec::new();
    for row in &table.command {
        if !areas.contains(&row.area.as_str()) {
            areas.push(&row.area);
        }
    }
    let mut out = "| area | `iso` | OpenSC dialect |\n|---|---|---|\n".to_owned();
    for area in areas {
        let cell = |card: &str| -> String {
            let mut commands: Vec<(&str, String, String)> = Vec::new();
            for row in table.rows(card).filter(|row| row.area == area) {
                match commands.iter_mut().find(|(name, ..)| *name == row.name) {
                    Some((_, ins, summary)) => {
                        let _ = write!(ins, " `{}`", row.ins);
                        let between = if row.summary.is_empty() { "" } else { "; " };
                        let _ = write!(summary, "{between}{}", row.summary);
                    }
                    None => commands.push((&row.name, format!("`{}`", row.ins), row.summary.clone())),
                }
            }
            let one = |(name, ins, summary): &(&str, String, String)| match summary.as_str() {
                "" => format!("{name} {ins}"),
                _ => format!("{name} {ins} ({summary})"),
            };
            let commands: Vec<String> = commands.iter().map(one).collect();
            if commands.is_empty() { "–".to_owned() } else { commands.join(", ") }
        };
        let _ = writeln!(out, "| {area} | {} | {} |", cell("iso"), cell("dialect"));
    }
    out
}

#[test]
fn the_readme_lists_the_commands_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the README has the mark where the list begins");
    let (list, after) = rest.split_once(END).expect("the README has the mark where the list ends");
    let rendered = render(&Table::load());
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{rendered}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(list, rendered, "UPDATE_README=1 cargo test -p card-os --features std --test table readme");
}
