//! The card that is torn, on a memory that logs, with RSA that costs nothing; and what a host sees of it.

use std::sync::Arc;

use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey};
use card_os::platform::{Event, Events, Parts};
use card_os::preset::Dialect;
use card_os::sim::{SimPlatform, seeded_rng};
use card_os::{Card, OpenError, Platform, Preset};
use card_wire::Protocol;
use rand_chacha::ChaCha20Rng;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use super::scene::{FILES, Step, bytes, small};
use super::tape::{Op, Tape, Wrong};
use crate::support::{SELECT_AID, VERIFY, VERIFY_WRONG};

/// RSA without arithmetic: a key is random bytes, and a signature depends on every one of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ToyRsa;

impl Rsa for ToyRsa {
    type Prepared = Arc<RsaPrivateKey>;

    fn generate(&mut self, bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        let mut part = |len: usize| {
            let mut part = vec![0; len];
            rng.fill_bytes(&mut part);
            part
        };
        let (len, half) = (bits / 8, bits / 16);
        let mut n = part(len);
        (n[0], n[len - 1]) = (n[0] | 0x80, n[len - 1] | 1);
        let (d, p, q, dp, dq, qinv) = (part(len), part(half), part(half), part(half), part(half), part(half));
        Ok(RsaPrivateKey { n, e: vec![1, 0, 1], d, p, q, dp, dq, qinv })
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        Ok(Arc::new(key.clone()))
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        let parts = [&key.n, &key.e, &key.d, &key.p, &key.q, &key.dp, &key.dq, &key.qinv];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        let hash = hash.chain_update(input).finalize();
        for (byte, value) in output.iter_mut().zip(hash.iter().cycle()) {
            *byte = *value;
        }
        Ok(())
    }
}

/// Adds up what the card says that it has written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written(pub(crate) u64);

impl Events for Written {
    fn event(&mut self, event: Event<'_>) {
        if let Event::MemoryWritten { bytes } = event {
            self.0 += bytes;
        }
    }
}

/// The card under test on some memory.
pub(crate) type On<N> = Card<SimPlatform<ToyRsa, Written, N>>;

pub(crate) fn parts<N: card_os::nvm::Nvm>(nvm: N) -> Parts<SimPlatform<ToyRsa, Written, N>> {
    Parts { nvm, rng: seeded_rng(11, 0), rsa: ToyRsa, events: Written::default() }
}

/// A blank, powered card of the small preset on this memory.
pub(crate) fn blank<N: card_os::nvm::Nvm>(nvm: N) -> On<N> {
    blank_of(nvm, &small())
}

/// A blank, powered card on this memory.
pub(crate) fn blank_of<N: card_os::nvm::Nvm>(nvm: N, preset: &Preset) -> On<N> {
    let mut card = Card::create(parts(nvm), preset).unwrap();
    card.power_on(Protocol::T1);
    // What making the card wrote is told with the first command, whatever it is.
    send(&mut card, &bytes("00FF0000"));
    card
}

pub(crate) fn send<P: Platform>(card: &mut Card<P>, command: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 4096];
    card.transmit(command, &mut buffer).to_vec()
}

/// The status word in hexadecimal; nothing where the card is mute.
pub(crate) fn status(answer: &[u8]) -> String {
    hex::encode_upper(&answer[answer.len().saturating_sub(2)..])
}

/// Opens the card in a memory.
pub(crate) fn open(memory: Vec<u8>, wrong: Wrong) -> Result<On<Tape>, OpenError> {
    Card::open(parts(Tape::new(memory, wrong)))
}

/// What one step did to a card that nothing interrupted.
pub(crate) struct Played {
    /// The memory before and after.
    pub(crate) before: Vec<u8>,
    pub(crate) after: Vec<u8>,
    /// The memory after a wrong try, where the command spends one first.
    pub(crate) spent: Option<Vec<u8>>,
    /// Everything that reached the medium.
    pub(crate) log: Vec<Op>,
    /// Bytes that the card itself says it has written.
    pub(crate) told: u64,
    pub(crate) answer: Vec<u8>,
}

/// Plays one step to its end.
pub(crate) fn play(card: &mut On<Tape>, step: &Step) -> Played {
    let spent = step.wrong.as_ref().map(|wrong| {
        let mut other = card.fork();
        send(&mut other, wrong);
        other.nvm().bytes.clone()
    });
    let before = card.nvm().bytes.clone();
    card.nvm_mut().take_log();
    card.events_mut().0 = 0;
    let answer = send(card, &step.command);
    assert_eq!(status(&answer), step.status, "answer to {}", hex::encode_upper(&step.command));
    let log = card.nvm_mut().take_log();
    Played { before, after: card.nvm().bytes.clone(), spent, log, told: card.events_mut().0, answer }
}

/// Everything that a host can see of a card after a power-on. Uses the card up.
pub(crate) fn look<P: Platform<Rng = ChaCha20Rng>>(card: &mut Card<P>) -> Vec<String> {
    card.power_on(Protocol::T1);
    look_live(card)
}

/// The same of a card that only is reset: files, PIN, keys, and the tries of PIN and PUK.
pub(crate) fn look_live<P: Platform<Rng = ChaCha20Rng>>(card: &mut Card<P>) -> Vec<String> {
    card.reset();
    *card.rng_mut() = seeded_rng(11, 1);
    if card.preset().dialect == Dialect::None {
        return super::scene_iso::look(|command| send(card, &bytes(command)));
    }
    let mut seen = Vec::new();
    let mut ask = |command: &str| seen.push(hex::encode_upper(send(card, &bytes(command))));
    ask(SELECT_AID);
    ask("0020000100");
    for id in FILES {
        ask(&format!("00A40000 02 {id:04X} 00"));
        ask("00B00000 000000");
    }
    for pin in [VERIFY_WRONG, "00200001 06 363534333231", VERIFY] {
        ask(pin);
    }
    for slot in 0..3 {
        for algorithm in ["11", "21"] {
            ask(&format!("002241B6 06 8001{algorithm} 8401{slot:02X}"));
            ask("002A9E9A 000003 010203 0000");
        }
    }
    ask("002C0001 20 39393939393939393939393939393939 31323334353600000000000000000000");
    seen
}
