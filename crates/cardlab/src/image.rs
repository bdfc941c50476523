//! A card in a file: its memory, written in place in the order of the journal.
//!
//! The file is made whole beside its place and then put there; afterwards every write goes to it at once, so that a
//! killed process leaves the state before or after the command that ran. Reads come from a copy in RAM.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use card_os::nvm::{Nvm, NvmError};
use card_os::platform::{NoEvents, Parts};
use card_os::sim::{SimCard, SimPlatform, seeded_rng};
use card_os::{Card, Preset};
use rand_chacha::ChaCha20Rng;
use rsa_host::HostRsa;

/// Where the bytes of a card are kept: a file, or in a test something that watches what a file would be asked.
pub trait Medium {
    /// Writes all of `data` at `at`.
    ///
    /// # Errors
    /// What the medium says; any part may have been written.
    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()>;

    /// Fills `out` from `at`.
    ///
    /// # Errors
    /// What the medium says.
    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<()>;

    /// Returns when everything written is on the disk.
    ///
    /// # Errors
    /// What the medium says.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn write_at(&mut self, at: u64, data: &[u8]) -> io::Result<()> {
        write_at(self, at, data)
    }

    fn read_at(&mut self, at: u64, out: &mut [u8]) -> io::Result<()> {
        read_at(self, at, out)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Memory in a file. Holds the file's lock as long as it lives.
#[derive(Debug)]
pub struct FileNvm<M = File> {
    file: M,
    copy: Vec<u8>,
    durable: bool,
}

impl<M: Medium> FileNvm<M> {
    /// Memory on a medium that holds `copy`.
    pub fn on(file: M, copy: Vec<u8>, durable: bool) -> Self {
        Self { file, copy, durable }
    }
}

impl FileNvm {
    /// Opens a file for this process alone.
    ///
    /// # Errors
    /// Where the file cannot be read and written, or another process has it.
    pub fn open(path: &Path, durable: bool) -> anyhow::Result<Self> {
        let shown = path.display();
        // A device or a pipe would be read for ever, and opening some does something already.
        if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
            bail!("{shown} is not a file");
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .with_context(|| format!("cannot open the image {shown} for reading and writing"))?;
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                bail!("the image {shown} is in use by another cardlab; stop that one or use another image")
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock the image {shown}"));
            }
        }
        // No card is larger than a few hundred kilobytes; anything else is not read into memory to find that out.
        let mut copy = Vec::new();
        (&file).take(MAX_IMAGE + 1).read_to_end(&mut copy).with_context(|| format!("cannot read the image {shown}"))?;
        if copy.len() as u64 > MAX_IMAGE {
            bail!("{shown} is not a card image (it is too long); nothing was changed");
        }
        Ok(Self::on(file, copy, durable))
    }
}

const MAX_IMAGE: u64 = 16 << 20;

impl<M: Medium> Nvm for FileNvm<M> {
    fn len(&self) -> usize {
        self.copy.len()
    }

    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        let end = at.checked_add(out.len()).ok_or(NvmError::Read)?;
        out.copy_from_slice(self.copy.get(at..end).ok_or(NvmError::Read)?);
        Ok(())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        let end = at.checked_add(data.len()).ok_or(NvmError::Write)?;
        let copy = self.copy.get_mut(at..end).ok_or(NvmError::Write)?;
        if self.file.write_at(at as u64, data).is_err() {
            // Part of it may have been written: the copy must say what the file says.
            self.file.read_at(at as u64, copy).map_err(|_| NvmError::PowerLoss)?;
            return Err(NvmError::Write);
        }
        copy.copy_from_slice(data);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), NvmError> {
        if self.durable { self.file.sync().map_err(|_| NvmError::Write) } else { Ok(()) }
    }
}

#[cfg(unix)]
fn write_at(file: &File, at: u64, data: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, data, at)
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, at)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, at: u64, out: &mut [u8]) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom};
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(out)
}

