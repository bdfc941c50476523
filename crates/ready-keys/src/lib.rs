//! RSA keys for simulated cards that shall not wait for primes: [`ReadyRsa`] wraps any provider and answers `generate`
//! from a pool. The keys are **published** (`fixtures/keys/ready-*.der`): a card that has one protects nothing.
//!
//! It is a crate of its own so that no card and no provider can contain it by accident: only what plays test cases
//! depends on it. It must not know APDUs, cards or cases; whoever plays a case that is about key generation says so
//! with the [`Switch`].
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey};
use card_wire::tlv;
use rand_core::CryptoRng;

/// Makes a list of the keys of one size.
macro_rules! keys {
    ($($name:literal),*) => {
        &[$(include_bytes!(concat!("../../../fixtures/keys/ready-", $name, ".der"))),*]
    };
}

/// Keys of 2048 bits, as PKCS#1 has them.
const RSA_2048: &[&[u8]] = keys!["2048-1", "2048-2", "2048-3", "2048-4", "2048-5", "2048-6"];
/// Keys of 3072 bits.
const RSA_3072: &[&[u8]] = keys!["3072-1", "3072-2"];
/// Keys of 4096 bits.
const RSA_4096: &[&[u8]] = keys!["4096-1", "4096-2"];

/// The keys of this size.
fn pool(bits: usize) -> &'static [&'static [u8]] {
    match bits {
        2048 => RSA_2048,
        3072 => RSA_3072,
        4096 => RSA_4096,
        _ => &[],
    }
}

/// How many keys of this size there are: so many generations of one card give different keys.
#[must_use]
pub fn count(bits: usize) -> usize {
    pool(bits).len()
}

/// Says, for all cards that share it, whether keys are computed after all. Off at first.
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<AtomicBool>);

impl Switch {
    /// From now on keys are computed (`true`) or taken from the pool.
    pub fn compute(&self, compute: bool) {
        self.0.store(compute, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A provider that gives ready keys where `R` would compute them. Everything else is left to `R`.
///
/// The card's randomness chooses the key, so a seed still decides. A card is not given a key twice before it had all of
/// its size; forks remember what was given.
#[derive(Clone)]
pub struct ReadyRsa<R> {
    inner: R,
    switch: Switch,
    /// One bit for each key that was given, by size: 2048, 3072, 4096.
    given: [u32; 3],
}

impl<R> ReadyRsa<R> {
    /// Always ready keys.
    pub fn new(inner: R) -> Self {
        Self::switched(inner, Switch::default())
    }

    /// Ready keys while the switch is off.
    pub fn switched(inner: R, switch: Switch) -> Self {
        Self { inner, switch, given: [0; 3] }
    }

    /// One of the keys that this card has not had.
    fn choose(&mut self, bits: usize, random: u32) -> Option<&'static [u8]> {
        let keys = pool(bits);
        let given = self.given.get_mut((bits / 1024).checked_sub(2)?)?;
        let left = |given: u32| (0..keys.len()).filter(|at| given & 1 << at == 0).collect::<Vec<_>>();
        if left(*given).is_empty() {
            *given = 0;
        }
        let left = left(*given);
        let len = u32::try_from(left.len()).ok().filter(|len| *len > 0)?;
        let at = *left.get(usize::try_from(random % len).ok()?)?;
        *given |= 1 << at;
        keys.get(at).copied()
    }
}

impl<R> fmt::Debug for ReadyRsa<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadyRsa")
    }
}

impl<R: Rsa> Rsa for ReadyRsa<R> {
    type Prepared = R::Prepared;

    fn generate(&mut self, bits: usize, rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        if self.switch.is_on() || pool(bits).is_empty() {
            return self.inner.generate(bits, rng);
        }
        let random = rng.next_u32();
        let der = self.choose(bits, random).ok_or(CryptoError::Failed)?;
        parse(der, bits / 8).ok_or(CryptoError::BadKey)
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        self.inner.prepare(key)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.inner.private(key, input, output)
    }
}

/// The RSAPrivateKey of PKCS#1 with a modulus of `len` bytes.
fn parse(der: &[u8], len: usize) -> Option<RsaPrivateKey> {
    let sequence = tlv::find(der, tlv::Tag(0x30)).ok()??;
    let mut numbers = tlv::Reader::new(sequence).map(|object| object.ok().map(|object| object.value));
    let mut next = |len: usize| fixed(numbers.next()??, len);
    let _version = next(0)?;
    let (n, e, d) = (next(len)?, next(3)?, next(len)?);
    let mut half = || next(len / 2);
    Some(RsaPrivateKey { n, e, d, p: half()?, q: half()?, dp: half()?, dq: half()?, qinv: half()? })
}

/// A number in exactly `len` bytes, if it fits.
fn fixed(number: &[u8], len: usize) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let mut out = vec![0; len.checked_sub(digits.len())?];
    out.extend_from_slice(digits);
    Some(out)
}
