//! One authority, made once and copied for each test; keys, made once; requests by them.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use card_ca::{Authority, CreateOptions, Passphrase, Work};
use card_pki::certificate::Certificate;
use card_pki::channel::{Registration, agreement_hash};
use card_pki::key::PublicKey;
use card_pki::name::Subject;
use card_pki::renewal::{self, Terms};
use card_pki::request;
use card_pki::time::{self, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use tempfile::TempDir;

/// When the authority is made and first certificates are issued. They end on 2027-01-31 at 10:00.
pub(crate) const START: &str = "2026-01-31T10:00:00";
/// Inside the month in which those may be renewed.
pub(crate) const RENEWAL: &str = "2027-01-10T12:00:00";
pub(crate) const CARD: &str = "CARD-1";
pub(crate) const OTHER_CARD: &str = "CARD-2";

pub(crate) fn at(text: &str) -> Timestamp {
    time::parse(text).unwrap()
}

pub(crate) fn passphrase() -> Passphrase {
    Passphrase::new("correct horse")
}

/// The n-th key; the same one in every run.
pub(crate) fn key(number: usize) -> &'static RsaPrivateKey {
    static KEYS: [OnceLock<RsaPrivateKey>; 6] = [const { OnceLock::new() }; 6];
    KEYS[number].get_or_init(|| {
        let mut rng = ChaCha20Rng::seed_from_u64(100 + number as u64);
        RsaPrivateKey::new(&mut rng, 2048).unwrap()
    })
}

pub(crate) fn public(key: &RsaPrivateKey) -> PublicKey {
    let key = key.to_public_key();
    PublicKey::new(&key.n_bytes(), &key.e_bytes()).unwrap()
}

pub(crate) fn sign(key: &RsaPrivateKey, digest: &[u8; 32]) -> Vec<u8> {
    key.sign(Pkcs1v15Sign::new::<sha2::Sha256>(), digest).unwrap()
}

/// A directory with an authority without subscribers.
pub(crate) fn empty() -> TempDir {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| make(7));
    copied(made.path())
}

/// Another authority.
pub(crate) fn make(seed: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut options = CreateOptions::new("測試憑證管理中心", passphrase(), at(START));
    options.seed = Some(seed);
    options.work = Work::Quick;
    options.site = "http://ca.example.org/site".into();
    Authority::create(dir.path(), &options).unwrap();
    dir
}

pub(crate) fn copied(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    copy(from, to.path());
    to
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn subject(name: &str) -> Vec<u8> {
    let subject = Subject {
        country: "TW".into(),
        organization: Some("某某股份有限公司".into()),
        unit: vec!["資訊處".into()],
        common_name: name.into(),
        serial_number: Some("12345".into()),
    };
    subject.to_der().unwrap()
}

pub(crate) fn registration(subscriber: &str, card: &str) -> Registration {
    Registration {
        subscriber: subscriber.into(),
        ra_unit: "台北".into(),
        card: card.into(),
        subject_der: subject(&format!("陳筱玲 {subscriber}")),
        email: Some(format!("{subscriber}@example.org")),
    }
}

/// An authority with two subscribers, each with a card and the first one with a certificate for key 0.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) ca: Authority,
    pub(crate) old: Certificate,
}

pub(crate) fn world() -> World {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = empty();
        let mut ca = open(dir.path());
        ca.register(&registration("alice", CARD), at(START)).unwrap();
        ca.register(&registration("bob", OTHER_CARD), at(START)).unwrap();
        ca.issue(CARD, &application("alice", 0), at(START)).unwrap();
        drop(ca);
        dir
    });
    let dir = copied(made.path());
    let ca = open(dir.path());
    let old = ca.records().certificates().unwrap().remove(0).certificate;
    World { dir, ca, old }
}

pub(crate) fn open(dir: &Path) -> Authority {
    Authority::open(dir, &passphrase()).unwrap()
}

pub(crate) fn application(subscriber: &str, number: usize) -> Vec<u8> {
    pkcs10(&registration(subscriber, CARD).subject_der, key(number), None)
}

pub(crate) fn pkcs10(subject_der: &[u8], key: &RsaPrivateKey, old: Option<&Certificate>) -> Vec<u8> {
    let unsigned = request::Unsigned::new(subject_der, &public(key), old).unwrap();
    let signature = sign(key, &unsigned.digest());
    unsigned.signed(&signature).unwrap()
}

/// All that goes into a renewal; each test changes one piece.
pub(crate) struct Renewal {
    pub(crate) subject_der: Vec<u8>,
    pub(crate) new_key: &'static RsaPrivateKey,
    pub(crate) old: Certificate,
    pub(crate) named: Option<Certificate>,
    pub(crate) old_key: &'static RsaPrivateKey,
    pub(crate) nonce: Vec<u8>,
    pub(crate) agreement: [u8; 32],
    pub(crate) card: String,
    pub(crate) now: Timestamp,
}

impl Renewal {
    pub(crate) fn cms(&self) -> Vec<u8> {
        let request = pkcs10(&self.subject_der, self.new_key, self.named.as_ref());
        let terms = Terms { nonce: self.nonce.clone(), agreement: self.agreement };
        let unsigned = renewal::Unsigned::new(&request, &self.old, &terms, self.now).unwrap();
        let signature = sign(self.old_key, &unsigned.digest());
        unsigned.signed(&signature).unwrap()
    }
}

impl World {
    /// A renewal that is in order: of key 0 by key 1.
    pub(crate) fn renewal(&mut self) -> Renewal {
        let now = at(RENEWAL);
        let nonce = self.ca.nonce("alice", now).unwrap().to_vec();
        let agreement = agreement_hash(&self.ca.records().agreement().unwrap().text);
        Renewal {
            subject_der: registration("alice", CARD).subject_der,
            new_key: key(1),
            old: self.old.clone(),
            named: Some(self.old.clone()),
            old_key: key(0),
            nonce,
            agreement,
            card: CARD.into(),
            now,
        }
    }
}
