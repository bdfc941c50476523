//! Numbers that are no key, and inputs that are out of range, are errors and nothing worse.

use super::{key_2048, padded};
use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey};
use num_bigint::BigUint;
use rsa_host::HostRsa;

#[track_caller]
fn refused(spoil: impl FnOnce(&mut RsaPrivateKey)) {
    let mut key = key_2048().clone();
    spoil(&mut key);
    assert!(matches!(HostRsa.prepare(&key), Err(CryptoError::BadKey)));
}

/// Every part of a key, to spoil them one by one.
const PARTS: [fn(&mut RsaPrivateKey) -> &mut Vec<u8>; 8] = [
    |key| &mut key.n,
    |key| &mut key.e,
    |key| &mut key.d,
    |key| &mut key.p,
    |key| &mut key.q,
    |key| &mut key.dp,
    |key| &mut key.dq,
    |key| &mut key.qinv,
];

#[test]
fn a_good_key_is_taken() {
    assert!(HostRsa.prepare(&key_2048().clone()).is_ok());
}

#[test]
fn a_part_that_is_zero_or_missing_is_refused() {
    for part in PARTS {
        refused(|key| part(key).fill(0));
        refused(|key| part(key).clear());
    }
}

#[test]
fn a_part_with_one_bit_changed_is_refused() {
    for part in PARTS {
        refused(|key| *part(key).last_mut().unwrap() ^= 2);
        refused(|key| part(key)[0] ^= 0x40);
    }
}

#[test]
fn a_modulus_of_other_primes_is_refused() {
    refused(|key| {
        let n = BigUint::from_bytes_be(&key.n) - 2u32;
        key.n = padded(&n, key.n.len());
    });
    refused(|key| key.q = key.p.clone());
    refused(|key| core::mem::swap(&mut key.p, &mut key.q));
}

#[test]
fn a_modulus_with_leading_zeros_is_refused() {
    refused(|key| key.n.insert(0, 0));
}

#[test]
fn huge_numbers_are_refused() {
    refused(|key| key.n = vec![0xFF; 70_000]);
    refused(|key| key.e = vec![0xFF; 300]);
    refused(|key| key.p = vec![0xFF; 70_000]);
}

#[test]
fn an_input_out_of_range_is_refused_and_the_key_stays_usable() {
    let key = key_2048();
    let prepared = HostRsa.prepare(key).unwrap();
    let above = padded(&(BigUint::from_bytes_be(&key.n) + 1u32), 256);
    let mut output = [0; 256];
    for input in [&key.n[..], &above, &[0xFF; 256], &[0x7F; 255], &[0; 257], &[]] {
        let result = HostRsa.private(&prepared, input, &mut output);
        assert!(matches!(result, Err(CryptoError::BadInput)), "{} bytes", input.len());
    }
    for len in [0, 255, 257] {
        let result = HostRsa.private(&prepared, &[0x55; 256], &mut vec![0; len]);
        assert!(matches!(result, Err(CryptoError::BadInput)), "output of {len} bytes");
    }
    assert!(HostRsa.private(&prepared, &[0x55; 256], &mut output).is_ok());
}

#[test]
fn debug_output_has_no_numbers() {
    let prepared = HostRsa.prepare(key_2048()).unwrap();
    assert_eq!(format!("{prepared:?}"), "Prepared(…)");
}
