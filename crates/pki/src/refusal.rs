//! Why the authority, or the tool on its behalf, says no: one vocabulary for both sides.

use crate::crl::Reason;
use crate::key::Weakness;
use crate::time::{Timestamp, shown};
use serde::{Deserialize, Serialize};

/// One reason to refuse a request or a renewal. It travels through the channel as JSON with its name under `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Refusal {
    /// The renewal window has not opened.
    #[error("it is too early: renewal is possible from {} to {}; come back then", shown(*opens), shown(*closes))]
    TooEarly {
        /// The window's first second.
        opens: Timestamp,
        /// The window's last second.
        closes: Timestamp,
    },
    /// The certificate has expired.
    #[error("the certificate expired on {}; register again and apply for a new one", shown(*since))]
    Expired {
        /// Its last second.
        since: Timestamp,
    },
    /// The certificate was revoked.
    #[error("the certificate was revoked on {} ({reason}); register again and apply for a new one", shown(*since))]
    Revoked {
        /// When.
        since: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// The bytes are not what they should be.
    #[error("{what} could not be read; send it again, made by a current version of the tool")]
    NotDer {
        /// Which part, and what is wrong with it.
        what: String,
    },
    /// The request is longer than any real one.
    #[error("the request has {len} bytes, at most {max} are accepted; send only the request itself")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// There is not exactly one signer.
    #[error("the renewal has {count} signers; sign it once, with the card's present key")]
    Signers {
        /// How many there are.
        count: usize,
    },
    /// The signed attributes, or one of those that must be there, are missing.
    #[error("the renewal lacks the signed attributes that it must carry; make it again")]
    NoSignedAttributes,
    /// A digest weaker than SHA-256.
    #[error("the request is signed with an outdated digest or algorithm; sign it with RSA and SHA-256 or better")]
    WeakDigest,
    /// The renewal's signature is wrong.
    #[error("the signature on the renewal is not valid; make the renewal again")]
    BadSignature,
    /// The signature of the certificate request on itself is wrong.
    #[error("the signature on the certificate request is not valid; make the request again")]
    BadRequestSignature,
    /// The new key is too weak.
    #[error("the new key is not acceptable ({weakness}); generate another")]
    WeakKey {
        /// In which way.
        weakness: Weakness,
    },
    /// The old key was offered as the new one.
    #[error("the renewal asks for the old key again; generate a new key")]
    KeyReused,
    /// The key already belongs to another certificate.
    #[error("the key already has a certificate; generate a new key")]
    KeySeen,
    /// The request names somebody else than the registration.
    #[error("the request is for “{requested}”, but registered is “{registered}”; ask for the registered name")]
    SubjectDiffers {
        /// The registered name.
        registered: String,
        /// The name in the request.
        requested: String,
    },
    /// The request's alternative name is not the registered one.
    #[error("the e-mail address in the request is not the registered one; ask for the registered address")]
    SubjectAltNameDiffers,
    /// The request inside a renewal does not say which certificate it renews.
    #[error("the request does not hold the certificate that it renews; make the renewal again")]
    RenewalCertificateMissing,
    /// The request renews another certificate than the one that signed.
    #[error(
        "the request renews another certificate than the one that signed it; sign with the certificate being renewed"
    )]
    RenewalCertificateDiffers,
    /// The certificate is another authority's.
    #[error("the certificate was not issued by this authority; use the card's certificate of this authority")]
    NotIssuedByUs,
    /// The certificate is not in the authority's records, or not in the request.
    #[error("the signer's certificate is not known here; register again and apply for a new one")]
    UnknownCertificate,
    /// The certificate belongs to somebody else.
    #[error("the certificate belongs to another subscriber; use your own card")]
    OtherSubscriber,
    /// The nonce is missing or was never given out.
    #[error("the renewal does not carry a nonce that was given out; start the renewal again")]
    NonceUnknown,
    /// The nonce has been used.
    #[error("the renewal's nonce has already been used; start the renewal again")]
    NonceUsed,
    /// The nonce is too old.
    #[error("the renewal's nonce expired on {}; start the renewal again", shown(*since))]
    NonceExpired {
        /// Its last second.
        since: Timestamp,
    },
    /// The subscriber agreement was not accepted.
    #[error("the renewal does not say that the agreement was accepted; read and accept it")]
    AgreementMissing,
    /// Another text was accepted than the present one.
    #[error("the agreement has changed since it was accepted; read and accept the present one")]
    AgreementOutdated,
    /// The card is not registered.
    #[error("the card {card} is not registered; register it first")]
    CardUnknown {
        /// Its serial number.
        card: String,
    },
    /// The card is somebody else's.
    #[error("the card {card} belongs to another subscriber; use your own card")]
    CardOfAnother {
        /// Its serial number.
        card: String,
    },
    /// The card was lost, and another took its place.
    #[error("the card {card} has been replaced by another; use the new card")]
    CardReplaced {
        /// Its serial number.
        card: String,
    },
    /// The subscriber is not registered.
    #[error("the subscriber is not registered; register first")]
    NotRegistered,
    /// An application where the card has a certificate that is still valid.
    #[error("the card has a certificate that is valid until {}; renew it in its last month instead", shown(*until))]
    StillValid {
        /// Its last second.
        until: Timestamp,
    },
    /// The certificate has already been renewed with another key.
    #[error("the certificate has already been renewed, by the certificate {by}; download that one")]
    AlreadyRenewed {
        /// The serial number of the certificate that renewed it.
        by: String,
    },
}

impl Refusal {
    pub(crate) fn not_der(what: &str, error: impl std::fmt::Display) -> Self {
        Self::NotDer { what: format!("{what} ({error})") }
    }
}
