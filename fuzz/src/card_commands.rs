//! A card under a sequence of commands: answers are well formed, and the memory can be opened whenever the power goes.
//!
//! The first byte chooses the card; then come a length of two bytes and that many bytes of command, again and again.
//! Lengths from FFF0 on are no commands: a reset, a power cycle, or a cut of the power after some bytes of writing.

use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey, SoftRsa, generate};
use card_os::platform::{NoEvents, Parts};
use card_os::preset::Preset;
use card_os::sim::{SimCard, SimNvm, seeded_rng};
use card_wire::{Command, Protocol};
use rand_core::CryptoRng;
use std::cell::OnceCell;
use std::sync::OnceLock;

/// Commands in one run; a longer input is mostly repetition.
const MAX_COMMANDS: usize = 200;

/// The portable provider with one key for all: generating keys would take nearly all the time.
#[derive(Clone)]
struct ReadyRsa;

impl Rsa for ReadyRsa {
    type Prepared = <SoftRsa as Rsa>::Prepared;

    fn generate(&mut self, bits: usize, _: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
        if bits != 2048 {
            return Err(CryptoError::Unsupported);
        }
        let key = || generate(2048, &mut seeded_rng(1, 0)).expect("2,048 bits are offered");
        Ok(KEY.get_or_init(key).clone())
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        SoftRsa.prepare(key)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        SoftRsa.private(key, input, output)
    }
}

type Card = SimCard<ReadyRsa>;

const PREPARATION: [&[u8]; 8] = [
    b"\x00\xA4\x04\x00\x0C\xF2\x76\xA2\x88\xBC\xFB\xA6\x9D\x34\xF3\x10\x01\x00",
    b"\x00\x24\x01\x02\x100123456789abcdef",
    b"\x00\x24\x01\x01\x06123456",
    b"\x00\x20\x00\x01\x10123456\0\0\0\0\0\0\0\0\0\0",
    b"\x00\xE0\x00\x00\x17\x6F\x15\x81\x02\x13\x88\x82\x01\x38\x83\x02\x50\x15\x86\x08\xFF\0\0\0\0\0\0\x90",
    b"\x00\xE0\x00\x00\x17\x6F\x15\x81\x02\x01\x00\x82\x01\x01\x83\x02\x50\x31\x86\x08\xFF\0\0\0\0\0\0\x00",
    b"\x00\x22\x41\x00\x06\x80\x01\xF3\x84\x01\x00",
    b"\x00\x46\x42\x00\x00\x00\x00",
];

/// A blank card with its applet selected, and one with PIN, files and a key, verified.
fn cards() -> [Card; 4] {
    let card = |preset: &Preset, commands: usize| {
        let mut card = Card::from_seed(preset, 1, ReadyRsa).expect("a built-in preset makes a card");
        card.power_on(Protocol::T1);
        for command in &PREPARATION[..commands] {
            let answer = card.transmit(command, &mut [0; 1024]).to_vec();
            assert!(answer.ends_with(&[0x90, 0x00]), "{command:02X?}: {answer:02X?}");
        }
        card
    };
    let [isoapplet, certificate] = [Preset::isoapplet(), Preset::certificate()];
    [card(&isoapplet, 0), card(&isoapplet, 1), card(&isoapplet, 8), card(&certificate, 8)]
}

/// Runs one sequence.
///
/// # Panics
/// Where the card breaks a promise.
pub fn check(data: &[u8]) {
    thread_local! {
        static CARDS: OnceCell<[Card; 4]> = const { OnceCell::new() };
    }
    let Some((choice, mut rest)) = data.split_first() else { return };
    let mut card = CARDS.with(|cards| cards.get_or_init(self::cards)[usize::from(choice % 4)].fork());
    for _ in 0..MAX_COMMANDS {
        let Some((length, body)) = rest.split_first_chunk::<2>() else { break };
        rest = match u16::from_be_bytes(*length) {
            control @ 0xFFF0.. => {
                interrupt(&mut card, control);
                body
            }
            len => {
                let (command, rest) = body.split_at(usize::from(len).min(body.len()));
                transmit(&mut card, command, if choice & 0x80 == 0 { 65_538 } else { 258 });
                rest
            }
        };
    }
    reopen(card);
}

