//! Making a renewal; the old key signs outside this crate.

use super::{AGREEMENT, MAX_LEN, SENDER_NONCE, SignedData, Terms};
use crate::certificate::Certificate;
use crate::issue::BuildError;
use crate::request::attribute;
use crate::signature::{Sha, algorithm, to_x509};
use crate::time::Timestamp;
use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignerIdentifier, SignerInfo};
use const_oid::db::rfc5911::{ID_CONTENT_TYPE, ID_DATA, ID_MESSAGE_DIGEST, ID_SIGNED_DATA, ID_SIGNING_TIME};
use const_oid::db::rfc5912::ID_SHA_256;
use der::asn1::{Any, OctetString, SetOfVec};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::Attributes;
use x509_cert::name::Name;

/// A renewal without its signature.
#[derive(Debug, Clone)]
pub struct Unsigned {
    request: Vec<u8>,
    attributes: Attributes,
    to_be_signed: Vec<u8>,
    old: Certificate,
}

impl Unsigned {
    /// Puts the renewal together.
    pub fn new(request_der: &[u8], old: &Certificate, terms: &Terms, now: Timestamp) -> Result<Self, BuildError> {
        let octets = |bytes: &[u8]| OctetString::new(bytes).and_then(|octets| Any::encode_from(&octets));
        let attributes = SetOfVec::try_from(vec![
            attribute(ID_CONTENT_TYPE, Any::encode_from(&ID_DATA)?)?,
            attribute(ID_MESSAGE_DIGEST, octets(&Sha256::digest(request_der))?)?,
            attribute(ID_SIGNING_TIME, Any::encode_from(&to_x509(now)?)?)?,
            attribute(SENDER_NONCE, octets(&terms.nonce)?)?,
            attribute(AGREEMENT, octets(&terms.agreement)?)?,
        ])?;
        // Signed is the SET, not the [0] that stands in its place inside the SignerInfo (RFC 5652).
        let to_be_signed = attributes.to_der()?;
        Ok(Self { request: request_der.to_vec(), attributes, to_be_signed, old: old.clone() })
    }

    /// What the old key must sign: the SHA-256 digest over the signed attributes, with PKCS#1 v1.5.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.to_be_signed).into()
    }

    /// The renewal in DER. A signature that the old key did not make is refused.
    pub fn signed(self, signature: &[u8]) -> Result<Vec<u8>, BuildError> {
        if !self.old.public_key().verify_message(Sha::S256, &self.to_be_signed, signature) {
            return Err(BuildError::BadSignature);
        }
        let sha256 = AlgorithmIdentifierOwned { oid: ID_SHA_256, parameters: None };
        let signer = SignerInfo {
            version: CmsVersion::V1,
            sid: signer_id(&self.old)?,
            digest_alg: sha256.clone(),
            signed_attrs: Some(self.attributes),
            signature_algorithm: algorithm(),
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        };
        let content = Any::encode_from(&OctetString::new(self.request)?)?;
        let data = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![sha256])?,
            content: EncapsulatedContentInfo { econtent_type: ID_DATA, econtent: Some(content) },
            certificates: Some(SetOfVec::try_from(vec![Any::from_der(self.old.der())?])?),
            crls: None,
            signers: SetOfVec::try_from(vec![signer])?,
        };
        let info = ContentInfo { content_type: ID_SIGNED_DATA, content: Any::encode_from(&data)? };
        let der = info.to_der()?;
        if der.len() > MAX_LEN { Err(BuildError::ReadBack) } else { Ok(der) }
    }
}

fn signer_id(certificate: &Certificate) -> Result<SignerIdentifier, BuildError> {
    let serial = hex::decode(certificate.serial()).map_err(|_| BuildError::Serial)?;
    Ok(SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
        issuer: Name::from_der(certificate.issuer_der())?,
        serial_number: crate::issue::serial(&serial)?,
    }))
}
