//! RSA by the card, checked by programs and arithmetic that know nothing of it.

use num_bigint::BigUint;

use super::desk::{Desk, PIN};

/// SHA-256 of "abc", as FIPS 180 prints it.
const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// DigestInfo of SHA-256 without the digest (RFC 8017).
const SHA256_INFO: &str = "3031300d060960864801650304020105000420";

#[test]
fn signatures_are_right_for_openssl_and_for_arithmetic() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise().generate("rsa/2048 --id 1 --key-usage decrypt,sign");
    desk.run("pkcs15-tool --read-public-key 01 -o public.pem").ok();
    let info = hex::decode([SHA256_INFO, ABC_SHA256].concat()).unwrap();
    desk.write("message", b"abc");
    desk.write("other", b"abd");
    desk.write("info", &info);
    desk.write("digest", &hex::decode(ABC_SHA256).unwrap());
    desk.write("raw", b"not a DigestInfo");

    for (mechanism, input) in [("SHA256-RSA-PKCS", "message"), ("RSA-PKCS", "info"), ("RSA-PKCS", "raw")] {
        let signature = format!("{mechanism}-{input}");
        desk.run(&format!("pkcs11-tool -l -p {PIN} --sign -m {mechanism} -d 1 -i {input} -o {signature}"))
            .ok()
            .says(&format!("Using signature algorithm {mechanism}"));
        let verify = format!("pkcs11-tool --verify -m {mechanism} -d 1 --signature-file {signature} -i");
        desk.run(&format!("{verify} {input}")).ok().says("Signature is valid");
        desk.run(&format!("{verify} other")).ok().says("Invalid signature");
    }

    let dgst = "openssl dgst -sha256 -verify public.pem -signature SHA256-RSA-PKCS-message";
    desk.run(&format!("{dgst} message")).ok().says("Verified OK");
    desk.run(&format!("{dgst} other")).fails().says("Verification failure");
    desk.run(
        "openssl pkeyutl -verify -pubin -inkey public.pem -in digest -sigfile RSA-PKCS-info \
         -pkeyopt rsa_padding_mode:pkcs1 -pkeyopt digest:sha256",
    )
    .ok()
    .says("Signature Verified Successfully");

    let modulus = modulus(&desk);
    assert_eq!(opened(&modulus, &desk.read("SHA256-RSA-PKCS-message")), padded(&info));
    assert_eq!(opened(&modulus, &desk.read("RSA-PKCS-info")), padded(&info));
    assert_eq!(opened(&modulus, &desk.read("RSA-PKCS-raw")), padded(b"not a DigestInfo"));
}

#[test]
fn the_card_deciphers_what_openssl_has_encrypted() {
    let Some(desk) = Desk::isoapplet() else { return };
    desk.initialise().generate("rsa/2048 --id 2 --key-usage decrypt");
    desk.run("pkcs15-tool --read-public-key 02 -o public.pem").ok();
    // Nothing at all, and the longest that 256 bytes can carry.
    for (name, plain) in [("short", b"x".as_slice()), ("long", &[0xA5; 245])] {
        desk.write(name, plain);
        desk.run(&format!("openssl pkeyutl -encrypt -pubin -inkey public.pem -in {name} -out {name}.enc")).ok();
        desk.run(&format!("pkcs11-tool -l -p {PIN} --decrypt -m RSA-PKCS -d 2 -i {name}.enc -o {name}.dec"))
            .ok()
            .says("Using decrypt algorithm RSA-PKCS");
        assert_eq!(desk.read(&format!("{name}.dec")), plain);
    }
    let mut spoilt = desk.read("short.enc");
    spoilt[255] ^= 1;
    desk.write("spoilt", &spoilt);
    desk.run(&format!("pkcs11-tool -l -p {PIN} --decrypt -m RSA-PKCS -d 2 -i spoilt -o spoilt.dec")).fails();
}

/// Key 1 signs and key 2 deciphers, both judged by the openssl program.
pub(super) fn signs_and_deciphers(desk: &Desk) {
    desk.write("message", b"abc");
    desk.run("pkcs15-tool --read-public-key 01 -o one.pem").ok();
    desk.run("pkcs15-tool --read-public-key 02 -o two.pem").ok();
    desk.run(&format!("pkcs11-tool -l -p {PIN} --sign -m SHA256-RSA-PKCS -d 1 -i message -o signature")).ok();
    desk.run("openssl dgst -sha256 -verify one.pem -signature signature message").ok().says("Verified OK");
    desk.run("openssl pkeyutl -encrypt -pubin -inkey two.pem -in message -out encrypted").ok();
    desk.run(&format!("pkcs11-tool -l -p {PIN} --decrypt -m RSA-PKCS -d 2 -i encrypted -o decrypted")).ok();
    assert_eq!(desk.read("decrypted"), b"abc");
}

/// The modulus of `public.pem`, whose exponent must be 65537.
fn modulus(desk: &Desk) -> BigUint {
    let said =
        desk.run("openssl rsa -pubin -in public.pem -noout -modulus -text").ok().says("Exponent: 65537 (0x10001)");
    let digits = said.text.lines().find_map(|line| line.strip_prefix("Modulus=")).unwrap();
    assert_eq!(digits.len(), 512);
    BigUint::parse_bytes(digits.as_bytes(), 16).unwrap()
}

/// What a signature holds: s^e mod n.
fn opened(modulus: &BigUint, signature: &[u8]) -> BigUint {
    assert_eq!(signature.len(), 256);
    BigUint::from_bytes_be(signature).modpow(&BigUint::from(65537_u32), modulus)
}

/// EMSA-PKCS1-v1_5 (RFC 8017): 00 01 FF … FF 00 and the content.
fn padded(content: &[u8]) -> BigUint {
    let mut block = vec![0xFF; 256];
    block[..2].copy_from_slice(&[0, 1]);
    block[255 - content.len()] = 0;
    block[256 - content.len()..].copy_from_slice(content);
    BigUint::from_bytes_be(&block)
}
