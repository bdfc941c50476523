//! The files of conformance cases: any text is loaded or refused with a place in it, and what was loaded can be played.

use std::fmt::Write as _;

use card_conformance::{FreshError, ScriptError, Source, Suite, Target, Verdict, run_case};
use host_driver::TransportError;

/// Cases of one input that are played.
const MAX_CASES: usize = 8;
/// Commands that the card of a case answers.
const MAX_COMMANDS: usize = 500;
/// A list of clauses for inputs that cite one.
const CLAUSES: &str = "[[clause]]\nid = \"a\"\nedition = \"E\"\nclause = \"1\"\ntitle = \"T\"\nsource = \"S\"\n";
/// What stands between two files of one input.
const NEXT_FILE: &str = "\n#---\n";

/// A card that answers every command with itself, and after a while no more.
struct Echo {
    left: usize,
}

impl Target for Echo {
    fn fresh(&mut self, _: &str) -> Result<(), FreshError> {
        self.left = MAX_COMMANDS;
        Ok(())
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.left = self.left.checked_sub(1).ok_or(TransportError::CardGone)?;
        Ok(vec![0x3B, 0x80, 0x80, 0x01, 0x01])
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.left = self.left.checked_sub(1).ok_or(TransportError::CardGone)?;
        Ok([command.get(4..).unwrap_or_default(), &[0x90, 0x00]].concat())
    }

    fn describe(&self) -> String {
        "echo".to_owned()
    }
}

/// Loads the input as a suite of files and plays what comes out.
///
/// # Panics
/// Where the loader panics, or an error has no place in the input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let names: Vec<String> = (0..text.split(NEXT_FILE).count()).map(|number| format!("{number}.toml")).collect();
    let scripts: Vec<Source<'_>> =
        names.iter().zip(text.split(NEXT_FILE)).map(|(name, text)| Source { name, text }).collect();
    let clauses = Source { name: "clauses.toml", text: CLAUSES };
    match Suite::load(clauses, &scripts) {
        Err(error) => explained(&error, &names),
        Ok(suite) => play(&suite),
    }
    // The same text as a list of clauses.
    if let Err(error) = Suite::load(Source { name: "0.toml", text }, &[]) {
        explained(&error, &names);
    }
}

fn explained(error: &ScriptError, names: &[String]) {
    let text = error.to_string();
    assert!(names.iter().any(|name| text.contains(name.as_str())), "an error without a file: {text}");
}

fn play(suite: &Suite) {
    for case in suite.cases.iter().take(MAX_CASES) {
        let outcome = run_case(suite, case, &mut Echo { left: MAX_COMMANDS });
        assert_eq!(outcome.case, case.id);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(text, "{} {:?}", outcome.transcript, outcome.verdict);
        assert!(
            matches!(outcome.verdict, Verdict::Passed | Verdict::Failed(_)),
            "no case needs what this card does not have"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_files_pass() {
        let all: Vec<&str> = card_conformance::embedded::SCRIPTS.iter().map(|script| script.text).collect();
        check(all.join(NEXT_FILE).as_bytes());
    }

    #[test]
    fn mistakes_are_explained() {
        for text in ["[values]\na = \"zz\"", "x", "[[case]]\nid = \"a\"", "[setups.a]\nafter = [\"a\"]\nsteps = []"] {
            check(text.as_bytes());
        }
    }
}
