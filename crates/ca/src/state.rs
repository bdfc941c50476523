//! What the authority knows, as it is kept in `state.json`. Everything else in the directory is keys, the audit log, or
//! can be made again from this.

use std::collections::BTreeMap;

use card_pki::certificate::Certificate;
use card_pki::crl::{Reason, Revocation};
use card_pki::key::KeyHash;
use card_pki::time::{Timestamp, Validity};
use serde::{Deserialize, Serialize};

use crate::encoding::base64_bytes;

/// The format this program writes; another one is not read.
pub(crate) const FORMAT: u32 = 1;

/// A subscriber as registered; the subject of every certificate is taken from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// The certificate ID.
    pub id: String,
    /// The registration unit.
    pub ra_unit: String,
    /// The subject, DER.
    #[serde(with = "base64_bytes")]
    pub subject_der: Vec<u8>,
    /// The mail address, which also becomes the certificate's alternative name.
    pub email: Option<String>,
    /// When the record was made or last replaced.
    pub since: Timestamp,
}

/// What became of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum CardState {
    /// It may ask for certificates.
    Active,
    /// It is lost or broken and another one took its place.
    Replaced {
        /// The card that took its place.
        by: String,
        /// When.
        at: Timestamp,
    },
}

/// A card bound to a subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Whose it is.
    pub subscriber: String,
    /// Since when.
    pub bound: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub state: CardState,
    /// Its PUK, encrypted to the authority's recipient key; base64.
    pub sealed_puk: Option<String>,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Whose it is.
    pub subscriber: String,
    /// For which card it was asked.
    pub card: String,
    /// Its public key.
    pub key: KeyHash,
    /// The certificate, DER.
    #[serde(with = "base64_bytes")]
    pub der: Vec<u8>,
    /// When it was issued.
    pub at: Timestamp,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// The serial number of the certificate that this one follows.
    pub renewal_of: Option<String>,
    /// When and why it was revoked.
    pub revoked: Option<Revoked>,
    /// When the renewal notice was written.
    pub noticed: Option<Timestamp>,
    /// When the card holder confirmed that it is on the card.
    pub installed: Option<Timestamp>,
}

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Issued {
    /// Whether it may be used at this time.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && Validity { not_before: self.not_before, not_after: self.not_after }.contains(now)
    }

    /// One word for what it is at this time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.revoked.is_some() {
            "revoked"
        } else if now > self.not_after {
            "expired"
        } else if now < self.not_before {
            "not yet valid"
        } else {
            "valid"
        }
    }
}

/// A nonce that was given out. The nonce itself is not kept, only its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nonce {
    pub(crate) subscriber: String,
    pub(crate) given: Timestamp,
    pub(crate) used: Option<Timestamp>,
}

/// A text to which the subscriber agrees with each request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The text.
    pub text: String,
    /// Its SHA-256, in hexadecimal.
    pub hash: String,
    /// Since when it holds.
    pub since: Timestamp,
}

/// The last list of revoked certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastCrl {
    pub(crate) number: u64,
    pub(crate) entries: usize,
    pub(crate) next_update: Timestamp,
    #[serde(with = "base64_bytes")]
    pub(crate) der: Vec<u8>,
}

/// What makes this authority different from another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// The address of its site, for notices and for where the list of revoked certificates is.
    pub site: String,
    /// For how many months a certificate is valid.
    pub months: u16,
}

/// Where the audit log should end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogEnd {
    /// Rows, the last commit's included.
    pub(crate) rows: u64,
    /// Bytes before the last commit's rows.
    pub(crate) before: u64,
    /// The last commit's rows; they may not have reached the log yet.
    pub(crate) tail: String,
    /// The hash of the last row.
    pub(crate) head: String,
    /// The time of the last row.
    pub(crate) at: Timestamp,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) format: u32,
    pub(crate) policy: Policy,
    pub(crate) subscribers: BTreeMap<String, Subscriber>,
    pub(crate) cards: BTreeMap<String, Card>,
    /// By serial number.
    pub(crate) certificates: BTreeMap<String, Issued>,
    /// By the hash of the nonce.
    pub(crate) nonces: BTreeMap<String, Nonce>,
    /// The last one holds.
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) crl: Option<LastCrl>,
    pub(crate) log: LogEnd,
}

impl State {
    /// The certificate that has this key.
    pub(crate) fn by_key(&self, key: KeyHash) -> Option<(&str, &Issued)> {
        self.certificates.iter().find(|(_, issued)| issued.key == key).map(|(serial, issued)| (serial.as_str(), issued))
    }

    /// A valid certificate that follows this one.
    pub(crate) fn successor(&self, serial: &str, now: Timestamp) -> Option<&str> {
        self.certificates
            .iter()
            .find(|(_, issued)| issued.renewal_of.as_deref() == Some(serial) && issued.is_valid(now))
            .map(|(serial, _)| serial.as_str())
    }

    pub(crate) fn revocations(&self) -> Vec<Revocation> {
        let revoked = |(serial, issued): (&String, &Issued)| {
            let Revoked { at, reason } = issued.revoked?;
            Some(Revocation { serial: serial.clone(), at, reason })
        };
        self.certificates.iter().filter_map(revoked).collect()
    }
}

/// One certificate, as it is shown.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its serial number.
    pub serial: String,
    /// What is known of it.
    pub issued: Issued,
    /// The certificate itself.
    pub certificate: Certificate,
}
