//! An authority that is open: its directory locked, its keys unlocked, its records in memory. One rule holds for everything
//! that changes something: the new state is on the disk before the answer leaves.

use std::cell::OnceCell;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use card_pki::certificate::{Certificate, Chain};
use card_pki::issue::{Draft, Profile, Unsigned};
use card_pki::key::{KeyHash, PublicKey};
use card_pki::time::{Timestamp, Validity};
use rand_chacha::ChaCha20Rng;

use crate::audit::{self, Event, Row};
use crate::disk::Disk;
use crate::error::CaError;
use crate::keys::{self, Key};
use crate::records::Records;
use crate::secret::Passphrase;
use crate::state::{LogEnd, State};

pub(crate) const STATE: &str = "state.json";
pub(crate) const AUDIT: &str = "audit.log";
pub(crate) const CHAIN: &str = "chain.pem";
pub(crate) const ISSUING_KEY: &str = "keys/issuing.pem";
pub(crate) const ROOT_KEY: &str = "keys/root.pem";
pub(crate) const RECIPIENT_KEY: &str = "keys/recipient.pem";
pub(crate) const RECIPIENT: &str = "recipient.pem";

/// An authority, exclusively held by this process.
pub struct Authority {
    pub(crate) disk: Disk,
    pub(crate) state: State,
    pub(crate) chain: Chain,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) recipient: PublicKey,
    issuing: Key,
    unsealing: OnceCell<Key>,
    passphrase: Passphrase,
    /// Whether a write failed, so that the disk may know more than `state`.
    torn: bool,
    _lock: File,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.state.policy.name)
    }
}

impl Authority {
    /// Opens the authority in a directory.
    ///
    /// # Errors
    /// [`CaError::Locked`] where another process has it open, [`CaError::WrongPassphrase`], and what the disk says.
    pub fn open(dir: &Path, passphrase: &Passphrase) -> Result<Self, CaError> {
        Self::open_on(Disk::new(dir), passphrase, Duration::ZERO)
    }

    /// Opens the authority, and waits while another process has it open.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub fn open_waiting(dir: &Path, passphrase: &Passphrase, patience: Duration) -> Result<Self, CaError> {
        Self::open_on(Disk::new(dir), passphrase, patience)
    }

    /// Opens the authority on a disk that may have been told to fail.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub fn open_on(disk: Disk, passphrase: &Passphrase, patience: Duration) -> Result<Self, CaError> {
        if !disk.exists(STATE) {
            return Err(CaError::NoAuthority { dir: disk.root().to_owned() });
        }
        let lock = lock(&disk, patience)?;
        let state = Records::load(&disk)?;
        let key = disk.read(ISSUING_KEY).map_err(CaError::io(format!("reading {ISSUING_KEY}")))?;
        let issuing = Key::unlock(ISSUING_KEY, &key, passphrase)?;
        let chain = read_chain(&disk)?;
        let recipient = read_recipient(&disk)?;
        // What the last process could not write any more.
        disk.append(AUDIT, state.log.before, state.log.tail.as_bytes())
            .map_err(CaError::io(format!("completing {AUDIT}")))?;
        let rng = keys::rng(None)?;
        Ok(Self::assembled(Opened { disk, lock, state, chain, recipient, issuing, rng }, passphrase))
    }

    pub(crate) fn assembled(opened: Opened, passphrase: &Passphrase) -> Self {
        let Opened { disk, lock, state, chain, recipient, issuing, rng } = opened;
        Self {
            disk,
            state,
            chain,
            rng,
            recipient,
            issuing,
            unsealing: OnceCell::new(),
            passphrase: passphrase.clone(),
            torn: false,
            _lock: lock,
        }
    }

    /// The certificates of the authority itself.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What the authority knows, at this moment.
    #[must_use]
    pub fn records(&self) -> Records {
        Records::of(self.state.clone(), self.disk.root())
    }

    /// How many file operations were begun: a test aid.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk.operations()
    }

    /// The time of the last entry of the audit log, where it is later than `now`: somebody's clock is wrong.
    #[must_use]
    pub fn clock_went_back(&self, now: Timestamp) -> Option<Timestamp> {
        (self.state.log.at > now).then_some(self.state.log.at)
    }

    /// The keys that no subscriber may have.
    pub(crate) fn own_keys(&self) -> [KeyHash; 3] {
        [self.chain.root.public_key().hash(), self.chain.issuing.public_key().hash(), self.recipient.hash()]
    }

    pub(crate) fn usable(&self) -> Result<(), CaError> {
        if self.torn { Err(CaError::Reopen) } else { Ok(()) }
    }

    /// Makes `next` the state, on the disk first, with what happened in the audit log.
    pub(crate) fn commit(&mut self, mut next: State, events: Vec<Event>, now: Timestamp) -> Result<(), CaError> {
        self.usable()?;
        next.log = extended(&self.state.log, events, now)?;
        let bytes = to_json(&next)?;
        self.torn = true;
        self.disk.replace(STATE, &bytes).map_err(CaError::io(format!("writing {STATE}")))?;
        self.disk
            .append(AUDIT, next.log.before, next.log.tail.as_bytes())
            .map_err(CaError::io(format!("writing {AUDIT}")))?;
        self.torn = false;
        self.state = next;
        Ok(())
    }

    /// Signs a certificate of a subscriber.
    pub(crate) fn certify(&mut self, draft: &NewCertificate<'_>, now: Timestamp) -> Result<Certificate, CaError> {
        let limits = self.chain.issuing.validity();
        if !limits.contains(now) {
            let (from, to) = (card_pki::time::shown(limits.not_before), card_pki::time::shown(limits.not_after));
            return Err(CaError::NotValidNow { from, to });
        }
        let end = card_pki::time::months_after(now, self.state.policy.months);
        let validity = Validity { not_before: now, not_after: end.min(limits.not_after) };
        let profile = Profile::EndEntity {
            email: draft.email.map(str::to_owned),
            crl_url: Some(format!("{}/crl.der", self.state.policy.site.trim_end_matches('/'))),
            policy: card_pki::issue::POLICY.to_owned(),
        };
        let serial = keys::serial(&mut self.rng);
        let draft = Draft {
            profile,
            serial: &serial,
            validity,
            subject_der: draft.subject_der,
            issuer: Some(&self.chain.issuing),
            key: draft.key,
        };
        signed(&draft, &self.issuing, &mut self.rng)
    }

    /// A signature with the issuing key.
    pub(crate) fn sign(&mut self, digest: &[u8; 32]) -> Result<Vec<u8>, CaError> {
        self.issuing.sign(&mut self.rng, digest)
    }

    /// What was sealed to this authority under a label.
    pub(crate) fn unseal(
        &mut self,
        label: &str,
        sealed: &[u8],
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, CaError> {
        if self.unsealing.get().is_none() {
            let pem = self.disk.read(RECIPIENT_KEY).map_err(CaError::io(format!("reading {RECIPIENT_KEY}")))?;
            let key = Key::unlock(RECIPIENT_KEY, &pem, &self.passphrase)?;
            let _ = self.unsealing.set(key);
        }
        let key = self.unsealing.get();
        Ok(key.and_then(|key| key.unseal(&mut self.rng, label, sealed)))
    }
}

