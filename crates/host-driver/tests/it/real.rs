//! The driver and the simulated card: what one means the other understands. Signatures are checked by
//! arithmetic that shares no code with the card's.

use card_os::Preset;
use card_os::crypto::rsa::SoftRsa;
use card_os::sim::{SimCard, seeded_rng};
use host_driver::{
    Access, Card, Curve, Digest, Error, InProcess, KeySlot, NewFile, Pin, Puk, RsaParts, RsaPublicKey, RsaSize,
    Transport as _, TransportError,
};
use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use sha2::{Digest as _, Sha256};

use crate::fake::{NEW_PIN, PUK, pin};

const APPLICATION: u16 = 0x5015;

fn blank() -> Card<InProcess> {
    let card = SimCard::from_seed(&Preset::isoapplet(), 20, SoftRsa).unwrap();
    Card::new(InProcess::new(Box::new(card)))
}

/// A card with a PUK, a PIN and the application's directory.
fn personalised() -> Card<InProcess> {
    let mut card = blank();
    card.select_application().unwrap();
    card.select(&[]).unwrap();
    card.create(&NewFile::df(APPLICATION, 0x1388, Access::ALL_FREE.read(Access::PIN))).unwrap();
    card.set_puk(&Puk::new(PUK).unwrap()).unwrap();
    card.set_pin(&pin()).unwrap();
    card.select_application().unwrap();
    card
}

/// The public operation: what was signed, or the cryptogram.
fn public(key: &RsaPublicKey, input: &[u8]) -> Vec<u8> {
    let number = BigUint::from_bytes_be;
    let result = number(input).modpow(&number(&key.exponent), &number(&key.modulus)).to_bytes_be();
    [vec![0; key.modulus.len() - result.len()], result].concat()
}

/// PKCS#1 v1.5 padding around a message: type 1 for signatures, type 2 (with nonzero bytes) for ciphering.
fn padded(kind: u8, filler: u8, message: &[u8], len: usize) -> Vec<u8> {
    [&[0, kind][..], &vec![filler; len - 3 - message.len()], &[0], message].concat()
}

#[test]
fn the_card_is_recognised() {
    let mut card = blank();
    assert_eq!(card.atr().unwrap(), [0x3B, 0x80, 0x80, 0x01, 0x01]);
    let application = card.select_application().unwrap();
    assert_eq!((application.version.major, card.application()), (1, Some(application)));
}

#[test]
fn files_live_as_their_rules_say() {
    let mut card = personalised();
    let rules = Access::ALL_FREE.update(Access::PIN).read(Access::PIN).delete(Access::PIN);
    card.select(&[APPLICATION]).unwrap();
    card.create(&NewFile::ef(0x3501, 600, rules)).unwrap();
    let refused = |error: Error| error.status().unwrap().0;
    assert_eq!(card.read(&[APPLICATION, 0x3501]).map_err(refused), Err(0x6982));
    let content: Vec<u8> = (0..600u16).map(|at| at.to_be_bytes()[1]).collect();
    let mut verified = card.verify(&pin()).unwrap();
    verified.card().update(&[APPLICATION, 0x3501], &content).unwrap();
    assert_eq!(verified.card().read(&[APPLICATION, 0x3501]).unwrap(), content);
    assert_eq!(verified.card().update_binary(599, &[1, 2]).map_err(refused), Err(0x6B00));
    verified.log_out().unwrap();
    assert_eq!(card.delete(0x3501).map_err(refused), Err(0x6982));
    card.verify(&pin()).unwrap().card().delete(0x3501).unwrap();
    assert_eq!(card.select(&[APPLICATION, 0x3501]).map_err(refused), Err(0x6A82));
}

#[test]
fn the_life_of_a_pin() {
    let mut card = personalised();
    let (new, wrong) = (Pin::new(NEW_PIN).unwrap(), Pin::new("0000").unwrap());
    assert_eq!(card.pin_tries(), Ok(Some(3)));
    assert_eq!(card.verify(&wrong).map(drop), Err(Error::WrongPin { tries: 2 }));
    card.verify(&pin()).map(drop).unwrap();
    assert_eq!(card.pin_tries(), Ok(None));
    card.change_pin(&pin(), &new).unwrap();
    for tries in [2, 1] {
        assert_eq!(card.verify(&pin()).map(drop), Err(Error::WrongPin { tries }));
    }
    for _ in 0..2 {
        assert_eq!(card.verify(&pin()).map(drop), Err(Error::Blocked));
    }
    assert_eq!(card.verify(&new).map(drop), Err(Error::Blocked));
    let other = Puk::new([b'0'; 16]).unwrap();
    assert_eq!(card.unblock_pin(&other, &pin()), Err(Error::WrongPin { tries: 4 }));
    card.unblock_pin(&Puk::new(PUK).unwrap(), &pin()).unwrap();
    card.verify(&pin()).map(drop).unwrap();
    assert!(card.set_pin(&pin()).is_err());
}

