//! Keys: generation, signatures and decipherment, checked by arithmetic that shares no code with the card.

use card_os::Preset;
use card_os::crypto::rsa::{CryptoError, Rsa, RsaPrivateKey};
use card_os::platform::{NoEvents, Parts};
use card_os::sim::{SimNvm, SimPlatform, SoftRsa, seeded_rng};
use card_os::{Card, Platform};
use num_bigint::BigUint;

use crate::support::{Host, SELECT_AID, SELECT_AID_V1, SET_PIN, SET_PUK, VERIFY};

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

/// The modulus in the answer to GENERATE, whose shape is checked byte by byte.
fn modulus(answer: &[u8], len: usize) -> BigUint {
    let total = u16::try_from(len + 9).unwrap().to_be_bytes();
    let short = u16::try_from(len).unwrap().to_be_bytes();
    assert_eq!(answer[..9], [0x7F, 0x49, 0x82, total[0], total[1], 0x81, 0x82, short[0], short[1]]);
    assert_eq!(answer[9 + len..], [0x82, 0x03, 0x01, 0x00, 0x01]);
    assert!(answer[9] & 0x80 != 0);
    number(&answer[9..9 + len])
}

#[test]
fn rsa_2048_signs_and_deciphers() {
    let mut host = Host::verified();
    host.expect("00224100068001F3840100", "9000");
    let (public, status) = host.send_all("0046420000");
    assert_eq!(status, "9000");
    let (n, e) = (modulus(&public, 256), BigUint::from(65_537u32));
    host.expect("002241B60A8001118102501584 0100", "9000");
    let info = "3031300D060960864801650304020105000420".to_string() + &"5A".repeat(32);
    let (signature, _) = host.send_all(&format!("002A9E9A33{info}00"));
    let block = hex::encode_upper(number(&signature).modpow(&e, &n).to_bytes_be());
    assert_eq!(block, format!("01{}00{info}", "FF".repeat(256 - 3 - 51)));
    let message = b"to the card only";
    let padded = format!("02{}00{}", "A7".repeat(256 - 3 - message.len()), hex::encode(message));
    let cryptogram = number(&hex::decode(padded).unwrap()).modpow(&e, &n).to_bytes_be();
    let cryptogram = hex::encode([vec![0; 256 - cryptogram.len()], cryptogram].concat());
    host.expect("002241B80A8001118102501584 0100", "9000");
    host.expect(&format!("102A8086FF00{}", &cryptogram[..508]), "9000");
    host.expect(&format!("002A808602{}00", &cryptogram[508..]), &format!("{}9000", hex::encode_upper(message)));
    let spoiled = cryptogram.replace(&cryptogram[100..110], "0123456789");
    assert_eq!(host.status(&format!("002A8086000101 00{spoiled}0000")), "6A80");
    host.expect("002A80860101 00", "6A80");
}

#[test]
fn pss_signatures_verify() {
    use rsa::pss::{Signature, VerifyingKey};
    use rsa::signature::hazmat::PrehashVerifier as _;
    let mut host = Host::verified();
    host.expect("00224100068001F3840105", "9000");
    let (public, _) = host.send_all("0046420000");
    let modulus = rsa::BoxedUint::from_be_slice(&public[9..265], 2048).unwrap();
    let key = rsa::RsaPublicKey::new(modulus, 65_537u64.into()).unwrap();
    host.expect("002241B606800112840105", "9000");
    let (first, _) = host.send_all(&format!("002A9E9A20{}00", "11".repeat(32)));
    let (second, _) = host.send_all(&format!("002A9E9A20{}00", "11".repeat(32)));
    assert_ne!(first, second, "the salt is drawn anew");
    let verifier = VerifyingKey::<sha2::Sha256>::new(key);
    verifier.verify_prehash(&[0x11; 32], &Signature::try_from(&first[..]).unwrap()).unwrap();
    host.expect("002A9E9A1F", "6700");
}

/// Keeps what it is asked to prepare.
#[derive(Clone, Default)]
struct Witness(Vec<RsaPrivateKey>);

impl Rsa for Witness {
    type Prepared = <SoftRsa as Rsa>::Prepared;

    fn generate(&mut self, bits: usize, rng: &mut dyn rand_core::CryptoRng) -> Result<RsaPrivateKey, CryptoError> {
        SoftRsa.generate(bits, rng)
    }

