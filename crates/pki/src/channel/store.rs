//! Files of a channel: bounded reads, whole writes.

use super::{Channel, ChannelError, Listed, MAX_RECORD, is_name};
use crate::key::KeyHash;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The directories inside a channel.
pub(super) const PLACES: [&str; 7] = ["cards", "nonces", "requests", "answers", "installed", "closed", "sealed"];

/// The path of a named file inside the channel.
pub(super) fn file(place: &str, name: &str, ending: &str) -> Result<String, ChannelError> {
    if is_name(name) {
        Ok(format!("{place}/{name}{ending}"))
    } else {
        Err(ChannelError::Name(name.chars().take(80).collect()))
    }
}

impl Channel {
    pub(super) fn bytes(&self, path: &str, max: usize) -> Result<Option<Vec<u8>>, ChannelError> {
        let path = self.root.join(path);
        let failed = |source| ChannelError::Io { path: path.clone(), source };
        // Opening a pipe would wait for its writer, so look first. A link could lead out of the channel.
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(ChannelError::Garbage { path, what: "not a plain file".into() }),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let opened = match File::open(&path) {
            Ok(opened) => opened,
            // Somebody took it away meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        opened.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > max { Err(ChannelError::TooLarge { path, max }) } else { Ok(Some(bytes)) }
    }

    pub(super) fn text(&self, path: &str, max: usize) -> Result<Option<String>, ChannelError> {
        self.bytes(path, max)?
            .map(|bytes| self.read(path, String::from_utf8(bytes).map_err(|_| "not UTF-8")))
            .transpose()
    }

    /// Gives what was read, or an error that names the file.
    pub(super) fn read<T, E: Display>(&self, path: &str, read: Result<T, E>) -> Result<T, ChannelError> {
        read.map_err(|error| ChannelError::Garbage { path: self.root.join(path), what: error.to_string() })
    }

    /// Writes a whole file: under another name, to the disk, then renamed.
    pub(super) fn put(&self, path: &str, bytes: &[u8], max: usize) -> Result<(), ChannelError> {
        let target = self.root.join(path);
        if bytes.len() > max {
            return Err(ChannelError::TooLarge { path: target, max });
        }
        let directory = target.parent().unwrap_or(&self.root).to_path_buf();
        let temporary = temporary(&directory);
        let written = write_whole(&temporary, bytes).and_then(|()| fs::rename(&temporary, &target));
        written.and_then(|()| sync_directory(&directory)).map_err(|source| {
            // What is left behind harms nobody: names with a dot are never listed.
            let _ = fs::remove_file(&temporary);
            ChannelError::Io { path: target, source }
        })
    }

    pub(super) fn put_named<T: Serialize>(&self, place: &str, name: &str, value: &T) -> Result<(), ChannelError> {
        let path = file(place, name, ".json")?;
        let json = self.read(&path, serde_json::to_vec_pretty(value))?;
        self.put(&path, &json, MAX_RECORD)
    }

    /// Reads a JSON file; what it holds must fit its name.
    pub(super) fn named<T: DeserializeOwned>(
        &self,
        place: &str,
        name: &str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, ChannelError> {
        let path = file(place, name, ".json")?;
        let Some(bytes) = self.bytes(&path, MAX_RECORD)? else { return Ok(None) };
        let value = self.read(&path, serde_json::from_slice(&bytes))?;
        if fits(&value) { Ok(Some(value)) } else { self.read(&path, Err("its content belongs under another name")) }
    }

    pub(super) fn remove_named(&self, place: &str, name: &str, ending: &str) -> Result<(), ChannelError> {
        let path = self.root.join(file(place, name, ending)?);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(ChannelError::Io { path, source }),
            _ => Ok(()),
        }
    }

    pub(super) fn list_named<T: DeserializeOwned>(
        &self,
        place: &str,
        fits: impl Fn(&str, &T) -> bool,
    ) -> Result<Listed<String, T>, ChannelError> {
        let names = self.names(place)?.into_iter();
        Ok(names.filter_map(|name| self.entry(place, name, &fits).transpose()).collect())
    }

    pub(super) fn list_keys<T: DeserializeOwned>(&self, place: &str) -> Result<Listed<KeyHash, T>, ChannelError> {
        let listed = self.list_named(place, |_, _| true)?;
        Ok(listed
            .into_iter()
            .map(|entry| entry.and_then(|(name, value)| Ok((self.key(place, &name)?, value))))
            .collect())
    }

    fn key(&self, place: &str, name: &str) -> Result<KeyHash, ChannelError> {
        self.read(&format!("{place}/{name}.json"), name.parse())
    }

    /// A file that is gone when its turn comes is not an error: somebody has handled it.
    fn entry<T: DeserializeOwned>(
        &self,
        place: &str,
        file: Result<String, ChannelError>,
        fits: impl Fn(&str, &T) -> bool,
    ) -> Result<Option<(String, T)>, ChannelError> {
        let name = file?;
        Ok(self.named(place, &name, |value| fits(&name, value))?.map(|value| (name, value)))
    }

    /// The names in a place, sorted. A file that has no business there is an error of its own in the list.
    fn names(&self, place: &str) -> Result<Vec<Result<String, ChannelError>>, ChannelError> {
        let directory = self.root.join(place);
        let failed = |source| ChannelError::Io { path: directory.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&directory).map_err(failed)? {
            files.push(entry.map_err(failed)?.file_name());
        }
        files.sort();
        let stranger = |path: PathBuf| ChannelError::Garbage { path, what: "no such file belongs here".into() };
        Ok(files
            .into_iter()
            .filter(|name| !name.as_encoded_bytes().starts_with(b"."))
            .map(|name| {
                let stem = name.to_str().and_then(|name| name.strip_suffix(".json")).filter(|stem| is_name(stem));
                stem.map(str::to_owned).ok_or_else(|| stranger(directory.join(&name)))
            })
            .collect())
    }
}

/// A name that no other writer uses: not another process, not another thread of this one.
fn temporary(directory: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut random = [0; 8];
    // Without randomness the process and the counter still tell writers apart on one machine.
    let _ = getrandom::fill(&mut random);
    directory.join(format!(".{}-{count}-{}", std::process::id(), hex::encode(random)))
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Brings the rename itself to the disk. Only Unix can open a directory for that.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
