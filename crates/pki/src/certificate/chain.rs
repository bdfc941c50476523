//! The authority's two certificates, and whether a holder's certificate comes from them.

use super::{Certificate, CertificateError, all_from_pem};
use crate::time::{Timestamp, Validity, shown, whole};

/// The issuing certificate and the root above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The certificate whose key signs holders' certificates.
    pub issuing: Certificate,
    /// The certificate whose key signed the issuing one.
    pub root: Certificate,
}

/// Why a certificate does not pass under a chain at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// Another authority's.
    #[error("the certificate was not issued by this authority")]
    NotIssuedByUs,
    /// It names this authority, but its signature is wrong.
    #[error("the signature on the certificate is not valid")]
    BadSignature,
    /// Its time has not come.
    #[error("the certificate is valid only from {}", shown(*from))]
    NotYetValid {
        /// Its first second.
        from: Timestamp,
    },
    /// Its time is over.
    #[error("the certificate expired on {}", shown(*since))]
    Expired {
        /// Its last second.
        since: Timestamp,
    },
    /// The authority's time is over.
    #[error("the authority's certificate expired on {}", shown(*since))]
    AuthorityExpired {
        /// Its last second.
        since: Timestamp,
    },
    /// Its key is not meant for signing.
    #[error("the certificate is not for signing")]
    NotForSigning,
}

impl Chain {
    /// Two certificates that belong together.
    pub fn new(issuing: Certificate, root: Certificate) -> Result<Self, CertificateError> {
        let named = issuing.issuer_der() == root.subject_der() && root.issuer_der() == root.subject_der();
        let authorities = issuing.is_ca() && root.is_ca() && issuing != root;
        if named && authorities && issuing.signed_by(&root) && root.signed_by(&root) {
            Ok(Self { issuing, root })
        } else {
            Err(CertificateError::NotAChain)
        }
    }

    /// Reads a PEM file with the issuing certificate and the root, in any order.
    pub fn from_pem(bundle: &str) -> Result<Self, CertificateError> {
        let Ok([one, other]) = <[Certificate; 2]>::try_from(all_from_pem(bundle)?) else {
            return Err(CertificateError::NotPem { expected: "the issuing certificate and the root" });
        };
        if other.issuer_der() == other.subject_der() { Self::new(one, other) } else { Self::new(other, one) }
    }

    /// The PEM file, the issuing certificate first.
    pub fn to_pem(&self) -> String {
        self.issuing.to_pem() + &self.root.to_pem()
    }

    /// Whether the certificate was issued under this chain and may be used to sign at the time. Revocation is the CRL's matter.
    pub fn check(&self, certificate: &Certificate, now: Timestamp) -> Result<(), ChainFault> {
        if certificate.issuer_der() != self.issuing.subject_der() {
            return Err(ChainFault::NotIssuedByUs);
        }
        if !certificate.signed_by(&self.issuing) {
            return Err(ChainFault::BadSignature);
        }
        let Validity { not_before, not_after } = certificate.validity();
        let now = whole(now);
        if now < not_before {
            return Err(ChainFault::NotYetValid { from: not_before });
        }
        if now > not_after {
            return Err(ChainFault::Expired { since: not_after });
        }
        for authority in [&self.issuing, &self.root] {
            let Validity { not_before, not_after } = authority.validity();
            if now < not_before {
                return Err(ChainFault::NotYetValid { from: not_before });
            }
            if now > not_after {
                return Err(ChainFault::AuthorityExpired { since: not_after });
            }
        }
        if certificate.is_for_signing() { Ok(()) } else { Err(ChainFault::NotForSigning) }
    }
}
