//! RSA: key generation always by the `rsa` crate with the card's own randomness, so that a seed gives the same key
//! everywhere; the raw private operation by a provider.

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

#[cfg(feature = "rsa")]
mod soft;
#[cfg(feature = "rsa")]
pub use soft::{SoftRsa, assemble, generate};

/// Why a provider does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptoError {
    /// Not offered by this build or for this size.
    Unsupported,
    /// The key's components contradict each other.
    BadKey,
    /// The input is not as long as the modulus, or not smaller than it.
    BadInput,
    /// The computation failed, or its result did not pass the check.
    Failed,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => "algorithm or size not supported",
            Self::BadKey => "key components contradict each other",
            Self::BadInput => "input does not fit the modulus",
            Self::Failed => "computation failed",
        })
    }
}

impl core::error::Error for CryptoError {}

/// A private key. All numbers are big-endian; `n` and `d` are as long as the modulus, the primes and CRT values
/// half as long. Wiped on drop, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPrivateKey {
    /// Modulus.
    pub n: Vec<u8>,
    /// Public exponent, without leading zeros.
    pub e: Vec<u8>,
    /// Private exponent.
    pub d: Vec<u8>,
    /// First prime.
    pub p: Vec<u8>,
    /// Second prime.
    pub q: Vec<u8>,
    /// d mod (p-1).
    pub dp: Vec<u8>,
    /// d mod (q-1).
    pub dq: Vec<u8>,
    /// Inverse of q modulo p.
    pub qinv: Vec<u8>,
}

impl RsaPrivateKey {
    /// Bytes of the public exponent as the card stores it.
    pub(crate) const E_LEN: usize = 4;

    /// Bytes of the stored form for a modulus of `len` bytes.
    pub(crate) const fn stored_len(len: usize) -> usize {
        Self::E_LEN + 2 * len + 5 * (len / 2)
    }

    /// All components in one piece, as the card stores them.
    pub(crate) fn to_stored(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut stored = Zeroizing::new(Vec::with_capacity(Self::stored_len(self.n.len())));
        stored.resize(Self::E_LEN.checked_sub(self.e.len())?, 0);
        for part in [&self.e, &self.n, &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qinv] {
            stored.extend_from_slice(part);
        }
        (stored.len() == Self::stored_len(self.n.len())).then_some(stored)
    }

    /// Takes apart what [`RsaPrivateKey::to_stored`] made for a modulus of `len` bytes.
    pub(crate) fn from_stored(stored: &[u8], len: usize) -> Option<Self> {
        if stored.len() != Self::stored_len(len) {
            return None;
        }
        let mut rest = stored;
        let mut take = |len: usize| {
            let (part, tail) = rest.split_at(len);
            rest = tail;
            part.to_vec()
        };
        let e = take(Self::E_LEN);
        let zeros = e.iter().take_while(|byte| **byte == 0).count();
        let (n, d) = (take(len), take(len));
        let mut half = || take(len / 2);
        Some(Self { n, e: e[zeros..].to_vec(), d, p: half(), q: half(), dp: half(), dq: half(), qinv: half() })
    }
}

impl Drop for RsaPrivateKey {
    fn drop(&mut self) {
        for part in [&mut self.d, &mut self.p, &mut self.q, &mut self.dp, &mut self.dq, &mut self.qinv] {
            part.zeroize();
        }
    }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaPrivateKey(…)")
    }
}

/// A key pair as OpenSC imports it: without modulus and exponents.
#[derive(Clone, Copy)]
pub struct CrtParts<'a> {
    /// First prime.
    pub p: &'a [u8],
    /// Second prime.
    pub q: &'a [u8],
    /// Inverse of q modulo p.
    pub qinv: &'a [u8],
    /// d mod (p-1).
    pub dp: &'a [u8],
    /// d mod (q-1).
    pub dq: &'a [u8],
}

/// Generates RSA keys and computes with them.
pub trait Rsa {
    /// A key made ready for many operations; kept outside the card's memory.
    type Prepared: Send + Sync;

    /// A new key with a modulus of `bits` bits and the public exponent 65537.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] for sizes that the provider does not offer.
    fn generate(&mut self, bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError>;

    /// Makes a key ready.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] if its components contradict each other.
    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError>;

    /// The raw private operation. `input` and `output` are exactly as long as the modulus.
    ///
    /// # Errors
    /// [`CryptoError::BadInput`] for another length or an input that is not smaller than the modulus,
    /// [`CryptoError::Failed`].
    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError>;
}

/// Puts an imported key together.
///
/// # Errors
/// Always [`CryptoError::Unsupported`]: this build has no RSA arithmetic.
#[cfg(not(feature = "rsa"))]
pub fn assemble(_parts: &CrtParts<'_>) -> Result<RsaPrivateKey, CryptoError> {
    Err(CryptoError::Unsupported)
}
