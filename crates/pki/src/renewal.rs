//! Renewals: a certificate request inside a CMS SignedData (RFC 5652) that the old key signs.

mod draft;
mod reading;

pub use draft::Unsigned;
pub use reading::parse;

use crate::certificate::Certificate;
use crate::request::Request;
use crate::time::Timestamp;
use cms::content_info::CmsVersion;
use cms::signed_data::{EncapsulatedContentInfo, SignerInfo};
use der::Sequence;
use der::asn1::{Any, ObjectIdentifier, SetOfVec};
use spki::AlgorithmIdentifierOwned;

/// Longer renewals are refused before they are read.
pub const MAX_LEN: usize = 64 * 1024;

/// What the holder answers for with the old key, besides the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The authority's nonce.
    pub nonce: Vec<u8>,
    /// SHA-256 over the agreement's text; see [`agreement_hash`](crate::channel::agreement_hash).
    pub agreement: [u8; 32],
}

/// A renewal whose signatures are right. Whether the signer may renew now is for the authority to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRenewal {
    /// The request inside.
    pub request: Request,
    /// The certificate of the key that signed; the request names the same one as the one it renews.
    pub signer: Certificate,
    /// What the holder answers for.
    pub terms: Terms,
    /// When the tool says it was signed.
    pub signed_at: Timestamp,
}

/// The nonce among the signed attributes (RFC 5272, senderNonce).
const SENDER_NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.7.6");
/// The accepted agreement among the signed attributes: our own.
const AGREEMENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.25.1938472615.1");

/// The SignedData of RFC 5652. The cms crate's own type takes certificates apart and puts them together again; here they
/// stay as they came, because what is compared later are their bytes.
#[derive(Sequence)]
struct SignedData {
    version: CmsVersion,
    digest_algorithms: SetOfVec<AlgorithmIdentifierOwned>,
    content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    certificates: Option<SetOfVec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    crls: Option<SetOfVec<Any>>,
    signers: SetOfVec<SignerInfo>,
}
