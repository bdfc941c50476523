//! Presets: what distinguishes one card from another, as plain data.

use alloc::string::String;
use alloc::vec::Vec;

use card_wire::{Atr, Status};

use crate::nvm::{object, page};

/// Which version of the OpenSC dialect the card speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Dialect {
    /// Version 0: SELECT answers with the version, ECDSA hashes on the card, no PSS, no RSA-4096.
    V0,
    /// Version 1: GET DATA answers with the version, ECDSA signs a hash that the host made.
    V1,
    /// Both: what the host sends decides.
    Auto,
    /// No applet: a plain ISO/IEC 7816-4 file system below the master file, as ISO.md has it.
    None,
}

/// Rules for the user PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinPolicy {
    /// Shortest PIN, in bytes.
    pub min: u8,
    /// Longest PIN, in bytes; at most 16.
    pub max: u8,
    /// Consecutive wrong tries that block it; at most 15.
    pub tries: u8,
}

/// How much of everything there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files on the card, the master file included.
    pub files: u16,
    /// Levels of files below the master file.
    pub depth: u8,
    /// Files directly below one DF.
    pub df_children: u16,
    /// Bytes of one file.
    pub file_len: u16,
    /// Records of one EF; at most 254.
    pub records: u8,
    /// Logical channels, the basic one included; at most 4. More than one only without a dialect.
    pub channels: u8,
    /// Bytes that the commands of one chain may bring together.
    pub chain: u16,
}

impl Limits {
    /// What a card has whose preset does not say.
    const RECORDS: u8 = 254;
    const CHANNELS: u8 = 4;
    const CHAIN: u16 = 0xFFFF;
}

/// What the card takes over the wire and computes, beside its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Commands may be chained; else 6884.
    pub chaining: bool,
    /// Extended lengths are understood; else 6700.
    pub extended: bool,
    /// The raw RSA operation is offered, without a dialect only.
    pub raw_rsa: bool,
}

impl Features {
    /// What a card has whose preset does not say.
    const ORDINARY: Self = Self { chaining: true, extended: true, raw_rsa: false };
}

/// Everything that a card is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name; at most 32 bytes.
    pub name: String,
    /// Answer to reset.
    pub atr: Atr,
    /// Dialect under the applet's AID.
    pub dialect: Dialect,
    /// User PIN.
    pub pin: PinPolicy,
    /// Wrong tries that block the PUK, which always has 16 bytes; at most 15.
    pub puk_tries: u8,
    /// What a PIN or PUK without tries answers.
    pub blocked: Status,
    /// Whether private keys may be imported.
    pub key_import: bool,
    /// Key slots; at most 16.
    pub key_slots: u8,
    /// Size of the memory in bytes.
    pub nvm_len: u32,
    /// Bounds.
    pub limits: Limits,
    /// What the card takes and offers.
    pub features: Features,
}

/// Default memory: 1,600 pages.
const NVM_LEN: u32 = 1536 + 1600 * 128;
/// 64 pages (8 KiB) for the user, four for the card's own objects, one for the map and 24 to spare for updates.
const TIGHT_NVM_LEN: u32 = 1536 + (64 + 4 + 1 + 24) * 128;

impl Preset {
    /// Any OpenSC user's card: behaves as OpenSC's own CI expects.
    #[must_use]
    pub fn isoapplet() -> Self {
        Self {
            name: String::from("isoapplet"),
            atr: dialect_atr(),
            dialect: Dialect::Auto,
            pin: PinPolicy { min: 4, max: 16, tries: 3 },
            puk_tries: 5,
            blocked: Status::tries_left(0),
            key_import: true,
            key_slots: 16,
            nvm_len: NVM_LEN,
            limits: Limits {
                files: 1024,
                depth: 16,
                df_children: 30,
                file_len: 0x8000,
                records: Limits::RECORDS,
                channels: Limits::CHANNELS,
                chain: Limits::CHAIN,
            },
            features: Features::ORDINARY,
        }
    }

    /// The card of the certificate service: longer PINs, no key import, blocked is 6983.
    #[must_use]
    pub fn certificate() -> Self {
        Self {
            name: String::from("certificate"),
            pin: PinPolicy { min: 6, max: 16, tries: 3 },
            blocked: Status::BLOCKED,
            key_import: false,
            limits: Limits { df_children: 256, ..Self::isoapplet().limits },
            ..Self::isoapplet()
        }
    }

