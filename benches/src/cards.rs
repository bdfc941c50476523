//! The cards that are measured, made through their commands as a host would make them.

use crate::commands::{
    CHOOSE_GENERATION, CHOOSE_SIGNING, GENERATE, SELECT_APPLET, SET_PIN, SET_PUK, VERIFY, encode, must, select_path,
};
use card_os::crypto::rsa::Rsa;
use card_os::preset::Preset;
use card_os::sim::SimCard;
use card_wire::{Command, Ins, Protocol};

/// What a file may be done with, as OpenSC's profile for this card writes it: delete, lock, activate, deactivate,
/// write, update, read.
type Access = [u8; 7];
const FREE: Access = [0; 7];
const APPLICATION: Access = [0, 0, 0, 0, 0, 0, 0x90];
const DIRECTORY: Access = [0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x00];
const PUBLIC: Access = [0x90, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00];

/// SELECT of the master file by its identifier.
const SELECT_MASTER: &[u8] = b"\x00\xA4\x00\x00\x02\x3F\x00\x00";
const PKCS15: u16 = 0x5015;
const PUBLIC_KEYS: u16 = 0x3300;
const CERTIFICATES: u16 = 0x3400;
/// Length of a public RSA-2048 key as OpenSC stores it.
const PUBLIC_KEY_LEN: usize = 0x10E;
/// Files of a full card, the master file included.
const FULL: usize = 1024;
const CHILDREN: u16 = 250;

/// A powered card with the applet selected and the PIN verified, and the path of every file on it.
pub struct Measured<R: Rsa> {
    /// The card.
    pub card: SimCard<R>,
    /// Absolute paths without 3F00, in the order of creation.
    pub paths: Vec<Vec<u16>>,
}

impl<R: Rsa + Send> Measured<R> {
    /// A SELECT with FCI for every file.
    #[must_use]
    pub fn selects(&self) -> Vec<Vec<u8>> {
        self.paths.iter().map(|path| select_path(path)).collect()
    }

    /// The path of the first certificate.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        select_path(&[PKCS15, CERTIFICATES])
    }

    /// Generates the RSA-2048 key of slot 0 and leaves the card ready to sign with it.
    pub fn generate_key(&mut self) {
        must(&mut self.card, CHOOSE_GENERATION);
        must(&mut self.card, GENERATE);
        must(&mut self.card, CHOOSE_SIGNING);
    }

    fn create(&mut self, parent: &[u16], id: u16, directory: bool, len: usize, access: Access) {
        must(&mut self.card, &if parent.is_empty() { SELECT_MASTER.to_vec() } else { select_path(parent) });
        let size = u16::try_from(len).expect("the benches make small files").to_be_bytes();
        let [high, low] = id.to_be_bytes();
        let descriptor = if directory { 0x38 } else { 0x01 };
        let mut fci =
            vec![0x6F, 0x15, 0x81, 2, size[0], size[1], 0x82, 1, descriptor, 0x83, 2, high, low, 0x86, 8, 0xFF];
        fci.extend(access);
        must(&mut self.card, &encode(&Command::new(Ins::CREATE_FILE, 0, 0).with_data(&fci)));
        let mut path = parent.to_vec();
        path.push(id);
        self.paths.push(path);
    }

    fn file(&mut self, parent: &[u16], id: u16, content: &[u8], access: Access) {
        self.create(parent, id, false, content.len(), access);
        for (at, part) in content.chunks(255).enumerate() {
            let [p1, p2] = u16::try_from(at * 255).expect("the benches make small files").to_be_bytes();
            must(&mut self.card, &encode(&Command::new(Ins::UPDATE_BINARY, p1, p2).with_data(part)));
        }
    }
}

