//! The steps, in the order in which `test` takes them.

use std::path::Path;
use std::process::Command;

use crate::cargo::{cargo, succeed, succeed_all, target_directory};
use crate::outcome::{Counts, Failure, StepResult};
use crate::{testing, tidy};

/// One thing that can be checked.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Whether it is of use to install programs first.
    pub(crate) needs_programs: bool,
    pub(crate) run: fn(&Path) -> StepResult,
}

const fn step(name: &'static str, what: &'static str, run: fn(&Path) -> StepResult) -> Step {
    Step { name, what, needs_programs: false, run }
}

/// All of them.
pub(crate) const STEPS: &[Step] = &[
    step("fmt", "the code is formatted", fmt),
    step("tidy", "top level, file lengths, unsafe code and module docs are as agreed", tidy::run),
    step("lint", "clippy has nothing to say", lint),
    step("build", "crates build with and without their features", build),
    step("nostd", "the card runs without std", nostd),
    Step { needs_programs: true, ..step("fuzz-check", "the fuzz targets compile", fuzz_check) },
    Step { needs_programs: true, ..step("test-only", "all tests pass", testing::run) },
    step("doc", "the documentation builds without a warning", doc),
];

/// Has its own panic handler, so it is never built together with crates that need std.
const PROBE: &str = "nostd-probe";

/// Turned into errors besides the workspace's own table. A longer function says why with `#[expect]`.
const DENIED: [&str; 5] = ["--", "-D", "warnings", "-D", "clippy::too_many_lines"];

fn fmt(root: &Path) -> StepResult {
    let fuzz = ["fmt", "--all", "--check", "--manifest-path", "fuzz/Cargo.toml"];
    succeed_all([cargo(root, &["fmt", "--all", "--check"]), cargo(root, &fuzz)])
}

/// A clippy run with everything denied.
fn clippy(root: &Path, words: &[&str]) -> Command {
    let mut command = cargo(root, &["clippy", "--locked"]);
    command.args(words).args(DENIED);
    command
}

fn lint(root: &Path) -> StepResult {
    succeed_all([
        clippy(root, &["--workspace", "--exclude", PROBE, "--all-targets"]),
        clippy(root, &["--package", PROBE, "--profile", "nostd"]),
    ])
}

/// With clippy, which compiles the same and also sees what is unused without a feature.
fn build(root: &Path) -> StepResult {
    let card: &[&[&str]] = &[&["--no-default-features"], &[], &["--all-features"]];
    let host: &[&[&str]] = &[
        &["--no-default-features"],
        &["--no-default-features", "--features", "in-process"],
        &["--no-default-features", "--features", "vpcd"],
        &["--no-default-features", "--features", "pcsc"],
        &["--all-features"],
    ];
    let card = card.iter().map(|features| ("card-os", features));
    let host = host.iter().map(|features| ("host-driver", features));
    let mut commands: Vec<_> = card
        .chain(host)
        .map(|(package, features)| clippy(root, &[&["--package", package], *features].concat()))
        .collect();
    commands.push(cargo(root, &["build", "--locked", "--package", "cardlab"]));
    succeed_all(commands)
}

fn nostd(root: &Path) -> StepResult {
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        println!("SKIPPED: the probe speaks to Linux on x86_64 or aarch64 directly");
        return Ok(Counts { skipped: 1, ..Counts::default() });
    }
    succeed(&mut cargo(root, &["build", "--locked", "--package", PROBE, "--profile", "nostd"]))?;
    let probe = target_directory(root).join("nostd").join(PROBE);
    succeed(&mut Command::new(probe)).map(|()| Counts { passed: 1, ..Counts::default() })
}

fn fuzz_check(root: &Path) -> StepResult {
    if !root.join("fuzz/Cargo.toml").is_file() {
        return Err(Failure::new("there is no fuzz/Cargo.toml"));
    }
    // Its own target directory: with other flags it would rebuild what the workspace has built.
    let mut command = cargo(root, &["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    command.env("CARGO_TARGET_DIR", target_directory(root).join("fuzz-check"));
    succeed_all([command])
}

fn doc(root: &Path) -> StepResult {
    let mut command = cargo(root, &["doc", "--locked", "--no-deps", "--workspace", "--exclude", PROBE]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    succeed_all([command])
}
