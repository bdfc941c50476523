//! `cargo xtask mutants`: breaks the card in a sample of places and tells which of them the conformance suite finds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use crate::cargo::{cargo, shown, succeed, target_directory};
use crate::outcome::Failure;

const HELP: &str = "\
Breaks the card in a sample of places, one at a time, and plays the conformance suite to each; needs cargo-mutants.

Usage: cargo xtask mutants [--seed N] [--sample N]    a sample of N mutants (240), drawn by the seed (1)
       cargo xtask mutants --only FILE                the mutants that the file names, one a line
       cargo xtask mutants list [--seed N] [--sample N]    only names them

A mutant is caught where a case of the suite fails on it, or where it hangs. What was found is in
target/mutants-result.txt, each mutant's difference in target/mutants-work/mutants.out/diff.
crates/conformance/MUTANTS.md says why each survivor of the last run is one.
";

/// Where the code is that decides about PINs, access and commands: files, and directories with all in them.
const SCOPE: [&str; 11] = [
    "card.rs",
    "commands/",
    "fs/",
    "keys.rs",
    "link.rs",
    "pin.rs",
    "reference.rs",
    "reference/",
    "reply.rs",
    "rules.rs",
    "session.rs",
];
const SOURCES: &str = "crates/card-os/src/";

/// Parts of names of mutants that are not drawn, each with the reason.
const LEFT_OUT: [(&str, &str); 5] = [
    ("fmt::Debug", "what a program prints, no command"),
    ("fmt::Display", "what a program prints, no command"),
    ("Card<P>::create", "makes a memory, no command"),
    ("Card<P>::open", "judges a memory, no command"),
    ("Card<P>::fork", "copies a card for tests, no command"),
];

/// What is asked for.
struct Wanted<'w> {
    seed: u64,
    sample: usize,
    only: Option<&'w str>,
    lists: bool,
}

impl<'w> Wanted<'w> {
    fn parse(words: &[&'w str]) -> Option<Self> {
        let mut wanted = Self { seed: 1, sample: 240, only: None, lists: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "list" => wanted.lists = true,
                "--seed" => wanted.seed = words.next()?.parse().ok()?,
                "--sample" => wanted.sample = words.next()?.parse().ok()?,
                "--only" => wanted.only = Some(words.next()?),
                _ => return None,
            }
        }
        Some(wanted)
    }
}

/// Runs what the words ask for.
pub(crate) fn run(root: &Path, words: &[&str]) -> ExitCode {
    if let ["--help" | "-h" | "help"] = words {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let Some(wanted) = Wanted::parse(words) else {
        eprint!("{HELP}");
        return ExitCode::from(2);
    };
    match hunt(root, &wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("FAILED: {}", failure.reason);
            ExitCode::FAILURE
        }
    }
}

fn hunt(root: &Path, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let all = listed(root)?;
    let chosen = match wanted.only {
        Some(file) => {
            let here = fs::read_to_string(file).map_err(|error| Failure::new(format!("{file}: {error}")))?;
            here.lines().filter(|line| all.iter().any(|name| name == line)).map(str::to_owned).collect()
        }
        None => sample(all.clone(), wanted.seed, wanted.sample),
    };
    if wanted.lists {
        chosen.iter().for_each(|name| println!("{name}"));
        return Ok(());
    }
    let work = target_directory(root).join("mutants-work");
    fs::create_dir_all(&work).map_err(|error| Failure::new(format!("{}: {error}", work.display())))?;
    clean(root)?;
    let whole = ["test", "--locked", "--profile", "mutants", "--package", "card-conformance", "--test", "whole"];
    succeed(cargo(root, &whole).env("CARGO_TARGET_DIR", build_directory(root)).env("CARGO_INCREMENTAL", "1"))?;
    play(root, &work, &chosen)?;
    report(root, &work.join("mutants.out"), &chosen, all.len(), wanted)
}

/// The names of all mutants of the scope.
fn listed(root: &Path) -> Result<Vec<String>, Failure> {
    let mut command = cargo(root, &["mutants", "--no-config", "--list", "--package", "card-os"]);
    let Output { status, stdout, .. } = command.output().map_err(|error| Failure::new(error.to_string()))?;
    if !status.success() {
        return Err(Failure::new(format!("`{}` failed; is cargo-mutants installed?", shown(&command))));
    }
    let names = String::from_utf8_lossy(&stdout).lines().filter(|name| is_in_scope(name)).map(str::to_owned).collect();
    Ok(names)
}

fn is_in_scope(name: &str) -> bool {
    let Some(place) = name.strip_prefix(SOURCES) else { return false };
    let in_scope = SCOPE.iter().any(|part| {
        let rest = place.strip_prefix(part);
        rest.is_some_and(|rest| part.ends_with('/') || rest.starts_with(':'))
    });
    in_scope && !LEFT_OUT.iter().any(|(part, _)| name.contains(part))
}

/// So many of the names, always the same ones for one seed. A name that comes or goes moves no other.
fn sample(mut names: Vec<String>, seed: u64, count: usize) -> Vec<String> {
    names.sort_by_cached_key(|name| (mixed(&format!("{seed}:{name}")), name.clone()));
    names.truncate(count);
    names
}

