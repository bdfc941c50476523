//! The `rsa` crate: generation and import for every provider, and a portable private operation.

use alloc::sync::Arc;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use rsa::BoxedUint;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::{CrtParts, CryptoError, Rsa, RsaPrivateKey};

/// The portable provider. Its operation is not blinded and not constant-time (RUSTSEC-2023-0071): the card it is
/// part of is a simulator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftRsa;

impl Rsa for SoftRsa {
    type Prepared = Arc<rsa::RsaPrivateKey>;

    fn generate(&mut self, bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        generate(bits, rng)
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits(bytes)).map_err(|_| CryptoError::BadKey);
        let prime_bits = bits(&key.n) / 2;
        let prime = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, prime_bits).map_err(|_| CryptoError::BadKey);
        let key = rsa::RsaPrivateKey::from_components(
            number(&key.n)?,
            exponent(&key.e)?,
            number(&key.d)?,
            Vec::from([prime(&key.p)?, prime(&key.q)?]),
        );
        key.map(Arc::new).map_err(|_| CryptoError::BadKey)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        if input.len() != key.size() || output.len() != key.size() {
            return Err(CryptoError::BadInput);
        }
        let input = BoxedUint::from_be_slice(input, key.n_bits_precision()).map_err(|_| CryptoError::BadInput)?;
        if input >= *key.n().as_ref() {
            return Err(CryptoError::BadInput);
        }
        let result = rsa::hazmat::rsa_decrypt_and_check::<NoBlinding>(key.as_ref(), None, &input)
            .map_err(|_| CryptoError::Failed)?;
        let bytes = Zeroizing::new(fixed(&result, output.len()).ok_or(CryptoError::Failed)?);
        output.copy_from_slice(&bytes);
        Ok(())
    }
}

/// Names the type of randomness that is not used: blinding would draw from the card's randomness, and then a seed
/// would give other values with this provider than with another.
enum NoBlinding {}

impl rand_core::TryRng for NoBlinding {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        match *self {}
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        match *self {}
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        match *self {}
    }
}

impl rand_core::TryCryptoRng for NoBlinding {}

/// A new key with the public exponent 65537, from this randomness alone.
///
/// # Errors
/// [`CryptoError::Unsupported`] for sizes other than 2048, 3072 and 4096 bits.
pub fn generate(bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
    if !matches!(bits, 2048 | 3072 | 4096) {
        return Err(CryptoError::Unsupported);
    }
    let key = rsa::RsaPrivateKey::new(rng, bits).map_err(|_| CryptoError::Failed)?;
    export(&key).ok_or(CryptoError::Failed)
}

/// Puts an imported key together: modulus from the primes, exponents from `dp`; then checks that all parts agree.
///
/// # Errors
/// [`CryptoError::Unsupported`] for modulus sizes other than 2048, 3072 and 4096 bits, [`CryptoError::BadKey`] for
/// parts that do not make a key.
pub fn assemble(parts: &CrtParts<'_>) -> Result<RsaPrivateKey, CryptoError> {
    let (p, q) = (trimmed(parts.p), trimmed(parts.q));
    let len = p.len().max(q.len());
    if !matches!(len, 128 | 192 | 256) {
        return Err(CryptoError::Unsupported);
    }
    // The arithmetic below is for odd numbers of one length; it must not be asked about others.
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 != 0);
    if p.len() != q.len() || !odd(p) || !odd(q) {
        return Err(CryptoError::BadKey);
    }
    let prime_bits = bits(p).max(bits(q));
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(trimmed(bytes), prime_bits).map_err(|_| CryptoError::BadKey);
    let (p, q, mut dp) = (number(p)?, number(q)?, number(parts.dp)?);
    let mut order = p.wrapping_sub(BoxedUint::one_with_precision(prime_bits));
    let e = Option::from(order.to_nz()).and_then(|order| Option::<BoxedUint>::from(dp.invert_mod(&order)));
    dp.zeroize();
    order.zeroize();
    let e = e.ok_or(CryptoError::BadKey)?;
    let e = exponent(&e.to_be_bytes())?;
    let key = rsa::RsaPrivateKey::from_p_q(p, q, e).map_err(|_| CryptoError::BadKey)?;
    let key = export(&key).ok_or(CryptoError::BadKey)?;
    let same = |ours: &[u8], theirs: &[u8]| trimmed(ours) == trimmed(theirs);
    let agrees = key.n.len() == 2 * len
        && key.n[0] & 0x80 != 0
        && same(&key.dp, parts.dp)
        && same(&key.dq, parts.dq)
        && same(&key.qinv, parts.qinv);
    if agrees { Ok(key) } else { Err(CryptoError::BadKey) }
}

/// A public exponent, which has at most four bytes on this card.
fn exponent(bytes: &[u8]) -> Result<BoxedUint, CryptoError> {
    let bytes = trimmed(bytes);
    if bytes.len() > 4 {
        return Err(CryptoError::BadKey);
    }
    BoxedUint::from_be_slice(bytes, 64).map_err(|_| CryptoError::BadKey)
}

fn export(key: &rsa::RsaPrivateKey) -> Option<RsaPrivateKey> {
    let len = key.size();
    let [p, q] = key.primes() else { return None };
    Some(RsaPrivateKey {
        n: fixed(key.n().as_ref(), len)?,
        e: key.e().to_be_bytes_trimmed_vartime().into_vec(),
        d: fixed(key.d(), len)?,
        p: fixed(p.as_ref(), len / 2)?,
        q: fixed(q.as_ref(), len / 2)?,
        dp: fixed(key.dp()?, len / 2)?,
        dq: fixed(key.dq()?, len / 2)?,
        qinv: {
            let mut qinv = key.qinv()?.retrieve();
            let bytes = fixed(&qinv, len / 2);
            qinv.zeroize();
            bytes?
        },
    })
}

/// The number in exactly `len` bytes, if it fits.
fn fixed(number: &BoxedUint, len: usize) -> Option<Vec<u8>> {
    let mut bytes = number.to_be_bytes();
    let skip = bytes.len().checked_sub(len);
    let out = match skip {
        Some(skip) if bytes[..skip].iter().all(|byte| *byte == 0) => Some(bytes[skip..].to_vec()),
        Some(_) => None,
        None => {
            let mut out = alloc::vec![0; len - bytes.len()];
            out.extend_from_slice(&bytes);
            Some(out)
        }
    };
    bytes.zeroize();
    out
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// Bits of a number of this many bytes.
fn bits(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX / 8).saturating_mul(8)
}
