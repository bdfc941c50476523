//! Which lines and regions of the card the corpus and the conformance suite reach.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{directory, work};
use crate::cargo::{cargo, succeed, target_directory};
use crate::outcome::Failure;

/// What the figures are about.
const CARD: &str = "crates/card-os/src";

/// Builds `card-fuzz` with counters, replays everything and prints the table.
pub(super) fn run(root: &Path) -> Result<(), Failure> {
    let profdata = llvm("LLVM_PROFDATA", "llvm-profdata")?;
    let cov = llvm("LLVM_COV", "llvm-cov")?;
    let place = target_directory(root).join("fuzz-cover");
    let raw = directory(work(root).join("profiles"))?;
    let mut build = cargo(root, &["build", "--locked", "--package", "card-fuzz"]);
    build.env("RUSTFLAGS", "-Cinstrument-coverage").env("CARGO_TARGET_DIR", &place);
    // Build scripts are instrumented as well, and would write their counts where they run.
    build.env("LLVM_PROFILE_FILE", raw.join("build-%p.ignored")).env_remove("CARGO_ENCODED_RUSTFLAGS");
    succeed(&mut build)?;
    let program = place.join("debug/card-fuzz");
    let counted = |name: &str, words: &[&str]| {
        let mut command = Command::new(&program);
        command.args(words).current_dir(root).env("LLVM_PROFILE_FILE", raw.join(name));
        succeed(&mut command).map(|()| raw.join(name))
    };
    let corpus = counted("corpus.profraw", &["replay", "fuzz/corpus", "fixtures/crashes"])?;
    let suite = counted("suite.profraw", &["suite"])?;
    let merged = raw.join("merged.profdata");
    succeed(Command::new(profdata).args(["merge", "-sparse", "-o"]).arg(&merged).args([corpus, suite]))?;
    let profile = format!("-instr-profile={}", merged.display());
    succeed(Command::new(cov).arg("report").arg(&program).arg(profile).arg("-sources").arg(root.join(CARD)))
}

/// A tool of LLVM: from the environment, from Debian's packages, newest first, or from rustup's component.
fn llvm(variable: &str, name: &str) -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let plain = std::iter::once(name.to_owned());
    let versions = (19..23).rev().map(|version| format!("{name}-{version}"));
    let works = |program: &Path| Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    let names = versions.chain(plain).map(PathBuf::from);
    let component = sysroot().into_iter().map(|root| root.join("bin").join(name));
    let found = component.chain(names).find(|program| works(program));
    found.ok_or_else(|| Failure::new(format!("no {name}: apt-get install llvm-19, or rustup component add llvm-tools")))
}

/// Where rustup keeps the tools of this toolchain.
fn sysroot() -> Option<PathBuf> {
    let said = Command::new("rustc").args(["--print", "target-libdir"]).output().ok()?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&said.stdout).trim());
    libraries.parent().map(Path::to_owned)
}
