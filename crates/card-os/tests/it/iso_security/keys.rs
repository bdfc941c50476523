//! Key pairs: key files, environments, signatures, decipherment.

use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use sha1::Digest as _;

use super::{df, internal, iso, transparent, with_data};
use crate::support::Host;

/// A value of the suite's test keys.
fn value(name: &str) -> String {
    let text = include_str!("../../../../../fixtures/conformance/_keys.toml");
    let start = text.find(&format!("\n{name} = \"\"\"")).unwrap() + name.len() + 7;
    let body = text[start..].split("\"\"\"").next().unwrap();
    body.chars().filter(char::is_ascii_hexdigit).collect()
}

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

/// The public operation, which takes a signature apart or makes a cryptogram.
fn public(modulus: &str, input: &[u8]) -> Vec<u8> {
    let n = number(&hex::decode(modulus).unwrap());
    let out = number(input).modpow(&BigUint::from(65_537u32), &n).to_bytes_be();
    [vec![0; modulus.len() / 2 - out.len()], out].concat()
}

/// The block in a signature, in hexadecimal.
fn opened(modulus: &str, signature: &[u8]) -> String {
    hex::encode_upper(public(modulus, signature))
}

/// 00 01 FF.. 00 and a message.
fn pkcs1(message: &str, len: usize) -> String {
    format!("0001{}00{message}", "FF".repeat(len - 3 - message.len() / 2))
}

/// Creates a key file.
fn key_file(host: &mut Host, id: &str, slot: u8, kind: &str, more: &str) {
    host.expect(&internal(id, &format!("800103 8101{slot:02X} 8201{kind}"), more), "9000");
}

fn set(host: &mut Host, template: &str, algorithm: &str, slot: u8) {
    host.expect(&format!("002241{template}068001{algorithm}8401{slot:02X}"), "9000");
}

/// A card with the imported test key of 2048 bits in slot 0, and its modulus.
fn with_rsa() -> (Host, String) {
    let mut host = iso();
    key_file(&mut host, "A101", 0, "F3", "");
    set(&mut host, "B6", "11", 0);
    host.expect(&with_data("00DB3FFF", &value("rsa2048-import")), "9000");
    (host, value("rsa2048-n"))
}

fn with_p256() -> (Host, p256::ecdsa::VerifyingKey) {
    let mut host = iso();
    key_file(&mut host, "A102", 2, "E1", "");
    set(&mut host, "B6", "21", 2);
    let (public, status) = host.send_all("0046000000");
    assert_eq!((&public[..5], status.as_str()), (&[0x7F, 0x49, 0x43, 0x86, 0x41][..], "9000"));
    (host, p256::ecdsa::VerifyingKey::from_sec1_bytes(&public[5..]).unwrap())
}

const INFO: &str = "3031300D060960864801650304020105000420";

#[test]
fn a_generated_key_signs_and_shows_itself() {
    let mut host = iso();
    host.expect("0046000000", "6985");
    key_file(&mut host, "A101", 5, "F3", "");
    set(&mut host, "B8", "11", 5);
    host.expect("0046810000", "6A88");
    let counter = host.counter();
    let (made, status) = host.send_all("0046800000");
    assert_eq!((made.len(), status.as_str()), (270, "9000"));
    assert_eq!(host.counter(), counter + 1);
    assert_eq!(made[..9], [0x7F, 0x49, 0x82, 0x01, 0x09, 0x81, 0x82, 0x01, 0x00]);
    assert_eq!(made[265..], [0x82, 0x03, 0x01, 0x00, 0x01]);
    assert_eq!(host.send_all("0046810000").0, made);
    assert_eq!(host.send("00468100"), "9000", "without Le there is no answer under T=1");
    host.expect("00468200", "6A86");
    host.expect("0046810001 00".replace(' ', "").as_str(), "6700");
    set(&mut host, "B6", "11", 5);
    let (signature, _) = host.send_all("002A9E9A0401020304 00");
    assert_eq!(opened(&hex::encode(&made[9..265]), &signature), pkcs1("01020304", 256));
}

