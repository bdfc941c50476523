//! The authority's directory: whole files replaced at once, one file that only grows. Knows nothing of what is in them.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// No file of an authority is larger; a larger one is not read into memory.
const MAX_FILE: u64 = 1 << 30;

const LOCK: &str = "lock";

/// A directory in which a file is either as it was or as it should be, whatever happens in between.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    done: Cell<u64>,
    stop_at: Option<u64>,
}

impl Disk {
    /// The directory at this path.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), done: Cell::new(0), stop_at: None }
    }

    /// A test aid: the directory, where everything fails from the n-th file operation on, which itself is left half done.
    /// What a killed process leaves is what this leaves.
    #[must_use]
    pub fn stopping_at(root: &Path, operation: u64) -> Self {
        Self { stop_at: Some(operation), ..Self::new(root) }
    }

    /// How many operations that change files were begun.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.done.get()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path(name))?.take(MAX_FILE).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes a directory and those above it; the empty name is the directory of all.
    pub(crate) fn make_dir(&self, name: &str) -> io::Result<()> {
        let path = if name.is_empty() { self.root.clone() } else { self.path(name) };
        fs::create_dir_all(path)
    }

    /// Replaces a file: readers see the old or the new one, and after this the new one is on the disk.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let target = self.path(name);
        let temporary = temporary(&target);
        let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&temporary)?;
        self.write(&mut file, bytes)?;
        self.step()?;
        file.sync_all()?;
        self.step()?;
        fs::rename(&temporary, &target)?;
        self.step()?;
        sync_dir(target.parent().unwrap_or(&self.root))
    }

    /// Makes the file hold `bytes` from `at` on. What it holds there already must be the beginning of them.
    pub(crate) fn append(&self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = private(OpenOptions::new().read(true).append(true).create(true)).open(self.path(name))?;
        let there = file.metadata()?.len();
        if there < at {
            return Err(damaged(name, "its end is missing"));
        }
        file.seek(SeekFrom::Start(at))?;
        let mut tail = Vec::new();
        (&file).take(MAX_FILE).read_to_end(&mut tail)?;
        let rest = bytes.strip_prefix(tail.as_slice()).ok_or_else(|| damaged(name, "its end was changed"))?;
        if rest.is_empty() {
            return Ok(());
        }
        self.write(&mut file, rest)?;
        self.step()?;
        file.sync_all()
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        if let Err(stopped) = self.step() {
            file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(stopped);
        }
        file.write_all(bytes)
    }

    fn step(&self) -> io::Result<()> {
        self.done.set(self.done.get().saturating_add(1));
        match self.stop_at {
            Some(last) if self.done.get() >= last => Err(io::Error::other("stopped here by a test")),
            _ => Ok(()),
        }
    }

    /// The lock of the directory, or nothing where another process holds it for longer than `patience`.
    pub(crate) fn lock(&self, patience: Duration) -> io::Result<Option<File>> {
        let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(self.path(LOCK))?;
        let end = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() >= end => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

fn damaged(name: &str, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} is damaged: {what}"))
}

fn temporary(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".new");
    target.with_file_name(name)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a directory cannot be opened as a file; the rename itself is what the system offers.
#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let whole = Disk::new(dir.path());
        whole.replace("file", b"old contents").unwrap();
        let needed = whole.operations();
        for operation in 1..=needed {
            whole.replace("file", b"old contents").unwrap();
            assert!(Disk::stopping_at(dir.path(), operation).replace("file", b"new").is_err());
            let seen = whole.read("file").unwrap();
            assert!(seen == b"old contents" || seen == b"new", "{operation}");
        }
    }

    #[test]
    fn a_torn_end_is_completed_and_a_changed_one_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::new(dir.path());
        disk.append("log", 0, b"one\n").unwrap();
        assert!(Disk::stopping_at(dir.path(), 1).append("log", 4, b"second\n").is_err());
        assert_eq!(disk.read("log").unwrap(), b"one\nsec");
        disk.append("log", 4, b"second\n").unwrap();
        disk.append("log", 4, b"second\n").unwrap();
        assert_eq!(disk.read("log").unwrap(), b"one\nsecond\n");
        assert!(disk.append("log", 4, b"other\n").is_err() && disk.append("log", 90, b"x").is_err());
    }

    #[test]
    fn only_one_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let held = Disk::new(dir.path()).lock(Duration::ZERO).unwrap().unwrap();
        assert!(Disk::new(dir.path()).lock(Duration::from_millis(30)).unwrap().is_none());
        drop(held);
        assert!(Disk::new(dir.path()).lock(Duration::ZERO).unwrap().is_some());
    }
}
