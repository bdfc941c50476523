//! Which card a command talks to: the built-in one, one that connects as to vpcd, or one in a PC/SC reader.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use card_os::Preset;
use clap::{Args, ValueEnum};
use host_driver::{InProcess, Pcsc, Transport, Vpcd};

use crate::image::{self, ImageOptions};
use crate::ready;

/// Where the card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The built-in simulator, in this process
    Sim,
    /// A card simulator that connects to us as it would to vpcd
    Vpcd,
    /// A card in a PC/SC reader
    Pcsc,
}

#[derive(Args)]
pub(crate) struct TargetArgs {
    /// Where the card is
    #[arg(long, value_enum, default_value = "sim")]
    pub(crate) target: Kind,
    /// PC/SC reader: its name or a part of it that fits only one
    #[arg(long, value_name = "NAME")]
    pub(crate) reader: Option<String>,
    /// Address to wait at for a card simulator (--target vpcd)
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:35963")]
    pub(crate) listen: String,
    /// Preset of the built-in card: isoapplet, certificate, iso, tight, a TOML file; for `apdu` and `trace replay` also
    /// `ready`, the usual card of `cardlab run`
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// Seed of the built-in card's randomness
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

/// A static program cannot open the system's PC/SC library.
pub(crate) const STATIC: bool = cfg!(all(target_os = "linux", target_feature = "crt-static"));
/// What is said in one.
pub(crate) const NO_READERS: &str = "this is the static build, which has no way to real readers; take the dynamic one";
/// What is said otherwise.
pub(crate) const NO_CARD: &str = "cannot reach a card (see `cardlab readers`)";

/// How long to wait for a card simulator to connect.
const WAIT: Duration = Duration::from_secs(30);

impl TargetArgs {
    /// Options that the chosen target has no use for are mistakes, not decoration.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.reader.is_some() && self.target != Kind::Pcsc {
            anyhow::bail!("--reader goes with --target pcsc");
        }
        if self.seed.is_some() && self.target != Kind::Sim {
            anyhow::bail!("--seed goes with --target sim: it is the built-in card's randomness");
        }
        Ok(())
    }

    /// The way to the card in this file, or to that of the target where there is none.
    pub(crate) fn connect_or_open(&self, image: Option<&Path>) -> anyhow::Result<Box<dyn Transport>> {
        let Some(path) = image else { return self.connect() };
        anyhow::ensure!(self.target == Kind::Sim, "--image goes with --target sim");
        // A mistyped name must not become a card.
        anyhow::ensure!(
            path.exists() || self.preset.is_some(),
            "there is no image {}; with --preset NAME this makes one, as `cardlab sim` does",
            path.display()
        );
        let preset = self.preset.as_deref().map(ready::preset_of).transpose()?;
        if let (Some(what), Some(preset)) = (&self.preset, &preset) {
            ready::prepare(what, preset, path)?;
        }
        let options = ImageOptions { path: path.to_owned(), preset, seed: self.seed, durable: false };
        let (card, _) = image::open(&options)?;
        Ok(Box::new(InProcess::new(Box::new(card))))
    }

    /// The way to a card that is there already.
    pub(crate) fn connect(&self) -> anyhow::Result<Box<dyn Transport>> {
        match self.target {
            Kind::Sim => {
                let what = self.preset.as_deref().unwrap_or("isoapplet");
                let card = ready::card(what, &ready::preset_of(what)?, self.seed)?;
                Ok(Box::new(InProcess::new(Box::new(card))))
            }
            Kind::Vpcd => {
                let listener = Vpcd::listen(&self.listen)
                    .with_context(|| format!("cannot listen at {}; is pcscd with vpcd running there?", self.listen))?;
                eprintln!("waiting {} s at {} for a card simulator", WAIT.as_secs(), self.listen);
                let card = listener.accept(WAIT).with_context(|| {
                    format!("no card simulator connected to {}; start one, e.g. `cardlab sim`", self.listen)
                })?;
                Ok(Box::new(card))
            }
            Kind::Pcsc => Ok(Box::new(Pcsc::connect(self.reader.as_deref()).context(if STATIC {
                NO_READERS
            } else {
                NO_CARD
            })?)),
        }
    }
}

/// A preset by name or from a file.
pub(crate) fn preset(name: &str) -> anyhow::Result<Preset> {
    preset_beside(name, &[])
}

/// The same, where these names mean something, too, and are told.
pub(crate) fn preset_beside(name: &str, others: &[&str]) -> anyhow::Result<Preset> {
    if let Some(preset) = Preset::named(name) {
        return Ok(preset);
    }
    let path = Path::new(name);
    if path.extension().is_none() && !path.exists() {
        let names = [others, Preset::NAMES].concat().join(", ");
        anyhow::bail!("no preset is called `{name}`; there are {names} and TOML files");
    }
    anyhow::ensure!(path.is_file(), "there is no preset file {name}");
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the preset {name}"))?;
    Preset::from_toml(&text).with_context(|| format!("{name} is not a preset"))
}
