//! Inputs that once failed, a sample of the corpus, and the seeds, on stable Rust.

use std::fs;
use std::path::{Path, PathBuf};

use card_fuzz::{seeds, targets};

/// Files of one target's corpus that are replayed; a run of the fuzzer replays them all.
const SAMPLE: usize = 40;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Runs the check on each file and names those that fail.
fn replay(check: fn(&[u8]), files: impl Iterator<Item = PathBuf>) {
    for file in files {
        let bytes = fs::read(&file).unwrap();
        assert!(std::panic::catch_unwind(|| check(&bytes)).is_ok(), "{} fails again", file.display());
    }
}

#[test]
fn every_find_is_replayed() {
    let crashes = root().join("fixtures/crashes");
    for place in entries(&crashes).into_iter().filter(|path| path.is_dir()) {
        let name = place.file_name().unwrap().to_str().unwrap().to_owned();
        let (_, check) = targets::named(&name).unwrap_or_else(|| panic!("{name} is no target"));
        replay(check, entries(&place).into_iter());
    }
}

#[test]
fn a_sample_of_the_corpus_passes() {
    for (name, check) in targets::ALL {
        let files = entries(&root().join("fuzz/corpus").join(name));
        let step = files.len().div_ceil(SAMPLE).max(1);
        replay(check, files.into_iter().step_by(step));
    }
}

#[test]
fn a_sample_of_the_seeds_passes_and_no_target_is_without() {
    let seeds = seeds::all().unwrap();
    for (name, check) in targets::ALL {
        let own: Vec<&[u8]> =
            seeds.iter().filter(|(target, _)| *target == name).map(|(_, bytes)| bytes.as_slice()).collect();
        assert!(!own.is_empty(), "{name} has no seeds");
        own.iter().step_by(own.len().div_ceil(SAMPLE)).for_each(|bytes| check(bytes));
    }
}

#[test]
fn seeds_are_written_once_each() {
    let place = tempfile::tempdir().unwrap();
    let count = seeds::write(place.path()).unwrap();
    let files: usize = entries(place.path()).iter().map(|target| entries(target).len()).sum();
    assert_eq!(files, count);
}