#[test]
fn rsa_keys_sign_and_decipher() {
    let mut card = personalised();
    let (hash, slot) = (Sha256::digest(b"a message").into(), KeySlot::FIRST);
    let mut verified = card.verify(&pin()).unwrap();
    let key = verified.generate_rsa(slot, RsaSize::Rsa2048).unwrap();

    let signature = verified.sign_pkcs1(slot, &Digest::Sha256(hash)).unwrap();
    assert_eq!(public(&key, &signature), padded(1, 0xFF, &Digest::Sha256(hash).info(), 256));
    let bare = verified.sign_pkcs1_bare(slot, b"bare").unwrap();
    assert_eq!(public(&key, &bare), padded(1, 0xFF, b"bare", 256));
    let signature = verified.sign_pss(slot, &Digest::Sha256(hash)).unwrap();
    assert!(is_pss(&public(&key, &signature), &hash));

    let cryptogram = public(&key, &padded(2, 0x5A, b"a secret", 256));
    assert_eq!(**verified.decipher(slot, &cryptogram).unwrap(), *b"a secret");
    let bad = public(&key, &padded(1, 0x5A, b"a secret", 256));
    assert_eq!(verified.decipher(slot, &bad).unwrap_err().status().unwrap().0, 0x6A80);
}

/// EMSA-PSS with SHA-256 in both places and a salt of 32 bytes.
fn is_pss(encoded: &[u8], hash: &[u8; 32]) -> bool {
    let (masked, rest) = encoded.split_at(256 - 33);
    let (inner, end) = rest.split_at(32);
    let mask = (0u32..).flat_map(|count| Sha256::digest([inner, &count.to_be_bytes()].concat()));
    let mut data: Vec<u8> = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    data[0] &= 0x7F;
    let (zeros, salt) = data.split_at(masked.len() - 32);
    let again = Sha256::digest([&[0; 8][..], hash, salt].concat());
    end == [0xBC] && zeros.ends_with(&[1]) && zeros[..zeros.len() - 1].iter().all(|b| *b == 0) && again[..] == *inner
}

#[test]
fn rsa_keys_are_imported() {
    let mut card = personalised();
    let secret = card_os::crypto::rsa::generate(2048, &mut seeded_rng(5, 0)).unwrap();
    let parts = RsaParts { p: &secret.p, q: &secret.q, qinv: &secret.qinv, dp: &secret.dp, dq: &secret.dq };
    let key = RsaPublicKey { modulus: secret.n.clone(), exponent: secret.e.clone() };
    let mut verified = card.verify(&pin()).unwrap();
    for extended in [false, true] {
        verified.card().limits().extended = extended;
        verified.import_rsa(KeySlot::FIRST, &parts).unwrap();
        let signature = verified.sign_pkcs1_bare(KeySlot::FIRST, b"bare").unwrap();
        assert_eq!(public(&key, &signature), padded(1, 0xFF, b"bare", 256));
    }
}

#[test]
fn ec_keys_sign() {
    let mut card = personalised();
    let hash: [u8; 32] = Sha256::digest(b"a message").into();
    let check = |point: &[u8], signature: &[u8]| {
        let signature = p256::ecdsa::Signature::from_der(signature).unwrap();
        p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap().verify_prehash(&hash, &signature).unwrap();
    };
    let mut verified = card.verify(&pin()).unwrap();
    for extended in [false, true] {
        verified.card().limits().extended = extended;
        let key = verified.generate_ec(KeySlot::FIRST, Curve::P256).unwrap();
        check(&key.point, &verified.sign_ecdsa(KeySlot::FIRST, Curve::P256, &Digest::Sha256(hash)).unwrap());
        let long = verified.generate_ec(KeySlot::new(1).unwrap(), Curve::P384).unwrap();
        assert_eq!(long.point.len(), 97);
        verified.sign_ecdsa(KeySlot::new(1).unwrap(), Curve::P384, &Digest::Sha512([7; 64])).unwrap();
    }
    verified.import_ec(KeySlot::FIRST, Curve::P256, &[0x42; 32]).unwrap();
    let secret = p256::ecdsa::SigningKey::from_slice(&[0x42; 32]).unwrap();
    let public = secret.verifying_key().to_sec1_point(false);
    check(public.as_bytes(), &verified.sign_ecdsa(KeySlot::FIRST, Curve::P256, &Digest::Sha256(hash)).unwrap());
}

#[test]
fn random_numbers_differ() {
    let mut card = personalised();
    let (one, two) = (card.random(300).unwrap(), card.random(300).unwrap());
    assert!(one.len() == 300 && one != two);
}

#[test]
fn a_reset_behind_the_drivers_back_is_noticed_by_the_card() {
    let mut card = personalised();
    let mut verified = card.verify(&pin()).unwrap();
    verified.card().transport().reset().unwrap();
    assert_eq!(verified.sign_pkcs1_bare(KeySlot::FIRST, b"x").unwrap_err().status().unwrap().0, 0x6D00);
}

#[test]
fn a_card_without_power_is_gone_until_it_is_reset() {
    let mut card = personalised();
    card.transport().card().power_off();
    assert_eq!(card.random(1), Err(Error::Transport(TransportError::CardGone)));
    card.reset().unwrap();
    card.select_application().unwrap();
    card.verify(&pin()).map(drop).unwrap();
}
