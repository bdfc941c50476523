//! What `--reader` says: `WHAT[:IMAGE][,KEY=VALUE]...`.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use card_os::Preset;
use card_wire::{Atr, Icc};
use pcsc_service::{ApduSize, ReaderSpec};
use virtual_reader::{Clock, Profile, Slow};

use super::fuse::Fused;
use super::pads::PadSpec;
use super::seat::Seat;
use super::{faults, foreign};
use crate::image::{self, ImageOptions};
use crate::ready;

/// What a reader is called that has no name.
const NAME: &str = "CardLab";
const GRAMMAR: &str =
    "a reader is WHAT[:IMAGE][,KEY=VALUE]..., where WHAT is ready, a preset, a TOML file, empty, vpcd or pcsc";

/// One reader as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    content: Content,
    name: String,
    size: ApduSize,
    seed: Option<u64>,
    atr: Option<String>,
    /// Which real card it is as slow as: a built-in profile or a file.
    speed: Option<String>,
    pad: Option<PadSpec>,
}

/// What is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Nothing,
    /// A new card, forgotten at the end.
    Fresh(String),
    /// A card in a file, made there from the preset if there is none; without a preset the file's own.
    Image(Option<String>, PathBuf),
    /// A simulator that connects to this port as to vpcd.
    Vpcd(u16),
    /// The card in a reader of the system's service.
    Pcsc(String),
}

