//! RSA public keys: their encodings, the hash that names them, what they signed, and whether they are strong enough.

mod weakness;

pub use weakness::Weakness;

use crate::signature::Sha;
use const_oid::db::rfc5912::RSA_ENCRYPTION;
use der::asn1::{Any, BitString, UintRef};
use der::pem::LineEnding;
use der::{Decode, Encode};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

const PEM_LABEL: &str = "PUBLIC KEY";
const ENCODABLE: &str = "two numbers of a key are far below the longest DER";

/// A public key that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the DER of a public key.
    #[error("the public key could not be read: {0}")]
    NotDer(der::Error),
    /// A key of another kind.
    #[error("the public key is not an RSA key")]
    NotRsa,
    /// No RSA key has such numbers.
    #[error("the RSA key's modulus or exponent is zero")]
    Numbers,
    /// A key that must be strong is not.
    #[error("the key is not acceptable: {0}")]
    Weak(Weakness),
}

/// An RSA public key. Both numbers are big-endian without leading zeros.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    /// The modulus.
    pub modulus: Vec<u8>,
    /// The public exponent.
    pub exponent: Vec<u8>,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({} bits, {})", self.bits(), self.hash())
    }
}

impl PublicKey {
    /// A key from its two numbers; leading zeros are dropped.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = (significant(modulus), significant(exponent));
        if modulus.is_empty() || exponent.is_empty() { Err(KeyError::Numbers) } else { Ok(Self { modulus, exponent }) }
    }

    /// A key from a SubjectPublicKeyInfo.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki(&SubjectPublicKeyInfoOwned::from_der(der).map_err(KeyError::NotDer)?)
    }

    pub(crate) fn from_spki(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, KeyError> {
        let null = spki.algorithm.parameters.as_ref().is_some_and(|parameters| *parameters == Any::null());
        if spki.algorithm.oid != RSA_ENCRYPTION || !null {
            return Err(KeyError::NotRsa);
        }
        Self::from_rsa_der(spki.subject_public_key.as_bytes().ok_or(KeyError::NotRsa)?)
    }

    /// The key as a SubjectPublicKeyInfo.
    pub fn to_spki_der(&self) -> Vec<u8> {
        self.to_spki().to_der().expect(ENCODABLE)
    }

    pub(crate) fn to_spki(&self) -> SubjectPublicKeyInfoOwned {
        let algorithm = AlgorithmIdentifierOwned { oid: RSA_ENCRYPTION, parameters: Some(Any::null()) };
        let subject_public_key = BitString::from_bytes(&self.to_rsa_der()).expect(ENCODABLE);
        SubjectPublicKeyInfoOwned { algorithm, subject_public_key }
    }

    /// A key from the RSAPublicKey of PKCS#1.
    pub fn from_rsa_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPublicKeyRef::from_der(der).map_err(KeyError::NotDer)?;
        Self::new(key.modulus.as_bytes(), key.public_exponent.as_bytes())
    }

    /// The key as the RSAPublicKey of PKCS#1.
    pub fn to_rsa_der(&self) -> Vec<u8> {
        let number = |bytes| UintRef::new(bytes).expect(ENCODABLE);
        let key = RsaPublicKeyRef { modulus: number(&self.modulus), public_exponent: number(&self.exponent) };
        key.to_der().expect(ENCODABLE)
    }

    /// A key from a PEM file with the label `PUBLIC KEY`.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, document) = der::Document::from_pem(pem).map_err(KeyError::NotDer)?;
        if label == PEM_LABEL { Self::from_spki_der(document.as_bytes()) } else { Err(KeyError::NotRsa) }
    }

    /// The key as a PEM file with the label `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        der::pem::encode_string(PEM_LABEL, LineEnding::LF, &self.to_spki_der()).expect(ENCODABLE)
    }

    /// The modulus' length in bits.
    pub fn bits(&self) -> usize {
        self.modulus.first().map_or(0, |first| self.modulus.len() * 8 - first.leading_zeros() as usize)
    }

    /// The name that the key goes by: SHA-256 over the SubjectPublicKeyInfo.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.to_spki_der()).into())
    }

    /// The key identifier of certificates: SHA-1 over the RSAPublicKey (RFC 5280, method 1).
    pub fn identifier(&self) -> [u8; 20] {
        Sha1::digest(self.to_rsa_der()).into()
    }

    /// Whether the key made this PKCS#1 v1.5 signature over the SHA-256 digest.
    pub fn verify(&self, sha256: &[u8; 32], signature: &[u8]) -> bool {
        self.verify_digest(Sha::S256, sha256, signature)
    }

    /// Whether the key signed the message with this digest algorithm.
    pub(crate) fn verify_message(&self, sha: Sha, message: &[u8], signature: &[u8]) -> bool {
        self.verify_digest(sha, &sha.digest(message), signature)
    }

    fn verify_digest(&self, sha: Sha, digest: &[u8], signature: &[u8]) -> bool {
        let scheme = match sha {
            Sha::S256 => Pkcs1v15Sign::new::<Sha256>(),
            Sha::S384 => Pkcs1v15Sign::new::<Sha384>(),
            Sha::S512 => Pkcs1v15Sign::new::<Sha512>(),
        };
        self.to_rsa().is_some_and(|key| key.verify(scheme, digest, signature).is_ok())
    }

    /// The key for calculations; none when it is outside of what the calculations take.
    pub(crate) fn to_rsa(&self) -> Option<RsaPublicKey> {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        RsaPublicKey::new(number(&self.modulus), number(&self.exponent)).ok()
    }

    /// What is wrong with the key, if anything.
    pub fn weakness(&self) -> Option<Weakness> {
        weakness::of(self)
    }
}

fn significant(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// SHA-256 over a key's SubjectPublicKeyInfo; written in lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash(pub [u8; 32]);

/// Text that is not a key hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key hash has 64 lower-case hex digits")]
pub struct BadKeyHash;

impl std::fmt::Display for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::str::FromStr for KeyHash {
    type Err = BadKeyHash;

    fn from_str(text: &str) -> Result<Self, BadKeyHash> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| BadKeyHash)?;
        // One spelling only: the hash is a file name.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) { Err(BadKeyHash) } else { Ok(Self(hash)) }
    }
}

impl TryFrom<String> for KeyHash {
    type Error = BadKeyHash;

    fn try_from(text: String) -> Result<Self, BadKeyHash> {
        text.parse()
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.to_string()
    }
}
