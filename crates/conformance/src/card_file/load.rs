//! From the text of a card file to the card.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{CardFile, Pin, Puk, SecretSource};
use crate::error::{ScriptError, ScriptErrorKind};
use crate::needs;
use crate::script::{CardState, Source};
use crate::template::{Template, Variables, is_name};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCard {
    name: Spanned<String>,
    preset: Spanned<String>,
    state: Spanned<String>,
    serial: Option<String>,
    aid: Option<Spanned<String>>,
    pin: Option<RawPin>,
    puk: Option<RawPuk>,
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Spanned<u8>>,
    area: Option<RawArea>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    capabilities: BTreeMap<Spanned<String>, bool>,
    #[serde(default)]
    values: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPin {
    #[serde(default = "first")]
    reference: u8,
    min: Spanned<usize>,
    max: Spanned<usize>,
    tries: Spanned<u8>,
    padded: Option<Spanned<usize>>,
    value: Spanned<RawSource>,
}

const fn first() -> u8 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPuk {
    tries: Spanned<u8>,
    value: Spanned<RawSource>,
}

/// Where a secret comes from, or the secret itself, which is a mistake.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawSource {
    From(RawFrom),
    Other(toml::Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFrom {
    env: Option<String>,
    fd: Option<i32>,
    prompt: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArea {
    df: Spanned<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    command: Option<Spanned<usize>>,
    response: Option<usize>,
}

/// Shortest command with a data field of one byte.
const MIN_COMMAND: usize = 6;
/// Longest PIN that a short command carries.
const MAX_PIN: usize = 255;
/// Most tries that 63Cx tells.
const MAX_TRIES: u8 = 15;

type Loading<T> = Result<T, ScriptError>;

/// Turns places in the file into errors.
#[derive(Clone, Copy)]
struct File<'a>(Source<'a>);

impl File<'_> {
    fn wrong(&self, span: Range<usize>, what: &'static str) -> ScriptError {
        self.error(span, ScriptErrorKind::Card(what))
    }

    fn error(&self, span: Range<usize>, kind: ScriptErrorKind) -> ScriptError {
        ScriptError::at(self.0.name, self.0.text, span.start, kind)
    }

    /// An error of the TOML reader, without a value that may be a secret.
    fn not_toml(&self, error: toml::de::Error) -> ScriptError {
        let span = error.span().unwrap_or_default();
        if error.message().starts_with("invalid ") {
            return self.wrong(span, "this has another type than is expected here");
        }
        self.error(span, ScriptErrorKind::Toml(Box::new(error)))
    }

    /// The value if it is right.
    fn checked<T: Copy>(&self, value: &Spanned<T>, is_right: impl Fn(T) -> bool, what: &'static str) -> Loading<T> {
        let inner = *value.get_ref();
        if is_right(inner) { Ok(inner) } else { Err(self.wrong(value.span(), what)) }
    }

    fn bytes(&self, text: &Spanned<String>) -> Loading<Vec<u8>> {
        let bytes = Template::parse(text.get_ref()).and_then(|template| template.bytes(&Variables::new()));
        bytes.map_err(|error| self.error(text.span(), error.into()))
    }

    fn source(&self, raw: &Spanned<RawSource>) -> Loading<SecretSource> {
        let what = "a secret comes from one of { env = \"NAME\" }, { fd = N } and { prompt = true }";
        match raw.get_ref() {
            RawSource::From(RawFrom { env: Some(name), fd: None, prompt: None }) if !name.is_empty() => {
                Ok(SecretSource::Env(name.clone()))
            }
            RawSource::From(RawFrom { env: None, fd: Some(fd), prompt: None }) if *fd >= 0 => Ok(SecretSource::Fd(*fd)),
            RawSource::From(RawFrom { env: None, fd: None, prompt: Some(true) }) => Ok(SecretSource::Prompt),
            RawSource::Other(value) if !value.is_table() => Err(self.error(raw.span(), ScriptErrorKind::SecretInFile)),
            _ => Err(self.wrong(raw.span(), what)),
        }
    }
}

pub(super) fn card(source: Source<'_>) -> Loading<CardFile> {
    let file = File(source);
    let raw: RawCard = toml::from_str(source.text).map_err(|error| file.not_toml(error))?;
    let state = match raw.state.get_ref().as_str() {
        "blank" => CardState::Blank,
        "operational" => CardState::Operational,
        _ => return Err(file.wrong(raw.state.span(), "a card is blank or operational")),
    };
    for name in [&raw.name, &raw.preset] {
        if name.get_ref().trim().is_empty() {
            return Err(file.wrong(name.span(), "this must not be empty"));
        }
    }
    let aid = raw.aid.as_ref().map(|aid| match file.bytes(aid)? {
        bytes if (5..=16).contains(&bytes.len()) => Ok(bytes),
        _ => Err(file.wrong(aid.span(), "the name of an application has 5 to 16 bytes")),
    });
    let area = raw.area.as_ref().map(|area| match *file.bytes(&area.df)? {
        [high, low] => Ok(u16::from_be_bytes([high, low])),
        _ => Err(file.wrong(area.df.span(), "a file identifier has two bytes")),
    });
    let command = raw.limits.command.as_ref();
    let (keys, spare) = keys(file, raw.keys)?;
    Ok(CardFile {
        name: raw.name.into_inner(),
        preset: raw.preset.into_inner(),
        state,
        serial: raw.serial,
        aid: aid.transpose()?,
        pin: raw.pin.as_ref().map(|pin| self::pin(file, pin)).transpose()?,
        puk: raw.puk.as_ref().map(|puk| self::puk(file, puk)).transpose()?,
        keys,
        spare,
        area: area.transpose()?,
        max_command: command
            .map(|command| file.checked(command, |len| len >= MIN_COMMAND, "a command has at least 6 bytes"))
            .transpose()?,
        max_response: raw.limits.response,
        capabilities: capabilities(file, raw.capabilities)?,
        values: values(file, &raw.values)?,
    })
}

fn pin(file: File<'_>, raw: &RawPin) -> Loading<Pin> {
    let min = file.checked(&raw.min, |min| (1..=MAX_PIN).contains(&min), "a PIN has 1 to 255 bytes")?;
    let max = file.checked(&raw.max, |max| (min..=MAX_PIN).contains(&max), "max is at least min, and at most 255")?;
    let fits = |len| (max..=MAX_PIN).contains(&len);
    let padded =
        raw.padded.as_ref().map(|padded| file.checked(padded, fits, "a padded PIN is at least as long as max"));
    Ok(Pin {
        reference: raw.reference,
        min,
        max,
        tries: tries(file, &raw.tries)?,
        padded: padded.transpose()?,
        value: file.source(&raw.value)?,
    })
}

fn puk(file: File<'_>, raw: &RawPuk) -> Loading<Puk> {
    Ok(Puk { tries: tries(file, &raw.tries)?, value: file.source(&raw.value)? })
}

fn tries(file: File<'_>, raw: &Spanned<u8>) -> Loading<u8> {
    file.checked(raw, |tries| (1..=MAX_TRIES).contains(&tries), "tries are 1 to 15")
}

/// The references of keys, and that of the spare one.
fn keys(file: File<'_>, raw: BTreeMap<Spanned<String>, Spanned<u8>>) -> Loading<(BTreeMap<String, u8>, Option<u8>)> {
    let mut keys = BTreeMap::new();
    for (name, reference) in raw {
        keys.insert(self::name(file, name)?, reference.into_inner());
    }
    let spare = keys.remove("spare");
    Ok((keys, spare))
}

fn name(file: File<'_>, name: Spanned<String>) -> Loading<String> {
    if is_name(name.get_ref()) { Ok(name.into_inner()) } else { Err(file.error(name.span(), ScriptErrorKind::Name)) }
}

fn capabilities(file: File<'_>, raw: BTreeMap<Spanned<String>, bool>) -> Loading<BTreeMap<&'static str, bool>> {
    let known = |(name, present): (Spanned<String>, bool)| {
        let need = needs::named(name.get_ref()).ok_or_else(|| {
            let nearest = needs::nearest(name.get_ref(), needs::NEEDS.iter().map(|need| need.name)).map(str::to_owned);
            file.error(name.span(), ScriptErrorKind::UnknownNeed { name: name.get_ref().clone(), nearest })
        })?;
        Ok((need.name, present))
    };
    raw.into_iter().map(known).collect()
}

/// Further values. By its name a value can be a PIN, PUK or key of the card, which must not stand in a file.
fn values(file: File<'_>, raw: &BTreeMap<Spanned<String>, Spanned<String>>) -> Loading<Variables> {
    let mut values = Variables::new();
    for (name, value) in raw {
        let last = name.get_ref().rsplit('-').next().unwrap_or_default();
        if matches!(last, "pin" | "puk" | "key" | "aes" | "secret") || name.get_ref().starts_with("pin-") {
            return Err(file.error(value.span(), ScriptErrorKind::SecretInFile));
        }
        let bytes = file.bytes(value)?;
        values.insert(self::name(file, name.clone())?, bytes.into());
    }
    Ok(values)
}
