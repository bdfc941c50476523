//! Presets from TOML text.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use card_wire::{Atr, Status};
use serde::Deserialize;

use super::{Dialect, Features, Limits, PinPolicy, Preset};

/// Why a text is not a preset.
#[derive(Debug)]
#[non_exhaustive]
pub enum PresetError {
    /// Not TOML, or a key that is unknown, missing or of the wrong type; with line and column.
    Syntax(String),
    /// The ATR or the blocked status word is not what it should be, or a value is out of bounds.
    Value(String),
}

impl core::fmt::Display for PresetError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Syntax(text) | Self::Value(text) => f.write_str(text.trim_end()),
        }
    }
}

impl core::error::Error for PresetError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    atr: String,
    dialect: Dialect,
    pin: Pin,
    puk_tries: u8,
    blocked: String,
    key_import: bool,
    key_slots: u8,
    nvm_len: u32,
    limits: Bounds,
    #[serde(default)]
    features: Abilities,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Abilities {
    chaining: Option<bool>,
    extended: Option<bool>,
    raw_rsa: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    min: u8,
    max: u8,
    tries: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    files: u16,
    depth: u8,
    df_children: u16,
    file_len: u16,
    records: Option<u8>,
    channels: Option<u8>,
    chain: Option<u16>,
}

impl Preset {
    /// Reads a preset as `fixtures/profiles/*.toml` have it.
    ///
    /// # Errors
    /// [`PresetError`] with what is wrong and where.
    pub fn from_toml(text: &str) -> Result<Self, PresetError> {
        let file: File = toml::from_str(text).map_err(|error| PresetError::Syntax(error.to_string()))?;
        let atr = hex_bytes(&file.atr).ok_or_else(|| PresetError::Value("atr is not hexadecimal".to_string()))?;
        let atr = Atr::parse(&atr).map_err(|error| PresetError::Value(alloc::format!("atr: {error}")))?;
        let digits = file.blocked.len() == 4 && file.blocked.bytes().all(|byte| byte.is_ascii_hexdigit());
        let blocked = u16::from_str_radix(&file.blocked, 16)
            .ok()
            .filter(|_| digits)
            .ok_or_else(|| PresetError::Value("blocked is not a status word of four hexadecimal digits".to_string()))?;
        let preset = Self {
            name: file.name,
            atr,
            dialect: file.dialect,
            pin: PinPolicy { min: file.pin.min, max: file.pin.max, tries: file.pin.tries },
            puk_tries: file.puk_tries,
            blocked: Status(blocked),
            key_import: file.key_import,
            key_slots: file.key_slots,
            nvm_len: file.nvm_len,
            limits: Limits {
                files: file.limits.files,
                depth: file.limits.depth,
                df_children: file.limits.df_children,
                file_len: file.limits.file_len,
                records: file.limits.records.unwrap_or(Limits::RECORDS),
                channels: file.limits.channels.unwrap_or(Limits::CHANNELS),
                chain: file.limits.chain.unwrap_or(Limits::CHAIN),
            },
            features: Features {
                chaining: file.features.chaining.unwrap_or(Features::ORDINARY.chaining),
                extended: file.features.extended.unwrap_or(Features::ORDINARY.extended),
                raw_rsa: file.features.raw_rsa.unwrap_or(Features::ORDINARY.raw_rsa),
            },
        };
        preset.check().map_err(|rule| PresetError::Value(rule.to_string()))?;
        Ok(preset)
    }
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair.first()? << 4 | pair.get(1)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_are_the_built_in_presets() {
        for (name, text) in [
            ("isoapplet", include_str!("../../../../fixtures/profiles/isoapplet.toml")),
            ("certificate", include_str!("../../../../fixtures/profiles/certificate.toml")),
            ("iso", include_str!("../../../../fixtures/profiles/iso.toml")),
            ("tight", include_str!("../../../../fixtures/profiles/tight.toml")),
        ] {
            assert_eq!(Preset::from_toml(text).unwrap(), Preset::named(name).unwrap());
        }
    }

    #[test]
    fn mistakes_are_named() {
        let text = include_str!("../../../../fixtures/profiles/isoapplet.toml");
        let error = |from, to| Preset::from_toml(&text.replace(from, to)).unwrap_err().to_string();
        assert!(error("tries = 3", "tries = 99").contains("pin.tries"));
        assert!(error("3B80800101", "3B80800102").contains("atr"));
        assert!(error("key_slots", "key_slot").contains("key_slot"));
    }
}
