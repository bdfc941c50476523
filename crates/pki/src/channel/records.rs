//! What the channel's files hold.

use crate::certificate::Certificate;
use crate::encoding::base64;
use crate::key::KeyHash;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A card and who holds it, as the registration authority wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The subscriber's id.
    pub subscriber: String,
    /// The unit that registered the subscriber.
    pub ra_unit: String,
    /// The card's serial number.
    pub card: String,
    /// The holder's name in DER.
    #[serde(with = "base64")]
    pub subject_der: Vec<u8>,
    /// The holder's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A first certificate: the body is a PKCS#10 request.
    Application,
    /// A following one: the body is a CMS renewal.
    Renewal,
}

/// A request on its way to the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// What is asked for.
    pub kind: Kind,
    /// The card that has the key.
    pub card: String,
    /// The request or renewal in DER.
    #[serde(with = "base64")]
    pub body: Vec<u8>,
}

/// What the authority says to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// Nothing yet.
    Pending,
    /// Yes.
    Issued {
        /// The new certificate.
        certificate: Certificate,
    },
    /// No.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

impl Answer {
    /// Whether an issued certificate is for the key under whose name the answer lies.
    pub(crate) fn fits(&self, key: &KeyHash) -> bool {
        match self {
            Self::Issued { certificate } => certificate.public_key().hash() == *key,
            Self::Pending | Self::Refused { .. } => true,
        }
    }
}

/// The tool's word that a certificate is on its card, signed by the certificate's own key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The certificate's serial number in upper-case hex.
    pub serial: String,
    /// PKCS#1 v1.5 over [`confirmation_digest`].
    #[serde(with = "base64")]
    pub signature: Vec<u8>,
}

impl Confirmation {
    /// Whether it names this certificate and was signed by its key.
    pub fn is_for(&self, certificate: &Certificate) -> bool {
        self.serial == certificate.serial()
            && certificate.public_key().verify(&confirmation_digest(certificate), &self.signature)
    }
}

/// The authority's word that it accepted a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
}

/// A PUK that only the authority can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPuk {
    /// The card's serial number; it is the label of the encryption too, so it cannot be changed.
    pub card: String,
    /// RSA-OAEP with SHA-256.
    #[serde(with = "base64")]
    pub ciphertext: Vec<u8>,
}

/// What the new key signs to confirm that its certificate is on the card.
pub fn confirmation_digest(certificate: &Certificate) -> [u8; 32] {
    // The prefix keeps the signature from meaning anything elsewhere.
    Sha256::new().chain_update(b"cardlab installed v1\0").chain_update(certificate.der()).finalize().into()
}

/// What a renewal says about the agreement that was accepted: SHA-256 over its text.
pub fn agreement_hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