    fn prepare(&mut self, key: &RsaPrivateKey) -> Result<Self::Prepared, CryptoError> {
        self.0.push(key.clone());
        SoftRsa.prepare(key)
    }

    fn private(&mut self, key: &Self::Prepared, input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        SoftRsa.private(key, input, output)
    }
}

fn witnessed() -> Card<SimPlatform<Witness>> {
    let preset = Preset::isoapplet();
    let nvm = SimNvm::new(preset.nvm_len as usize);
    let parts = Parts { nvm, rng: seeded_rng(3, 0), rsa: Witness::default(), events: NoEvents };
    let mut card = Card::create(parts, &preset).unwrap();
    card.power_on(card_wire::Protocol::T1);
    card
}

fn send<P: Platform>(card: &mut Card<P>, command: &str) -> Vec<u8> {
    let mut buffer = [0; 4096];
    card.transmit(&hex::decode(command.replace(' ', "")).unwrap(), &mut buffer).to_vec()
}

#[test]
fn stored_keys_are_proven_by_another_arithmetic() {
    let mut card = witnessed();
    for command in [SELECT_AID, SET_PUK, SET_PIN, VERIFY, "00224100068001F3840103", "00464200000000"] {
        let answer = send(&mut card, command);
        assert_eq!(answer[answer.len() - 2..], [0x90, 0], "{command}");
    }
    for _ in 0..2 {
        send(&mut card, "002241B606800111840103");
        assert_eq!(send(&mut card, "002A9E9A0401020304 00").len(), 258);
    }
    let [key] = &card.rsa_mut().0[..] else { panic!("a key is prepared once") };
    let one = BigUint::from(1u32);
    let (p, q, d, e) = (number(&key.p), number(&key.q), number(&key.d), number(&key.e));
    assert_eq!(number(&key.n), &p * &q);
    let (p1, q1) = (&p - &one, &q - &one);
    for order in [&p1, &q1] {
        assert_eq!((&e * &d) % order, one, "e d = 1 modulo the order");
    }
    assert_eq!(number(&key.dp), &d % &p1);
    assert_eq!(number(&key.dq), &d % &q1);
    assert_eq!((number(&key.qinv) * &q) % &p, one);
    let difference = if p > q { &p - &q } else { &q - &p };
    assert!(difference.bits() > 1024 - 100, "the primes are far apart");
    assert_eq!(format!("{key:?}"), "RsaPrivateKey(…)");
}

#[test]
fn an_exported_key_can_be_imported_and_signs_the_same() {
    let mut card = witnessed();
    for command in [SELECT_AID, SET_PUK, SET_PIN, VERIFY, "00224100068001F3840103", "00464200000000"] {
        send(&mut card, command);
    }
    send(&mut card, "002241B606800111840103");
    let signature = send(&mut card, "002A9E9A0401020304 00");
    let key = card.rsa_mut().0.pop().unwrap();
    let object = |tag: u8, value: &[u8]| [&[tag, 0x81, 0x80], value].concat();
    let body = [
        object(0x92, &key.p),
        object(0x93, &key.q),
        object(0x94, &key.qinv),
        object(0x95, &key.dp),
        object(0x96, &key.dq),
    ]
    .concat();
    let data = hex::encode(body);
    assert_eq!(data.len(), 655 * 2);
    let import = format!("00DB3FFF000294 7F4882028F{data}");
    assert_eq!(send(&mut card, &import), [0x69, 0x85], "the environment is for signing");
    send(&mut card, "00224100068001F3840109");
    assert_eq!(send(&mut card, &import), [0x90, 0x00]);
    send(&mut card, "002241B606800111840109");
    assert_eq!(send(&mut card, "002A9E9A0401020304 00"), signature);
    send(&mut card, "00224100068001F3840109");
    let spoiled = import.replace(&data[20..24], "0000");
    assert_eq!(send(&mut card, &spoiled), [0x69, 0x84]);
    send(&mut card, "002241B606800111840109");
    assert_eq!(send(&mut card, "002A9E9A0401020304 00"), signature, "a refused import keeps the old key");
}