    /// A plain ISO card, blank: its master file is in creation state. PINs are made with their files.
    #[must_use]
    pub fn iso() -> Self {
        Self {
            name: String::from("iso"),
            atr: iso_atr(),
            dialect: Dialect::None,
            blocked: Status::BLOCKED,
            limits: Limits { df_children: 256, ..Self::isoapplet().limits },
            features: Features { raw_rsa: true, ..Features::ORDINARY },
            ..Self::isoapplet()
        }
    }

    /// A small real card: version 1, short APDUs without chaining, 64 pages for the user.
    #[must_use]
    pub fn tight() -> Self {
        Self {
            name: String::from("tight"),
            dialect: Dialect::V1,
            blocked: Status::BLOCKED,
            key_import: false,
            key_slots: 8,
            nvm_len: TIGHT_NVM_LEN,
            limits: Limits { files: 64, depth: 4, df_children: 256, file_len: 0x800, ..Self::isoapplet().limits },
            features: Features { chaining: false, extended: false, raw_rsa: false },
            ..Self::isoapplet()
        }
    }

    /// Names of the presets that are built in.
    pub const NAMES: &'static [&'static str] = &["isoapplet", "certificate", "iso", "tight"];

    /// A built-in preset.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "isoapplet" => Some(Self::isoapplet()),
            "certificate" => Some(Self::certificate()),
            "iso" => Some(Self::iso()),
            "tight" => Some(Self::tight()),
            _ => None,
        }
    }

    /// Whether a card can be made from this.
    ///
    /// # Errors
    /// The first field that is out of bounds, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        let rules = [
            ((1..=32).contains(&self.name.len()), "name must have 1 to 32 bytes"),
            (self.name.bytes().all(|byte| byte.is_ascii_graphic()), "name must be of printable ASCII characters"),
            (matches!(self.blocked.0, 0x63C0 | 0x6983), "blocked must be 63C0 or 6983"),
            (self.pin.min >= 1 && self.pin.min <= self.pin.max, "pin.min must be 1 to pin.max"),
            (self.pin.max <= 16, "pin.max must be at most 16"),
            ((1..=15).contains(&self.pin.tries), "pin.tries must be 1 to 15"),
            ((1..=15).contains(&self.puk_tries), "puk_tries must be 1 to 15"),
            ((1..=16).contains(&self.key_slots), "key_slots must be 1 to 16"),
            (self.limits.files >= 1, "limits.files must be at least 1"),
            (self.limits.depth >= 1, "limits.depth must be at least 1"),
            (self.limits.df_children >= 1, "limits.df_children must be at least 1"),
            ((1..=254).contains(&self.limits.records), "limits.records must be 1 to 254"),
            ((1..=4).contains(&self.limits.channels), "limits.channels must be 1 to 4"),
            (self.limits.chain >= 255, "limits.chain must be at least 255"),
            ((128..=0xFFFF).contains(&self.limits.file_len), "limits.file_len must be at least 128"),
            ((8192..=0x5_0000).contains(&self.nvm_len), "nvm_len must be 8,192 to 327,680"),
            (
                usize::try_from(self.nvm_len).is_ok_and(|len| page::count(len) > usize::from(self.spare_pages()) + 8),
                "nvm_len must be larger for this limits.file_len: the longest update needs free pages of its own",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(*rule))
    }

    /// Pages that are kept for updates of what already exists: the largest update of one file, or a new key in
    /// the place of an old one.
    pub(crate) fn spare_pages(&self) -> u16 {
        // A record EF carries its counters and the lengths of its records in front.
        let overhead = if self.dialect == Dialect::None { crate::fs::record::MAX_OVERHEAD } else { 0 };
        let content = (usize::from(self.limits.file_len) + overhead).div_ceil(page::PAYLOAD);
        let pages = content + content.div_ceil(object::PER_INDEX) + 2;
        u16::try_from(pages.max(24)).unwrap_or(u16::MAX)
    }

    /// The preset as it is stored in the header of the memory.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut text = |bytes: &[u8]| {
            let len = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
            out.push(len);
            out.extend_from_slice(&bytes[..usize::from(len)]);
        };
        text(self.name.as_bytes());
        text(self.atr.as_bytes());
        out.extend_from_slice(&[self.dialect as u8, self.pin.min, self.pin.max, self.pin.tries, self.puk_tries]);
        out.extend_from_slice(&self.blocked.to_bytes());
        out.extend_from_slice(&[u8::from(self.key_import), self.key_slots]);
        out.extend_from_slice(&self.nvm_len.to_be_bytes());
        out.extend_from_slice(&self.limits.files.to_be_bytes());
        out.push(self.limits.depth);
        out.extend_from_slice(&self.limits.df_children.to_be_bytes());
        out.extend_from_slice(&self.limits.file_len.to_be_bytes());
        let Features { chaining, extended, raw_rsa } = self.features;
        out.push(u8::from(chaining) | u8::from(extended) << 1 | u8::from(raw_rsa) << 2);
        out.extend_from_slice(&[self.limits.records, self.limits.channels]);
        out.extend_from_slice(&self.limits.chain.to_be_bytes());
        out
    }

    /// Reads what [`Preset::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (name, rest) = text(bytes)?;
        let (atr, rest) = text(rest)?;
        let [dialect, min, max, tries, puk_tries, b1, b2, import, key_slots, n1, n2, n3, n4, rest @ ..] = rest else {
            return None;
        };
        let [f1, f2, depth, c1, c2, l1, l2, rest @ ..] = rest else { return None };
        // Memory format 1 knew no more.
        let (features, records, channels, chain) = match rest {
            [] => (Features::ORDINARY, Limits::RECORDS, Limits::CHANNELS, Limits::CHAIN),
            [features @ 0..=7, records, channels, b1, b2] => {
                let has = |bit| features & bit != 0;
                let features = Features { chaining: has(1), extended: has(2), raw_rsa: has(4) };
                (features, *records, *channels, u16::from_be_bytes([*b1, *b2]))
            }
            _ => return None,
        };
        let preset = Self {
            name: String::from(core::str::from_utf8(name).ok()?),
            atr: Atr::parse(atr).ok()?,
            dialect: match dialect {
                0 => Dialect::V0,
                1 => Dialect::V1,
                2 => Dialect::Auto,
                3 => Dialect::None,
                _ => return None,
            },
            pin: PinPolicy { min: *min, max: *max, tries: *tries },
            puk_tries: *puk_tries,
            blocked: Status(u16::from_be_bytes([*b1, *b2])),
            key_import: *import != 0,
            key_slots: *key_slots,
            nvm_len: u32::from_be_bytes([*n1, *n2, *n3, *n4]),
            limits: Limits {
                files: u16::from_be_bytes([*f1, *f2]),
                depth: *depth,
                df_children: u16::from_be_bytes([*c1, *c2]),
                file_len: u16::from_be_bytes([*l1, *l2]),
                records,
                channels,
                chain,
            },
            features,
        };
        preset.check().ok().map(|()| preset)
    }
}

