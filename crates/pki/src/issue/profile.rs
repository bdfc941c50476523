//! The extensions of each profile (RFC 5280), and the body that carries them.

use super::{BuildError, Profile};
use crate::key::PublicKey;
use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_EMAIL_PROTECTION};
use const_oid::{AssociatedOid, ObjectIdentifier};
use der::asn1::{Ia5String, OctetString};
use der::{Encode, Sequence};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
    KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

/// The longest address that goes into a certificate, in bytes.
const MAX_ADDRESS: usize = 255;

/// The body of a certificate. x509-cert can read one, but lets nobody outside put one together without the private key.
#[derive(Sequence)]
pub(super) struct Tbs {
    #[asn1(context_specific = "0", default = "Default::default")]
    pub(super) version: Version,
    pub(super) serial: SerialNumber,
    pub(super) signature: AlgorithmIdentifierOwned,
    pub(super) issuer: Name,
    pub(super) validity: Validity,
    pub(super) subject: Name,
    pub(super) key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

pub(super) fn extensions(profile: &Profile, key: &PublicKey, signer: &PublicKey) -> Result<Extensions, BuildError> {
    let subject_key = SubjectKeyIdentifier(OctetString::new(key.identifier())?);
    let authority_key = authority_key(signer)?;
    let mut extensions = vec![extension(false, &subject_key)?, extension(false, &authority_key)?];
    match profile {
        Profile::Root => extensions.extend(authority(None)?),
        Profile::Issuing => extensions.extend(authority(Some(0))?),
        Profile::EndEntity { email, crl_url, policy } => {
            extensions.extend(holder(policy)?);
            if let Some(email) = email {
                let name = GeneralName::Rfc822Name(address("e-mail address", email)?);
                extensions.push(extension(false, &SubjectAltName(vec![name]))?);
            }
            if let Some(url) = crl_url {
                extensions.push(extension(false, &distribution_point(url)?)?);
            }
        }
    }
    Ok(extensions)
}

/// The identifier of the key that signs.
pub(crate) fn authority_key(signer: &PublicKey) -> Result<AuthorityKeyIdentifier, BuildError> {
    let key_identifier = Some(OctetString::new(signer.identifier())?);
    Ok(AuthorityKeyIdentifier { key_identifier, ..AuthorityKeyIdentifier::default() })
}

pub(crate) fn extension<T: AssociatedOid + Encode>(critical: bool, value: &T) -> Result<Extension, BuildError> {
    Ok(Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der()?)? })
}

fn authority(path_len_constraint: Option<u8>) -> Result<[Extension; 2], BuildError> {
    let basic = BasicConstraints { ca: true, path_len_constraint };
    let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
    Ok([extension(true, &basic)?, extension(true, &usage)?])
}

fn holder(policy: &str) -> Result<[Extension; 4], BuildError> {
    let basic = BasicConstraints { ca: false, path_len_constraint: None };
    let usage = KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation);
    let purposes = ExtendedKeyUsage(vec![ID_KP_CLIENT_AUTH, ID_KP_EMAIL_PROTECTION]);
    let policy_identifier = ObjectIdentifier::new(policy).map_err(|_| BuildError::Address("policy"))?;
    let policies = CertificatePolicies(vec![PolicyInformation { policy_identifier, policy_qualifiers: None }]);
    Ok([extension(true, &basic)?, extension(true, &usage)?, extension(false, &purposes)?, extension(false, &policies)?])
}

fn distribution_point(url: &str) -> Result<CrlDistributionPoints, BuildError> {
    let name = GeneralName::UniformResourceIdentifier(address("CRL address", url)?);
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![name])),
        reasons: None,
        crl_issuer: None,
    };
    Ok(CrlDistributionPoints(vec![point]))
}

fn address(what: &'static str, text: &str) -> Result<Ia5String, BuildError> {
    let printable = text.len() <= MAX_ADDRESS && text.bytes().all(|byte| byte.is_ascii_graphic());
    let shaped = match what {
        "e-mail address" => text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()),
        _ => !text.is_empty(),
    };
    if printable && shaped { Ok(Ia5String::new(text)?) } else { Err(BuildError::Address(what)) }
}