#[test]
fn curves_sign_on_card_hashes_and_given_hashes() {
    use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
    let mut host = Host::verified();
    let parameters = "8120FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF8220FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC83205AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B8441046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F58520FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC63255187020001";
    host.expect("00224100068001EC840102", "9000");
    let (public, status) = host.send_all(&format!("00460000{:02X}{parameters}00", parameters.len() / 2));
    assert_eq!((public.len(), status.as_str()), (279, "9000"));
    let text = hex::encode_upper(&public);
    assert!(
        text.starts_with(&format!("7F49820112{}", &parameters[..parameters.len() - 8])) && text.ends_with("87020001")
    );
    let verifier = p256::ecdsa::VerifyingKey::from_sec1_bytes(&public[210..275]).unwrap();
    host.expect("002241B606800121840102", "9000");
    let (signature, _) = host.send_all("002A9E9A036162630 0".replace(' ', "").as_str());
    let mut hash = vec![0; 12];
    hash.extend(hex::decode("a9993e364706816aba3e25717850c26c9cd0d89d").unwrap());
    verifier.verify_prehash(&hash, &p256::ecdsa::Signature::from_der(&signature).unwrap()).unwrap();
    host.expect(SELECT_AID_V1, "9000");
    host.expect(VERIFY, "9000");
    host.expect("002241B606800121840102", "9000");
    let (signature, _) = host.send_all(&format!("002A9E9A20{}00", "42".repeat(32)));
    verifier.verify_prehash(&[0x42; 32], &p256::ecdsa::Signature::from_der(&signature).unwrap()).unwrap();
    host.expect("00224100068001EC840102", "9000");
    let other = parameters.replace("2604B", "2604C");
    host.expect(&format!("00460000{:02X}{other}00", other.len() / 2), "6A81");
}

#[test]
fn a_seed_gives_the_same_card_everywhere() {
    let run = || {
        let mut host = Host::verified();
        host.expect("00224100068001F3840100", "9000");
        let (public, _) = host.send_all("0046420000");
        (public, host.send("0084000020"), host.card.nvm().image())
    };
    assert_eq!(run(), run());
}

/// PUT DATA with these five parts of a key.
fn import_of(parts: [&[u8]; 5]) -> String {
    let mut body = Vec::new();
    for (tag, part) in (0x92..).zip(parts) {
        let len = u16::try_from(part.len()).unwrap().to_be_bytes();
        body.extend_from_slice(&[tag, 0x82, len[0], len[1]]);
        body.extend_from_slice(part);
    }
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    let data = [&[0x7F, 0x48, 0x82, len[0], len[1]], &body[..]].concat();
    let lc = u16::try_from(data.len()).unwrap();
    format!("00DB3FFF00{lc:04X}{}", hex::encode(data))
}

#[test]
fn numbers_that_are_no_primes_are_refused_at_import() {
    let mut host = Host::verified();
    host.expect("00224100068001F3840100", "9000");
    let odd = [0xFF; 128];
    let mut even = odd;
    even[127] = 0xFE;
    let (zero, one) = ([0; 128], [&[0; 127][..], &[1]].concat());
    for (p, q) in [
        (&even[..], &odd[..]),
        (&odd, &even),
        (&odd, &odd),
        (&odd, &one),
        (&one, &odd),
        (&odd, &zero),
        (&zero, &odd),
        (&odd, &[]),
        (&odd, &odd[1..]),
    ] {
        assert_eq!(host.status(&import_of([p, q, &odd, &odd, &odd])), "6984");
    }
    assert_eq!(host.status(&import_of([&[], &[], &[], &[], &[]])), "6A81");
    assert_eq!(host.status(&import_of([&odd[..96], &odd[..96], &[3], &[3], &[3]])), "6A81", "RSA-1536");
    // Composite, odd, and consistent in every part: only computing with the key shows it.
    let (p, q) = (number(&[0xFF; 128]) - 2u32, number(&[0xFF; 128]) - 58u32);
    let one = BigUint::from(1u32);
    let e = (3u32..)
        .step_by(2)
        .map(BigUint::from)
        .find(|e| e.modinv(&(&p - &one)).is_some() && e.modinv(&(&q - &one)).is_some());
    let e = e.unwrap();
    let inverse = |number: &BigUint, modulus: &BigUint| number.modinv(modulus).unwrap().to_bytes_be();
    let parts = [inverse(&q, &p), inverse(&e, &(&p - &one)), inverse(&e, &(&q - &one))];
    let import = import_of([&p.to_bytes_be(), &q.to_bytes_be(), &parts[0], &parts[1], &parts[2]]);
    assert_eq!(host.status(&import), "6984");
    host.expect("002241B606800111840100", "6A88");
}
