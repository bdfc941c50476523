//! Making an authority: a root, an issuing authority under it, and the key to which PUKs are sealed.

use std::path::Path;
use std::time::Duration;

use card_pki::certificate::{Certificate, Chain};
use card_pki::channel::agreement_hash;
use card_pki::issue::{Draft, Profile};
use card_pki::name::Subject;
use card_pki::time::{Timestamp, Validity, months_after, whole};
use rand_chacha::ChaCha20Rng;

use crate::audit::{self, Event};
use crate::authority::{self, Authority, Opened};
use crate::disk::Disk;
use crate::error::CaError;
use crate::keys::{self, Key, Work};
use crate::secret::Passphrase;
use crate::state::{Agreement, FORMAT, LogEnd, Policy, State};

/// Twenty renewals of a year each, and more, fit into the life of an authority.
const ROOT_MONTHS: u16 = 40 * 12;
const ISSUING_MONTHS: u16 = 35 * 12;

/// The agreement until somebody sets another one.
const AGREEMENT: &str = "\
用戶約定條款

本憑證由測試憑證管理中心簽發，僅供測試之用，不具法律效力。

Subscriber agreement

This certificate comes from a test authority. It is for tests only and has no legal effect.
";

/// How a new authority should be.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// Its name, which becomes part of its certificates.
    pub name: String,
    /// The passphrase under which its keys are kept.
    pub passphrase: Passphrase,
    /// The time at which it is made.
    pub now: Timestamp,
    /// The size of its keys; 2048 or more.
    pub key_bits: usize,
    /// A seed gives the same keys every time. For tests: whoever knows the seed knows the keys.
    pub seed: Option<u64>,
    /// The address of its site, for notices and for where the list of revoked certificates is.
    pub site: String,
    /// For how many months a subscriber's certificate is valid.
    pub months: u16,
    /// The first agreement.
    pub agreement: String,
    /// How much work it is to try a passphrase.
    pub work: Work,
}

impl CreateOptions {
    /// A usual authority: 2048-bit keys, certificates for one year.
    #[must_use]
    pub fn new(name: impl Into<String>, passphrase: Passphrase, now: Timestamp) -> Self {
        Self {
            name: name.into(),
            passphrase,
            now,
            key_bits: 2048,
            seed: None,
            site: "http://ca.example.invalid".to_owned(),
            months: 12,
            agreement: AGREEMENT.to_owned(),
            work: Work::Full,
        }
    }
}

/// The keys of a new authority and what they certify.
struct Made {
    root_key: Key,
    issuing_key: Key,
    recipient_key: Key,
    chain: Chain,
}

impl Authority {
    /// Makes an authority in a directory that is empty or not there yet.
    ///
    /// # Errors
    /// [`CaError::NotEmpty`] where the directory holds something; what the options cannot give; what the disk says.
    pub fn create(dir: &Path, options: &CreateOptions) -> Result<Self, CaError> {
        let disk = Disk::new(dir);
        check(options)?;
        disk.make_dir("").map_err(CaError::io(format!("making {}", dir.display())))?;
        vacant(&disk)?;
        let lock = authority::lock(&disk, Duration::ZERO)?;
        vacant(&disk)?;
        disk.make_dir("keys").map_err(CaError::io("making keys"))?;
        disk.make_dir("outbox").map_err(CaError::io("making outbox"))?;
        let mut rng = keys::rng(options.seed)?;
        let made = make(&mut rng, options)?;
        let recipient = made.recipient_key.public()?;
        store(&disk, &mut rng, &made, options)?;
        let replace =
            |name: &str, bytes: &[u8]| disk.replace(name, bytes).map_err(CaError::io(format!("writing {name}")));
        replace(authority::CHAIN, made.chain.to_pem().as_bytes())?;
        replace(authority::RECIPIENT, recipient.to_pem().as_bytes())?;
        let state = first_state(options)?;
        // An interrupted run may have left a log without a state.
        replace(authority::AUDIT, state.log.tail.as_bytes())?;
        replace(authority::STATE, &authority::to_json(&state)?)?;
        // The seed is for the keys only: two runs with one seed must not give out the same nonces.
        let rng = keys::rng(None)?;
        let opened = Opened { disk, lock, state, chain: made.chain, recipient, issuing: made.issuing_key, rng };
        Ok(Self::assembled(opened, &options.passphrase))
    }
}

