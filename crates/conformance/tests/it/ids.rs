//! The lists of ids that tests are made of are the suite, and a script alone has the cases that all together have.

use std::fmt::Write as _;
use std::path::Path;

use card_conformance::suite_tests::suite_of;
use card_conformance::{Case, Suite};

use crate::cards::suite;

/// Columns of a line of ids.
const WIDTH: usize = 118;

/// The list of one preset as Rust source.
fn list(suite: &Suite, preset: &str) -> String {
    let mut text = format!(
        "//! Made by `UPDATE_IDS=1 cargo test -p card-conformance --test it ids`: the cases of preset {preset}.\n\n\
         #[doc(hidden)]\n#[macro_export]\n#[rustfmt::skip]\nmacro_rules! __suite_ids_{preset} {{\n    ($play:ident) => {{\n        \
         $crate::__suite_tests_of! {{ $play;\n"
    );
    let cases: Vec<&Case> = suite.cases.iter().filter(|case| case.preset == preset).collect();
    for of_file in cases.chunk_by(|one, other| one.file == other.file) {
        let mut line = format!("            \"{}\":", of_file[0].file);
        for case in of_file {
            let name = case.id.replace('-', "_");
            if line.len() + 1 + name.len() > WIDTH {
                writeln!(text, "{line}").unwrap();
                line = " ".repeat(15);
            }
            write!(line, " {name}").unwrap();
        }
        writeln!(text, "{line};").unwrap();
    }
    text + "        }\n    };\n}\n"
}

#[test]
fn the_lists_of_ids_are_the_suite() {
    let suite = suite();
    let presets = ["isoapplet", "certificate", "iso", "tight"];
    assert!(suite.cases.iter().all(|case| presets.contains(&case.preset.as_str())), "a preset without a list");
    for preset in presets {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/embedded/ids/{preset}.rs"));
        let wanted = list(&suite, preset);
        if std::env::var_os("UPDATE_IDS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let is = std::fs::read_to_string(&path).unwrap();
        assert!(is == wanted, "{} is old: UPDATE_IDS=1 cargo test -p card-conformance --test it ids", path.display());
        assert!(wanted.lines().count() < 500, "{preset}: {} lines", wanted.lines().count());
    }
}

#[test]
fn a_script_alone_has_the_same_cases() {
    let whole = suite();
    for case in &whole.cases {
        let part = suite_of(&case.file).unwrap();
        assert_eq!(format!("{:?}", part.case(&case.id)), format!("{:?}", Some(case)));
        assert_eq!(part.values, whole.values, "{}", case.file);
    }
    assert!(suite_of("none.toml").is_none());
}