/// The parts of an authority.
pub(crate) struct Opened {
    pub(crate) disk: Disk,
    pub(crate) lock: File,
    pub(crate) state: State,
    pub(crate) chain: Chain,
    pub(crate) recipient: PublicKey,
    pub(crate) issuing: Key,
    pub(crate) rng: ChaCha20Rng,
}

/// What differs from one subscriber's certificate to another's.
pub(crate) struct NewCertificate<'a> {
    pub(crate) subject_der: &'a [u8],
    pub(crate) email: Option<&'a str>,
    pub(crate) key: &'a PublicKey,
}

pub(crate) fn lock(disk: &Disk, patience: Duration) -> Result<File, CaError> {
    let lock = disk.lock(patience).map_err(CaError::io("locking the directory"))?;
    lock.ok_or_else(|| CaError::Locked { dir: disk.root().to_owned() })
}

pub(crate) fn signed(draft: &Draft<'_>, key: &Key, rng: &mut ChaCha20Rng) -> Result<Certificate, CaError> {
    let failed =
        |error: card_pki::issue::BuildError| CaError::Encoding { what: "the certificate", why: error.to_string() };
    let unsigned = Unsigned::new(draft).map_err(failed)?;
    let signature = key.sign(rng, &unsigned.digest())?;
    unsigned.signed(&signature).map_err(failed)
}

pub(crate) fn to_json(state: &State) -> Result<Vec<u8>, CaError> {
    serde_json::to_vec_pretty(state).map_err(|error| CaError::State { file: STATE.into(), what: error.to_string() })
}

/// The end of the log after these events.
pub(crate) fn extended(log: &LogEnd, events: Vec<Event>, at: Timestamp) -> Result<LogEnd, CaError> {
    let mut next = LogEnd {
        rows: log.rows,
        before: log.before + log.tail.len() as u64,
        tail: String::new(),
        head: log.head.clone(),
        at,
    };
    for event in events {
        next.rows += 1;
        let row = Row { number: next.rows, at, event, previous: next.head };
        let failed = |error: serde_json::Error| CaError::State { file: AUDIT.into(), what: error.to_string() };
        let (line, head) = audit::line(row).map_err(failed)?;
        next.tail.push_str(&line);
        next.head = head;
    }
    Ok(next)
}

fn text(disk: &Disk, name: &str) -> Result<String, CaError> {
    let bytes = disk.read(name).map_err(CaError::io(format!("reading {name}")))?;
    String::from_utf8(bytes).map_err(|_| CaError::State { file: name.into(), what: "it is not text".into() })
}

fn read_chain(disk: &Disk) -> Result<Chain, CaError> {
    let damaged =
        |error: card_pki::certificate::CertificateError| CaError::State { file: CHAIN.into(), what: error.to_string() };
    Chain::from_pem(&text(disk, CHAIN)?).map_err(damaged)
}

fn read_recipient(disk: &Disk) -> Result<PublicKey, CaError> {
    let damaged = |error: card_pki::key::KeyError| CaError::State { file: RECIPIENT.into(), what: error.to_string() };
    PublicKey::from_pem(&text(disk, RECIPIENT)?).map_err(damaged)
}
