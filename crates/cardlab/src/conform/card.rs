//! `--card`: the description of the card under test, and its secrets from where it says.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use card_conformance::Source;
use card_conformance::card_file::{CardFile, CardSecrets, SecretSource};
use card_conformance::record::FileDigest;
use card_conformance::suite::FileDigestInput;
use zeroize::Zeroizing;

use super::mistake;

/// Longest secret that is read, in bytes.
const MAX_SECRET: usize = 4096;

#[derive(clap::Args)]
pub(super) struct CardArgs {
    /// Description of the card under test; `describe` drafts one, GUIDE.md has the form
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
}

/// A card under test.
pub(super) struct LoadedCard {
    pub(super) card: CardFile,
    pub(super) secrets: CardSecrets,
    pub(super) digest: FileDigest,
}

impl CardArgs {
    pub(super) const fn is_given(&self) -> bool {
        self.card.is_some()
    }

    /// The card of the file, with its secrets; none without a file.
    pub(super) fn load(&self) -> anyhow::Result<Option<LoadedCard>> {
        let Some(path) = &self.card else { return Ok(None) };
        let name = path.display().to_string();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let card =
            CardFile::load(Source { name: &name, text: &text }).map_err(|error| mistake::of_card(&error, &text))?;
        let mut secrets = Secrets::default();
        let pin = card.pin.as_ref().map(|pin| secrets.get("PIN", &pin.value)).transpose()?;
        let puk = card.puk.as_ref().map(|puk| secrets.get("PUK", &puk.value)).transpose()?;
        Ok(Some(LoadedCard {
            card,
            secrets: CardSecrets { pin, puk },
            digest: FileDigestInput { name, text }.digest(),
        }))
    }
}

/// Where secrets are read from. A file descriptor can hold several, a line each, in the order PIN, PUK.
#[derive(Default)]
pub(crate) struct Secrets {
    open: BTreeMap<i32, File>,
}

impl Secrets {
    /// A secret of this name; never an empty one.
    pub(crate) fn get(&mut self, what: &str, source: &SecretSource) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let secret = match source {
            SecretSource::Env(name) => {
                let value = std::env::var_os(name)
                    .with_context(|| format!("the {what} is to come from the environment, but {name} is not set"))?;
                Zeroizing::new(value.into_encoded_bytes())
            }
            SecretSource::Fd(number) => self.line(what, *number)?,
            SecretSource::Prompt => {
                let asked = rpassword::prompt_password(format!("{what} of the card: ")).with_context(|| {
                    format!("the {what} is to be asked for, but there is no terminal; {{ env = .. }} or {{ fd = .. }} need none")
                })?;
                Zeroizing::new(asked.into_bytes())
            }
        };
        ensure!(!secret.is_empty(), "the {what} that was given is empty");
        Ok(secret)
    }

    /// The next line of a file descriptor, read without a buffer that would keep a copy.
    fn line(&mut self, what: &str, number: i32) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let cannot = || format!("cannot read the {what} from file descriptor {number}");
        let file = match self.open.entry(number) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(closed) => closed.insert(File::open(format!("/dev/fd/{number}")).with_context(cannot)?),
        };
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET));
        let mut byte = Zeroizing::new([0]);
        while file.read(&mut *byte).with_context(cannot)? == 1 && byte[0] != b'\n' {
            ensure!(
                line.len() < MAX_SECRET,
                "the {what} in file descriptor {number} is longer than {MAX_SECRET} bytes"
            );
            line.push(byte[0]);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }
}
