//! The commands that the benches send, as bytes, and a way to send one that must succeed.

use card_wire::{Command, Icc, Ins};

/// The applet's SELECT by AID.
pub const SELECT_APPLET: &[u8] = b"\x00\xA4\x04\x00\x0C\xF2\x76\xA2\x88\xBC\xFB\xA6\x9D\x34\xF3\x10\x01\x00";
/// Sets the PUK of a blank card.
pub const SET_PUK: &[u8] = b"\x00\x24\x01\x02\x100123456789abcdef";
/// Sets the PIN after it.
pub const SET_PIN: &[u8] = b"\x00\x24\x01\x01\x06123456";
/// VERIFY with that PIN.
pub const VERIFY: &[u8] = b"\x00\x20\x00\x01\x10123456\0\0\0\0\0\0\0\0\0\0";
/// READ BINARY of the first 256 bytes.
pub const READ_256: &[u8] = b"\x00\xB0\x00\x00\x00";
/// MSE SET for the generation of an RSA-2048 key in slot 0.
pub const CHOOSE_GENERATION: &[u8] = b"\x00\x22\x41\x00\x06\x80\x01\xF3\x84\x01\x00";
/// GENERATE ASYMMETRIC KEY PAIR, all of the answer at once.
pub const GENERATE: &[u8] = b"\x00\x46\x42\x00\x00\x00\x00";
/// MSE SET for PKCS#1 v1.5 signatures with slot 0.
pub const CHOOSE_SIGNING: &[u8] = b"\x00\x22\x41\xB6\x0A\x80\x01\x11\x81\x02\x50\x15\x84\x01\x00";
/// PSO COMPUTE DIGITAL SIGNATURE over the `DigestInfo` of a SHA-256 hash.
pub const SIGN: &[u8] =
    b"\x00\x2A\x9E\x9A\x33\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20\
    0123456789abcdef0123456789abcdef\x00";

/// The largest answer of any command here, with its status word.
pub const ANSWER: usize = 1024;

/// SELECT by absolute path, asking for the FCI.
#[must_use]
pub fn select_path(path: &[u16]) -> Vec<u8> {
    let data: Vec<u8> = path.iter().flat_map(|id| id.to_be_bytes()).collect();
    encode(&Command::new(Ins::SELECT, 0x08, 0x00).with_data(&data).with_ne(256))
}

/// The bytes of a command whose lengths are known to be small.
///
/// # Panics
/// Over the limits of an APDU: a mistake in a bench.
#[must_use]
pub fn encode(command: &Command<'_>) -> Vec<u8> {
    command.encode().expect("the benches send short commands")
}

/// Sends a command and returns the data of its answer.
///
/// # Panics
/// On another status than 9000: what is measured after it would mean nothing.
pub fn must(card: &mut (impl Icc + ?Sized), command: &[u8]) -> Vec<u8> {
    let mut buffer = [0; ANSWER];
    let answer = card.transmit(command, &mut buffer);
    let data = answer.strip_suffix(&[0x90, 0x00]);
    // The command may hold the PIN of a test card; its header says enough.
    data.unwrap_or_else(|| panic!("{:02X?} was answered {answer:02X?}", &command[..4])).to_vec()
}