#[cfg(not(unix))]
fn write_at(mut file: &File, at: u64, data: &[u8]) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom};
    file.seek(SeekFrom::Start(at))?;
    file.write_all(data)
}

/// A card whose memory is a file.
pub type ImageCard = CardOn<FileNvm>;

/// A card of the host's on this memory.
pub type CardOn<N> = Card<SimPlatform<HostRsa, NoEvents, N>>;

/// How a card in a file is opened.
#[derive(Clone, Debug)]
pub struct ImageOptions {
    /// The file.
    pub path: PathBuf,
    /// What a new card is made from; an existing one must be of this name. Without it a new card is an `isoapplet`.
    pub preset: Option<Preset>,
    /// Seed of the card's randomness, or the operating system's.
    pub seed: Option<u64>,
    /// Waits for the disk at each commit.
    pub durable: bool,
}

/// Opens the card in the file, or makes a blank one where there is no file. Returns whether it is new.
///
/// # Errors
/// What is wrong, and that the file was left as it was.
pub fn open(options: &ImageOptions) -> anyhow::Result<(ImageCard, bool)> {
    open_behind(options, |memory| memory)
}

/// The same, with something between the card and the file.
///
/// # Errors
/// As for [`open`].
pub fn open_behind<N: Nvm>(
    options: &ImageOptions,
    wrap: impl FnOnce(FileNvm) -> N,
) -> anyhow::Result<(CardOn<N>, bool)> {
    let ImageOptions { path, preset, seed, durable } = options;
    let new = !path.try_exists().with_context(|| format!("cannot look for the image {}", path.display()))?;
    if new {
        create(path, &preset.clone().unwrap_or_else(Preset::isoapplet))?;
    }
    let parts =
        Parts { nvm: wrap(FileNvm::open(path, *durable)?), rng: rng(*seed, 0)?, rsa: HostRsa, events: NoEvents };
    let mut card =
        Card::open(parts).with_context(|| format!("cannot use {}; it was left as it was", path.display()))?;
    if let Some(preset) = preset
        && preset != card.preset()
    {
        let (wanted, is) = (&preset.name, &card.preset().name);
        if wanted == is {
            bail!(
                "{} is a card of preset `{is}` with other values; open it without naming preset or ATR",
                path.display()
            );
        }
        bail!(
            "{} is a card of preset `{is}`, not `{wanted}`; name that one, or none, or use another file",
            path.display()
        );
    }
    // A new card draws what a card in RAM draws from this seed. One that is opened again draws something else, unless
    // nothing was changed in between: then it is the same card, and the same seed says the same.
    let stream = if new { 0 } else { u64::from(card.commit_number()) };
    *card.rng_mut() = rng(*seed, stream)?;
    Ok((card, new))
}

/// The randomness of a seed, or the operating system's.
///
/// # Errors
/// Where the operating system has none.
pub fn rng(seed: Option<u64>, stream: u64) -> anyhow::Result<ChaCha20Rng> {
    match seed {
        Some(seed) => Ok(seeded_rng(seed, stream)),
        None => card_os::sim::os_rng().context("the operating system gives no randomness; use --seed for a test"),
    }
}

/// Puts a blank card into a new file.
fn create(path: &Path, preset: &Preset) -> anyhow::Result<()> {
    let blank = SimCard::from_seed(preset, 0, HostRsa).context("cannot make a card from this preset")?;
    create_with(path, &blank.nvm().image())
}

/// Puts a card's memory into a new file, readable by its owner only. An existing file is never replaced.
///
/// # Errors
/// Why there is no such file now.
pub fn create_with(path: &Path, memory: &[u8]) -> anyhow::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let context = || format!("cannot create the image {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(directory).with_context(context)?;
    file.write_all(memory).with_context(context)?;
    file.as_file().sync_all().with_context(context)?;
    file.persist_noclobber(path).map_err(|error| error.error).with_context(context)?;
    Ok(())
}
