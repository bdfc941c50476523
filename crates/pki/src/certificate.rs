//! Certificates as they are read: parsed once, kept byte for byte.

mod chain;

pub use chain::{Chain, ChainFault};

use crate::key::{KeyError, PublicKey};
use crate::name;
use crate::signature::{Signed, from_x509};
use crate::time::Validity;
use der::pem::LineEnding;
use der::{Decode, Encode, ErrorKind, Tag};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use x509_cert::TbsCertificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ID_CE_SUBJECT_ALT_NAME, KeyUsage};

const PEM_LABEL: &str = "CERTIFICATE";

/// Longer certificates are refused before they are read.
pub const MAX_LEN: usize = 16 * 1024;

/// A certificate that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Longer than any real one.
    #[error("the certificate has {len} bytes, at most {max} are accepted")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Not the DER of a certificate.
    #[error("the certificate could not be read: {0}")]
    NotDer(der::Error),
    /// Its key is not understood.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not a PEM file with what was expected.
    #[error("the file does not hold {expected}")]
    NotPem {
        /// What was expected.
        expected: &'static str,
    },
    /// The certificates in a chain do not belong together.
    #[error("the issuing certificate was not signed by the root, or one of them is not an authority's")]
    NotAChain,
}

/// A certificate. Cloning it is cheap.
#[derive(Clone)]
pub struct Certificate(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    serial: String,
    subject: String,
    issuer: String,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    common_name: Option<String>,
    validity: Validity,
    key: PublicKey,
    is_ca: bool,
    is_for_signing: bool,
    alternative: Option<Vec<u8>>,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({} {})", self.0.serial, self.0.subject)
    }
}

impl Certificate {
    /// Reads a certificate; trailing bytes and encodings other than DER are refused.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_LEN {
            return Err(CertificateError::TooLarge { len: der.len(), max: MAX_LEN });
        }
        Self::read(der).map_err(CertificateError::NotDer)?.map_err(CertificateError::Key)
    }

    fn read(der: &[u8]) -> der::Result<Result<Self, KeyError>> {
        let parsed = x509_cert::Certificate::from_der(der)?;
        // One certificate has one spelling, so that equal certificates are equal bytes and names can be compared as bytes.
        if parsed.to_der()? != der {
            return Err(ErrorKind::Noncanonical { tag: Tag::Sequence }.into());
        }
        let tbs = parsed.tbs_certificate();
        // RFC 5280: the algorithm is named inside and outside of what is signed, and both must say the same.
        if tbs.signature() != parsed.signature_algorithm() {
            return Err(ErrorKind::Value { tag: Tag::Sequence }.into());
        }
        let key = match PublicKey::from_spki(tbs.subject_public_key_info()) {
            Ok(key) => key,
            Err(error) => return Ok(Err(error)),
        };
        let basic = tbs.get_extension::<BasicConstraints>()?;
        let usage = tbs.get_extension::<KeyUsage>()?;
        let names_authority = basic.is_some_and(|(_, basic)| basic.ca);
        let parts = Parts {
            der: der.to_vec(),
            serial: serial(tbs)?,
            subject: name::readable(tbs.subject()),
            issuer: name::readable(tbs.issuer()),
            subject_der: tbs.subject().to_der()?,
            issuer_der: tbs.issuer().to_der()?,
            common_name: name::common_name(tbs.subject()),
            validity: Validity {
                not_before: from_x509(tbs.validity().not_before),
                not_after: from_x509(tbs.validity().not_after),
            },
            key,
            is_ca: names_authority && usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
            is_for_signing: !names_authority && usage.is_none_or(|(_, usage)| usage.digital_signature()),
            alternative: alternative_names(tbs.extensions().map_or(&[], Vec::as_slice))?,
        };
        Ok(Ok(Self(Arc::new(parts))))
    }

    /// Reads the only certificate of a PEM file.
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        let mut all = all_from_pem(pem)?;
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(CertificateError::NotPem { expected: "exactly one certificate" }),
        }
    }

    /// The certificate as a PEM file.
    pub fn to_pem(&self) -> String {
        der::pem::encode_string(PEM_LABEL, LineEnding::LF, &self.0.der).expect("a certificate is short enough for PEM")
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The serial number in upper-case hex, two digits for each byte.
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// The holder's name as people read it.
    pub fn subject(&self) -> String {
        self.0.subject.clone()
    }

    /// The issuer's name as people read it.
    pub fn issuer(&self) -> String {
        self.0.issuer.clone()
    }

    /// The holder's name in DER.
    pub fn subject_der(&self) -> &[u8] {
        &self.0.subject_der
    }

    /// The issuer's name in DER.
    pub fn issuer_der(&self) -> &[u8] {
        &self.0.issuer_der
    }

    /// The holder's common name, if there is one.
    pub fn common_name(&self) -> Option<String> {
        self.0.common_name.clone()
    }

    /// When the certificate is valid.
    pub fn validity(&self) -> Validity {
        self.0.validity
    }

    /// The holder's key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.key
    }

    /// SHA-256 over the certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.0.der).into()
    }

    /// Whether it is an authority's.
    pub fn is_ca(&self) -> bool {
        self.0.is_ca
    }

    /// Whether its key may sign documents and logins.
    pub fn is_for_signing(&self) -> bool {
        self.0.is_for_signing
    }

    /// Whether the other certificate's key signed this one. Names and dates are not looked at; [`Chain::check`] does that.
    pub fn signed_by(&self, issuer: &Certificate) -> bool {
        Signed::from_der(&self.0.der).is_ok_and(|signed| signed.verify(&issuer.0.key))
    }

    /// The extension with the holder's alternative names (the GeneralNames in DER), if there is one.
    pub fn subject_alt_name_der(&self) -> Option<Vec<u8>> {
        self.0.alternative.clone()
    }
}

