//! The provider against arithmetic that shares no code with it (`num-bigint`) and against the portable provider.

mod agreement;
mod malformed;
mod threads;

use card_os::crypto::rsa::{Rsa, RsaPrivateKey, generate};
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::OnceLock;

/// One key for all tests that only need some key.
fn key_2048() -> &'static RsaPrivateKey {
    static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
    KEY.get_or_init(|| seeded_key(2048, 1))
}

fn seeded_key(bits: usize, seed: u64) -> RsaPrivateKey {
    generate(bits, &mut ChaCha20Rng::seed_from_u64(seed)).expect("a size that is generated")
}

/// m^d mod n by plain arithmetic, without the primes.
fn oracle(key: &RsaPrivateKey, input: &[u8]) -> Vec<u8> {
    let [n, d] = [&key.n, &key.d].map(|bytes| BigUint::from_bytes_be(bytes));
    padded(&BigUint::from_bytes_be(input).modpow(&d, &n), key.n.len())
}

fn padded(number: &BigUint, len: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut out = vec![0; len - bytes.len()];
    out.extend(bytes);
    out
}

fn private<R: Rsa>(mut rsa: R, key: &RsaPrivateKey, input: &[u8]) -> Vec<u8> {
    let prepared = rsa.prepare(key).expect("a generated key");
    let mut output = vec![0xA5; key.n.len()];
    rsa.private(&prepared, input, &mut output).expect("an input below n");
    output
}
