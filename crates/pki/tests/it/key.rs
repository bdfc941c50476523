//! Keys: encodings, names, weaknesses.

use crate::support::{Openssl, world};
use card_pki::key::{KeyError, KeyHash, PublicKey, Weakness};
use num_bigint::BigUint;

/// A number of 2048 bits in the form that the flawed generator gave its primes, and so their product.
pub(crate) fn roca_modulus() -> Vec<u8> {
    let is_prime = |n: &u32| (2..*n).all(|divisor| !n.is_multiple_of(divisor));
    let product: BigUint = (2..168_u32).filter(is_prime).map(BigUint::from).product();
    let power = BigUint::from(65537_u32).modpow(&BigUint::from(123_456_789_u32), &product);
    let mut times = (BigUint::from(1_u32) << 2047_u32) / &product + 1_u32;
    loop {
        let number = &product * &times + &power;
        if (3..1000_u32).step_by(2).all(|divisor| &number % divisor != BigUint::from(0_u32)) {
            return number.to_bytes_be();
        }
        times += 1_u32;
    }
}

#[test]
fn weaknesses() {
    let good = &world().new_key.public;
    let with = |modulus: Vec<u8>| PublicKey { modulus, ..good.clone() };
    let mut even = good.modulus.clone();
    *even.last_mut().unwrap() &= 0xFE;
    let times = |factor: u32| {
        let top = BigUint::from_bytes_be(&good.modulus) / factor;
        (top * factor).to_bytes_be()
    };
    let long = [good.modulus.clone(), good.modulus.clone(), vec![1]].concat();
    let table = [
        (good.clone(), None),
        (with(good.modulus[128..].to_vec()), Some(Weakness::Short { bits: with(good.modulus[128..].to_vec()).bits() })),
        (with(long), Some(Weakness::Long { bits: 4104 })),
        (PublicKey { exponent: vec![3], ..good.clone() }, Some(Weakness::Exponent)),
        (with(even), Some(Weakness::EvenOrSmallFactor)),
        (with(times(997)), Some(Weakness::EvenOrSmallFactor)),
        (with(roca_modulus()), Some(Weakness::Roca)),
    ];
    for (key, expected) in table {
        assert_eq!(key.weakness(), expected, "{key:?}");
    }
}

#[test]
fn one_key_one_encoding() {
    let key = &world().old_key.public;
    assert_eq!(PublicKey::from_spki_der(&key.to_spki_der()).unwrap(), *key);
    assert_eq!(PublicKey::from_rsa_der(&key.to_rsa_der()).unwrap(), *key);
    assert_eq!(PublicKey::from_pem(&key.to_pem()).unwrap(), *key);
    assert_eq!(PublicKey::new(&[&[0, 0], key.modulus.as_slice()].concat(), &[0, 1, 0, 1]).unwrap(), *key);
    assert_eq!(PublicKey::new(&[0], &[3]), Err(KeyError::Numbers));
    let mut trailing = key.to_spki_der();
    trailing.push(0);
    assert!(matches!(PublicKey::from_spki_der(&trailing), Err(KeyError::NotDer(_))));
}

#[test]
fn openssl_reads_and_names_it_alike() {
    let Some(openssl) = Openssl::find() else { return };
    let key = &world().old_key.public;
    openssl.write("key.pem", key.to_pem());
    openssl.expect("pkey -pubin -in key.pem -outform DER -out key.der");
    assert_eq!(openssl.read("key.der"), key.to_spki_der());
    let said = openssl.expect("dgst -sha256 -r key.der");
    assert!(said.starts_with(&key.hash().to_string()), "{said}");
    openssl.expect("rsa -pubin -in key.pem -RSAPublicKey_out -outform DER -out rsa.der");
    assert_eq!(openssl.read("rsa.der"), key.to_rsa_der());
    let said = openssl.expect("dgst -sha1 -r rsa.der");
    let identifier: String = key.identifier().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(said.starts_with(&identifier), "{said}");
}

#[test]
fn other_kinds_are_told_apart() {
    let Some(openssl) = Openssl::find() else { return };
    openssl.expect("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key");
    openssl.expect("pkey -in ec.key -pubout -outform DER -out ec.der");
    assert_eq!(PublicKey::from_spki_der(&openssl.read("ec.der")), Err(KeyError::NotRsa));
}

#[test]
fn hashes_have_one_spelling() {
    let hash = world().old_key.public.hash();
    assert_eq!(hash.to_string().parse(), Ok(hash));
    for text in [hash.to_string().to_uppercase(), hash.to_string() + "0", "../x".into(), String::new()] {
        text.parse::<KeyHash>().unwrap_err();
    }
}

#[test]
fn signatures() {
    let world = world();
    let digest = [7; 32];
    let mut signature = world.old_key.sign(&digest);
    assert!(world.old_key.public.verify(&digest, &signature));
    assert!(!world.new_key.public.verify(&digest, &signature));
    assert!(!world.old_key.public.verify(&[8; 32], &signature));
    signature.push(0);
    assert!(!world.old_key.public.verify(&digest, &signature));
    assert!(!PublicKey { modulus: vec![6], exponent: vec![0, 2] }.verify(&digest, &signature));
    assert!(!PublicKey { modulus: vec![], exponent: vec![] }.verify(&digest, &[]));
}
