//! The cards that sequences begin with: blank ones, rich ones with planted secrets, and one with little memory.
//! Each comes with the model of it.

use std::cell::OnceCell;

use card_model::{Model, Profile};
use card_os::preset::{Dialect, Limits, PinPolicy, Preset};

use crate::canary;
use crate::device::{FuzzCard, blank};

/// How many cards there are; the low bits of an input's first byte choose one.
pub const COUNT: usize = 10;
/// Bit of the first byte: every event is rendered and searched.
pub const RENDER: u8 = 0x20;
/// Bit of the first byte: at the end, the memory is opened as a card once more.
pub const REOPEN: u8 = 0x40;
/// Bit of the first byte: the host has room for a short answer only. The model is not asked then.
pub const SHORT: u8 = 0x80;

/// What stands in `choice` for each card.
pub const NAMES: [&str; COUNT] = [
    "blank isoapplet",
    "blank certificate",
    "rich isoapplet, verified, PIN of 16 random bytes",
    "rich certificate, verified, PIN 123456 and taint",
    "rich isoapplet, after a reset, PIN 123456",
    "rich version 0, verified",
    "rich version 1, verified",
    "little memory, verified, PIN 123456",
    "blank iso",
    "blank tight",
];

/// The card that the first byte of an input names, by its five low bits.
#[must_use]
pub const fn index(choice: u8) -> usize {
    (choice & 0x1F) as usize % COUNT
}

/// The applet's identifier, as the data field of SELECT.
pub const AID: [u8; 12] = [0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01];

/// The domain parameters of P-256 in the dialect's tags, without the cofactor.
const P256: &[u8] = b"\
\x81\x20\xFF\xFF\xFF\xFF\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\
\x82\x20\xFF\xFF\xFF\xFF\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFC\
\x83\x20\x5A\xC6\x35\xD8\xAA\x3A\x93\xE7\xB3\xEB\xBD\x55\x76\x98\x86\xBC\x65\x1D\x06\xB0\xCC\x53\xB0\xF6\x3B\xCE\x3C\x3E\x27\xD2\x60\x4B\
\x84\x41\x04\x6B\x17\xD1\xF2\xE1\x2C\x42\x47\xF8\xBC\xE6\xE5\x63\xA4\x40\xF2\x77\x03\x7D\x81\x2D\xEB\x33\xA0\xF4\xA1\x39\x45\xD8\x98\xC2\x96\
\x4F\xE3\x42\xE2\xFE\x1A\x7F\x9B\x8E\xE7\xEB\x4A\x7C\x0F\x9E\x16\x2B\xCE\x33\x57\x6B\x31\x5E\xCE\xCB\xB6\x40\x68\x37\xBF\x51\xF5\
\x85\x20\xFF\xFF\xFF\xFF\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51";

/// The same for the key object: cofactor 1.
const COFACTOR: &[u8] = &[0x87, 2, 0, 1];

/// A card and its model, in the same state.
pub struct Prepared {
    /// The card.
    pub card: FuzzCard,
    /// The model.
    pub model: Model,
}

/// A fork of the card that `choice` names, and a clone of its model.
///
/// # Panics
/// If the cards cannot be prepared: then the card or the model is broken from the start.
#[must_use]
pub fn fork(choice: u8) -> (FuzzCard, Model) {
    thread_local! {
        static CARDS: [OnceCell<Prepared>; COUNT] = const { [const { OnceCell::new() }; COUNT] };
    }
    let index = index(choice);
    CARDS.with(|cards| {
        let prepared = cards[index].get_or_init(|| prepare(index));
        (prepared.card.fork(), prepared.model.clone())
    })
}

/// The preset of card number `index`.
#[must_use]
pub fn preset(index: usize) -> Preset {
    let isoapplet = Preset::isoapplet();
    match index {
        1 | 3 => Preset::certificate(),
        5 => Preset { dialect: Dialect::V0, ..isoapplet },
        6 => Preset { dialect: Dialect::V1, ..isoapplet },
        7 => Preset {
            pin: PinPolicy { min: 4, max: 8, tries: 2 },
            puk_tries: 2,
            key_slots: 3,
            nvm_len: 16 * 1024,
            limits: Limits { files: 12, depth: 3, df_children: 4, file_len: 0x400, ..Preset::isoapplet().limits },
            ..isoapplet
        },
        8 => Preset::iso(),
        9 => Preset::tight(),
        _ => isoapplet,
    }
}

/// What the model must know of a preset.
#[must_use]
pub fn profile(preset: &Preset) -> Profile {
    Profile {
        dialect: match preset.dialect {
            Dialect::V0 => card_model::Dialect::V0,
            Dialect::V1 => card_model::Dialect::V1,
            Dialect::Auto => card_model::Dialect::Auto,
            Dialect::None => card_model::Dialect::None,
        },
        pin_min: preset.pin.min,
        pin_max: preset.pin.max,
        pin_tries: preset.pin.tries,
        puk_tries: preset.puk_tries,
        blocked: preset.blocked.0,
        key_import: preset.key_import,
        key_slots: preset.key_slots,
        files: preset.limits.files,
        depth: preset.limits.depth,
        df_children: preset.limits.df_children,
        file_len: preset.limits.file_len,
        memory: preset.nvm_len,
        raw_rsa: preset.features.raw_rsa,
    }
}

fn prepare(index: usize) -> Prepared {
    let preset = preset(index);
    let card = blank(&preset).expect("the presets make cards");
    let mut prepared = Prepared { card, model: Model::new(profile(&preset)) };
    for command in preparation(index) {
        prepared.send(&command);
    }
    if index == 4 {
        prepared.card.reset();
        prepared.model.reset();
    }
    prepared
}