/// FNV-1a, and the last steps of SplitMix64 to spread it.
fn mixed(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    let mut z = hash.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Where the copies that cargo-mutants makes are built: nobody else, so that no broken card is ever taken for the card.
fn build_directory(root: &Path) -> PathBuf {
    target_directory(root).join("mutants-build")
}

/// Throws away what the last run has left there of our own crates: its last mutant. Other people's stay built.
fn clean(root: &Path) -> Result<(), Failure> {
    let packages = ["card-os", "card-wire", "card-conformance", "host-driver", "ready-keys"];
    let mut command = cargo(root, &["clean", "--locked", "--profile", "mutants"]);
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    succeed(command.env("CARGO_TARGET_DIR", build_directory(root)))
}

/// Plays the suite to each of the mutants.
fn play(root: &Path, work: &Path, chosen: &[String]) -> Result<(), Failure> {
    let mut command = cargo(root, &["mutants", "--no-config", "--package", "card-os", "--no-shuffle"]);
    command.args(["--test-package", "card-conformance", "--cargo-arg=--test=whole", "--profile", "mutants"]);
    command.args(["--baseline", "skip", "--timeout", "60", "--jobs", "1", "--output"]).arg(work);
    let files: BTreeSet<&str> = chosen.iter().filter_map(|name| name.split(':').next()).collect();
    command.args(files.iter().flat_map(|file| ["--file", file]));
    command.args(chosen.iter().flat_map(|name| ["--re".to_owned(), format!("^{}$", escaped(name))]));
    command.env("CARGO_TARGET_DIR", build_directory(root)).env("CARGO_INCREMENTAL", "1");
    println!("$ cargo mutants … ({} mutants)", chosen.len());
    ended(&mut command)
}

/// cargo-mutants ends with 2 or 3 where mutants were missed or hung.
fn ended(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| Failure::new(error.to_string()))?;
    match status.code() {
        Some(0 | 2 | 3) => Ok(()),
        _ => Err(Failure::new(format!("cargo mutants ended with {status}"))),
    }
}

/// A regular expression that means this text.
fn escaped(text: &str) -> String {
    let mut expression = String::new();
    for character in text.chars() {
        if character.is_ascii_punctuation()
            && !matches!(character, '_' | '/' | ':' | '<' | '>' | '\'' | ',' | '=' | '!')
        {
            expression.push('\\');
        }
        expression.push(character);
    }
    expression
}

/// Counts what came of the mutants, says it and writes it down.
fn report(root: &Path, out: &Path, chosen: &[String], of: usize, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let named = |list: &str| -> Vec<String> {
        let text = fs::read_to_string(out.join(list)).unwrap_or_default();
        text.lines().filter(|line| chosen.iter().any(|name| name == line)).map(str::to_owned).collect()
    };
    let [caught, hung, missed, unviable] = ["caught.txt", "timeout.txt", "missed.txt", "unviable.txt"].map(named);
    let found = caught.len() + hung.len();
    let viable = found + missed.len();
    let drawn = match wanted.only {
        Some(file) => format!("{} of the file {file}", chosen.len()),
        None => format!("{} of {of}, seed {}", chosen.len(), wanted.seed),
    };
    let mut text = format!(
        "{drawn}: {} caught, {} hung, {} missed, {} not built; {:.1} % of {viable} found\n",
        caught.len(),
        hung.len(),
        missed.len(),
        unviable.len(),
        100.0 * found as f64 / viable.max(1) as f64,
    );
    print!("{text}");
    for (heading, names) in [("missed", &missed), ("hung", &hung)] {
        text.push_str(&format!("\n{heading}:\n{}\n", names.join("\n")));
    }
    let place = target_directory(root).join("mutants-result.txt");
    fs::write(&place, text).map_err(|error| Failure::new(format!("{}: {error}", place.display())))?;
    println!("the survivors are in {}", place.display());
    if viable + unviable.len() == chosen.len() { Ok(()) } else { Err(Failure::new("some mutants were not played")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_whatever_else_there_is() {
        let names: Vec<String> = (0..100).map(|number| format!("mutant {number}")).collect();
        let few = sample(names.clone(), 1, 10);
        assert_eq!(few, sample(names.iter().rev().cloned().collect(), 1, 10));
        assert_ne!(few, sample(names.clone(), 2, 10));
        let without: Vec<String> = names.into_iter().filter(|name| few.contains(name) || name.len() < 9).collect();
        assert_eq!(few, sample(without, 1, 10));
    }

    #[test]
    fn the_scope_is_what_decides() {
        assert!(is_in_scope("crates/card-os/src/commands/iso/pin.rs:29:15: replace & with ^ in x"));
        assert!(is_in_scope("crates/card-os/src/pin.rs:1:1: x"));
        assert!(!is_in_scope("crates/card-os/src/nvm/store.rs:1:1: x"));
        assert!(!is_in_scope("crates/card-os/src/card.rs:1:1: replace Card<P>::fork -> Self with Default::default()"));
    }

    #[test]
    fn an_expression_means_the_name() {
        assert_eq!(escaped("a.rs:1: replace || with (x) in A<'_>"), "a\\.rs:1: replace \\|\\| with \\(x\\) in A<'_>");
    }
}
