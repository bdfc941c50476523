//! Many cards at once. A few seconds each; `CARDLAB_LOAD_SECONDS=60` for as long as that.
//!
//! Nothing may fail, memory may not grow, and what the cards counted is what their users did.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use card_conformance::verify::Scheme;
use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey, generate};
use card_os::platform::{Event, Events, Parts};
use card_os::sim::{SimNvm, SimPlatform, seeded_rng};
use card_os::{Card, Preset};
use host_driver::{
    Access, Digest, InProcess, KeySlot, NewFile, Pcsc, Pin, Puk, RsaPublicKey, RsaSize, Transport, readers,
};
use rand_core::CryptoRng;
use rsa_host::HostRsa;
use testkit::{PrivatePcscd, require_or_skip};
use virtual_reader::{LinkState, VirtualReader, VpcdAddress};

use crate::recovery::{LIMIT, in_own_process, named_service};

const CARDS: usize = 200;
const THREADS: usize = 8;
/// All slots that pcsc-lite has.
const READERS: usize = 16;
const COUNTER: u16 = 0x4001;

/// Counts how often a key was used.
#[derive(Clone, Default)]
struct Uses(Arc<AtomicU64>);

impl Events for Uses {
    fn event(&mut self, event: Event<'_>) {
        if let Event::KeyUsed { .. } = event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The host's provider with keys that were made before: eight, so that neighbours have different ones.
#[derive(Clone)]
struct Ready(usize);

impl Rsa for Ready {
    type Prepared = <HostRsa as Rsa>::Prepared;

    fn generate(&mut self, bits: usize, _: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        static KEYS: OnceLock<Vec<RsaPrivateKey>> = OnceLock::new();
        let make = || (0..8).map(|seed| generate(bits, &mut seeded_rng(seed, 0)).unwrap()).collect();
        let keys = KEYS.get_or_init(make);
        Ok(keys[self.0 % keys.len()].clone())
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        HostRsa.prepare(key)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        HostRsa.private(key, input, output)
    }
}

fn duration() -> Duration {
    let seconds = std::env::var("CARDLAB_LOAD_SECONDS").ok();
    Duration::from_secs(seconds.map_or(4, |seconds| seconds.parse().expect("CARDLAB_LOAD_SECONDS is a number")))
}

fn pin() -> Pin {
    Pin::new("123456").unwrap()
}

fn slot() -> KeySlot {
    KeySlot::new(3).unwrap()
}

/// A card on its way through the test, with its user's memory of it.
struct Held<T> {
    card: host_driver::Card<T>,
    key: RsaPublicKey,
    /// Rounds that its user has played.
    rounds: u32,
}

/// A card with a PIN, a key and a file of four zero bytes, and the count of its key's uses.
fn blank(number: usize) -> (InProcess, Uses) {
    let (preset, uses) = (Preset::certificate(), Uses::default());
    let nvm = SimNvm::new(preset.nvm_len as usize);
    let parts = Parts { nvm, rng: seeded_rng(number as u64, 0), rsa: Ready(number), events: uses.clone() };
    let card = Card::<SimPlatform<Ready, Uses>>::create(parts, &preset).unwrap();
    (InProcess::new(Box::new(card)), uses)
}

fn personalised<T: Transport>(transport: T) -> Held<T> {
    let mut card = host_driver::Card::new(transport);
    card.reset().unwrap();
    card.select_application().unwrap();
    card.set_puk(&Puk::new("0123456789abcdef").unwrap()).unwrap();
    card.set_pin(&pin()).unwrap();
    card.create(&NewFile::ef(COUNTER, 4, Access::ALL_FREE)).unwrap();
    card.update_binary(0, &[0; 4]).unwrap();
    let key = card.verify(&pin()).unwrap().generate_rsa(slot(), RsaSize::Rsa2048).unwrap();
    Held { card, key, rounds: 0 }
}

impl<T: Transport> Held<T> {
    /// Signs a number that no other card signs, checks the signature, and counts in the card's file.
    fn play(&mut self, number: usize) {
        self.rounds += 1;
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&(number as u64).to_be_bytes());
        digest[8..12].copy_from_slice(&self.rounds.to_be_bytes());
        let digest = Digest::Sha256(digest);
        self.card.enter_application().unwrap();
        let signature = self.card.verify(&pin()).unwrap().sign_pkcs1(slot(), &digest).unwrap();
        Scheme::RsaPkcs1.verify(&self.key.modulus, &digest.info(), &signature).unwrap();
        let counted = u32::from_be_bytes(self.card.read(&[COUNTER]).unwrap().try_into().unwrap());
        assert_eq!(counted, self.rounds - 1, "card {number}");
        self.card.update_binary(0, &self.rounds.to_be_bytes()).unwrap();
    }
}

/// Resident memory of a process in KiB.
fn resident(process: &Path) -> u64 {
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Memory after all that is made once was made, and at the end. Allocators keep a little; a leak in each round does not
/// stay within a twentieth and 2 MiB.
fn assert_steady(what: &str, early: u64, late: u64) {
    println!("{what}: {early} KiB after a quarter of the time, {late} KiB at the end");
    assert!(late < early + early / 20 + 2048, "{what} grew from {early} to {late} KiB");
}

#[test]
fn two_hundred_cards_under_eight_threads() {
    in_own_process(|| {
        let (cards, uses): (Vec<_>, Vec<_>) = (0..CARDS)
            .map(|number| {
                let (card, uses) = blank(number);
                ((number, personalised(card)), uses)
            })
            .unzip();
        let waiting = Mutex::new(std::collections::VecDeque::from(cards));
        let (rounds, me, start) = (AtomicU64::new(0), Path::new("/proc/self"), Instant::now());
        let mut early = 0;
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while start.elapsed() < duration() {
                        // Any thread plays with any card.
                        let (number, mut held) = waiting.lock().unwrap().pop_front().unwrap();
                        held.play(number);
                        rounds.fetch_add(1, Ordering::Relaxed);
                        waiting.lock().unwrap().push_back((number, held));
                    }
                });
            }
            std::thread::sleep(duration() / 4);
            early = resident(me);
        });
        assert_steady("this process", early, resident(me));
        let played = rounds.into_inner();
        let remembered: u64 = waiting.into_inner().unwrap().iter().map(|(_, held)| u64::from(held.rounds)).sum();
        let counted: u64 = uses.iter().map(|uses| uses.0.load(Ordering::Relaxed)).sum();
        println!("{played} signatures with {CARDS} cards in {:?}", start.elapsed());
        assert!(played > CARDS as u64, "only {played} rounds");
        assert_eq!((remembered, counted), (played, played));
    });
}

