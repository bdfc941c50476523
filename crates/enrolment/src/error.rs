//! Why a flow stopped. What is on the card is kept, and the next call goes on from there.

use card_pki::certificate::{CertificateError, ChainFault};
use card_pki::crl::Revocation;
use card_pki::issue::BuildError;
use card_pki::refusal::Refusal;
use card_pki::time::{Timestamp, shown};
use host_driver::pkcs15;

use crate::authority::AuthorityError;
use crate::dialog::Cancelled;

/// Why a flow stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The person said no. What was done before is kept.
    #[error("cancelled; what was done before is kept")]
    Cancelled,
    /// The exchange failed, or the card refused.
    #[error(transparent)]
    Card(host_driver::Error),
    /// The application on the card is missing, damaged or full.
    #[error(transparent)]
    Token(pkcs15::Error),
    /// The PIN has no tries left.
    #[error("the PIN of card {serial} is locked: no tries are left")]
    PinBlocked {
        /// The card's serial number.
        serial: String,
    },
    /// The authority could not be asked.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The authority says no, or would.
    #[error("{0}")]
    Refused(Refusal),
    /// A certificate is for another key than the card's.
    #[error("the certificate {serial} is for another key than this card's")]
    OtherKey {
        /// The certificate's serial number.
        serial: String,
    },
    /// A certificate is not the authority's, or not valid now.
    #[error("{0}")]
    Chain(#[from] ChainFault),
    /// A certificate was revoked.
    #[error("the certificate {} was revoked on {} ({})", .0.serial, shown(.0.at), .0.reason)]
    Revoked(Revocation),
    /// A certificate on the card cannot be read as one.
    #[error("a certificate on the card makes no sense: {0}")]
    Certificate(#[from] CertificateError),
    /// The card has no certificate that could be used for this.
    #[error("there is no certificate on the card for this")]
    NoCertificate,
    /// The card has no certificate with the serial number that was asked for.
    #[error("there is no certificate {serial} on the card")]
    NoSuchCertificate {
        /// The serial number.
        serial: String,
    },
    /// There is no application or renewal to go on with.
    #[error("nothing is pending: there is no application or renewal to go on with")]
    NothingPending,
    /// The card has a valid certificate: it is renewed, not applied for.
    #[error("the card has a certificate that is valid until {}; renew it in its last month", shown(*until))]
    StillValid {
        /// Its last second.
        until: Timestamp,
    },
    /// The certificate must not be retired, as nothing newer on the card has been proven.
    #[error("the certificate is the newest on the card; renew it before it is retired")]
    NotSuperseded,
    /// What the card signed is not a signature by the key that it lists.
    #[error("the card's signature is not by the key that it lists; retire this key and apply again")]
    BadSignature,
    /// Something cannot be encoded.
    #[error("{0}")]
    Build(BuildError),
    /// The authority answers for the key, but another card is registered for the subscriber.
    #[error("the card {card} is not registered")]
    NotRegistered {
        /// The card's serial number.
        card: String,
    },
}

impl From<Cancelled> for Error {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<host_driver::Error> for Error {
    fn from(error: host_driver::Error) -> Self {
        Self::Card(error)
    }
}

impl From<pkcs15::Error> for Error {
    fn from(error: pkcs15::Error) -> Self {
        match error {
            pkcs15::Error::Card(error) => Self::Card(error),
            error => Self::Token(error),
        }
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::BadSignature => Self::BadSignature,
            error => Self::Build(error),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