/// A length byte and that many bytes; and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*len))
}

/// The ATR of OpenSC's CI: T=0 and T=1, no historical bytes, so that no other driver takes the card.
fn dialect_atr() -> Atr {
    Atr::parse(&[0x3B, 0x80, 0x80, 0x01, 0x01]).expect("a constant that the ATR tests check")
}

/// T=0 and T=1; historical bytes with the card capabilities: selection by name, partial name, path, identifier and
/// short identifier, records by number and identifier; data coding 21; chaining, extended lengths, four channels.
fn iso_atr() -> Atr {
    Atr::parse(&[0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0xF7, 0x21, 0xDB, 0xFA])
        .expect("a constant that the ATR tests check")
}

#[cfg(feature = "std")]
mod file;
#[cfg(feature = "std")]
pub use file::PresetError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_survive_the_header() {
        for name in Preset::NAMES {
            let preset = Preset::named(name).unwrap();
            assert_eq!(preset.check(), Ok(()));
            assert_eq!(Preset::decode(&preset.encode()), Some(preset.clone()));
            assert!(preset.encode().len() <= crate::nvm::header::MAX_CONFIG);
        }
        assert_eq!(Preset::decode(&[]), None);
        assert_eq!(Preset::decode(&[9; 40]), None);
    }
}