/// The process of the daemon with this configuration.
fn daemon(pcscd: &PrivatePcscd) -> std::path::PathBuf {
    let conf = pcscd.home().with_file_name("conf").display().to_string();
    let is_it = |process: &std::path::PathBuf| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        words.first().is_some_and(|program| program.ends_with("pcscd")) && words.iter().any(|word| *word == conf)
    };
    std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).find(is_it).expect("pcscd runs")
}

#[test]
fn sixteen_readers_sign_at_once() {
    in_own_process(|| {
        let Some(pcscd) = require_or_skip(PrivatePcscd::start_with_readers(READERS / 2)) else { return };
        named_service(&pcscd);
        let (slots, uses): (Vec<_>, Vec<_>) = (0..READERS)
            .zip(pcscd.slot_ports())
            .map(|(number, port)| {
                let (card, uses) = blank(number);
                (VirtualReader::start(card.into_card(), VpcdAddress::local(port)), uses)
            })
            .unzip();
        assert!(slots.iter().all(|slot| slot.wait_for(LinkState::Connected, LIMIT)));
        let names = with_cards();
        let (rounds, process, start) = (AtomicU64::new(0), daemon(&pcscd), Instant::now());
        let [mut early, mut late] = [0; 2];
        std::thread::scope(|scope| {
            for (number, name) in names.iter().enumerate() {
                let rounds = &rounds;
                scope.spawn(move || {
                    let mut held = personalised(Pcsc::connect(Some(name)).unwrap());
                    while start.elapsed() < duration() {
                        held.play(number);
                        rounds.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            std::thread::sleep(duration() / 4);
            early = resident(&process);
            std::thread::sleep(duration() / 2);
            late = resident(&process);
        });
        assert_steady("pcscd", early, late);
        let played = rounds.into_inner();
        let counted: u64 = uses.iter().map(|uses| uses.0.load(Ordering::Relaxed)).sum();
        println!("{played} signatures in {READERS} readers in {:?}", start.elapsed());
        assert!(played > READERS as u64, "only {played} rounds");
        assert_eq!(counted, played);
    });
}

/// The names of all readers, once there is a card in each.
fn with_cards() -> Vec<String> {
    let end = Instant::now() + LIMIT;
    loop {
        let found = readers().unwrap();
        if found.iter().filter(|reader| reader.presence.has_card()).count() == READERS {
            return found.into_iter().map(|reader| reader.name).collect();
        }
        assert!(Instant::now() < end, "not all cards are seen: {found:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