#[test]
fn other_sizes_are_generated_and_imported() {
    let mut host = iso();
    key_file(&mut host, "A101", 1, "F4", "");
    set(&mut host, "B6", "11", 1);
    let (made, _) = host.send_all("0046000000");
    assert_eq!(made[..9], [0x7F, 0x49, 0x82, 0x01, 0x89, 0x81, 0x82, 0x01, 0x80]);
    let (signature, _) = host.send_all("002A9E9A0401020304 00");
    assert_eq!(opened(&hex::encode(&made[9..393]), &signature), pkcs1("01020304", 384));
    key_file(&mut host, "A102", 2, "F5", "");
    set(&mut host, "B6", "11", 2);
    host.expect(&with_data("00DB3FFF", &value("rsa2048-import")), "6A80");
    host.expect(&with_data("00DB3FFF", &value("rsa4096-import")), "9000");
    let (signature, _) = host.send_all("002A9E9A0401020304 00");
    assert_eq!(opened(&value("rsa4096-n"), &signature), pkcs1("01020304", 512));
    key_file(&mut host, "A103", 3, "E2", "");
    set(&mut host, "B6", "21", 3);
    host.expect(&with_data("00DB3FFF", &value("p256-import")), "6A80");
    host.expect(&with_data("00DB3FFF", &value("p384-import")), "9000");
    let (shown, _) = host.send_all("0046810000");
    assert_eq!(hex::encode_upper(&shown[5..]), value("p384-point"));
    let (signature, _) = host.send_all(&format!("002A9E9A30{}00", "42".repeat(48)));
    let verifier = p384::ecdsa::VerifyingKey::from_sec1_bytes(&shown[5..]).unwrap();
    verifier.verify_prehash(&[0x42; 48], &p384::ecdsa::Signature::from_der(&signature).unwrap()).unwrap();
}

#[test]
fn imports_are_checked() {
    let mut host = iso();
    let import = with_data("00DB3FFF", &value("rsa2048-import"));
    host.expect(&import, "6985");
    key_file(&mut host, "A101", 0, "F3", "8C03 0A 00 11");
    set(&mut host, "B6", "11", 0);
    host.expect(&import, "6982");
    host.make_pin("A001", "01", 1, "1234", "", "");
    host.verify("01", "1234", "9000");
    host.expect(&with_data("00DB3FFF", &value("rsa1024-import")), "6A81");
    host.expect(&with_data("00DB3FFF", &value("p256-import")), "6A80");
    host.expect(&with_data("00DB3FFF", "7F4800"), "6A80");
    host.expect(&with_data("00DB3FFF", "7F48"), "6A80");
    host.expect(&with_data("00DB3FFF", &format!("{}C100", value("rsa2048-import"))), "6A80");
    let counter = host.counter();
    host.expect(&import, "9000");
    assert_eq!(host.counter(), counter + 1);
    let mut spoiled = import.clone();
    spoiled.replace_range(60..64, if &import[60..64] == "0000" { "1111" } else { "0000" });
    host.expect(&spoiled, "6A80");
    assert_eq!(host.counter(), counter + 1);
    host.expect("0004000002A101", "9000");
    host.expect(&import, "6985");
    let mut preset = card_os::Preset::iso();
    preset.key_import = false;
    Host::new(&preset).expect(&import, "6900");
}