fn check(options: &CreateOptions) -> Result<(), CaError> {
    let wrong = |field, what: &str| Err(CaError::Registration { field, what: what.to_owned() });
    if options.passphrase.is_empty() {
        return wrong("passphrase", "it is empty");
    }
    if options.key_bits < 2048 || options.key_bits > 4096 {
        return Err(CaError::KeySize { bits: options.key_bits });
    }
    if options.months == 0 || options.months > 120 {
        return wrong("months", "a certificate is valid for 1 to 120 months");
    }
    let plain = options.site.bytes().all(|byte| byte.is_ascii_graphic());
    if !(plain && (options.site.starts_with("http://") || options.site.starts_with("https://"))) {
        return wrong("site", "it is no http address");
    }
    Ok(())
}

/// Nothing but what an interrupted run leaves.
fn vacant(disk: &Disk) -> Result<(), CaError> {
    let ours = ["lock", "keys", "outbox", "audit.log", "chain.pem", "recipient.pem"];
    let entries = std::fs::read_dir(disk.root()).map_err(CaError::io("looking into the directory"))?;
    for entry in entries {
        let entry = entry.map_err(CaError::io("looking into the directory"))?;
        let name = entry.file_name();
        let ours =
            name.to_str().is_some_and(|name| ours.contains(&name) || (name.starts_with('.') && name.ends_with(".new")));
        if !ours {
            return Err(CaError::NotEmpty { dir: disk.root().to_owned() });
        }
    }
    Ok(())
}

fn make(rng: &mut ChaCha20Rng, options: &CreateOptions) -> Result<Made, CaError> {
    let now = whole(options.now);
    let root_key = Key::generate(rng, options.key_bits)?;
    let issuing_key = Key::generate(rng, options.key_bits)?;
    let recipient_key = Key::generate(rng, options.key_bits)?;
    let root =
        certificate(rng, &root_key, (&root_key, None), &Maker { options, kind: "Root", months: ROOT_MONTHS, now })?;
    let kind = Maker { options, kind: "Issuing", months: ISSUING_MONTHS, now };
    let issuing = certificate(rng, &issuing_key, (&root_key, Some(&root)), &kind)?;
    let chain =
        Chain::new(issuing, root).map_err(|error| CaError::Encoding { what: "the chain", why: error.to_string() })?;
    Ok(Made { root_key, issuing_key, recipient_key, chain })
}

struct Maker<'a> {
    options: &'a CreateOptions,
    kind: &'static str,
    months: u16,
    now: Timestamp,
}

fn certificate(
    rng: &mut ChaCha20Rng,
    key: &Key,
    (signer, issuer): (&Key, Option<&Certificate>),
    maker: &Maker<'_>,
) -> Result<Certificate, CaError> {
    let subject = Subject {
        country: "TW".to_owned(),
        organization: Some(maker.options.name.clone()),
        unit: Vec::new(),
        common_name: format!("{} {} CA", maker.options.name, maker.kind),
        serial_number: None,
    };
    let subject_der =
        subject.to_der().map_err(|error| CaError::Registration { field: "name", what: error.to_string() })?;
    let serial = keys::serial(rng);
    let draft = Draft {
        profile: if issuer.is_none() { Profile::Root } else { Profile::Issuing },
        serial: &serial,
        validity: Validity { not_before: maker.now, not_after: months_after(maker.now, maker.months) },
        subject_der: &subject_der,
        issuer,
        key: &key.public()?,
    };
    authority::signed(&draft, signer, rng)
}

fn store(disk: &Disk, rng: &mut ChaCha20Rng, made: &Made, options: &CreateOptions) -> Result<(), CaError> {
    let keys = [
        (authority::ROOT_KEY, &made.root_key),
        (authority::ISSUING_KEY, &made.issuing_key),
        (authority::RECIPIENT_KEY, &made.recipient_key),
    ];
    for (name, key) in keys {
        let pem = key.lock(rng, &options.passphrase, options.work)?;
        disk.replace(name, pem.as_bytes()).map_err(CaError::io(format!("writing {name}")))?;
    }
    Ok(())
}

fn first_state(options: &CreateOptions) -> Result<State, CaError> {
    let now = whole(options.now);
    let empty = LogEnd { rows: 0, before: 0, tail: String::new(), head: audit::start(), at: now };
    let hash = hex::encode(agreement_hash(&options.agreement));
    let agreement = Agreement { text: options.agreement.clone(), hash: hash.clone(), since: now };
    let events = vec![Event::Created { name: options.name.clone() }, Event::AgreementSet { hash }];
    let log = authority::extended(&empty, events, now)?;
    let policy = Policy { name: options.name.clone(), site: options.site.clone(), months: options.months };
    Ok(State {
        format: FORMAT,
        policy,
        subscribers: Default::default(),
        cards: Default::default(),
        certificates: Default::default(),
        nonces: Default::default(),
        agreements: vec![agreement],
        crl: None,
        log,
    })
}
