//! `cargo xtask`: what CI and people run. `cargo xtask --help` lists the steps.
//!
//! Only the standard library, so that it is built in a second.
#![forbid(unsafe_code)]

mod cargo;
mod fuzz;
mod layout;
mod mutants;
mod outcome;
mod release;
mod steps;
mod system;
mod testing;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use outcome::Outcomes;
use steps::{STEPS, Step};

const HELP: &str = "\
Checks the whole workspace, or one thing in it.

Usage: cargo xtask test [--no-install]    everything below, in this order
       cargo xtask fuzz ...               the fuzz targets; see cargo xtask fuzz --help
       cargo xtask mutants ...            the suite against broken cards; see cargo xtask mutants --help
       cargo xtask release ...            archives to use without Rust; see cargo xtask release --help
       cargo xtask STEP                   one step:

";

const HELP_END: &str = "
`test` and `test-only` first install the programs that tests need (Debian and Ubuntu, as root or with sudo that
asks nothing); --no-install only says what is missing. A test without its reader is skipped and counted, or fails
where CARDLAB_NO_SKIP=1. The last line is `N passed, N failed, N skipped`; a failed step counts as one failure.

Examples:
  cargo xtask test
  cargo xtask lint
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["fuzz", rest @ ..] = &words[..] {
        return fuzz::run(&root(), rest);
    }
    if let ["mutants", rest @ ..] = &words[..] {
        return mutants::run(&root(), rest);
    }
    if let ["release", rest @ ..] = &words[..] {
        return release::run(&root(), rest);
    }
    let (chosen, install) = match words[..] {
        ["test"] => (STEPS, true),
        ["test", "--no-install"] => (STEPS, false),
        [name] | [name, "--no-install"] => match STEPS.iter().position(|step| step.name == name) {
            Some(at) => (&STEPS[at..=at], words.len() == 1),
            None => return usage(name),
        },
        _ => return usage(""),
    };
    run(chosen, install)
}

fn usage(word: &str) -> ExitCode {
    let steps: String = STEPS.iter().map(|step| format!("  {:<12}{}\n", step.name, step.what)).collect();
    if matches!(word, "--help" | "-h" | "help") {
        print!("{HELP}{steps}{HELP_END}");
        return ExitCode::SUCCESS;
    }
    eprint!("{HELP}{steps}");
    ExitCode::from(2)
}

fn run(chosen: &[Step], install: bool) -> ExitCode {
    let mut outcomes = Outcomes::default();
    if chosen.iter().any(|step| step.needs_programs) {
        outcomes.heading("programs that the tests need");
        system::provide(install);
    }
    for step in chosen {
        outcomes.run(step, &root());
    }
    outcomes.report()
}

/// The root of the workspace: this crate's grandparent, wherever the command was started.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/xtask is two levels below the root").to_owned()
}
