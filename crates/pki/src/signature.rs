//! What certificates, lists and requests have in common: a body, an algorithm, a signature over the body.

use crate::issue::BuildError;
use crate::key::PublicKey;
use crate::time::Timestamp;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ID_SHA_256, ID_SHA_384, ID_SHA_512, RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION,
    SHA_512_WITH_RSA_ENCRYPTION,
};
use der::asn1::{Any, BitString};
use der::{DateTime, Encode, Sequence};
use sha2::{Digest, Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierOwned;
use std::time::Duration;
use x509_cert::time::Time;

/// A digest algorithm that is accepted under a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sha {
    S256,
    S384,
    S512,
}

impl Sha {
    /// The digest algorithm with this name.
    pub(crate) fn named(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            ID_SHA_256 => Some(Self::S256),
            ID_SHA_384 => Some(Self::S384),
            ID_SHA_512 => Some(Self::S512),
            _ => None,
        }
    }

    /// The digest algorithm inside the name of an RSA signature algorithm.
    pub(crate) fn of_signature(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            SHA_256_WITH_RSA_ENCRYPTION => Some(Self::S256),
            SHA_384_WITH_RSA_ENCRYPTION => Some(Self::S384),
            SHA_512_WITH_RSA_ENCRYPTION => Some(Self::S512),
            _ => None,
        }
    }

    /// Whether an RSA signature algorithm may stand beside this digest algorithm. CMS may name RSA alone.
    pub(crate) fn goes_with(self, oid: ObjectIdentifier) -> bool {
        oid == RSA_ENCRYPTION || Self::of_signature(oid) == Some(self)
    }

    pub(crate) fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::S256 => Sha256::digest(message).to_vec(),
            Self::S384 => Sha384::digest(message).to_vec(),
            Self::S512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// The algorithm of all that is made here.
pub(crate) fn algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: SHA_256_WITH_RSA_ENCRYPTION, parameters: Some(Any::null()) }
}

/// A signed structure with its body left as it came.
#[derive(Debug, Clone, Sequence)]
pub(crate) struct Signed {
    pub(crate) body: Any,
    pub(crate) algorithm: AlgorithmIdentifierOwned,
    pub(crate) signature: BitString,
}

impl Signed {
    /// Puts a structure together, if the key made the signature over the body.
    pub(crate) fn seal(body: &[u8], signature: &[u8], key: &PublicKey) -> Result<Vec<u8>, BuildError> {
        if !key.verify_message(Sha::S256, body, signature) {
            return Err(BuildError::BadSignature);
        }
        let body = <Any as der::Decode>::from_der(body)?;
        let signed = Self { body, algorithm: algorithm(), signature: BitString::from_bytes(signature)? };
        Ok(signed.to_der()?)
    }

    /// The digest algorithm, if the structure is signed in a way that is understood. The parameters must be NULL as
    /// RFC 4055 has it: the signature does not cover this field, so there must be one way to write it.
    pub(crate) fn sha(&self) -> Option<Sha> {
        let null = self.algorithm.parameters == Some(Any::null());
        Sha::of_signature(self.algorithm.oid).filter(|_| null)
    }

    /// Whether the key made the signature.
    pub(crate) fn verify(&self, key: &PublicKey) -> bool {
        let (Some(sha), Ok(body), Some(signature)) = (self.sha(), self.body.to_der(), self.signature.as_bytes()) else {
            return false;
        };
        key.verify_message(sha, &body, signature)
    }
}

/// A time as certificates write it.
pub(crate) fn to_x509(at: Timestamp) -> Result<Time, BuildError> {
    let seconds = u64::try_from(at.as_second()).map_err(|_| BuildError::Time)?;
    Ok(Time::from(DateTime::from_unix_duration(Duration::from_secs(seconds)).map_err(|_| BuildError::Time)?))
}

/// A time as certificates write it, read. The year 9999's last days, which mean “never”, become the last time there is.
pub(crate) fn from_x509(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(crate::time::whole(Timestamp::MAX))
}
