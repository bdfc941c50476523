//! `card-fuzz`: seeds for the fuzz targets, a look into their inputs, and how fast they are.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use card_conformance::{FreshError, InProcessTarget, Suite, run_case};
use card_os::preset::Preset;
use card_os::sim::{SimCard, SoftRsa};
use card_wire::Icc;

use card_fuzz::sequence::Sequence;
use card_fuzz::{import, listing, seeds, speed, targets};

const HELP: &str = "\
What the fuzz targets need besides a fuzzer.

Usage: card-fuzz seeds DIR                          seeds from the conformance cases and fixtures, below DIR
       card-fuzz import [--choice N] DIR FILE...    files of hex commands, one a line, as sequences in DIR
       card-fuzz repro [--target NAME] FILE         an input decoded, and whether the target's check passes
       card-fuzz replay DIR...                      every input below TARGET directories in DIR
       card-fuzz suite                              plays the conformance suite with real RSA
       card-fuzz speed [--seconds N] [DIR]          commands a second through the sequence target

The target of a file is the name of its directory unless --target says it. In files of commands a blank line is
a reset and # begins a comment.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["--help" | "-h" | "help"] => {
            print!("{HELP}");
            Ok(true)
        }
        ["seeds", directory] => make_seeds(Path::new(directory)),
        ["import", "--choice", choice, directory, ref files @ ..] if !files.is_empty() => {
            number(choice).and_then(|choice| {
                let choice = u8::try_from(choice).map_err(|_| format!("--choice {choice}: 0 to 255"))?;
                import_files(choice, directory, files)
            })
        }
        ["import", directory, ref files @ ..] if !files.is_empty() => import_files(0, directory, files),
        ["repro", "--target", target, file] => repro(Some(target), Path::new(file)),
        ["repro", file] => repro(None, Path::new(file)),
        ["replay", ref directories @ ..] if !directories.is_empty() => replay(directories),
        ["suite"] => suite(),
        ["speed", "--seconds", seconds, ref corpus @ ..] if corpus.len() < 2 => {
            number(seconds).and_then(|seconds| measure(seconds, corpus.first().copied()))
        }
        ["speed", ref corpus @ ..] if corpus.len() < 2 => measure(3, corpus.first().copied()),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("card-fuzz: {message}");
            ExitCode::from(2)
        }
    }
}

type Done = Result<bool, String>;

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("`{word}` is not a number"))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn make_seeds(directory: &Path) -> Done {
    let count = seeds::write(directory).map_err(|error| error.to_string())?;
    println!("{count} seeds in {}", directory.display());
    Ok(true)
}

fn import_files(choice: u8, directory: &str, files: &[&str]) -> Done {
    let directory = Path::new(directory);
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    for file in files {
        let text = read(Path::new(file))?;
        let text = String::from_utf8_lossy(&text);
        let sequence = import::sequence(choice, &text).map_err(|error| format!("{file}: {error}"))?;
        let bytes = sequence.encode();
        let path = directory.join(seeds::name(&bytes));
        fs::write(&path, &bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{file}: {} commands in {}", sequence.commands().count(), path.display());
    }
    Ok(true)
}

/// The target whose directory the file is in.
fn target_of(file: &Path) -> Option<targets::Target> {
    let directory = file.parent()?.file_name()?.to_str()?;
    targets::named(directory)
}

fn repro(target: Option<&str>, file: &Path) -> Done {
    let bytes = read(file)?;
    let target = match target {
        Some(name) => Some(targets::named(name).ok_or_else(|| format!("there is no target `{name}`"))?),
        None => target_of(file),
    };
    let (name, check) =
        target.ok_or("which target? The file's directory does not tell; say --target NAME".to_owned())?;
    match (name, Sequence::parse(&bytes)) {
        ("sequence" | "power", Some(sequence)) => print!("{}", listing::sequence(&sequence, name == "power")),
        ("host", Some(sequence)) => {
            println!("first byte {:02X}; answers:", sequence.choice);
            sequence.commands().for_each(|lie| println!("  {}", hex::encode_upper(lie)));
        }
        ("apdu", _) => println!("{}", listing::command(&bytes)),
        ("suite", _) => println!("{}", String::from_utf8_lossy(&bytes)),
        _ => println!("{} bytes: {}", bytes.len(), hex::encode_upper(&bytes)),
    }
    // What the check has to say, it says itself, on standard error.
    let passed = std::panic::catch_unwind(|| check(&bytes)).is_ok();
    println!("{name}: {}", if passed { "passes" } else { "FAILS" });
    Ok(passed)
}

fn replay(directories: &[&str]) -> Done {
    let (mut all, mut inputs) = (true, 0);
    for directory in directories {
        for (name, check) in targets::ALL {
            let files = files(&Path::new(directory).join(name));
            let mut failed = 0_usize;
            for file in &files {
                let bytes = read(file)?;
                if std::panic::catch_unwind(|| check(&bytes)).is_err() {
                    println!("{}: FAILS", file.display());
                    failed += 1;
                }
            }
            if !files.is_empty() {
                println!("{directory}/{name}: {} inputs, {failed} fail", files.len());
            }
            all &= failed == 0;
            inputs += files.len();
        }
    }
    if inputs == 0 {
        return Err("no inputs: they lie in DIRECTORY/TARGET/".to_owned());
    }
    Ok(all)
}

/// For coverage: the cases as `cardlab conform` plays them, and the presets in `fixtures/profiles`.
fn suite() -> Done {
    for profile in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/profiles")) {
        let text = read(&profile)?;
        Preset::from_toml(&String::from_utf8_lossy(&text))
            .map_err(|error| format!("{}: {error}", profile.display()))?;
    }
    let suite = Suite::embedded().map_err(|error| error.to_string())?;
    let mut target = InProcessTarget::new(|name: &str| {
        let preset = Preset::named(name).ok_or_else(|| FreshError::failed("no such preset"))?;
        let card = SimCard::from_seed(&preset, 7, SoftRsa).map_err(FreshError::failed)?;
        Ok(Box::new(card) as Box<dyn Icc>)
    });
    let outcomes = suite.cases.iter().map(|case| run_case(&suite, case, &mut target));
    let failed: Vec<String> =
        outcomes.filter(|outcome| !outcome.verdict.is_passed()).map(|outcome| outcome.case).collect();
    println!("{} cases, {} do not pass {}", suite.cases.len(), failed.len(), failed.join(" "));
    Ok(failed.is_empty())
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn measure(seconds: u64, corpus: Option<&str>) -> Done {
    let inputs: Vec<Vec<u8>> = match corpus {
        Some(directory) => files(Path::new(directory)).iter().filter_map(|file| fs::read(file).ok()).collect(),
        None => {
            let sequences = seeds::sequences().map_err(|error| error.to_string())?;
            sequences.iter().map(Sequence::encode).collect()
        }
    };
    let inputs = speed::without_keys(&inputs);
    if inputs.is_empty() {
        return Err("there are no sequences without key commands".to_owned());
    }
    let speed = speed::measure(&inputs, Duration::from_secs(seconds));
    println!("{} sequences without key commands, {seconds} s each way, one core:", inputs.len());
    for (name, figure) in [
        ("card alone", speed.card),
        ("and invariants", speed.invariants),
        ("and canaries", speed.canaries),
        ("and model: the target", speed.everything),
    ] {
        let per = figure.commands / figure.sequences.max(1);
        println!("{name:<24}{:>10} commands/s ({per} a sequence)", figure.rate());
    }
    Ok(true)
}