impl serde::Serialize for Certificate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::encoding::base64::serialize(&self.0.der, serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Certificate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let der = crate::encoding::base64::deserialize(deserializer)?;
        Self::from_der(&der).map_err(serde::de::Error::custom)
    }
}

/// The serial number in upper-case hex. RFC 5280 wants it positive; others are refused, because their hex would name another.
fn serial(tbs: &TbsCertificate) -> der::Result<String> {
    hex_serial(tbs.serial_number().to_der()?.get(2..).unwrap_or_default())
        .ok_or_else(|| ErrorKind::Value { tag: Tag::Integer }.into())
}

/// What the extension with the alternative names holds. Having two such extensions is an error.
pub(crate) fn alternative_names(extensions: &[Extension]) -> der::Result<Option<Vec<u8>>> {
    let mut found = extensions.iter().filter(|extension| extension.extn_id == ID_CE_SUBJECT_ALT_NAME);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(ErrorKind::Failed.into()),
        (first, _) => Ok(first.map(|extension| extension.extn_value.as_bytes().to_vec())),
    }
}

/// The hex of an integer's bytes; none when it is negative.
pub(crate) fn hex_serial(content: &[u8]) -> Option<String> {
    match content {
        [0x80..=0xFF, ..] | [] => None,
        [0, rest @ ..] if !rest.is_empty() => Some(hex::encode_upper(rest)),
        _ => Some(hex::encode_upper(content)),
    }
}

/// All certificates of a PEM file, whatever stands between them.
fn all_from_pem(pem: &str) -> Result<Vec<Certificate>, CertificateError> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut all = Vec::new();
    let mut rest = pem;
    while let Some(start) = rest.find(BEGIN) {
        let block = &rest[start..];
        let end = block.find(END).ok_or(CertificateError::NotPem { expected: "a whole certificate" })? + END.len();
        let (_, document) = der::Document::from_pem(&block[..end]).map_err(CertificateError::NotDer)?;
        all.push(Certificate::from_der(document.as_bytes())?);
        rest = &block[end..];
    }
    Ok(all)
}
