//! RSA keys that are made once for all tests, and a provider that hands them to cards in turn.

use std::sync::OnceLock;

use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey, generate};
use card_os::sim::seeded_rng;
use card_pki::key::PublicKey;
use rand_core::CryptoRng;
use rsa_host::HostRsa;

/// How many keys there are. A card that generates more gets the first ones again.
const COUNT: usize = 48;
/// The keys of the authority come first.
const AUTHORITY: usize = 2;

/// The key with this number, made when it is first needed.
fn key(number: usize) -> &'static RsaPrivateKey {
    static KEYS: [OnceLock<RsaPrivateKey>; COUNT] = [const { OnceLock::new() }; COUNT];
    KEYS[number].get_or_init(|| generate(2048, &mut seeded_rng(77, number as u64)).unwrap())
}

/// One of the authority's two keys.
pub(crate) fn authority(number: usize) -> &'static RsaPrivateKey {
    assert!(number < AUTHORITY);
    key(number)
}

pub(crate) fn public(key: &RsaPrivateKey) -> PublicKey {
    PublicKey::new(&key.n, &key.e).unwrap()
}

/// Signs a SHA-256 hash value with PKCS#1 v1.5 padding.
pub(crate) fn sign(key: &RsaPrivateKey, sha256: [u8; 32]) -> Vec<u8> {
    let info = host_driver::Digest::Sha256(sha256).info();
    let padded = [&[0, 1][..], &vec![0xFF; 256 - 3 - info.len()], &[0], &info].concat();
    let prepared = HostRsa.prepare(key).unwrap();
    let mut signature = vec![0; 256];
    HostRsa.private(&prepared, &padded, &mut signature).unwrap();
    signature
}

/// Hands out keys in turn and computes with the host's library. A fork goes on where the original was.
#[derive(Clone, Default)]
pub(crate) struct PoolRsa {
    next: usize,
}

impl Rsa for PoolRsa {
    type Prepared = <HostRsa as Rsa>::Prepared;

    fn generate(&mut self, _bits: usize, _rng: &mut dyn CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        let number = AUTHORITY + self.next % (COUNT - AUTHORITY);
        self.next += 1;
        Ok(key(number).clone())
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        HostRsa.prepare(key)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        HostRsa.private(key, input, output)
    }
}
