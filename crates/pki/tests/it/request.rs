//! Certificate requests: ours in OpenSSL's eyes, OpenSSL's in ours, and all that is refused.

use crate::key::roca_modulus;
use crate::support::{Openssl, subject, world};
use card_pki::issue::BuildError;
use card_pki::key::{PublicKey, Weakness};
use card_pki::refusal::Refusal;
use card_pki::request::{Unsigned, parse};
use der::asn1::BitString;
use der::{Decode, Encode};
use x509_cert::request::CertReq;

#[test]
fn openssl_verifies_it() {
    let Some(openssl) = Openssl::find().map(Openssl::with_world) else { return };
    let said = openssl.expect("req -inform DER -in request.der -verify -noout -text -nameopt RFC2253,-esc_msb");
    for expected in ["verify OK", "CN=王小明", &"臺".repeat(64), "1.3.6.1.4.1.311.13.1"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn what_is_written_is_read() {
    let world = world();
    let der = world.request();
    let read = parse(&der).unwrap();
    assert_eq!(read.subject_der, world.old.subject_der());
    assert_eq!(read.key, world.new_key.public);
    assert_eq!(read.renewal_of.as_ref(), Some(&world.old));
    assert_eq!((read.subject_alt_name_der, read.der), (None, der));
    let first = Unsigned::new(&subject("王小明").to_der().unwrap(), &world.new_key.public, None).unwrap();
    let signature = world.new_key.sign(&first.digest());
    assert_eq!(first.clone().signed(&world.old_key.sign(&first.digest())), Err(BuildError::BadSignature));
    assert_eq!(parse(&first.signed(&signature).unwrap()).unwrap().renewal_of, None);
    Unsigned::new(b"no name", &world.new_key.public, None).unwrap_err();
}

/// Takes a good request apart, changes it and leaves the signature as it was.
fn changed(change: impl FnOnce(&mut CertReq)) -> Vec<u8> {
    let mut request = CertReq::from_der(&world().request()).unwrap();
    change(&mut request);
    request.to_der().unwrap()
}

fn with_key(key: &PublicKey) -> Vec<u8> {
    changed(|request| request.info.public_key = spki::SubjectPublicKeyInfoOwned::from_der(&key.to_spki_der()).unwrap())
}

#[test]
fn refused() {
    let world = world();
    let good = world.request();
    let roca = PublicKey { modulus: roca_modulus(), ..world.new_key.public.clone() };
    let table = [
        ("another key", with_key(&world.old_key.public), Refusal::BadRequestSignature),
        ("the ROCA form", with_key(&roca), Refusal::WeakKey { weakness: Weakness::Roca }),
        (
            "another signature",
            changed(|request| request.signature = BitString::from_bytes(&[1; 256]).unwrap()),
            Refusal::BadRequestSignature,
        ),
        (
            "a signature of another length",
            changed(|request| request.signature = BitString::from_bytes(&[1; 255]).unwrap()),
            Refusal::BadRequestSignature,
        ),
        (
            "a tampered attribute",
            changed(|request| request.info.attributes = x509_cert::attr::Attributes::default()),
            Refusal::BadRequestSignature,
        ),
        ("16 KiB and a byte", vec![0x30; 16 * 1024 + 1], Refusal::TooLarge { len: 16_385, max: 16_384 }),
    ];
    for (what, der, expected) in table {
        assert_eq!(parse(&der), Err(expected), "{what}");
    }
    for der in [vec![], b"garbage".to_vec(), [good.as_slice(), &[0]].concat(), good[..good.len() - 1].to_vec()] {
        assert!(matches!(parse(&der), Err(Refusal::NotDer { .. })));
    }
}

#[test]
fn openssl_makes_what_we_read_or_refuse() {
    let Some(openssl) = Openssl::find() else { return };
    let table = [
        ("-newkey rsa:2048", None),
        ("-newkey rsa:2048 -sha512", None),
        ("-newkey rsa:2048 -sha1", Some(Refusal::WeakDigest)),
        ("-newkey rsa:2048 -sigopt rsa_padding_mode:pss", Some(Refusal::WeakDigest)),
        ("-newkey rsa:1024", Some(Refusal::WeakKey { weakness: Weakness::Short { bits: 1024 } })),
        ("-newkey rsa:2048 -pkeyopt rsa_keygen_pubexp:3", Some(Refusal::WeakKey { weakness: Weakness::Exponent })),
    ];
    for (how, expected) in table {
        openssl.expect(&format!(
            "req -new {how} -nodes -keyout key.pem -utf8 -subj /C=TW/CN=王小明 -addext subjectAltName=email:a@b.example -outform DER -out it.der"
        ));
        let result = parse(&openssl.read("it.der"));
        match (result, expected) {
            (Ok(read), None) => {
                assert_eq!(card_pki::name::shown(&read.subject_der).unwrap(), "CN=王小明,C=TW");
                assert_eq!(read.subject_alt_name_der.unwrap(), b"\x30\x0D\x81\x0Ba@b.example");
            }
            (result, expected) => assert_eq!(result.err(), expected, "{how}"),
        }
    }
    openssl.expect("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj /CN=x -outform DER -out ec.der");
    assert!(matches!(parse(&openssl.read("ec.der")), Err(Refusal::NotDer { .. })));
}
