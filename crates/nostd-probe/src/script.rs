//! What the probe does with its card, step by step.

use crate::memory::{ArrayNvm, Probe, Silent};
use alloc::vec::Vec;
use card_os::Card;
use card_os::crypto::rsa::SoftRsa;
use card_os::platform::Parts;
use card_os::preset::Preset;
use card_wire::Protocol;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsa::{BoxedUint, RsaPublicKey};

const SELECT: &[u8] = b"\x00\xA4\x04\x00\x0C\xF2\x76\xA2\x88\xBC\xFB\xA6\x9D\x34\xF3\x10\x01\x00";
const SET_PIN: &[u8] = b"\x00\x24\x01\x01\x06123456";
const VERIFY: &[u8] = b"\x00\x20\x00\x01\x10123456\0\0\0\0\0\0\0\0\0\0";
const CHOOSE_GENERATION: &[u8] = b"\x00\x22\x41\x00\x06\x80\x01\xF3\x84\x01\x00";
const GENERATE: &[u8] = b"\x00\x46\x42\x00\x00\x00\x00";
const CHOOSE_SIGNING: &[u8] = b"\x00\x22\x41\xB6\x0A\x80\x01\x11\x81\x02\x50\x15\x84\x01\x00";
const SIGN: &[u8] = b"\x00\x2A\x9E\x9A\x20nothing but a card and a memory.\x00";

/// The steps, in order. The number of the one that failed is the program's exit code.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Create = 1,
    PowerOn,
    Select,
    SetPin,
    Verify,
    ChooseGeneration,
    Generate,
    PublicKey,
    ChooseSigning,
    Sign,
    CheckSignature,
}

impl Step {
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }
}

/// Runs the steps until one fails.
pub(crate) fn run() -> Result<(), Step> {
    let preset = Preset::isoapplet();
    let parts = Parts {
        nvm: ArrayNvm::new(preset.nvm_len).ok_or(Step::Create)?,
        rng: ChaCha20Rng::seed_from_u64(0x1050),
        rsa: SoftRsa,
        events: Silent,
    };
    let mut card: Card<Probe> = Card::create(parts, &preset).map_err(|_| Step::Create)?;
    if card.power_on(Protocol::T1).is_empty() {
        return Err(Step::PowerOn);
    }
    exchange(&mut card, SELECT, Step::Select)?;
    exchange(&mut card, SET_PIN, Step::SetPin)?;
    exchange(&mut card, VERIFY, Step::Verify)?;
    exchange(&mut card, CHOOSE_GENERATION, Step::ChooseGeneration)?;
    let public = exchange(&mut card, GENERATE, Step::Generate)?;
    let public = public_key(&public).ok_or(Step::PublicKey)?;
    exchange(&mut card, CHOOSE_SIGNING, Step::ChooseSigning)?;
    let signature = exchange(&mut card, SIGN, Step::Sign)?;
    is_signed(&public, &signature).then_some(()).ok_or(Step::CheckSignature)
}

/// Sends a command and returns the answer's data if the status is 9000.
fn exchange(card: &mut Card<Probe>, command: &[u8], step: Step) -> Result<Vec<u8>, Step> {
    let mut buffer = [0; 300];
    let data = card.transmit(command, &mut buffer).strip_suffix(&[0x90, 0x00]).ok_or(step)?;
    Ok(data.to_vec())
}

/// The key in the answer `7F49 820109 | 81 820100 modulus | 82 03 010001`.
fn public_key(answer: &[u8]) -> Option<RsaPublicKey> {
    let modulus =
        answer.strip_prefix(b"\x7F\x49\x82\x01\x09\x81\x82\x01\x00")?.strip_suffix(b"\x82\x03\x01\x00\x01")?;
    let n = BoxedUint::from_be_slice(modulus, 2048).ok()?;
    RsaPublicKey::new(n, BoxedUint::from(65537u64)).ok()
}

/// Whether the signature, raised to e, is the data with PKCS#1 v1.5 padding of type 1.
fn is_signed(key: &RsaPublicKey, signature: &[u8]) -> bool {
    let Ok(signature) = BoxedUint::from_be_slice(signature, 2048) else { return false };
    let Ok(message) = rsa::hazmat::rsa_encrypt(key, &signature) else { return false };
    let mut expected = [0xFF; 256];
    expected[..2].copy_from_slice(&[0, 1]);
    expected[223] = 0;
    expected[224..].copy_from_slice(&SIGN[5..37]);
    message.to_be_bytes()[..] == expected
}