impl Reader {
    /// Reads one `--reader`.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let parts = parts(text);
        let mut parts = parts.iter().map(String::as_str);
        let content = match parts.next().unwrap_or_default() {
            "" => bail!("`{text}`: {GRAMMAR}"),
            "empty" => Content::Nothing,
            what => match what.split_once(':') {
                None => Content::Fresh(what.to_owned()),
                Some(("pcsc", reader)) => Content::Pcsc(reader.to_owned()),
                Some(("vpcd", port)) => {
                    Content::Vpcd(port.parse().with_context(|| format!("`{text}`: {port} is not a port"))?)
                }
                Some((_, "")) => bail!("`{text}` names no image behind its colon"),
                Some((preset, path)) => {
                    Content::Image((!preset.is_empty()).then(|| preset.to_owned()), PathBuf::from(path))
                }
            },
        };
        let (name, size) = (NAME.to_owned(), ApduSize::default());
        let mut reader = Self { content, name, size, seed: None, atr: None, speed: None, pad: None };
        for part in parts {
            let (key, value) = part.split_once('=').with_context(|| format!("`{part}` in `{text}`: {GRAMMAR}"))?;
            match key {
                "name" => value.clone_into(&mut reader.name),
                "seed" => reader.seed = Some(value.parse().with_context(|| format!("`{part}` is not a number"))?),
                "atr" => reader.atr = Some(value.to_owned()),
                "speed" => reader.speed = Some(value.to_owned()),
                "apdu" => {
                    reader.size = match value {
                        "short" => ApduSize::Short,
                        "extended" => ApduSize::Extended,
                        _ => bail!("`{part}`: a reader carries `short` or `extended` APDUs"),
                    }
                }
                "pinpad" => reader.pad = Some(PadSpec::parse(value)?),
                _ => bail!("a reader has no `{key}`; there are name, seed, atr, apdu, speed and pinpad"),
            }
        }
        let is_ours = matches!(reader.content, Content::Fresh(_) | Content::Image(..));
        ensure!(
            is_ours || (reader.seed.is_none() && reader.atr.is_none()),
            "`{text}`: seed and atr are a card's of ours"
        );
        let is_empty = reader.content == Content::Nothing;
        ensure!(!is_empty || reader.speed.is_none(), "`{text}`: speed is a card's, and there is none");
        Ok(reader)
    }

    /// Reads a card that goes into a reader that is there.
    pub(crate) fn parse_card(text: &str) -> anyhow::Result<Self> {
        let parts = parts(text);
        let mut keys = parts.iter().skip(1).filter_map(|part| part.split_once('='));
        if let Some((key, _)) = keys.find(|(key, _)| ["name", "apdu", "pinpad"].contains(key)) {
            bail!("`{text}`: {key} is the reader's, which stays as it is");
        }
        Self::parse(text)
    }

    /// The same, as somebody means it who is in this directory.
    pub(crate) fn relative_to(mut self, place: &Path) -> Self {
        let is_file = |preset: &String| preset != ready::NAME && Preset::named(preset).is_none();
        let absolute = |preset: &mut String| *preset = place.join(&*preset).to_string_lossy().into_owned();
        if let Content::Fresh(preset) | Content::Image(Some(preset), _) = &mut self.content
            && is_file(preset)
        {
            absolute(preset);
        }
        if let Content::Image(_, path) = &mut self.content {
            *path = place.join(&*path);
        }
        if let Some(speed) = self.speed.as_mut().filter(|speed| Profile::named(speed).is_none()) {
            absolute(speed);
        }
        self
    }

    /// Where PINs are typed, if they are typed at the reader.
    pub(crate) fn pad(&self) -> Option<&PadSpec> {
        self.pad.as_ref()
    }

    /// The reader without its card and its pad.
    pub(crate) fn empty(&self, clock: &Clock) -> ReaderSpec {
        let clock = clock.clone();
        ReaderSpec::new(&self.name).apdu_size(self.size).clock(move || clock.now())
    }

    /// The card that is in it, as slow as it is to be. `seed` is that of all cards that have none of their own.
    /// `seat` is the reader, for cards that go by themselves.
    pub(crate) fn card(&self, seed: Option<u64>, seat: &Seat) -> anyhow::Result<Option<Box<dyn Icc>>> {
        let Some(card) = self.content(seed, seat)? else { return Ok(None) };
        let Some(speed) = &self.speed else { return Ok(Some(card)) };
        let profile = profile(speed).with_context(|| format!("speed={speed}"))?;
        let seed = self.seed.or(seed).unwrap_or_else(faults::any_seed);
        Ok(Some(Box::new(Slow::new(card, profile, seat.clock.clone(), seed))))
    }

    fn content(&self, seed: Option<u64>, seat: &Seat) -> anyhow::Result<Option<Box<dyn Icc>>> {
        let (seed, fuse) = (self.seed.or(seed), seat.fuse.clone());
        Ok(match &self.content {
            Content::Nothing => None,
            Content::Vpcd(port) => Some(foreign::vpcd(*port, seat)?),
            Content::Pcsc(reader) => Some(foreign::pcsc(reader, seat)?),
            Content::Fresh(what) => {
                let preset = self.with_atr(ready::preset_of(what)?)?;
                Some(Box::new(ready::card_behind(what, &preset, seed, |memory| Fused { memory, fuse })?))
            }
            Content::Image(preset, path) => {
                let what = preset.as_deref().unwrap_or_default();
                let preset = match preset {
                    Some(preset) => Some(self.with_atr(ready::preset_of(preset)?)?),
                    None => None,
                };
                if let Some(preset) = &preset {
                    ready::prepare(what, preset, path)?;
                }
                ensure!(
                    preset.is_some() || path.exists(),
                    "there is no image {}; PRESET:IMAGE makes one",
                    path.display()
                );
                ensure!(preset.is_some() || self.atr.is_none(), "atr= goes with a preset");
                let options = ImageOptions { path: path.clone(), preset, seed, durable: false };
                Some(Box::new(image::open_behind(&options, |memory| Fused { memory, fuse })?.0))
            }
        })
    }

    /// Whether the cards of both are in one file, which is there.
    pub(crate) fn is_in_file_of(&self, other: &Self) -> bool {
        let id = |reader: &Self| match &reader.content {
            Content::Image(_, path) => std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino())),
            _ => None,
        };
        id(self).is_some_and(|own| id(other) == Some(own))
    }

    /// Whether the card in it is somebody else's.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self.content, Content::Vpcd(_) | Content::Pcsc(_))
    }

    fn with_atr(&self, preset: Preset) -> anyhow::Result<Preset> {
        let Some(text) = &self.atr else { return Ok(preset) };
        let bytes = hex::decode(text).map_err(|error| anyhow::anyhow!("atr={text} is not hexadecimal: {error}"))?;
        let atr = Atr::parse(&bytes).with_context(|| format!("atr={text} is not an answer to reset"))?;
        Ok(Preset { atr, ..preset })
    }
}

