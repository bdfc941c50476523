//! Making certificates: the profile says which extensions they carry, the issuer's key signs outside this crate.

mod profile;

pub(crate) use profile::{authority_key, extension};

use crate::certificate::Certificate;
use crate::key::PublicKey;
use crate::signature::{Signed, algorithm, to_x509};
use crate::time::Validity;
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::certificate::Version;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

/// The policy of the holders' certificates of this project's authority.
pub const POLICY: &str = "2.25.1938472615.2";

/// Something that could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A value does not fit into the encoding.
    #[error("it cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// A time does not fit into the encoding, or the end comes before the start.
    #[error("the times are out of range or in the wrong order")]
    Time,
    /// The serial number is zero, negative or longer than 20 bytes.
    #[error("a serial number is a positive number of at most 20 bytes")]
    Serial,
    /// An e-mail address or a web address with characters that have no place there.
    #[error("the {0} is empty or holds characters that are not allowed")]
    Address(&'static str),
    /// The issuer's certificate is not an authority's.
    #[error("the issuer's certificate is not an authority's")]
    NotAnAuthority,
    /// The issuer is missing where one is needed, or given where the certificate signs itself.
    #[error("a root signs itself, every other certificate has an issuer")]
    Issuer,
    /// The signature was not made by the key that should have made it.
    #[error("the signature was not made by the expected key")]
    BadSignature,
    /// What was built could not be read back.
    #[error("the result could not be read back")]
    ReadBack,
}

/// What a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Profile {
    /// The top: signs issuing certificates and itself.
    Root,
    /// Signs holders' certificates and CRLs, and no further authority.
    Issuing,
    /// A holder's: signs documents and logins.
    EndEntity {
        /// The holder's address, as the alternative name.
        email: Option<String>,
        /// Where the CRL can be fetched.
        crl_url: Option<String>,
        /// The certificate policy, in dotted form; see [`POLICY`].
        policy: String,
    },
}

/// All that goes into a certificate.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// What it is for.
    pub profile: Profile,
    /// The serial number, big-endian.
    pub serial: &'a [u8],
    /// When it is valid.
    pub validity: Validity,
    /// The holder's name in DER.
    pub subject_der: &'a [u8],
    /// The issuer's certificate; none for a root.
    pub issuer: Option<&'a Certificate>,
    /// The holder's key.
    pub key: &'a PublicKey,
}

/// A certificate without its signature.
#[derive(Debug, Clone)]
pub struct Unsigned {
    body: Vec<u8>,
    signer: PublicKey,
}

impl Unsigned {
    /// Puts the certificate together.
    pub fn new(draft: &Draft<'_>) -> Result<Self, BuildError> {
        if (draft.profile == Profile::Root) != draft.issuer.is_none() {
            return Err(BuildError::Issuer);
        }
        if draft.issuer.is_some_and(|issuer| !issuer.is_ca()) {
            return Err(BuildError::NotAnAuthority);
        }
        if draft.validity.not_before > draft.validity.not_after {
            return Err(BuildError::Time);
        }
        let signer = draft.issuer.map_or(draft.key, Certificate::public_key);
        let tbs = profile::Tbs {
            version: Version::V3,
            serial: serial(draft.serial)?,
            signature: algorithm(),
            issuer: Name::from_der(draft.issuer.map_or(draft.subject_der, Certificate::subject_der))?,
            validity: x509_cert::time::Validity::new(
                to_x509(draft.validity.not_before)?,
                to_x509(draft.validity.not_after)?,
            ),
            subject: Name::from_der(draft.subject_der)?,
            key: draft.key.to_spki(),
            extensions: Some(profile::extensions(&draft.profile, draft.key, signer)?),
        };
        Ok(Self { body: tbs.to_der()?, signer: signer.clone() })
    }

    /// What the issuer's key must sign: the SHA-256 digest, with PKCS#1 v1.5.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    /// The certificate. A signature that the issuer's key did not make is refused.
    pub fn signed(self, signature: &[u8]) -> Result<Certificate, BuildError> {
        let der = Signed::seal(&self.body, signature, &self.signer)?;
        Certificate::from_der(&der).map_err(|_| BuildError::ReadBack)
    }
}

pub(crate) fn serial(bytes: &[u8]) -> Result<SerialNumber, BuildError> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(BuildError::Serial);
    }
    SerialNumber::new(bytes).map_err(|_| BuildError::Serial)
}
