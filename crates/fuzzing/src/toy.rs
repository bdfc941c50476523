//! RSA without arithmetic: keys that are ready, and an operation that costs nothing.
//!
//! Lengths and errors are those of a real provider. The keys are no keys, their secret parts are canaries, and the
//! private operation gives its input back, so that a host can decipher what it never encrypted.

use std::sync::Arc;

use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey};
use rand_core::CryptoRng;

use crate::canary::{SECRET_PARTS, rsa_part};

/// The provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToyRsa;

/// The key of a modulus of `len` bytes.
#[must_use]
pub fn key(len: usize) -> RsaPrivateKey {
    let mut n = rsa_part(0, len);
    if let [first, .., last] = n.as_mut_slice() {
        *first |= 0x80;
        *last |= 1;
    }
    let [d, p, q, dp, dq, qinv] = SECRET_PARTS;
    let half = |part| rsa_part(part, len / 2);
    RsaPrivateKey {
        n,
        e: vec![1, 0, 1],
        d: rsa_part(d, len),
        p: half(p),
        q: half(q),
        dp: half(dp),
        dq: half(dq),
        qinv: half(qinv),
    }
}

impl Rsa for ToyRsa {
    type Prepared = Arc<[u8]>;

    fn generate(&mut self, bits: usize, _: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        match bits {
            2048 | 3072 | 4096 => Ok(key(bits / 8)),
            _ => Err(CryptoError::Unsupported),
        }
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        Ok(Arc::from(key.n.as_slice()))
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        if input.len() != key.len() || output.len() != key.len() || *input >= **key {
            return Err(CryptoError::BadInput);
        }
        output.copy_from_slice(input);
        Ok(())
    }
}
