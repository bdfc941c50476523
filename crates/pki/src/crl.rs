//! Lists of revoked certificates, read and made.

mod draft;

pub use draft::{Draft, Unsigned};

use crate::certificate::{Certificate, hex_serial};
use crate::signature::{Signed, from_x509};
use crate::time::Timestamp;
use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{CrlNumber, CrlReason};

/// Longer lists are refused before they are read.
pub const MAX_LEN: usize = 1024 * 1024;

/// Why a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No reason given.
    Unspecified,
    /// Somebody else may have the key.
    KeyCompromise,
    /// The holder's data changed.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
}

/// Text that names no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason is unspecified, key-compromise, affiliation-changed, superseded or cessation-of-operation")]
pub struct BadReason;

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 5] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
    ];

    /// The number in the CRL (RFC 5280, CRLReason).
    pub fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
        }
    }

    /// The name, as on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key-compromise",
            Self::AffiliationChanged => "affiliation-changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation-of-operation",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Reason {
    type Err = BadReason;

    fn from_str(text: &str) -> Result<Self, BadReason> {
        Self::ALL.into_iter().find(|reason| reason.name() == text).ok_or(BadReason)
    }
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The certificate's serial number in upper-case hex.
    pub serial: String,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// A list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Longer than any real one.
    #[error("the CRL has {len} bytes, at most {max} are accepted")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Not the DER of a CRL.
    #[error("the CRL could not be read: {0}")]
    NotDer(der::Error),
    /// It lacks what every list of this authority has, or has what is not understood.
    #[error("the CRL lacks its number or its next date, or says something that is not understood")]
    Unusual,
}

/// A signed list.
#[derive(Clone)]
pub struct Crl {
    der: Vec<u8>,
    issuer_der: Vec<u8>,
    this_update: Timestamp,
    next_update: Timestamp,
    number: u64,
    revoked: Vec<Revocation>,
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Crl {}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl(number {}, {} revoked)", self.number, self.revoked.len())
    }
}

impl Crl {
    /// Reads a list; trailing bytes are refused. Check [`Crl::signed_by`] before believing it.
    pub fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        if der.len() > MAX_LEN {
            return Err(CrlError::TooLarge { len: der.len(), max: MAX_LEN });
        }
        let parsed: CertificateList = CertificateList::from_der(der).map_err(CrlError::NotDer)?;
        let list = parsed.tbs_cert_list;
        let extensions = list.crl_extensions.as_ref();
        let number = only::<CrlNumber>(extensions)?.ok_or(CrlError::Unusual)?.0;
        if !is_plain(extensions) || number.as_bytes().len() > 8 || list.signature != parsed.signature_algorithm {
            return Err(CrlError::Unusual);
        }
        Ok(Self {
            der: der.to_vec(),
            issuer_der: list.issuer.to_der().map_err(CrlError::NotDer)?,
            this_update: from_x509(list.this_update),
            next_update: from_x509(list.next_update.ok_or(CrlError::Unusual)?),
            number: number.as_bytes().iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)),
            revoked: list.revoked_certificates.iter().flatten().map(entry).collect::<Result<_, _>>()?,
        })
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether this certificate's holder issued and signed the list.
    pub fn signed_by(&self, issuer: &Certificate) -> bool {
        let signed = || Signed::from_der(&self.der).is_ok_and(|signed| signed.verify(issuer.public_key()));
        self.issuer_der == issuer.subject_der() && issuer.is_ca() && signed()
    }

    /// The entry of the certificate with this serial number (hex, any case), if it was revoked.
    pub fn revoked(&self, serial: &str) -> Option<Revocation> {
        self.revoked.iter().find(|entry| entry.serial.eq_ignore_ascii_case(serial)).cloned()
    }

    /// All entries.
    pub fn entries(&self) -> &[Revocation] {
        &self.revoked
    }

    /// When the list was made.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next list will be there at the latest.
    pub fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// The list's number; it only grows.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// The only extension with this name.
fn only<'a, T: der::oid::AssociatedOid + Decode<'a, Error = der::Error>>(
    extensions: Option<&'a Vec<Extension>>,
) -> Result<Option<T>, CrlError> {
    let mut found = extensions.into_iter().flatten().filter(|extension| extension.extn_id == T::OID);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => T::from_der(one.extn_value.as_bytes()).map(Some).map_err(CrlError::NotDer),
        (Some(_), Some(_)) => Err(CrlError::Unusual),
    }
}

/// A critical extension changes what the list means, so one that is not understood spoils it.
fn is_plain(extensions: Option<&Vec<Extension>>) -> bool {
    extensions.into_iter().flatten().all(|extension| !extension.critical)
}

fn entry(entry: &RevokedCert) -> Result<Revocation, CrlError> {
    let extensions = entry.crl_entry_extensions.as_ref();
    if !is_plain(extensions) {
        return Err(CrlError::Unusual);
    }
    let reason = match only::<CrlReason>(extensions)? {
        Some(CrlReason::KeyCompromise | CrlReason::CaCompromise | CrlReason::AaCompromise) => Reason::KeyCompromise,
        Some(CrlReason::AffiliationChanged) => Reason::AffiliationChanged,
        Some(CrlReason::Superseded) => Reason::Superseded,
        Some(CrlReason::CessationOfOperation) => Reason::CessationOfOperation,
        // Only lists of changes take entries back.
        Some(CrlReason::RemoveFromCRL) => return Err(CrlError::Unusual),
        Some(CrlReason::Unspecified | CrlReason::CertificateHold | CrlReason::PrivilegeWithdrawn) | None => {
            Reason::Unspecified
        }
    };
    let number = entry.serial_number.to_der().map_err(CrlError::NotDer)?;
    let serial = hex_serial(number.get(2..).unwrap_or_default()).ok_or(CrlError::Unusual)?;
    Ok(Revocation { serial, at: from_x509(entry.revocation_date), reason })
}
