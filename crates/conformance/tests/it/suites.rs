//! Suites in folders of their own.

use std::fs;
use std::path::Path;

use card_conformance::suite::{SuiteError, from_dir, from_dirs};
use card_conformance::tags::Tag;
use card_conformance::{InProcessTarget, embedded, run_case};

use crate::cards::blank;

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

fn case(id: &str, clause: &str, steps: &str) -> String {
    format!(
        "[[case]]\nid = \"{id}\"\ntitle = \"t\"\nclause = \"{clause}\"\npreset = \"isoapplet\"\nsteps = [{steps}]\n"
    )
}

#[test]
fn the_example_passes() {
    let dir = tempfile::tempdir().unwrap();
    for source in embedded::EXAMPLE {
        write(dir.path(), source.name, source.text);
    }
    let (suite, files) = from_dir(dir.path()).unwrap();
    assert_eq!(suite.cases.len(), 3);
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["_shared.toml", "clauses.toml", "example.toml"]);
    assert_eq!(files[2].digest().sha256, card_conformance::report::json::sha256(embedded::EXAMPLE[2].text.as_bytes()));
    for case in &suite.cases {
        let outcome = run_case(&suite, case, &mut InProcessTarget::new(blank));
        assert!(outcome.verdict.is_passed(), "{:?}", outcome.verdict);
        assert!(!case.requirements.is_empty());
    }
    let example = suite.case("example-file").unwrap();
    assert!(example.tags.contains(&Tag::Writes) && !example.teardown.is_empty());
}

#[test]
fn a_suite_uses_what_is_built_in_and_defines_it_anew() {
    let dir = tempfile::tempdir().unwrap();
    let steps = "{ check = \"${pin} ${puk}\", data = \"31 30313233343536373839616263646566\" }";
    write(dir.path(), "a.toml", &case("a", "own-clause", steps));
    // Loaded before, because of its name.
    write(dir.path(), "_z.toml", "[values]\npin = \"31\"\n[setups.v0]\nsteps = []\n");
    let clause = "[[clause]]\nid = \"own-clause\"\nedition = \"e\"\nclause = \"1\"\ntitle = \"t\"\nsource = \"s\"\n";
    write(dir.path(), "clauses.toml", clause);
    write(dir.path(), "notes.txt", "not a script");
    let (suite, _) = from_dir(dir.path()).unwrap();
    assert_eq!(suite.cases.len(), 1);
    assert!(run_case(&suite, &suite.cases[0], &mut InProcessTarget::new(blank)).verdict.is_passed());
    assert!(suite.clauses.len() > 1);
    // Once more is once too often.
    write(dir.path(), "b.toml", "[values]\npin = \"32\"\n");
    assert!(from_dir(dir.path()).unwrap_err().to_string().contains("b.toml:2:1: `pin` is defined twice"));
}

#[test]
fn several_folders_are_one_suite() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let paths = dirs.each_ref().map(|dir| dir.path().to_owned());
    write(&paths[0], "a.toml", &case("a", "unsourced", "{ check = \"${shared}\" }"));
    write(&paths[1], "_a.toml", "[values]\nshared = \"00\"\n");
    write(&paths[1], "a.toml", &case("b", "unsourced", "{ reset = true }"));
    let (suite, files) = from_dirs(&paths).unwrap();
    assert_eq!((suite.cases.len(), files.len()), (2, 3));
    assert_eq!(files[0].name, paths[0].join("a.toml").display().to_string());
    write(&paths[1], "a.toml", &case("a", "unsourced", "{ reset = true }"));
    assert!(from_dirs(&paths).unwrap_err().to_string().contains("`a` is defined twice"));
}

#[test]
fn mistakes_come_with_the_text_of_their_file() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(from_dir(dir.path()), Err(SuiteError::Empty(_))));
    let text = case("a", "unsourced", "{ reset = true, stauts = \"9000\" }");
    write(dir.path(), "a.toml", &text);
    match from_dir(dir.path()) {
        Err(SuiteError::Script { error, text: told }) => {
            assert_eq!((error.line, error.column, told), (6, 26, text));
            assert!(error.to_string().contains("unknown field `stauts`"), "{error}");
            assert!(error.to_string().ends_with("is `status` meant?"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    fs::write(dir.path().join("a.toml"), [0xFF, 0xFE]).unwrap();
    assert!(matches!(from_dir(dir.path()), Err(SuiteError::Read { .. })));
    assert!(matches!(from_dir(&dir.path().join("none")), Err(SuiteError::Read { .. })));
}
