//! `cargo xtask release`: archives with the program, which need no toolchain to use.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo::{cargo, succeed, target_directory};
use crate::outcome::Failure;

const HELP: &str = "\
Builds the archives that people use without Rust, and tries what is in them.

Usage: cargo xtask release [static|dynamic]...    both where none is named

  static   needs nothing of the machine it runs on; cannot reach real readers (--target pcsc, readers)
  dynamic  reaches them through the system's PC/SC library; needs a C library as new as that of this machine

The static one is built with musl: on Debian and Ubuntu its compiler is in musl-tools. Archives, with the licences of
everything in them, and SHA256SUMS are written to release-files in cargo's target directory.
";

/// A build: its name, how the archive's name ends, and the C library.
const KINDS: [(&str, &str, &str); 2] = [("static", "-static", "musl"), ("dynamic", "", "gnu")];

/// What goes into an archive beside the program, where it is here: texts name each other by these paths.
const FILES: [&str; 12] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benches/README.md",
    "fuzz/README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "fixtures/README.md",
    "crates/conformance/GUIDE.md",
    "crates/card-os/ISO.md",
];

pub(crate) fn run(root: &Path, words: &[&str]) -> ExitCode {
    if words.iter().any(|word| KINDS.iter().all(|(name, ..)| name != word)) {
        print!("{HELP}");
        return ExitCode::from(u8::from(!matches!(words, ["--help" | "-h" | "help"])) * 2);
    }
    let chosen = KINDS.iter().filter(|(name, ..)| words.is_empty() || words.contains(name));
    let made: Result<Vec<String>, Failure> = chosen.map(|kind| make(root, *kind)).collect();
    match made.and_then(|archives| sums(root, &archives)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("no release: {}", failure.reason);
            ExitCode::FAILURE
        }
    }
}

/// Where archives are put.
fn place(root: &Path) -> PathBuf {
    target_directory(root).join("release-files")
}

/// Builds one archive; returns its name.
fn make(root: &Path, (_, ending, library): (&str, &str, &str)) -> Result<String, Failure> {
    let arch = std::env::consts::ARCH;
    let target = format!("{arch}-unknown-linux-{library}");
    let name = format!("cardlab-{}-{arch}-linux{ending}", env!("CARGO_PKG_VERSION"));
    if library == "musl" {
        succeed(Command::new("rustup").args(["target", "add", &target]))?;
    }
    // Not where everybody builds: the flags are different.
    let built = target_directory(root).join("release-build");
    let mut build = cargo(root, &["build", "--release", "--locked", "--package", "cardlab", "--target", &target]);
    build
        .arg("--target-dir")
        .arg(&built)
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols")
        .env("RUSTFLAGS", remapped(root));
    succeed(&mut build)?;
    let folder = place(root).join(&name);
    let packed = || -> io::Result<()> {
        // What an earlier run left; there may be nothing.
        let _ = fs::remove_dir_all(&folder);
        for sub in ["benches", "fuzz", "fixtures", "crates/conformance", "crates/card-os"] {
            fs::create_dir_all(folder.join(sub))?;
        }
        fs::copy(built.join(&target).join("release/cardlab"), folder.join("cardlab"))?;
        FILES.iter().try_for_each(|file| fs::copy(root.join(file), folder.join(file)).map(drop))
    };
    packed().map_err(|error| Failure::new(format!("cannot fill {}: {error}", folder.display())))?;
    let licences = licences(root, &target)?;
    fs::write(folder.join("THIRD-PARTY.txt"), licences)
        .map_err(|error| Failure::new(format!("cannot write the licences: {error}")))?;
    try_it(&folder)?;
    let archive = format!("{name}.tar.gz");
    // The same bytes for the same files.
    let options = [
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mtime=@0",
        "--mode=u=rwX,go=rX",
        "--use-compress-program=gzip -n9",
    ];
    succeed(Command::new("tar").args(options).args(["--create", "--file", &archive, &name]).current_dir(place(root)))?;
    Ok(archive)
}

/// Compiler flags that keep this machine's paths out of the program.
fn remapped(root: &Path) -> String {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let cargo_home = home.map(|home| format!("--remap-path-prefix={home}=/cargo ")).unwrap_or_default();
    format!("{cargo_home}--remap-path-prefix={}=.", root.display())
}

/// What is packed works, with nothing of ours around it.
fn try_it(folder: &Path) -> Result<(), Failure> {
    for words in [&["--version"][..], &["run", "--", "true"], &["conform"]] {
        succeed(Command::new("./cardlab").args(words).current_dir(folder).env_clear())?;
    }
    Ok(())
}

/// The licence texts of all that is linked in, as they stand beside the sources.
fn licences(root: &Path, target: &str) -> Result<String, Failure> {
    let words = [
        "tree",
        "--locked",
        "--package",
        "cardlab",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}\t{l}",
        "--target",
    ];
    let tree = text(cargo(root, &words).arg(target))?;
    let words = ["metadata", "--locked", "--format-version", "1", "--filter-platform"];
    let metadata = text(cargo(root, &words).arg(target))?;
    let mut lines: Vec<&str> = tree.lines().filter(|line| !line.contains(" (")).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut all =
        "The program contains the following packages, each under the licence that is named here.\n".to_owned();
    for line in lines {
        let (package, licence) = line.split_once('\t').unwrap_or((line, "?"));
        all += &format!("\n==== {package} ({licence})\n");
        let (name, version) = package.split_once(" v").unwrap_or((package, ""));
        let folder = folder_of(&metadata, name, version)
            .ok_or_else(|| Failure::new(format!("cargo does not say where {package} is")))?;
        all += &texts(&folder).map_err(|error| Failure::new(format!("cannot read {}: {error}", folder.display())))?;
    }
    Ok(all)
}

/// Where the package's sources are, by what `cargo metadata` says.
fn folder_of(metadata: &str, name: &str, version: &str) -> Option<PathBuf> {
    let end = format!("/{name}-{version}/Cargo.toml\"");
    let end = metadata.find(&end)? + end.len() - "/Cargo.toml\"".len();
    let start = metadata.get(..end)?.rfind('"')? + 1;
    metadata.get(start..end).map(PathBuf::from)
}

/// All texts in this folder that are about its licence.
fn texts(folder: &Path) -> io::Result<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file()
            && ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"].iter().any(|word| name.starts_with(word))
    };
    let texts: io::Result<Vec<String>> = files.into_iter().filter(is_licence).map(fs::read_to_string).collect();
    Ok(texts?.join("\n"))
}

fn text(command: &mut Command) -> Result<String, Failure> {
    let output = command.output().map_err(|error| Failure::new(format!("cargo did not start: {error}")))?;
    if !output.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::new("cargo did not speak UTF-8".to_owned()))
}

/// Writes the sums of all archives that were made.
fn sums(root: &Path, archives: &[String]) -> Result<(), Failure> {
    let place = place(root);
    let sums = Command::new("sha256sum").args(archives).current_dir(&place).output();
    let sums = sums.map_err(|error| Failure::new(format!("sha256sum did not start: {error}")))?;
    if !sums.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&sums.stderr).into_owned()));
    }
    print!("{}", String::from_utf8_lossy(&sums.stdout));
    fs::write(place.join("SHA256SUMS"), sums.stdout)
        .map_err(|error| Failure::new(format!("cannot write the sums: {error}")))?;
    println!("in {}", place.display());
    Ok(())
}