/// A card after `pkcs15-init --create-pkcs15` and four key pairs with their certificates.
///
/// # Panics
/// Where the card refuses a command.
#[must_use]
pub fn personalised<R: Rsa + Send>(preset: &Preset, rsa: R) -> Measured<R> {
    let mut card = SimCard::from_seed(preset, 0x15, rsa).expect("a built-in preset makes a card");
    card.power_on(Protocol::T1);
    let mut measured = Measured { card, paths: Vec::new() };
    must(&mut measured.card, SELECT_APPLET);
    must(&mut measured.card, SET_PUK);
    must(&mut measured.card, SET_PIN);
    must(&mut measured.card, VERIFY);
    measured.create(&[], PKCS15, true, 0x1388, APPLICATION);
    measured.file(&[PKCS15], 0x4401, &content(0x100, 1), DIRECTORY);
    measured.file(&[PKCS15], 0x5031, &content(0x100, 2), FREE);
    measured.file(&[], 0x2F00, &content(0x80, 3), FREE);
    measured.file(&[PKCS15], 0x5032, &content(0x3D, 4), FREE);
    measured.file(&[PKCS15], 0x4946, &content(0x80, 5), DIRECTORY);
    for (id, len) in [(0x4402, 0x200), (0x4403, 0x200), (0x4404, 0x200), (0x4405, 0x100)] {
        measured.file(&[PKCS15], id, &content(len, 6), DIRECTORY);
    }
    for key in 0..4 {
        measured.file(&[PKCS15], PUBLIC_KEYS + key, &content(PUBLIC_KEY_LEN, key), PUBLIC);
        measured.file(&[PKCS15], CERTIFICATES + key, &content(1000, key), PUBLIC);
    }
    measured
}

/// The same card with small files in further DFs, 1,024 in all.
///
/// # Panics
/// Where the card refuses a command.
#[must_use]
pub fn full<R: Rsa + Send>(rsa: R) -> Measured<R> {
    let mut measured = personalised(&Preset::certificate(), rsa);
    // The master file is not in the list.
    let mut left = FULL - 1 - measured.paths.len();
    for directory in 0x6000.. {
        if left == 0 {
            return measured;
        }
        measured.create(&[], directory, true, 0x1388, FREE);
        left -= 1;
        for child in 0..CHILDREN.min(u16::try_from(left).unwrap_or(CHILDREN)) {
            let id = 0x8000 + (directory - 0x6000) * CHILDREN + child;
            measured.file(&[directory], id, &content(8, child), FREE);
            left -= 1;
        }
    }
    measured
}

/// Identifiers of the record EFs of [`records`]: linear fixed, linear variable, cyclic.
pub const RECORD_FILES: [(u16, &str); 3] = [(0x1002, "linear fixed"), (0x1004, "linear variable"), (0x1006, "cyclic")];

/// A plain ISO card with 200 records of 32 bytes in each of three EFs, and channel 1 open.
///
/// # Panics
/// Where the card refuses a command.
#[must_use]
pub fn records<R: Rsa + Send>(rsa: R) -> Measured<R> {
    let card = SimCard::from_seed(&Preset::iso(), 0x15, rsa).expect("a built-in preset makes a card");
    let mut measured = Measured { card, paths: Vec::new() };
    for (id, _) in RECORD_FILES {
        let [high, low] = id.to_be_bytes();
        let parameters = [
            0x62, 0x11, 0x82, 0x05, low, 0x21, 0x00, 0x20, 0xC8, 0x80, 0x02, 0x19, 0x00, 0x83, 0x02, high, low, 0x88,
            0x00,
        ];
        must(&mut measured.card, &encode(&Command::new(Ins::CREATE_FILE, 0, 0).with_data(&parameters)));
        for number in 0..200 {
            let record = content(32, number);
            must(&mut measured.card, &encode(&Command::new(Ins::APPEND_RECORD, 0, 0).with_data(&record)));
        }
        measured.paths.push(vec![id]);
    }
    must(&mut measured.card, &[0x00, 0x70, 0x00, 0x01]);
    measured
}

/// Bytes that look like a DER object and differ from file to file.
fn content(len: usize, seed: u16) -> Vec<u8> {
    let mut bytes = vec![0x30, 0x82];
    bytes.extend(u16::try_from(len.saturating_sub(4)).unwrap_or(0).to_be_bytes());
    let mut state = u32::from(seed) | 1;
    while bytes.len() < len {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend(state.to_be_bytes());
    }
    bytes.truncate(len);
    bytes
}
