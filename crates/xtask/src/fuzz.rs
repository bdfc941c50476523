//! `cargo xtask fuzz`: builds the fuzz targets on stable Rust, runs them, and keeps what they find.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::cargo::{cargo, succeed, target_directory};
use crate::outcome::Failure;

mod cover;

const HELP: &str = "\
Runs the fuzz targets of `fuzz/` with libFuzzer, on stable Rust; needs a C++ compiler.

Usage: cargo xtask fuzz [TARGET] [--seconds N]    one target, or each, for N seconds (60)
       cargo xtask fuzz repro FILE                the decoded commands of an input, and whether it passes
       cargo xtask fuzz minimize [TARGET]         merges what runs have found into fuzz/corpus/TARGET
       cargo xtask fuzz cover                     coverage of the card by corpus and conformance suite
       cargo xtask fuzz build                     only builds the targets

Targets: apdu tlv sequence power image vpcd host suite pkcs15 trace

What runs find is kept below target/fuzz-work, so that the next run goes on from there. An input that fails is copied to
fixtures/crashes/TARGET, where `cargo test -p card-fuzz` replays it. `cover` takes llvm-profdata and llvm-cov from
LLVM_PROFDATA and LLVM_COV, from Debian's llvm packages or from rustup's llvm-tools.
";

/// The targets, by the names of their programs.
const TARGETS: [&str; 10] = ["apdu", "tlv", "sequence", "power", "image", "vpcd", "host", "suite", "pkcs15", "trace"];

/// What `cargo fuzz` passes to rustc, without a sanitizer: those need nightly Rust.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1";

/// Runs what the words ask for.
pub(crate) fn run(root: &Path, words: &[&str]) -> ExitCode {
    let seconds = |word: &str| word.parse::<u32>().ok();
    let result = match *words {
        ["--help" | "-h" | "help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [] => fuzz(root, &TARGETS, 60),
        ["--seconds", word] if seconds(word).is_some() => fuzz(root, &TARGETS, seconds(word).unwrap_or(60)),
        ["build"] => build(root).map(|place| println!("the targets are in {}", place.display())),
        ["repro", file] => tool(root, &["repro", file]),
        ["minimize"] => minimize(root, &TARGETS),
        ["minimize", target] if TARGETS.contains(&target) => minimize(root, &[target]),
        ["cover"] => cover::run(root),
        [target] if TARGETS.contains(&target) => fuzz(root, &[target], 60),
        [target, "--seconds", word] if TARGETS.contains(&target) && seconds(word).is_some() => {
            fuzz(root, &[target], seconds(word).unwrap_or(60))
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("FAILED: {}", failure.reason);
            ExitCode::FAILURE
        }
    }
}

/// `card-fuzz` with these words; without libFuzzer.
fn tool(root: &Path, words: &[&str]) -> Result<(), Failure> {
    let base = ["run", "--locked", "--quiet", "--package", "card-fuzz", "--"];
    // Files are named from where cargo was started, which is where the user is.
    let here = std::env::current_dir().map_err(|error| Failure::new(format!("no current directory: {error}")))?;
    let mut command = cargo(root, &[&base[..], words].concat());
    succeed(command.current_dir(here))
}

fn work(root: &Path) -> PathBuf {
    target_directory(root).join("fuzz-work")
}

/// Makes a directory with all above it.
fn directory(path: PathBuf) -> Result<PathBuf, Failure> {
    match fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
    }
}

/// Builds all targets. Returns where the programs are.
///
/// The target is named although it is the host, so that build scripts and macros are not instrumented.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    let host = host()?;
    let place = target_directory(root).join("fuzz");
    let words = ["build", "--locked", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &host];
    let mut command = cargo(root, &words);
    command.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &place).env_remove("CARGO_ENCODED_RUSTFLAGS");
    succeed(&mut command)?;
    Ok(place.join(host).join("release"))
}

/// The machine's own target, as rustc names it.
fn host() -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).arg("-vV").output();
    let text = said.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned);
    host.ok_or_else(|| Failure::new("rustc does not say for which machine it is"))
}

fn fuzz(root: &Path, targets: &[&str], seconds: u32) -> Result<(), Failure> {
    let programs = build(root)?;
    let seeds = directory(work(root).join("seeds"))?;
    tool(root, &["seeds", &seeds.to_string_lossy()])?;
    let mut finds = 0;
    for target in targets {
        finds += one(root, &programs.join(target), target, seconds)?;
    }
    match finds {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} finds; `cargo xtask fuzz repro FILE` shows one"))),
    }
}