/// The parts between commas; `\,` is a comma and `\\` a backslash in one.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let escaped = (char == '\\').then(|| chars.next_if(|next| [',', '\\'].contains(next))).flatten();
        match (escaped, char) {
            (None, ',') => parts.push(String::new()),
            (escaped, char) => {
                if let Some(part) = parts.last_mut() {
                    part.push(escaped.unwrap_or(char));
                }
            }
        }
    }
    parts
}

/// How long real cards take, by the profile's name or from a file.
fn profile(speed: &str) -> anyhow::Result<Profile> {
    if let Some(profile) = Profile::named(speed) {
        return Ok(profile);
    }
    let names = || format!("no file, and no profile: there are {}", Profile::names().collect::<Vec<_>>().join(", "));
    ensure!(Path::new(speed).is_file(), names());
    Ok(Profile::from_toml(&std::fs::read_to_string(speed).context("cannot read the profile")?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_read() {
        let reader = Reader::parse("certificate:alice.img,name=ACS ACR38U 00 00").unwrap();
        assert_eq!(reader.content, Content::Image(Some("certificate".into()), "alice.img".into()));
        assert_eq!(reader.name, "ACS ACR38U 00 00");
        assert_eq!(Reader::parse("empty").unwrap().content, Content::Nothing);
        assert_eq!(Reader::parse(":a.img").unwrap().content, Content::Image(None, "a.img".into()));
        let reader = Reader::parse("tight,apdu=short,seed=7").unwrap();
        assert_eq!((reader.content, reader.size), (Content::Fresh("tight".into()), ApduSize::Short));
        assert_eq!((reader.seed, reader.name.as_str()), (Some(7), "CardLab"));
        assert_eq!(reader.pad, None);
        let pad = |text: &str| Reader::parse(text).unwrap().pad.unwrap();
        assert_eq!(pad("iso,pinpad=ctl"), PadSpec::Ctl);
        assert_eq!(pad("empty,pinpad=terminal"), PadSpec::Terminal);
        assert_eq!(pad("pcsc:ACS,pinpad=file:a:b"), PadSpec::File("a:b".into()));
    }

    #[test]
    fn commas_can_be_meant() {
        let reader = Reader::parse(r"iso:a\,b\\c.img,name=One\, two").unwrap();
        assert_eq!(reader.content, Content::Image(Some("iso".into()), r"a,b\c.img".into()));
        assert_eq!(reader.name, "One, two");
        assert_eq!(parts(r"a\b,,\"), [r"a\b", "", r"\"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("", "WHAT"),
            ("tight:", "image"),
            ("vpcd:x", "port"),
            ("pcsc:ACS,seed=1", "of ours"),
            ("tight,quick", "KEY=VALUE"),
            ("tight,color=red", "color"),
            ("tight,seed=x", "seed=x"),
            ("tight,apdu=long", "extended"),
            ("empty,seed=1", "seed"),
            ("empty,speed=best", "speed"),
            ("iso,pinpad=", "pinpad=terminal"),
            ("iso,pinpad=file:", "file:PATH"),
            ("iso,pinpad=mouse", "pinpad=ctl"),
        ] {
            let error = format!("{:#}", Reader::parse(text).unwrap_err());
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
