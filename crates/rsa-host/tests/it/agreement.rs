//! Byte-identical results, edge cases of the arithmetic included.

use super::{key_2048, oracle, padded, private, seeded_key};
use card_os::crypto::rsa::{Rsa, RsaPrivateKey, SoftRsa};
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rsa_host::HostRsa;

/// Random numbers below n, and those at both ends of the range.
fn inputs(key: &RsaPrivateKey, random: u64) -> Vec<Vec<u8>> {
    let n = BigUint::from_bytes_be(&key.n);
    let mut numbers: Vec<BigUint> = [0u32, 1, 2, 3].map(BigUint::from).into();
    numbers.extend([1u32, 2, 3].map(|below| &n - below));
    // Multiples of one prime: the other half of the remainder theorem is zero.
    numbers.push(BigUint::from_bytes_be(&key.p));
    numbers.push(BigUint::from_bytes_be(&key.q) * 5u32);
    numbers.push(BigUint::from(1u32) << (key.n.len() * 4));
    for seed in 0..random {
        let mut bytes = vec![0; key.n.len()];
        ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
        numbers.push(BigUint::from_bytes_be(&bytes) % &n);
    }
    numbers.iter().map(|number| padded(number, key.n.len())).collect()
}

fn agrees(key: &RsaPrivateKey, random: u64) {
    for input in inputs(key, random) {
        let expected = oracle(key, &input);
        assert_eq!(private(HostRsa, key, &input), expected, "aws-lc, input {input:02X?}");
        assert_eq!(private(SoftRsa, key, &input), expected, "rsa, input {input:02X?}");
    }
}

#[test]
fn all_three_agree_with_2048_bits() {
    agrees(key_2048(), 24);
}

#[test]
fn all_three_agree_with_3072_bits() {
    agrees(&seeded_key(3072, 2), 4);
}

#[test]
fn all_three_agree_with_4096_bits() {
    agrees(&seeded_key(4096, 3), 2);
}

#[test]
fn generation_is_the_portable_one() {
    let [host, soft] = [HostRsa.generate(2048, &mut rng()), SoftRsa.generate(2048, &mut rng())].map(Result::unwrap);
    assert!(host.n == soft.n && host.d == soft.d && host.p == soft.p && host.qinv == soft.qinv);
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(9)
}
