//! Reading a renewal, and everything that can be said about it without the authority's records.

use super::{AGREEMENT, MAX_LEN, SENDER_NONCE, SignedData, SignedRenewal, Terms};
use crate::certificate::{Certificate, hex_serial};
use crate::refusal::Refusal;
use crate::request::{self, only};
use crate::signature::{Sha, from_x509};
use crate::time::Timestamp;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignerIdentifier, SignerInfo};
use const_oid::db::rfc5911::{ID_CONTENT_TYPE, ID_DATA, ID_MESSAGE_DIGEST, ID_SIGNED_DATA, ID_SIGNING_TIME};
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Encode};
use x509_cert::attr::Attributes;
use x509_cert::time::Time;

/// Longer nonces are nobody's.
const MAX_NONCE: usize = 64;

/// Reads and checks a renewal: the one signature over the signed attributes and through them over the request, the request
/// itself, and that it renews the certificate whose key signed.
pub fn parse(der: &[u8]) -> Result<SignedRenewal, Refusal> {
    if der.len() > MAX_LEN {
        return Err(Refusal::TooLarge { len: der.len(), max: MAX_LEN });
    }
    let data = signed_data(der)?;
    let [signer] = data.signers.as_slice() else {
        return Err(Refusal::Signers { count: data.signers.len() });
    };
    let attributes = signer.signed_attrs.as_ref().ok_or(Refusal::NoSignedAttributes)?;
    let content = content(&data)?;
    let sha = digest_algorithm(signer)?;
    let certificate = signer_certificate(signer, data.certificates.as_ref())?;
    let signed = attributes.to_der().map_err(|error| Refusal::not_der("the signed attributes", error))?;
    if !certificate.public_key().verify_message(sha, &signed, signer.signature.as_bytes()) {
        return Err(Refusal::BadSignature);
    }
    let signed_at = covers(attributes, sha, &content)?;
    let request = request::parse(&content)?;
    match &request.renewal_of {
        None => return Err(Refusal::RenewalCertificateMissing),
        Some(old) if *old != certificate => return Err(Refusal::RenewalCertificateDiffers),
        Some(_) => {}
    }
    Ok(SignedRenewal { request, signer: certificate, terms: terms(attributes)?, signed_at })
}

fn signed_data(der: &[u8]) -> Result<SignedData, Refusal> {
    let unreadable = |error| Refusal::not_der("the renewal", error);
    let info = ContentInfo::from_der(der).map_err(unreadable)?;
    if info.content_type != ID_SIGNED_DATA {
        return Err(Refusal::not_der("the renewal", "it is not signed data"));
    }
    info.content.decode_as().map_err(unreadable)
}

fn content(data: &SignedData) -> Result<Vec<u8>, Refusal> {
    let content = data.content.econtent.as_ref().filter(|_| data.content.econtent_type == ID_DATA);
    let octets = content.map(|content| content.decode_as::<OctetString>());
    match octets {
        Some(Ok(octets)) => Ok(octets.into_bytes().into()),
        Some(Err(error)) => Err(Refusal::not_der("the request in the renewal", error)),
        None => Err(Refusal::not_der("the request in the renewal", "there is none")),
    }
}

fn digest_algorithm(signer: &SignerInfo) -> Result<Sha, Refusal> {
    let sha = Sha::named(signer.digest_alg.oid).ok_or(Refusal::WeakDigest)?;
    if sha.goes_with(signer.signature_algorithm.oid) { Ok(sha) } else { Err(Refusal::WeakDigest) }
}

/// The embedded certificate that the signer names. What else is embedded does not matter.
fn signer_certificate(signer: &SignerInfo, embedded: Option<&SetOfVec<Any>>) -> Result<Certificate, Refusal> {
    let SignerIdentifier::IssuerAndSerialNumber(named) = &signer.sid else {
        return Err(Refusal::not_der("the signer", "it is not named by issuer and serial number"));
    };
    let unreadable = |error| Refusal::not_der("the signer", error);
    let issuer = named.issuer.to_der().map_err(unreadable)?;
    let number = named.serial_number.to_der().map_err(unreadable)?;
    let serial = hex_serial(number.get(2..).unwrap_or_default());
    let certificates = embedded.into_iter().flat_map(SetOfVec::iter).filter_map(|any| any.to_der().ok());
    certificates
        .filter_map(|der| Certificate::from_der(&der).ok())
        .find(|found| found.issuer_der() == issuer && Some(found.serial()) == serial.as_deref())
        .ok_or(Refusal::UnknownCertificate)
}

/// Checks that the signed attributes speak of this content, and gives the time they state.
fn covers(attributes: &Attributes, sha: Sha, content: &[u8]) -> Result<Timestamp, Refusal> {
    let must = |oid| value(attributes, oid)?.ok_or(Refusal::NoSignedAttributes);
    let unreadable = |error| Refusal::not_der("a signed attribute", error);
    let kind: ObjectIdentifier = must(ID_CONTENT_TYPE)?.decode_as().map_err(unreadable)?;
    let digest: OctetString = must(ID_MESSAGE_DIGEST)?.decode_as().map_err(unreadable)?;
    if kind != ID_DATA || digest.as_bytes() != sha.digest(content) {
        return Err(Refusal::BadSignature);
    }
    let time = must(ID_SIGNING_TIME)?.to_der().and_then(|der| Time::from_der(&der)).map_err(unreadable)?;
    Ok(from_x509(time))
}

fn terms(attributes: &Attributes) -> Result<Terms, Refusal> {
    let octets = |any: &Any| any.decode_as::<OctetString>().ok().map(|octets| octets.as_bytes().to_vec());
    let nonce =
        value(attributes, SENDER_NONCE)?.and_then(octets).filter(|nonce| (1..=MAX_NONCE).contains(&nonce.len()));
    let agreement = value(attributes, AGREEMENT)?.and_then(octets).and_then(|hash| hash.try_into().ok());
    Ok(Terms { nonce: nonce.ok_or(Refusal::NonceUnknown)?, agreement: agreement.ok_or(Refusal::AgreementMissing)? })
}

fn value(attributes: &Attributes, oid: ObjectIdentifier) -> Result<Option<&Any>, Refusal> {
    only(attributes, oid).map_err(|_| Refusal::not_der("the signed attributes", "one of them is there twice"))
}
