//! Bytes from anywhere: no panic, and no changed byte that goes unnoticed where it matters.

use crate::support::{now, world};
use card_pki::certificate::{Certificate, Chain};
use card_pki::crl::{Crl, Draft, Unsigned};
use card_pki::key::PublicKey;
use card_pki::{name, renewal, request, time};
use proptest::prelude::*;
use std::sync::OnceLock;

fn renewal_der() -> &'static [u8] {
    static DER: OnceLock<Vec<u8>> = OnceLock::new();
    DER.get_or_init(|| world().renewal())
}

fn feed(bytes: &[u8]) {
    let _ = (Certificate::from_der(bytes), Crl::from_der(bytes), PublicKey::from_spki_der(bytes));
    let _ = (PublicKey::from_rsa_der(bytes), name::shown(bytes), request::parse(bytes), renewal::parse(bytes));
    let text = String::from_utf8_lossy(bytes);
    let _ = (Chain::from_pem(&text), Certificate::from_pem(&text), PublicKey::from_pem(&text), time::parse(&text));
}

#[test]
fn no_prefix_panics_or_passes() {
    let der = renewal_der();
    for len in 0..der.len() {
        renewal::parse(&der[..len]).unwrap_err();
    }
}

/// The name of the algorithm stands outside of what is signed.
#[test]
fn no_bit_between_body_and_signature_is_free() {
    let issuing = &world().chain.issuing;
    let draft = Draft { number: 1, this_update: now(), next_update: now(), revoked: vec![] };
    let unsigned = Unsigned::new(&draft, issuing).unwrap();
    let signature = world().issuing_key.sign(&unsigned.digest());
    let list = unsigned.signed(&signature).unwrap();
    let believed = |der: &[u8]| {
        Certificate::from_der(der).is_ok_and(|read| read.signed_by(issuing))
            || Crl::from_der(der).is_ok_and(|read| read.signed_by(issuing))
            || request::parse(der).is_ok()
    };
    for whole in [world().old.der().to_vec(), list.der().to_vec(), world().request()] {
        assert!(believed(&whole));
        for bit in (whole.len() - 300) * 8..(whole.len() - 250) * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!believed(&flipped), "bit {bit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        feed(&bytes);
    }

    #[test]
    fn broken_structures_are_answered(at in any::<prop::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 1..6)) {
        for whole in [renewal_der(), world().old.der()] {
            let mut broken = whole.to_vec();
            let at = at.index(broken.len() - bytes.len());
            broken[at..at + bytes.len()].copy_from_slice(&bytes);
            feed(&broken);
        }
    }

    #[test]
    fn a_flipped_bit_changes_nothing_that_is_believed(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut flipped = renewal_der().to_vec();
        let at = at.index(flipped.len());
        flipped[at] ^= 1 << bit;
        if let Ok(read) = renewal::parse(&flipped) {
            prop_assert_eq!(read, renewal::parse(renewal_der()).unwrap());
        }
        let issuing = &world().chain.issuing;
        let mut flipped = world().old.der().to_vec();
        let at = at % flipped.len();
        flipped[at] ^= 1 << bit;
        if let Ok(read) = Certificate::from_der(&flipped) {
            prop_assert!(!read.signed_by(issuing));
        }
        let mut flipped = world().request();
        let at = at % flipped.len();
        flipped[at] ^= 1 << bit;
        prop_assert!(request::parse(&flipped).is_err());
    }
}
