//! Certificate requests (PKCS#10, RFC 2986), made for a key on a card and read by the authority.

use crate::certificate::{Certificate, alternative_names};
use crate::issue::BuildError;
use crate::key::{KeyError, PublicKey};
use crate::refusal::Refusal;
use crate::signature::Signed;
use const_oid::db::rfc5912::ID_EXTENSION_REQ;
use der::asn1::{Any, ObjectIdentifier, SetOfVec};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::ext::Extensions;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, Version};

/// Microsoft's attribute with the certificate that is being renewed.
const RENEWAL_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.13.1");

/// Longer requests are refused before they are read.
pub const MAX_LEN: usize = 16 * 1024;

/// A request without its signature.
#[derive(Debug, Clone)]
pub struct Unsigned {
    body: Vec<u8>,
    key: PublicKey,
}

impl Unsigned {
    /// Puts the request together; `renewal_of` is the certificate that the new one will follow.
    pub fn new(subject_der: &[u8], key: &PublicKey, renewal_of: Option<&Certificate>) -> Result<Self, BuildError> {
        let mut attributes = Attributes::default();
        if let Some(old) = renewal_of {
            attributes.insert(attribute(RENEWAL_CERTIFICATE, Any::from_der(old.der())?)?)?;
        }
        let info = CertReqInfo {
            version: Version::V1,
            subject: Name::from_der(subject_der)?,
            public_key: key.to_spki(),
            attributes,
        };
        Ok(Self { body: info.to_der()?, key: key.clone() })
    }

    /// What the key must sign: the SHA-256 digest, with PKCS#1 v1.5.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    /// The request in DER. A signature that the key did not make is refused.
    pub fn signed(self, signature: &[u8]) -> Result<Vec<u8>, BuildError> {
        Signed::seal(&self.body, signature, &self.key)
    }
}

pub(crate) fn attribute(oid: ObjectIdentifier, value: Any) -> Result<Attribute, BuildError> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
}

/// The only value of the only attribute with this name; an error when there are more.
pub(crate) fn only(attributes: &Attributes, oid: ObjectIdentifier) -> der::Result<Option<&Any>> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) if one.values.len() == 1 => Ok(one.values.get(0)),
        _ => Err(der::ErrorKind::Failed.into()),
    }
}

/// A request whose own signature is right and whose key is strong enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The name asked for, in DER.
    pub subject_der: Vec<u8>,
    /// The key.
    pub key: PublicKey,
    /// The certificate that the new one will follow.
    pub renewal_of: Option<Certificate>,
    /// The alternative names asked for (the GeneralNames in DER).
    pub subject_alt_name_der: Option<Vec<u8>>,
    /// The whole request.
    pub der: Vec<u8>,
}

/// Reads and checks a request.
pub fn parse(der: &[u8]) -> Result<Request, Refusal> {
    if der.len() > MAX_LEN {
        return Err(Refusal::TooLarge { len: der.len(), max: MAX_LEN });
    }
    let unreadable = |error| Refusal::not_der("the certificate request", error);
    let parsed = CertReq::from_der(der).map_err(unreadable)?;
    // What is not as DER writes it could be read as something else by another program.
    if parsed.to_der().map_err(unreadable)? != der {
        return Err(Refusal::not_der("the certificate request", "it is not in DER"));
    }
    let key = PublicKey::from_spki(&parsed.info.public_key)
        .map_err(|error: KeyError| Refusal::not_der("the new key", error))?;
    if let Some(weakness) = key.weakness() {
        return Err(Refusal::WeakKey { weakness });
    }
    let signed = Signed::from_der(der).map_err(unreadable)?;
    if signed.sha().is_none() {
        return Err(Refusal::WeakDigest);
    }
    if !signed.verify(&key) {
        return Err(Refusal::BadRequestSignature);
    }
    Ok(Request {
        subject_der: parsed.info.subject.to_der().map_err(unreadable)?,
        key,
        renewal_of: renewal_of(&parsed.info.attributes)?,
        subject_alt_name_der: requested_names(&parsed.info.attributes).map_err(unreadable)?,
        der: der.to_vec(),
    })
}

fn renewal_of(attributes: &Attributes) -> Result<Option<Certificate>, Refusal> {
    let what = "the certificate to be renewed";
    let Some(value) = only(attributes, RENEWAL_CERTIFICATE).map_err(|error| Refusal::not_der(what, error))? else {
        return Ok(None);
    };
    let der = value.to_der().map_err(|error| Refusal::not_der(what, error))?;
    Certificate::from_der(&der).map(Some).map_err(|error| Refusal::not_der(what, error))
}

fn requested_names(attributes: &Attributes) -> der::Result<Option<Vec<u8>>> {
    only(attributes, ID_EXTENSION_REQ)?
        .map_or(Ok(None), |value| alternative_names(&Extensions::from_der(&value.to_der()?)?))
}