/// Runs one target. Returns how many inputs it failed on.
fn one(root: &Path, program: &Path, target: &str, seconds: u32) -> Result<usize, Failure> {
    let place = work(root);
    let found = directory(place.join(target))?;
    let artifacts = directory(place.join("artifacts").join(target))?;
    let mut command = Command::new(program);
    command.arg(&found);
    // Read, but not written to.
    command.args(
        [place.join("seeds").join(target), corpus(root, target), crashes(root, target)].iter().filter(|d| d.is_dir()),
    );
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.arg(format!("-dict={}", root.join("fuzz/card.dict").display()));
    command.args([&format!("-max_total_time={seconds}"), "-max_len=4096", "-timeout=25", "-rss_limit_mb=4096"]);
    command.args(["-print_final_stats=1", "-reload=0"]);
    println!("{target}: {seconds} s …");
    let log = place.join(format!("{target}.log"));
    let (passed, text) = logged(&mut command, &log)?;
    summary(target, &text);
    let finds = keep(&artifacts, &crashes(root, target))?;
    for find in &finds {
        println!("{target}: FIND {}", find.display());
    }
    if !passed && finds.is_empty() {
        return Err(Failure::new(format!("{target} ended without an input; see {}", log.display())));
    }
    Ok(finds.len())
}

fn corpus(root: &Path, target: &str) -> PathBuf {
    root.join("fuzz/corpus").join(target)
}

fn crashes(root: &Path, target: &str) -> PathBuf {
    root.join("fixtures/crashes").join(target)
}

/// Runs a program with all that it says in a file. Whether it succeeded, and the text.
fn logged(command: &mut Command, log: &Path) -> Result<(bool, String), Failure> {
    let failure = |error: std::io::Error| Failure::new(format!("{}: {error}", log.display()));
    let file = fs::File::create(log).map_err(failure)?;
    let other = file.try_clone().map_err(failure)?;
    let status = command.stdin(Stdio::null()).stdout(file).stderr(other).status();
    let status =
        status.map_err(|error| Failure::new(format!("{}: {error}", command.get_program().to_string_lossy())))?;
    let mut bytes = Vec::new();
    fs::File::open(log).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(failure)?;
    Ok((status.success(), String::from_utf8_lossy(&bytes).into_owned()))
}

/// Executions and coverage, from what libFuzzer says at its end.
fn summary(target: &str, text: &str) {
    let stat = |name: &str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map_or("?", str::trim)
    };
    let last = text.lines().rev().find(|line| line.starts_with('#') && line.contains("cov: ")).unwrap_or_default();
    let part = |name: &str| {
        let mut words = last.split_whitespace().skip_while(|word| *word != name);
        words.nth(1).unwrap_or("?").to_owned()
    };
    println!(
        "{target}: {} executions, {} a second, edges {}, features {}, inputs {}",
        stat("stat::number_of_executed_units"),
        stat("stat::average_exec_per_sec"),
        part("cov:"),
        part("ft:"),
        part("corp:"),
    );
}

/// Copies what failed to where tests replay it, under the hash that libFuzzer gave it. Returns the copies.
fn keep(artifacts: &Path, crashes: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(artifacts).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // Slow ones are worth a look but have not failed.
        let Some((kind, hash)) = name.rsplit_once('-') else { continue };
        if kind == "slow-unit" {
            continue;
        }
        let copy = directory(crashes.to_owned())?.join(hash);
        fs::copy(entry.path(), &copy).map_err(|error| Failure::new(format!("{}: {error}", copy.display())))?;
        // It has been kept; the next run reports its own.
        let _ = fs::remove_file(entry.path());
        kept.push(copy);
    }
    Ok(kept)
}

/// Merges found inputs and seeds into the corpus of each target: of all inputs, those that reach something alone.
fn minimize(root: &Path, targets: &[&str]) -> Result<(), Failure> {
    let programs = build(root)?;
    let seeds = directory(work(root).join("seeds"))?;
    tool(root, &["seeds", &seeds.to_string_lossy()])?;
    for target in targets {
        let fresh = work(root).join("merged").join(target);
        // What an interrupted merge has left.
        let _ = fs::remove_dir_all(&fresh);
        let fresh = directory(fresh)?;
        let from = [corpus(root, target), seeds.join(target), work(root).join(target)];
        let mut command = Command::new(programs.join(target));
        command.arg("-merge=1").args(["-timeout=25", "-rss_limit_mb=4096", "-max_len=8192"]).arg(&fresh);
        command.args(from.iter().filter(|place| place.is_dir()));
        command.arg(format!("-artifact_prefix={}/", work(root).display()));
        let log = work(root).join(format!("{target}-merge.log"));
        let (passed, _) = logged(&mut command, &log)?;
        if !passed {
            return Err(Failure::new(format!("{target} cannot be merged; see {}", log.display())));
        }
        let count = replace(&fresh, &corpus(root, target))?;
        println!("{target}: {count} inputs in fuzz/corpus/{target}");
    }
    Ok(())
}

/// Puts the files of one directory into another, in place of what was there.
fn replace(from: &Path, to: &Path) -> Result<usize, Failure> {
    let failure = |error: std::io::Error| Failure::new(format!("{}: {error}", to.display()));
    if to.is_dir() {
        fs::remove_dir_all(to).map_err(failure)?;
    }
    fs::create_dir_all(to).map_err(failure)?;
    let mut count = 0;
    for entry in fs::read_dir(from).map_err(failure)?.flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).map_err(failure)?;
        count += 1;
    }
    Ok(count)
}