#[test]
fn rsa_signs_what_it_is_given_and_what_it_hashed() {
    let (mut host, n) = with_rsa();
    let hash = hex::encode_upper(sha2::Sha256::digest(b"abc"));
    host.expect("002A9E9A00", "6985");
    host.expect("002A908003616263 00", &format!("{hash}9000"));
    let (signature, _) = host.send_all("002A9E9A00");
    assert_eq!(opened(&n, &signature), pkcs1(&format!("{INFO}{hash}"), 256));
    host.expect("002A9E9A00", "6985");
    let (given, _) = host.send_all(&format!("002A9E9A33{INFO}{hash}00"));
    assert_eq!(given, signature);
    host.expect("002241AA03800101", "9000");
    host.expect("002A908003616263", "9000");
    let (signature, _) = host.send_all("002A9E9A00");
    let sha1 = hex::encode_upper(sha1::Sha1::digest(b"abc"));
    assert_eq!(opened(&n, &signature), pkcs1(&format!("3021300906052B0E03021A05000414{sha1}"), 256));
    for (algorithm, len) in [("02", 28), ("04", 48), ("05", 64)] {
        host.expect(&format!("002241AA038001{algorithm}"), "9000");
        assert_eq!(host.send("002A90800161 00".replace(' ', "").as_str()).len(), 2 * len + 4);
    }
    // Raw: exactly as long as the modulus, and below it.
    set(&mut host, "B6", "10", 0);
    let block = format!("00{}", "7A".repeat(255));
    let (signature, _) = host.send_all(&format!("002A9E9A000100{block}0000"));
    assert_eq!(opened(&n, &signature), block);
    host.expect(&with_data("002A9E9A", &block[2..]), "6700");
    host.expect(&with_data("002A9E9A", &"FF".repeat(256)), "6A80");
    host.expect("002A9E9A00", "6700");
    set(&mut host, "B6", "11", 0);
    host.expect(&with_data("002A9E9A", &"11".repeat(246)), "6700");
    assert_eq!(host.send_all("002A9E9A00").1, "9000", "refused commands leave the hash");
}

#[test]
fn pss_signs_the_stored_hash() {
    use rsa::pss::{Signature, VerifyingKey};
    let (mut host, n) = with_rsa();
    let modulus = rsa::BoxedUint::from_be_slice(&hex::decode(n).unwrap(), 2048).unwrap();
    let key = rsa::RsaPublicKey::new(modulus, 65_537u64.into()).unwrap();
    set(&mut host, "B6", "12", 0);
    host.expect("002A908003616263", "9000");
    let (signature, _) = host.send_all("002A9E9A00");
    let verifier = VerifyingKey::<sha2::Sha256>::new(key);
    verifier.verify_prehash(&sha2::Sha256::digest(b"abc"), &Signature::try_from(&signature[..]).unwrap()).unwrap();
    host.expect(&with_data("002A9E9A", &"11".repeat(31)), "6700");
}

#[test]
fn curves_sign_and_authenticate() {
    let (mut host, verifier) = with_p256();
    host.expect("002A908003616263", "9000");
    let (signature, _) = host.send_all("002A9E9A00");
    let check = |hash: &[u8], signature: &[u8]| {
        verifier.verify_prehash(hash, &p256::ecdsa::Signature::from_der(signature).unwrap()).unwrap();
    };
    check(&sha2::Sha256::digest(b"abc"), &signature);
    host.expect("0088000001 55 00".replace(' ', "").as_str(), "6985");
    set(&mut host, "A4", "21", 2);
    let (signature, _) = host.send_all(&format!("0088000020{}00", "5A".repeat(32)));
    check(&[0x5A; 32], &signature);
    host.expect("0088000000", "6700");
    host.expect("0088000101 55 00".replace(' ', "").as_str(), "6A86");
    // Deciphering with a curve is nothing that MSE takes.
    host.expect("002241B806800111840102", "6A81");
    host.expect("002A808601 00".replace(' ', "").as_str(), "6985");
}