impl Prepared {
    fn send(&mut self, command: &[u8]) {
        let mut buffer = vec![0; crate::invariants::MAX_ANSWER];
        let answer = self.card.transmit(command, &mut buffer);
        assert!(answer.ends_with(&[0x90, 0x00]), "{command:02X?}: {answer:02X?}");
        if let Err(mismatch) = self.model.step(command, answer) {
            panic!("the model disagrees about the preparation: {mismatch}");
        }
    }
}

/// A command with data and without Le, short or extended as the data needs.
#[must_use]
pub fn command(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut command = header.to_vec();
    match u8::try_from(data.len()) {
        Ok(len) => command.push(len),
        Err(_) => {
            command.push(0);
            command.extend(u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
        }
    }
    command.extend(data);
    command
}

/// CREATE FILE; `access` are the eight bytes of tag 86.
fn create(descriptor: u8, fid: u16, size: u16, access: [u8; 8]) -> Vec<u8> {
    let ([f1, f2], [s1, s2]) = (fid.to_be_bytes(), size.to_be_bytes());
    let head = [0x6F, 0x15, 0x81, 2, s1, s2, 0x82, 1, descriptor, 0x83, 2, f1, f2, 0x86, 8];
    command([0, 0xE0, 0, 0], &[&head[..], &access].concat())
}

/// What makes the card number `index` from a blank one.
#[must_use]
pub fn preparation(index: usize) -> Vec<Vec<u8>> {
    if matches!(index, 0 | 1 | 8 | 9) {
        return Vec::new();
    }
    let pin: &[u8] = &match index {
        2 | 5 | 6 => canary::pin().to_vec(),
        3 => canary::tainted_pin().to_vec(),
        _ => b"123456".to_vec(),
    };
    let mut padded = pin.to_vec();
    padded.resize(16, 0);
    let p2 = if index == 5 { 0x00 } else { 0x0C };
    let mut commands = vec![
        command([0, 0xA4, 4, p2], &AID),
        command([0, 0x24, 1, 2], &canary::puk()),
        command([0, 0x24, 1, 1], pin),
        command([0, 0x20, 0, 1], &padded),
    ];
    commands.extend(files(index == 7));
    commands.extend(keys(index));
    commands
}

fn files(little: bool) -> Vec<Vec<u8>> {
    const FREE: [u8; 8] = [0xFF, 0, 0, 0, 0, 0, 0, 0];
    const WRITE_PIN: [u8; 8] = [0xFF, 0x90, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00];
    const ALL_PIN: [u8; 8] = [0xFF, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90];
    let (long, longest) = if little { (200, 0x400) } else { (0x500, 0x3000) };
    vec![
        create(0x38, 0x5015, 0, [0xFF, 0, 0, 0, 0, 0, 0, 0x90]),
        create(0x01, 0x5031, 16, FREE),
        command([0, 0xD6, 0, 0], b"sixteen bytes...")[..].to_vec(),
        create(0x01, 0x5032, long, WRITE_PIN),
        command([0, 0xD6, 0, 100], &[0x5A; 90]),
        create(0x38, 0x5016, 0, ALL_PIN),
        create(0x01, 0x3301, 64, ALL_PIN),
        command([0, 0xA4, 8, 0x0C], &[0x50, 0x15]),
        create(0x01, 0x4402, longest, ALL_PIN),
        command([0, 0xD6, 0x01, 0xF0], &[0xC3; 250]),
        command([0, 0xA4, 0, 0x0C], &[0x3F, 0x00]),
        // A DF with the name `name`.
        command([0, 0xE0, 0, 0], b"\x6F\x0D\x82\x01\x38\x83\x02\x50\x17\x84\x04name"),
        command([0, 0xA4, 8, 0x0C], &[0x50, 0x15, 0x50, 0x31]),
    ]
}

/// MANAGE SECURITY ENVIRONMENT for storing a key.
fn store(algorithm: u8, slot: u8) -> Vec<u8> {
    command([0, 0x22, 0x41, 0], &[0x80, 1, algorithm, 0x84, 1, slot])
}

fn keys(index: usize) -> Vec<Vec<u8>> {
    let mut keys = vec![store(0xF3, 0), vec![0, 0x46, 0x42, 0, 0, 0, 0]];
    if preset(index).key_import {
        let scalar = canary::scalar::<32>();
        let object = [P256, COFACTOR, &[0x88, 32], &scalar].concat();
        let len = u8::try_from(object.len()).expect("shorter than 256 bytes");
        keys.extend([store(0xEC, 1), command([0, 0xDB, 0x3F, 0xFF], &[&[0xE0, 0x81, len], &object[..]].concat())]);
    } else {
        // In extended length: the answer is longer than 256 bytes.
        let parameters = [P256, COFACTOR].concat();
        let len = u8::try_from(parameters.len()).expect("shorter than 256 bytes");
        keys.extend([store(0xEC, 1), [&[0, 0x46, 0, 0, 0, 0, len], &parameters[..], &[0, 0]].concat()]);
    }
    if !matches!(index, 5 | 7) {
        keys.extend([store(0xF5, 2), vec![0, 0x46, 0x42, 0, 0, 0, 0]]);
    }
    // Ready to sign.
    keys.push(command([0, 0x22, 0x41, 0xB6], &[0x80, 1, 0x11, 0x84, 1, 0]));
    keys
}
