//! The tool's directory of this user: registered certificates and what was seen on cards. Never a key, a PIN or a PUK.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use card_pki::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::settings::Settings;
use crate::texts::Lang;

/// A file that is longer was not written by this tool.
const MAX_FILE: u64 = 4 << 20;

/// The directory.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    lang: Lang,
}

/// A certificate that was on a card once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The card's serial number.
    pub(crate) card: String,
    /// SHA-256 of the certificate, in hex.
    pub(crate) sha256: String,
    pub(crate) serial: String,
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) slot: Option<u8>,
}

impl Home {
    /// Where the settings say; nothing is made yet.
    pub(crate) fn of(settings: &Settings) -> Result<Self, Failure> {
        let lang = settings.lang;
        let dir = settings.home.clone().ok_or_else(|| Failure::missing("no-home", lang.home_unknown()))?;
        Ok(Self { dir, lang })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes a directory and those above it, for this user alone.
    pub(crate) fn make(dir: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)
    }

    /// What a JSON file of the directory holds; the default where there is none.
    pub(crate) fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, Failure> {
        let path = self.path(name);
        let text = match bounded(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
            Err(error) => return Err(Failure::read(self.lang, &path, &error)),
        };
        let garbage = |_| Failure::missing("home-garbage", self.lang.home_garbage(path.display()));
        serde_json::from_slice(&text).map_err(garbage)
    }

    /// Replaces a JSON file of the directory.
    pub(crate) fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|error| Failure::write(self.lang, &self.path(name), &error.into()))?;
        text.push(b'\n');
        self.put(name, &text)
    }

    /// Replaces a file of the directory as a whole.
    pub(crate) fn put(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let path = self.path(name);
        put(&path, content).map_err(|error| Failure::write(self.lang, &path, &error))
    }

    /// Notes what is on the card now and returns what was there once and is no more.
    pub(crate) fn note(&self, card: &str, now_on_it: &[Seen]) -> Result<Vec<Seen>, Failure> {
        let mut history: Vec<Seen> = self.read(HISTORY)?;
        let before = history.len();
        for seen in now_on_it {
            if !history.iter().any(|old| old.card == seen.card && old.sha256 == seen.sha256) {
                history.push(seen.clone());
            }
        }
        if history.len() != before {
            self.write(HISTORY, &history)?;
        }
        history.retain(|old| old.card == card && !now_on_it.iter().any(|seen| seen.sha256 == old.sha256));
        Ok(history)
    }
}

const HISTORY: &str = "history.json";

/// Replaces a file as a whole; made where it is missing, together with its directory.
pub(crate) fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Home::make(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Reads a file that is not longer than any that this tool writes.
pub(crate) fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut content = Vec::new();
    fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too long"));
    }
    Ok(content)
}

/// Makes a new file for this user alone; an existing one stays.
pub(crate) fn create_private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
