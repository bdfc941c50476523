//! Findings on disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use card_fuzz::foreign::{Finding, Script};
use tempfile::NamedTempFile;

/// A directory for scripts. No file that is there already is overwritten.
pub(super) struct Keeper {
    place: PathBuf,
    /// The directory was made by us, and goes again if it stays empty.
    made: bool,
    seed: u64,
    /// What goes in front of each script: how it came about, and how it is played again.
    head: Script,
    files: BTreeMap<usize, PathBuf>,
}

impl Keeper {
    /// Makes sure of the directory before anything is found.
    pub(super) fn new(place: &Path, seed: u64, head: Script) -> anyhow::Result<Self> {
        let made = !place.exists();
        fs::create_dir_all(place).with_context(|| format!("cannot make the directory {}", place.display()))?;
        Ok(Self { place: place.to_owned(), made, seed, head, files: BTreeMap::new() })
    }

    pub(super) fn path(&self, finding: &Finding) -> Option<&Path> {
        self.files.get(&finding.number).map(PathBuf::as_path)
    }

    /// Writes a finding; in place of what was written of the same one before.
    pub(super) fn save(&mut self, finding: &Finding) -> anyhow::Result<()> {
        let cannot = || format!("cannot write to {}", self.place.display());
        // Only its owner may read it: it can hold the card's PIN.
        let mut file = NamedTempFile::new_in(&self.place).with_context(cannot)?;
        write!(file, "{}{}", self.head, finding.script).with_context(cannot)?;
        let ins = finding.breach.ins.map_or_else(|| "reset".to_owned(), |ins| format!("{ins:02x}"));
        let name = format!("{}-{:02}-{}-{ins}", self.seed, finding.number, finding.breach.promise.word());
        let before = self.files.get(&finding.number).cloned();
        let has_name = |path: &PathBuf| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&name));
        if let Some(path) = before.as_ref().filter(|path| has_name(path)) {
            file.persist(path).with_context(cannot)?;
            return Ok(());
        }
        let mut path = self.place.join(format!("{name}.apdu"));
        for number in 2.. {
            match file.persist_noclobber(&path) {
                Ok(_) => break,
                Err(error) if path.exists() => file = error.file,
                Err(error) => return Err(error).with_context(cannot),
            }
            path = self.place.join(format!("{name}.{number}.apdu"));
        }
        self.files.insert(finding.number, path);
        if let Some(before) = before {
            // It was blamed on another instruction at first. Should it stay, there is one script too many.
            let _ = fs::remove_file(before);
        }
        Ok(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.made && self.files.is_empty() {
            // One that is not empty stays.
            let _ = fs::remove_dir(&self.place);
        }
    }
}