/// An OAEP block (RFC 8017) with a seed of sevens.
fn oaep<D: sha1::Digest>(message: &[u8], len: usize) -> Vec<u8> {
    fn xor<D: sha1::Digest>(bytes: &mut [u8], seed: &[u8]) {
        for (counter, part) in (0u32..).zip(bytes.chunks_mut(<D as sha1::Digest>::output_size())) {
            let mask = D::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
            part.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
    }
    let label = D::digest([]);
    let mut seed = vec![7; label.len()];
    let mut db = label.to_vec();
    db.resize(len - label.len() - 2 - message.len(), 0);
    db.push(1);
    db.extend_from_slice(message);
    xor::<D>(&mut db, &seed);
    xor::<D>(&mut seed, &db);
    [vec![0], seed, db].concat()
}

#[test]
fn every_padding_is_deciphered_and_none_of_its_failures_told() {
    let (mut host, n) = with_rsa();
    let message = b"to the card only";
    let pkcs1 = [&[0, 2][..], &[0xA7; 256 - 3 - 16], &[0], message].concat();
    let (sha1, sha256) = (oaep::<sha1::Sha1>(message, 256), oaep::<sha2::Sha256>(message, 256));
    let blocks = [("11", &pkcs1), ("13", &sha1), ("14", &sha256)];
    let decipher = |block: &[u8]| format!("002A808600010100{}0000", hex::encode(public(&n, block)));
    host.expect(&decipher(&pkcs1), "6985");
    for (algorithm, own) in blocks {
        set(&mut host, "B8", algorithm, 0);
        for (_, block) in blocks {
            let answer = if block == own { format!("{}9000", hex::encode_upper(message)) } else { "6A80".into() };
            host.expect(&decipher(block), &answer);
        }
        host.expect(&decipher(&[0x7F; 256]), "6A80");
        host.expect(&format!("002A808600010100{}0000", "FF".repeat(256)), "6A80");
        host.expect("002A80860100", "6700");
        host.expect("002A80860101", "6A80");
    }
    set(&mut host, "B8", "10", 0);
    assert_eq!(host.send_all(&decipher(&pkcs1)).0, pkcs1);
}

#[test]
fn mse_refuses_what_does_not_fit() {
    let (mut host, _) = with_rsa();
    for (command, status) in [
        ("002241B606800111840103", "6A88"),
        ("002241B606800121840100", "6A81"),
        ("002241B606800155840103", "6A81"),
        ("002241B606800113840100", "6A81"),
        ("002241A406800112840100", "6A81"),
        ("002241A406800110840100", "6A81"),
        ("002241B603800111", "6A80"),
        ("002241B603840100", "6A80"),
        ("002241B60680011185 0100", "6A80"),
        ("002241AA06800101840100", "6A80"),
        ("002241AA03800106", "6A81"),
        ("002241B40680011184 0100", "6A81"),
        ("002241A60680011184 0100", "6A81"),
        ("002241B00680011184 0100", "6A86"),
        ("002240B60680011184 0100", "6A86"),
        ("002241B6", "6700"),
        ("0022F200", "6A86"),
        ("0022F20F", "6A86"),
        ("0022F201 01 00", "6700"),
        ("0022F301", "6A88"),
        ("0022F401", "6A88"),
        ("002281B608 800111 840100 8100", "9000"),
        ("0022C1B609 840100 800111 830101", "9000"),
    ] {
        host.expect(command, status);
    }
}

#[test]
fn environments_are_kept_where_they_were_stored() {
    let (mut host, _) = with_rsa();
    set(&mut host, "B8", "13", 0);
    host.expect("002241AA03800101", "9000");
    let counter = host.counter();
    host.expect("0022F203", "9000");
    assert_eq!(host.counter(), counter + 1);
    host.card.power_off();
    host.card.power_on(card_wire::Protocol::T1);
    host.expect("002A9E9A0155", "6985");
    host.expect(&df("D001"), "9000");
    host.expect("0022F403", "6A88");
    host.expect("0022F303", "9000");
    host.expect("002A9E9A0155", "9000");
    host.expect("002A8086020011", "6700");
    assert_eq!(host.send("002A9080016100").len(), 44, "SHA-1");
    // The DF's own environment hides the master file's.
    host.expect("0022F300", "9000");
    host.expect("002A9E9A0155", "6985");
    host.expect("0022F203", "9000");
    host.expect("0022F303", "9000");
    host.expect("002A9E9A0155", "6985");
    host.expect("0022F403", "9000");
    host.expect("0022F303", "9000");
    host.expect("002A9E9A0155", "9000");
    host.expect("00A4000C", "9000");
    host.expect("0022F403", "9000");
    host.expect("0022F303", "6A88");
    host.expect("002A9E9A0155", "9000");
    // Another channel has an environment of its own.
    host.expect("00700001", "9000");
    host.expect("012A9E9A0155", "6985");
}

#[test]
fn storing_needs_the_right_to_create() {
    let mut host = iso();
    let body = super::object("62", "820138 8302D001 8C03 0A 00 11");
    host.expect(&with_data("00E00000", &body), "9000");
    host.expect("0022F201", "6982");
    host.expect("0022F401", "6982");
    host.expect("0022F301", "6A88");
    host.expect("0004000002D001", "9000");
    host.expect("0022F201", "6985");
    host.expect("0022F301", "6985");
}

#[test]
fn rules_of_a_key_file_are_asked() {
    let mut host = iso();
    host.make_pin("A001", "01", 1, "1234", "", "");
    key_file(&mut host, "A101", 0, "E1", "8C04 07 11 00 FF");
    set(&mut host, "B6", "21", 0);
    host.expect("002A9E9A0155", "6982");
    host.expect("00460000", "9000");
    host.expect("00468100", "6982");
    host.verify("01", "1234", "9000");
    host.expect("002A9E9A0155", "9000");
    host.expect("0004000002A101", "6982");
    let mut host = iso();
    key_file(&mut host, "A101", 0, "E1", "");
    set(&mut host, "B6", "21", 0);
    host.expect("002A9E9A0155", "6A88");
    host.expect("00460000", "9000");
    host.expect("0004000002A101", "9000");
    host.expect("002A9E9A0155", "6985");
    host.expect("00468100", "6985");
    host.expect("00460000", "6985");
    host.expect("00FE0000", "9000");
    host.expect("002A9E9A0155", "6985");
    host.expect("002A90800155", "6985");
}

#[test]
fn a_key_goes_with_its_file() {
    let (mut host, n) = with_rsa();
    let sign = "002A9E9A0401020304 00";
    assert_eq!(host.send_all(sign).0.len(), 256);
    host.expect("00E4000002A101", "9000");
    host.expect(sign, "6A88");
    key_file(&mut host, "A101", 0, "F3", "");
    host.expect(sign, "6A88");
    host.expect(&with_data("00DB3FFF", &value("rsa2048-short-import")), "9000");
    let (signature, _) = host.send_all(sign);
    assert_ne!(opened(&n, &signature), pkcs1("01020304", 256));
    assert_eq!(opened(&value("rsa2048-short-n"), &signature), pkcs1("01020304", 256));
    // A file of another kind in the same slot: the environment's algorithm is not its.
    host.expect("00E4000002A101", "9000");
    key_file(&mut host, "A101", 0, "E1", "");
    assert_eq!(host.status("0046000000"), "9000");
    host.expect(sign, "6985");
    host.expect(&transparent("A200", ""), "9000");
    // With the DF that has it.
    host.expect(&df("D001"), "9000");
    key_file(&mut host, "A109", 9, "E1", "");
    set(&mut host, "B6", "21", 9);
    assert_eq!(host.status("0046000000"), "9000");
    host.expect("00A4000C", "9000");
    host.expect("00E4000002D001", "9000");
    host.expect("00468100", "6A88");
    key_file(&mut host, "A109", 9, "E1", "");
    host.expect("00468100", "6A88");
}