fn transmit(card: &mut Card, command: &[u8], room: usize) {
    let mut buffer = vec![0; room];
    let answer = card.transmit(command, &mut buffer);
    let Some((data, [sw1, _])) = answer.split_last_chunk::<2>() else {
        assert!(answer.is_empty(), "an answer of one byte");
        return;
    };
    assert!(matches!(sw1, 0x61..=0x6F | 0x90), "status {sw1:02X}");
    assert!(data.is_empty() || matches!(sw1, 0x61 | 0x62 | 0x90), "data with status {sw1:02X}");
    if let Ok(command) = Command::parse(command) {
        let ne = if command.ne == 0 { 256 } else { command.ne };
        assert!(data.len() <= ne, "{} bytes where {ne} were asked for", data.len());
    }
}

/// A reset, a power cycle, or power that goes after up to 2,047 bytes of later writing.
fn interrupt(card: &mut Card, control: u16) {
    match control & 0x000F {
        0 => drop(card.reset().to_vec()),
        bits @ 1..=11 => card.nvm_mut().cut_power_after(1 << bits),
        _ => {
            card.power_off();
            card.nvm_mut().restore_power();
            assert!(!card.power_on(Protocol::T1).is_empty(), "the card stays mute");
        }
    }
}

/// Whatever happened, the memory is a card.
fn reopen(mut card: Card) {
    card.power_off();
    let nvm = SimNvm::from_image(&card.nvm().image());
    let parts = Parts { nvm, rng: seeded_rng(2, 0), rsa: ReadyRsa, events: NoEvents };
    let mut card = Card::open(parts).expect("the memory can be opened");
    assert!(!card.power_on(Protocol::T1).is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    fn framed(choice: u8, commands: &[&[u8]]) -> Vec<u8> {
        let mut data = vec![choice];
        for command in commands {
            data.extend(u16::try_from(command.len()).unwrap().to_be_bytes());
            data.extend(*command);
        }
        data
    }

    #[test]
    fn the_preparation_itself_survives_cuts_at_many_places() {
        for bits in 1..=11u8 {
            let mut data = vec![0, 0xFF, 0xF0 | bits];
            data.extend(&framed(0, &PREPARATION)[1..]);
            data.extend([0xFF, 0xFC]);
            data.extend(&framed(0, &PREPARATION)[1..]);
            check(&data);
        }
    }

    #[test]
    fn random_commands_with_known_headers() {
        let mut random = seeded_rng(7, 7);
        let instructions = [0xA4, 0xB0, 0xD6, 0x20, 0x24, 0x2C, 0x22, 0x2A, 0x46, 0xDB, 0xCA, 0x84, 0xE0, 0xE4, 0xC0];
        for choice in 0..200u8 {
            let mut data = vec![choice];
            for _ in 0..60 {
                let mut bytes = [0; 40];
                random.fill_bytes(&mut bytes);
                let [cla, ins, p1, p2, len, kind, body @ ..] = bytes;
                let body = &body[..usize::from(len) % body.len()];
                let header = [cla & 0x10, instructions[usize::from(ins) % instructions.len()], p1 & 9, p2 & 0x8D];
                let lc = u8::try_from(body.len()).unwrap();
                let command = match kind % 4 {
                    0 => header.to_vec(),
                    1 => [&header[..], &[len]].concat(),
                    2 => [&header[..], &[lc], body].concat(),
                    _ => [&header[..], &[lc], body, &[0]].concat(),
                };
                data.extend(&framed(0, &[&command])[1..]);
                if kind > 250 {
                    data.extend([0xFF, 0xF0 | kind]);
                }
            }
            check(&data);
        }
    }
}
