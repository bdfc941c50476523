//! What may stand at the top level of the repository.

use std::path::Path;

/// Everything that may. What git ignores may as well.
const ALLOWED: &[&str] = &[
    ".cargo",
    ".ci",
    ".config",
    ".git",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "benches",
    "clippy.toml",
    "crates",
    "deny.toml",
    "fixtures",
    "fuzz",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "target",
];

/// Names at the top level that nobody has agreed to.
pub(crate) fn strangers(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !ALLOWED.contains(&name.as_str()) && !name.ends_with(".profraw")).collect()
}
