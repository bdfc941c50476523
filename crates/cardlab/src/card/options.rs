//! The options that all commands of the card tool share: which card, which authority, how to ask.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use card_os::Preset;
use card_tool::{Around, Lang, Place, Settings};
use clap::Args;
use host_driver::{InProcess, Vpcd};

use crate::image::{self, ImageOptions};
use crate::trace::TraceArgs;

/// How long to wait for a card simulator to connect.
const VPCD_WAIT: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Common {
    /// PC/SC reader: its name or a part of it that fits only one
    #[arg(long, value_name = "NAME", global = true, help_heading = "The card")]
    reader: Option<String>,
    /// Wait at this port of 127.0.0.1 for a card simulator, as vpcd would
    #[arg(long, value_name = "PORT", global = true, conflicts_with = "reader", help_heading = "The card")]
    vpcd: Option<u16>,
    /// A simulated card in this file, without a reader
    #[arg(long, value_name = "FILE", global = true, conflicts_with_all = ["reader", "vpcd"], help_heading = "The card")]
    image: Option<PathBuf>,
    /// Seed of the randomness of the card in --image: equal seeds give equal keys. For tests only
    #[arg(long, value_name = "N", global = true, help_heading = "The card")]
    seed: Option<u64>,
    /// Directory through which the authority is reached [default: $CARDLAB_CHANNEL]
    #[arg(long, value_name = "DIR", global = true, help_heading = "The authority")]
    channel: Option<PathBuf>,
    /// Wait this long for the authority's answer (and with --batch for a card)
    #[arg(long, value_name = "SECONDS", default_value_t = 0, global = true, help_heading = "The authority")]
    wait: u64,
    /// Accept the subscriber agreement: the file holds the text that was read
    #[arg(long, value_name = "FILE", global = true, help_heading = "The authority")]
    accept_agreement: Option<PathBuf>,
    /// Where registrations are kept [default: $CARDLAB_HOME, else cardlab in the XDG data directory]
    #[arg(long, value_name = "DIR", global = true, help_heading = "This computer")]
    home: Option<PathBuf>,
    /// The present time, e.g. 2026-11-22T10:00:00 (Asia/Taipei) [default: the clock]
    #[arg(long, value_name = "TIME", global = true, help_heading = "This computer")]
    now: Option<String>,
    /// Language: en or zh-TW [default: from LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_name = "LANG", global = true, help_heading = "The dialog")]
    lang: Option<String>,
    /// Ask nothing
    #[arg(long, global = true, help_heading = "The dialog")]
    batch: bool,
    /// Agree with notices (the agreement needs --accept-agreement or a terminal)
    #[arg(long, global = true, help_heading = "The dialog")]
    yes: bool,
    /// File descriptor from which the PIN is read, one line
    #[arg(long, value_name = "N", global = true, help_heading = "PINs")]
    pin_fd: Option<u32>,
    /// File descriptor of the new PIN
    #[arg(long, value_name = "N", global = true, help_heading = "PINs")]
    new_pin_fd: Option<u32>,
    /// File descriptor of the PUK
    #[arg(long, value_name = "N", global = true, help_heading = "PINs")]
    puk_fd: Option<u32>,
    /// Spend the last try if it comes to that
    #[arg(long, global = true, help_heading = "PINs")]
    spend_last_try: bool,
    /// Ask for the PIN once; kept in memory until the card is removed, the PIN is wrong or the command ends
    #[arg(long, global = true, help_heading = "PINs")]
    remember_pin: bool,
    /// One JSON document instead of lines
    #[arg(long, global = true, help_heading = "The dialog")]
    json: bool,
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

/// An environment variable, if it is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Common {
    /// What the commands need to know.
    pub(crate) fn settings(&self, around: Around) -> anyhow::Result<Settings> {
        let lang = match &self.lang {
            Some(name) => Lang::named(name)
                .with_context(|| format!("--lang {name}: the tool speaks {}", Lang::NAMES.join(" and ")))?,
            None => Lang::of_locale(variable),
        };
        let now = match &self.now {
            Some(text) => card_pki::time::parse(text).context("--now")?,
            None => card_pki::time::now(),
        };
        Ok(Settings {
            lang,
            now,
            home: self.home.clone().or_else(|| Settings::default_home(variable)),
            channel: self.channel.clone().or_else(|| variable("CARDLAB_CHANNEL").map(PathBuf::from)),
            batch: self.batch,
            pin_fd: self.pin_fd,
            new_pin_fd: self.new_pin_fd,
            puk_fd: self.puk_fd,
            spend_last_try: self.spend_last_try,
            remember_pin: self.remember_pin,
            json: self.json,
            wait: Duration::from_secs(self.wait),
            yes: self.yes,
            accept_agreement: self.accept_agreement.clone(),
            around,
        })
    }

    /// Where the card is. Only a card that shall be personalised may be made here.
    pub(crate) fn place(&self, blank: bool) -> anyhow::Result<Place> {
        ensure!(self.seed.is_none() || self.image.is_some(), "--seed goes with --image");
        if let Some(path) = &self.image {
            let there = path.exists();
            ensure!(there || blank, "there is no image {}; `cardlab card init --image FILE` makes one", path.display());
            let preset = if there { None } else { Preset::named("certificate") };
            let options = ImageOptions { path: path.clone(), preset, seed: self.seed, durable: false };
            let (card, _) = image::open(&options)?;
            return Ok(Place::Connected(Box::new(InProcess::new(Box::new(card)))));
        }
        if let Some(port) = self.vpcd {
            let listener =
                Vpcd::listen(("127.0.0.1", port)).with_context(|| format!("cannot listen at 127.0.0.1:{port}"))?;
            let card = listener.accept(VPCD_WAIT).with_context(|| {
                format!("no card simulator connected to 127.0.0.1:{port}; start one, e.g. `cardlab sim`")
            })?;
            return Ok(Place::Connected(Box::new(card)));
        }
        Ok(Place::Reader(self.reader.clone()))
    }
}
