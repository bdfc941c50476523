//! Real cards for the model to stand beside, with keys that are made once.

use std::sync::OnceLock;

use card_model::{Model, Profile};
use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey, SoftRsa, generate};
use card_os::preset::Preset;
use card_os::sim::{SimCard, seeded_rng};
use card_wire::Protocol;
use rand_core::CryptoRng;

/// The real operation with keys that are made once: two of 2,048 bits, one of 4,096, one of 3,072.
#[derive(Clone)]
pub(crate) struct ReadyRsa;

/// The key of this number: 0 and 1 are short, 2 is long, 3 is between them.
pub(crate) fn ready_key(number: usize) -> &'static RsaPrivateKey {
    static KEYS: [OnceLock<RsaPrivateKey>; 4] = [const { OnceLock::new() }; 4];
    let bits = [2048, 2048, 4096, 3072][number];
    KEYS[number].get_or_init(|| generate(bits, &mut seeded_rng(1, number as u64)).unwrap())
}

impl Rsa for ReadyRsa {
    type Prepared = <SoftRsa as Rsa>::Prepared;

    fn generate(&mut self, bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        let mut choice = [0];
        rng.fill_bytes(&mut choice);
        let number = match bits {
            2048 => usize::from(choice[0] & 1),
            4096 => 2,
            _ => 3,
        };
        Ok(ready_key(number).clone())
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        SoftRsa.prepare(key)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        SoftRsa.private(key, input, output)
    }
}

/// What a card and its model are made from.
pub(crate) fn preset(name: &str) -> Option<(Preset, Profile)> {
    match name {
        "isoapplet" => Some((Preset::isoapplet(), Profile::isoapplet())),
        "certificate" => Some((Preset::certificate(), Profile::certificate())),
        "iso" => Some((Preset::iso(), Profile::iso())),
        _ => None,
    }
}

pub(crate) type RealCard = SimCard<ReadyRsa>;

/// Anything that a host can do to a card.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Command(Vec<u8>),
    Reset,
    PowerCycle,
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Command(command) => f.write_str(&hex::encode_upper(command)),
            Self::Reset => f.write_str("reset"),
            Self::PowerCycle => f.write_str("power cycle"),
        }
    }
}

/// What takes the place of the card.
pub(crate) trait Played {
    /// The answer to a command, or nothing to a reset.
    fn play(&mut self, event: &Event) -> Vec<u8>;
}

impl Played for RealCard {
    fn play(&mut self, event: &Event) -> Vec<u8> {
        match event {
            Event::Command(command) => return self.transmit(command, &mut [0; 65_538]).to_vec(),
            Event::Reset => drop(self.reset().to_vec()),
            Event::PowerCycle => {
                self.power_off();
                self.power_on(Protocol::T1);
            }
        }
        Vec::new()
    }
}

/// The event at the model: what came as an answer is held against it.
pub(crate) fn follow(model: &mut Model, event: &Event, answer: &[u8]) -> Result<(), String> {
    match event {
        Event::Command(command) => model.step(command, answer).map_err(|mismatch| mismatch.to_string()),
        Event::Reset | Event::PowerCycle => {
            model.reset();
            Ok(())
        }
    }
}

pub(crate) const PIN: [u8; 16] = *b"123456\0\0\0\0\0\0\0\0\0\0";
pub(crate) const PUK: [u8; 16] = *b"0123456789abcdef";
pub(crate) const SELECT: [u8; 18] =
    [0, 0xA4, 4, 0, 12, 0xF2, 0x76, 0xA2, 0x88, 0xBC, 0xFB, 0xA6, 0x9D, 0x34, 0xF3, 0x10, 1, 0];

/// What a personalised card has had: PUK and PIN, a DF with a protected and an open file, an RSA and two EC keys.
pub(crate) fn personalisation() -> Vec<Vec<u8>> {
    let mut commands = vec![
        SELECT.to_vec(),
        [&[0, 0x24, 1, 2, 16][..], &PUK].concat(),
        [&[0, 0x24, 1, 1, 6][..], &PIN[..6]].concat(),
        [&[0, 0x20, 0, 1, 16][..], &PIN].concat(),
        hex::decode("00E00000176F1581021388820138830250158608FF00000000000090").unwrap(),
        hex::decode("00E00000176F1581020100820101830244018608FF90909090909000").unwrap(),
        hex::decode("00E00000176F1581020028820101830235018608FF90FFFFFFFF9090").unwrap(),
        [&hex::decode("00D6000028").unwrap()[..], &[0x5A; 40]].concat(),
        hex::decode("00224100068001F3840100").unwrap(),
        hex::decode("00464200000000").unwrap(),
    ];
    for slot in [1, 2] {
        commands.push([&hex::decode("00224100068001EC8401").unwrap()[..], &[slot]].concat());
        let parameters = crate::keys::P256;
        let lc = u8::try_from(parameters.len() / 2).unwrap();
        commands.push([&[0, 0x46, 0, 0, lc][..], &hex::decode(parameters).unwrap(), &[0]].concat());
        commands.push(vec![0, 0xC0, 0, 0, 0]);
    }
    commands.push(SELECT.to_vec());
    commands.push([&[0, 0x20, 0, 1, 16][..], &PIN].concat());
    commands
}

/// A blank card and its model, or a personalised one, logged in.
pub(crate) fn pair(name: &str, personalised: bool) -> (RealCard, Model) {
    let (preset, profile) = preset(name).unwrap();
    let (mut card, mut model) = (RealCard::from_seed(&preset, 7, ReadyRsa).unwrap(), Model::new(profile));
    model.verify_signatures(true);
    for command in personalisation().into_iter().filter(|_| personalised) {
        let event = Event::Command(command);
        let answer = card.play(&event);
        follow(&mut model, &event, &answer).unwrap();
        assert!(matches!(answer[answer.len() - 2], 0x90 | 0x61), "{event:02X?}: {answer:02X?}");
    }
    (card, model)
}
