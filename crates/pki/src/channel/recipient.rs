//! Sealing a PUK so that only the authority can read it.

use super::is_name;
use super::records::SealedPuk;
use crate::key::{KeyError, PublicKey};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsa::Oaep;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A PUK that could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The operating system has no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
    /// The secret is too long for the key, or the key is unusable.
    #[error("the recipient's key cannot seal this")]
    Key,
    /// The card's serial number is not a name.
    #[error("the card's serial number is not a name")]
    Card,
}

/// The authority's key to which PUKs are sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    key: PublicKey,
}

impl Recipient {
    /// The recipient with this key.
    pub fn new(key: PublicKey) -> Self {
        Self { key }
    }

    /// Reads a PEM file with the label `PUBLIC KEY`. A weak key is refused.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = PublicKey::from_pem(pem)?;
        key.weakness().map_or(Ok(Self { key }), |weakness| Err(KeyError::Weak(weakness)))
    }

    /// The key as a PEM file.
    pub fn to_pem(&self) -> String {
        self.key.to_pem()
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Seals a PUK with RSA-OAEP-SHA256; the card's serial number is the label.
    pub fn seal(&self, puk: &[u8], card: &str) -> Result<SealedPuk, SealError> {
        if !is_name(card) {
            return Err(SealError::Card);
        }
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|_| SealError::Randomness)?;
        let mut random = ChaCha20Rng::from_seed(*seed);
        let padding = Oaep::<Sha256>::new_with_label(card.as_bytes());
        let key = self.key.to_rsa().ok_or(SealError::Key)?;
        let ciphertext = key.encrypt(&mut random, padding, puk).map_err(|_| SealError::Key)?;
        Ok(SealedPuk { card: card.to_owned(), ciphertext })
    }
}
