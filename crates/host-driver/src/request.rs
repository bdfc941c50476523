//! The commands of the PKI applet, one function each, named by the standard's words. Nothing is sent here.

use card_wire::{Command, Ins};

/// Asks for all there is, up to the longest short answer.
const ALL: usize = 256;
/// P1-P2 of user PIN commands.
const USER_PIN: u8 = 0x01;

/// The PKI applet's name.
pub(crate) const AID: [u8; 12] = [0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 0x01];

/// SELECT the applet without an answer.
pub(crate) const fn select_applet() -> Command<'static> {
    Command::new(Ins::SELECT, 0x04, 0x0C).with_data(&AID)
}

/// SELECT the applet and let it tell its version, as version 0 does.
pub(crate) const fn select_applet_v0() -> Command<'static> {
    Command::new(Ins::SELECT, 0x04, 0x00).with_data(&AID).with_ne(ALL)
}

/// GET DATA for version and features, as version 1 knows it.
pub(crate) const fn get_version() -> Command<'static> {
    Command::new(Ins::GET_DATA, 0x01, 0x01).with_ne(3)
}

/// SELECT the MF.
pub(crate) const fn select_mf() -> Command<'static> {
    Command::new(Ins::SELECT, 0x00, 0x00).with_data(&[0x3F, 0x00]).with_ne(ALL)
}

/// SELECT by path from the MF, which the path does not name.
pub(crate) const fn select_path(path: &[u8]) -> Command<'_> {
    Command::new(Ins::SELECT, 0x08, 0x00).with_data(path).with_ne(ALL)
}

/// READ BINARY from the current EF.
pub(crate) const fn read_binary(offset: u16, ne: usize) -> Command<'static> {
    let [high, low] = offset.to_be_bytes();
    Command::new(Ins::READ_BINARY, high, low).with_ne(ne)
}

/// UPDATE BINARY of the current EF.
pub(crate) const fn update_binary(offset: u16, data: &[u8]) -> Command<'_> {
    let [high, low] = offset.to_be_bytes();
    Command::new(Ins::UPDATE_BINARY, high, low).with_data(data)
}

/// CREATE FILE in the current DF.
pub(crate) const fn create_file(fci: &[u8]) -> Command<'_> {
    Command::new(Ins::CREATE_FILE, 0, 0).with_data(fci)
}

/// DELETE FILE by identifier.
pub(crate) const fn delete_file(fid: &[u8; 2]) -> Command<'_> {
    Command::new(Ins::DELETE_FILE, 0, 0).with_data(fid)
}

/// GET CHALLENGE.
pub(crate) const fn get_challenge(ne: usize) -> Command<'static> {
    Command::new(Ins::GET_CHALLENGE, 0, 0).with_ne(ne)
}

/// VERIFY the user PIN; without data it only asks for the tries.
pub(crate) const fn verify(pin: &[u8]) -> Command<'_> {
    Command::new(Ins::VERIFY, 0x00, USER_PIN).with_data(pin)
}

/// CHANGE REFERENCE DATA: old PIN and new PIN.
pub(crate) const fn change_pin(old_and_new: &[u8]) -> Command<'_> {
    Command::new(Ins::CHANGE_REFERENCE_DATA, 0x00, USER_PIN).with_data(old_and_new)
}

/// CHANGE REFERENCE DATA of a card that is being personalised: sets the PIN.
pub(crate) const fn set_pin(pin: &[u8]) -> Command<'_> {
    Command::new(Ins::CHANGE_REFERENCE_DATA, 0x01, USER_PIN).with_data(pin)
}

/// CHANGE REFERENCE DATA of a card that is being personalised: sets the PUK.
pub(crate) const fn set_puk(puk: &[u8]) -> Command<'_> {
    Command::new(Ins::CHANGE_REFERENCE_DATA, 0x01, 0x02).with_data(puk)
}

/// RESET RETRY COUNTER: PUK and new PIN.
pub(crate) const fn unblock_pin(puk_and_new: &[u8]) -> Command<'_> {
    Command::new(Ins::RESET_RETRY_COUNTER, 0x00, USER_PIN).with_data(puk_and_new)
}

/// What a key is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Generation or import.
    Setup,
    /// Signing.
    Sign,
    /// Deciphering.
    Decipher,
}

/// Data of MANAGE SECURITY ENVIRONMENT: the algorithm and the key's slot, between them the application's path.
pub(crate) struct Environment {
    bytes: [u8; 10],
    len: usize,
    p2: u8,
}

impl Environment {
    pub(crate) const fn new(purpose: Use, algorithm: u8, slot: u8) -> Self {
        let p2 = match purpose {
            Use::Setup => return Self { bytes: [0x80, 1, algorithm, 0x84, 1, slot, 0, 0, 0, 0], len: 6, p2: 0x00 },
            Use::Sign => 0xB6,
            Use::Decipher => 0xB8,
        };
        Self { bytes: [0x80, 1, algorithm, 0x81, 2, 0x50, 0x15, 0x84, 1, slot], len: 10, p2 }
    }

    /// MANAGE SECURITY ENVIRONMENT SET.
    pub(crate) fn command(&self) -> Command<'_> {
        Command::new(Ins::MANAGE_SECURITY_ENVIRONMENT, 0x41, self.p2).with_data(&self.bytes[..self.len])
    }
}

/// GENERATE ASYMMETRIC KEY PAIR for RSA.
pub(crate) const fn generate_rsa() -> Command<'static> {
    Command::new(Ins::GENERATE_ASYMMETRIC_KEY_PAIR, 0x42, 0x00).with_ne(card_wire::apdu::MAX_NE)
}

/// GENERATE ASYMMETRIC KEY PAIR on the curve with these domain parameters.
pub(crate) const fn generate_ec(parameters: &[u8]) -> Command<'_> {
    Command::new(Ins::GENERATE_ASYMMETRIC_KEY_PAIR, 0x00, 0x00).with_data(parameters).with_ne(ALL)
}

/// PUT DATA with a private key.
pub(crate) const fn import_key(key: &[u8]) -> Command<'_> {
    Command::new(Ins::PUT_DATA_ODD, 0x3F, 0xFF).with_data(key)
}

/// PERFORM SECURITY OPERATION: COMPUTE DIGITAL SIGNATURE.
pub(crate) const fn sign(input: &[u8]) -> Command<'_> {
    Command::new(Ins::PERFORM_SECURITY_OPERATION, 0x9E, 0x9A).with_data(input).with_ne(ALL)
}

/// PERFORM SECURITY OPERATION: DECIPHER.
pub(crate) const fn decipher(input: &[u8]) -> Command<'_> {
    Command::new(Ins::PERFORM_SECURITY_OPERATION, 0x80, 0x86).with_data(input).with_ne(ALL)
}
