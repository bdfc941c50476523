//! Rules of the house that no compiler checks. Function lengths are clippy's.

use std::fs;
use std::path::{Path, PathBuf};

use crate::layout::strangers;
use crate::outcome::{Counts, Failure, StepResult};

/// Lines of a file without its unit tests.
const LONGEST_FILE: usize = 600;
/// The line with which a longer file says why.
const LONG_FILE: &str = "// Long file: ";
/// The crates that may contain unsafe code: foreign functions, an allocator, a program without a runtime.
const UNSAFE_CRATES: [&str; 4] = ["counting-alloc", "nostd-probe", "pcsc-runtime", "rsa-host"];

/// Checks all rules and prints each breach.
pub(crate) fn run(root: &Path) -> StepResult {
    let mut breaches: Vec<String> =
        strangers(root).iter().map(|name| format!("{name}: does not belong at the top level")).collect();
    for place in ["crates", "benches", "fuzz"] {
        for file in sources(&root.join(place)) {
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            match fs::read_to_string(&file) {
                Ok(text) => breaches.extend(check(&name, &text).into_iter().map(|breach| format!("{name}: {breach}"))),
                Err(error) => breaches.push(format!("{name}: {error}")),
            }
        }
    }
    for breach in &breaches {
        println!("{breach}");
    }
    match breaches.len() {
        0 => Ok(Counts::default()),
        count => Err(Failure::new(format!("{count} breaches of the rules in CONTRIBUTING.md"))),
    }
}

/// All Rust files below a directory, but none that a build has written.
fn sources(place: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut places = vec![place.to_owned()];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && entry.file_name() != "target" {
                places.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// What is wrong with one file.
fn check(name: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let length = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
    if length > LONGEST_FILE && !text.contains(LONG_FILE) {
        breaches.push(format!("{length} lines; split it, or say why in a line `{LONG_FILE}...`"));
    }
    if text.lines().any(|line| line.trim_start().starts_with("#[ignore")) {
        breaches.push("an ignored test; let it skip with testkit::require_or_skip".to_owned());
    }
    if name.contains("/src/") && !text.starts_with("//!") {
        breaches.push("does not begin with what the module is for (`//!`)".to_owned());
    }
    let part: Vec<&str> = name.split('/').collect();
    if let ["crates", of, "src", "lib.rs" | "main.rs"] = part[..]
        && !UNSAFE_CRATES.contains(&of)
        && !text.contains("#![forbid(unsafe_code)]")
    {
        breaches.push("does not forbid unsafe code".to_owned());
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "//! For a test.\n#![forbid(unsafe_code)]\n";

    #[test]
    fn a_good_file_passes() {
        assert_eq!(check("crates/wire/src/lib.rs", GOOD), [""; 0]);
    }

    #[test]
    fn each_breach_is_found() {
        assert_eq!(check("crates/wire/src/lib.rs", "//! For a test.\n").len(), 1);
        assert_eq!(check("crates/rsa-host/src/lib.rs", "//! For a test.\n").len(), 0);
        assert_eq!(check("crates/wire/src/apdu.rs", "use core::fmt;\n").len(), 1);
        assert_eq!(check("crates/wire/tests/it/main.rs", "    #[ignore = \"later\"]\n").len(), 1);
    }

    #[test]
    fn a_long_file_says_why() {
        let long = "//! For a test.\n".to_owned() + &"x\n".repeat(600);
        assert_eq!(check("crates/wire/src/apdu.rs", &long).len(), 1);
        assert_eq!(check("crates/wire/src/apdu.rs", &(long.clone() + "// Long file: a table.\n")), [""; 0]);
        let tested = "//! For a test.\n#[cfg(test)]\n".to_owned() + &long;
        assert_eq!(check("crates/wire/src/apdu.rs", &tested), [""; 0]);
    }
}
