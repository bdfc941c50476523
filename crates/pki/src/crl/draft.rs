//! Making lists of revoked certificates; the issuer's key signs outside this crate.

use super::{Crl, Reason, Revocation};
use crate::certificate::Certificate;
use crate::issue::{BuildError, authority_key, extension, serial};
use crate::key::PublicKey;
use crate::signature::{Signed, algorithm, to_x509};
use crate::time::Timestamp;
use der::asn1::Uint;
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::certificate::Version;
use x509_cert::crl::{RevokedCert, TbsCertList};
use x509_cert::ext::pkix::{CrlNumber, CrlReason};
use x509_cert::name::Name;

/// All that goes into a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Higher than in every earlier list.
    pub number: u64,
    /// When the list is made.
    pub this_update: Timestamp,
    /// When the next one will be there at the latest.
    pub next_update: Timestamp,
    /// The entries.
    pub revoked: Vec<Revocation>,
}

/// A list without its signature.
#[derive(Debug, Clone)]
pub struct Unsigned {
    body: Vec<u8>,
    signer: PublicKey,
}

impl Unsigned {
    /// Puts the list together.
    pub fn new(draft: &Draft, issuer: &Certificate) -> Result<Self, BuildError> {
        if !issuer.is_ca() {
            return Err(BuildError::NotAnAuthority);
        }
        if draft.this_update > draft.next_update {
            return Err(BuildError::Time);
        }
        let entries = draft.revoked.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let number = CrlNumber(Uint::new(&draft.number.to_be_bytes())?);
        let authority = authority_key(issuer.public_key())?;
        let list: TbsCertList = TbsCertList {
            version: Version::V2,
            signature: algorithm(),
            issuer: Name::from_der(issuer.subject_der())?,
            this_update: to_x509(draft.this_update)?,
            next_update: Some(to_x509(draft.next_update)?),
            // RFC 5280: a list without entries has no empty list of them.
            revoked_certificates: (!entries.is_empty()).then_some(entries),
            crl_extensions: Some(vec![extension(false, &authority)?, extension(false, &number)?]),
        };
        Ok(Self { body: list.to_der()?, signer: issuer.public_key().clone() })
    }

    /// What the issuer's key must sign: the SHA-256 digest, with PKCS#1 v1.5.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    /// The list. A signature that the issuer's key did not make is refused.
    pub fn signed(self, signature: &[u8]) -> Result<Crl, BuildError> {
        let der = Signed::seal(&self.body, signature, &self.signer)?;
        Crl::from_der(&der).map_err(|_| BuildError::ReadBack)
    }
}

fn entry(revocation: &Revocation) -> Result<RevokedCert, BuildError> {
    let reason = match revocation.reason {
        // RFC 5280 wants this one left out.
        Reason::Unspecified => None,
        Reason::KeyCompromise => Some(CrlReason::KeyCompromise),
        Reason::AffiliationChanged => Some(CrlReason::AffiliationChanged),
        Reason::Superseded => Some(CrlReason::Superseded),
        Reason::CessationOfOperation => Some(CrlReason::CessationOfOperation),
    };
    Ok(RevokedCert {
        serial_number: serial(&hex::decode(&revocation.serial).map_err(|_| BuildError::Serial)?)?,
        revocation_date: to_x509(revocation.at)?,
        crl_entry_extensions: reason.map(|reason| Ok::<_, BuildError>(vec![extension(false, &reason)?])).transpose()?,
    })
}
