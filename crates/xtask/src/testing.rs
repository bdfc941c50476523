//! Running all tests and counting them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::cargo::{cargo, shown, target_directory};
use crate::outcome::{Counts, Failure, StepResult};

/// Where tests record that they were skipped; the harness itself counts them as passed.
const SKIPS: &str = "CARDLAB_SKIPS";

/// Runs the tests of all crates but the probe.
pub(crate) fn run(root: &Path) -> StepResult {
    let file = target_directory(root).join(format!("skips-{}", std::process::id()));
    fs::create_dir_all(target_directory(root))
        .map_err(|error| Failure::new(format!("no target directory: {error}")))?;
    let (mut counts, passed) = watch(root, &file)?;
    let skips = fs::read_to_string(&file).unwrap_or_default();
    if !skips.is_empty() {
        println!("\nskipped tests:\n{}", skips.trim_end().replace('\t', ": "));
        // The record has been read; a file that stays is only litter.
        let _ = fs::remove_file(&file);
    }
    let skipped = skips.lines().count();
    counts.skipped += skipped;
    counts.passed = counts.passed.saturating_sub(skipped);
    if passed {
        return Ok(counts);
    }
    // A test program that was not built or that crashed has no count of its own.
    counts.failed = counts.failed.max(1);
    Err(Failure { counts, reason: "see above".to_owned() })
}

/// Shows what the tests say and adds their results up. False where cargo reports a failure.
fn watch(root: &Path, skips: &Path) -> Result<(Counts, bool), Failure> {
    let words = ["test", "--locked", "--workspace", "--exclude", "nostd-probe", "--no-fail-fast"];
    let mut command = cargo(root, &words);
    println!("$ {}", shown(&command));
    let mut tests = command
        .env(SKIPS, skips)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("cargo did not start: {error}")))?;
    let mut counts = Counts::default();
    for line in tests.stdout.take().into_iter().flat_map(|out| BufReader::new(out).split(b'\n')) {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(more) = parse_result(&line) {
            counts.passed += more.passed;
            counts.failed += more.failed;
            counts.skipped += more.skipped;
        }
    }
    let status = tests.wait().map_err(|error| Failure::new(format!("cargo was lost: {error}")))?;
    Ok((counts, status.success()))
}

/// What a line like `test result: ok. 3 passed; 0 failed; 1 ignored; ...` says.
fn parse_result(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let part = rest.split("; ").find_map(|part| part.strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some(Counts { passed: number(" passed")?, failed: number(" failed")?, skipped: number(" ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read() {
        let line = "test result: ok. 31 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 5.87s";
        assert_eq!(parse_result(line), Some(Counts { passed: 31, failed: 0, skipped: 2 }));
        let line = "test result: FAILED. 1 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(parse_result(line), Some(Counts { passed: 1, failed: 4, skipped: 0 }));
    }

    #[test]
    fn other_lines_are_not() {
        for line in ["", "test a ... ok", "running 31 tests", "test result: ok", "test result: ok. x passed; 0 failed"]
        {
            assert_eq!(parse_result(line), None, "{line}");
        }
    }
}
