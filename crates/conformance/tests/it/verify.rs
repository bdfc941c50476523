//! The checker of signatures against signatures that `openssl` made, and against what is none.

use card_conformance::cipher::{Hash, oaep};
use card_conformance::template::Template;
use card_conformance::verify::{Scheme, VerifyError, encrypt};
use serde::Deserialize;

use crate::cards::suite;

#[derive(Deserialize)]
struct File {
    signature: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    name: String,
    scheme: String,
    key: String,
    over: String,
    bytes: String,
}

/// A signature with its names resolved.
struct Signed {
    name: String,
    scheme: Scheme,
    key: Vec<u8>,
    over: Vec<u8>,
    bytes: Vec<u8>,
}

fn signatures() -> Vec<Signed> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/keys/signatures.toml");
    let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let values = suite().values;
    let bytes = |text: &str| Template::parse(text).unwrap().bytes(&values).unwrap();
    let read = file.signature.into_iter().map(|row| Signed {
        scheme: Scheme::named(&row.scheme).unwrap(),
        key: values[&row.key].to_vec(),
        over: bytes(&row.over),
        bytes: bytes(&row.bytes),
        name: row.name,
    });
    read.collect()
}

#[test]
fn signatures_of_openssl_are_accepted() {
    let signatures = signatures();
    assert_eq!(signatures.len(), 11);
    for Signed { name, scheme, key, over, bytes } in signatures {
        assert_eq!(scheme.verify(&key, &over, &bytes), Ok(()), "{name}");
    }
}

#[test]
fn any_changed_bit_is_refused() {
    for Signed { name, scheme, key, over, bytes } in signatures() {
        let refused = |over: &[u8], signature: &[u8], what: &str| {
            assert_eq!(scheme.verify(&key, over, signature), Err(VerifyError::Wrong), "{name}: {what}");
        };
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            refused(&over, &wrong, "changed signature");
        }
        let mut other = over.clone();
        other[0] ^= 1;
        refused(&other, &bytes, "changed input");
        refused(&over, &vec![0; bytes.len()], "zeros");
        refused(&over, &[], "nothing");
        refused(&over, &[&bytes[..], &[0]].concat(), "a byte more");
    }
}

#[test]
fn keys_and_inputs_that_are_none_are_told_apart_from_wrong_signatures() {
    let n = suite().values["rsa2048-n"].clone();
    assert_eq!(Scheme::Ecdsa.verify(&n, &[1; 32], &[]), Err(VerifyError::Key));
    assert_eq!(Scheme::Ecdsa.verify(&[4; 65], &[1; 32], &[]), Err(VerifyError::Key));
    assert_eq!(Scheme::RsaPkcs1.verify(&[], &[1], &[]), Err(VerifyError::Input));
    assert_eq!(Scheme::RsaPkcs1.verify(&n, &[1; 246], &[0; 256]), Err(VerifyError::Input));
    assert_eq!(Scheme::RsaPss.verify(&n, &[1; 33], &[0; 256]), Err(VerifyError::Input));
    assert_eq!(encrypt(&n, &n), Err(VerifyError::Input));
    assert_eq!(encrypt(&n, &[0; 255]), Err(VerifyError::Input));
    assert_eq!(encrypt(&[0; 256], &[0; 256]), Err(VerifyError::Key));
}

#[test]
fn one_and_zero_are_their_own_cryptograms() {
    let n = suite().values["rsa2048-n"].clone();
    let mut one = vec![0; 256];
    assert_eq!(encrypt(&n, &one), Ok(one.clone()));
    one[255] = 1;
    assert_eq!(encrypt(&n, &one), Ok(one));
}

/// `openssl pkeyutl -decrypt -pkeyopt rsa_padding_mode:oaep` with the test key gave the message back for both.
#[test]
fn oaep_cryptograms_are_those_that_openssl_deciphered() {
    let n = suite().values["rsa2048-n"].clone();
    for (hash, begin) in
        [(Hash::Sha1, "687f49dc1883deed27da4f846ded70af"), (Hash::Sha256, "6fa9f4951483d85b3b375eb3c2cac478")]
    {
        assert_eq!(hex::encode(&oaep(&n, b"for openssl", hash).unwrap()[..16]), begin, "{hash:?}");
    }
}

/// The key is what a card under test says it is: anything.
#[test]
fn no_public_key_makes_the_checker_panic() {
    for len in [0, 1, 2, 8, 63, 64, 65, 97, 128, 255, 256, 512, 513, 1024] {
        for byte in [0x00, 0x01, 0x02, 0x04, 0x80, 0xFF] {
            let key = vec![byte; len];
            for signature_len in [0, 1, 64, len] {
                let signature = vec![0x01; signature_len];
                for scheme in [Scheme::RsaPkcs1, Scheme::RsaPss, Scheme::Ecdsa] {
                    assert!(scheme.verify(&key, &[7; 32], &signature).is_err(), "{scheme:?} {len} {byte:02X}");
                }
            }
            assert!(encrypt(&key, &vec![0x00; len.saturating_sub(1)]).is_err());
        }
    }
}
