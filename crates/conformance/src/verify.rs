//! Signatures are checked and cryptograms made by other code than the card's: the public operations only.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BoxedUint, Pss, RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// PKCS#1 v1.5 over the given content of the block.
    RsaPkcs1,
    /// PSS over the given hash, whose length names the hash function; the salt is as long as the hash.
    RsaPss,
    /// ECDSA over the given hash; the length of the point names the curve. The signature is DER.
    Ecdsa,
}

impl Scheme {
    /// The scheme of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "rsa-pkcs1" => Some(Self::RsaPkcs1),
            "rsa-pss" => Some(Self::RsaPss),
            "ecdsa" => Some(Self::Ecdsa),
            _ => None,
        }
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// [`VerifyError::Key`] and [`VerifyError::Input`] for what cannot be checked, [`VerifyError::Wrong`] for a
    /// signature that is not one.
    pub fn verify(self, key: &[u8], over: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        match self {
            Self::RsaPkcs1 => pkcs1(key, over, signature),
            Self::RsaPss => pss(key, over, signature),
            Self::Ecdsa => ecdsa(key, over, signature),
        }
    }
}

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The modulus or the point is not one.
    #[error("the public key is not usable")]
    Key,
    /// The bytes that were signed, or the block, do not fit the scheme or the key.
    #[error("the input does not fit the key or the scheme")]
    Input,
    /// The signature does not belong to the key and the input.
    #[error("the signature is wrong")]
    Wrong,
}

/// Raises `block` to the exponent 65537.
///
/// # Errors
/// [`VerifyError::Key`] for an unusable modulus, [`VerifyError::Input`] for a block that is not as long as the
/// modulus or not smaller.
pub fn encrypt(modulus: &[u8], block: &[u8]) -> Result<Vec<u8>, VerifyError> {
    let key = public_key(modulus)?;
    if block.len() != modulus.len() || block >= modulus {
        return Err(VerifyError::Input);
    }
    let output = rsa::hazmat::rsa_encrypt(&key, &number(block)?).map_err(|_| VerifyError::Input)?;
    Ok(output.to_be_bytes_trimmed_vartime().as_ref().to_vec()).map(|bytes| padded(&bytes, modulus.len()))
}

fn padded(bytes: &[u8], len: usize) -> Vec<u8> {
    let mut padded = vec![0; len.saturating_sub(bytes.len())];
    padded.extend_from_slice(bytes);
    padded
}

fn number(bytes: &[u8]) -> Result<BoxedUint, VerifyError> {
    let bits = u32::try_from(bytes.len() * 8).map_err(|_| VerifyError::Input)?;
    BoxedUint::from_be_slice(bytes, bits).map_err(|_| VerifyError::Input)
}

fn public_key(modulus: &[u8]) -> Result<RsaPublicKey, VerifyError> {
    let modulus = number(modulus).map_err(|_| VerifyError::Key)?;
    RsaPublicKey::new(modulus, BoxedUint::from(65_537_u64)).map_err(|_| VerifyError::Key)
}

fn pkcs1(modulus: &[u8], content: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    if signature.len() != modulus.len() {
        return Err(VerifyError::Wrong);
    }
    let fill = modulus.len().checked_sub(content.len() + 3).filter(|fill| *fill >= 8).ok_or(VerifyError::Input)?;
    let mut block = vec![0x00, 0x01];
    block.resize(2 + fill, 0xFF);
    block.push(0x00);
    block.extend_from_slice(content);
    let opened = encrypt(modulus, signature).map_err(|error| match error {
        VerifyError::Input => VerifyError::Wrong,
        other => other,
    })?;
    if opened == block { Ok(()) } else { Err(VerifyError::Wrong) }
}

fn pss(modulus: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    let key = public_key(modulus)?;
    let outcome = match hash.len() {
        20 => key.verify(Pss::<Sha1>::new_with_salt(20), hash, signature),
        28 => key.verify(Pss::<Sha224>::new_with_salt(28), hash, signature),
        32 => key.verify(Pss::<Sha256>::new_with_salt(32), hash, signature),
        48 => key.verify(Pss::<Sha384>::new_with_salt(48), hash, signature),
        64 => key.verify(Pss::<Sha512>::new_with_salt(64), hash, signature),
        _ => return Err(VerifyError::Input),
    };
    outcome.map_err(|_| VerifyError::Wrong)
}

fn ecdsa(point: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    // The leftmost bits of a long hash count; a short one is the same number with zeros in front.
    let field = point.len() / 2;
    let hash = padded(&hash[..hash.len().min(field)], field);
    match point.len() {
        65 => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| VerifyError::Key)?;
            let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| VerifyError::Wrong)?;
            key.verify_prehash(&hash, &signature).map_err(|_| VerifyError::Wrong)
        }
        97 => {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| VerifyError::Key)?;
            let signature = p384::ecdsa::Signature::from_der(signature).map_err(|_| VerifyError::Wrong)?;
            key.verify_prehash(&hash, &signature).map_err(|_| VerifyError::Wrong)
        }
        _ => Err(VerifyError::Key),
    }
}
