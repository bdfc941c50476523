//! Renewals with OpenSSL's `cms` on the other side.

use crate::support::{Openssl, attime, world};
use card_pki::refusal::Refusal;
use card_pki::renewal::parse;

#[test]
fn openssl_verifies_ours() {
    let Some(openssl) = Openssl::find().map(Openssl::with_world) else { return };
    openssl.write("renewal.der", world().renewal());
    openssl.write("chain.pem", world().chain.to_pem());
    let verify = format!("cms -verify -binary -inform DER -in renewal.der {} -CAfile chain.pem", attime());
    let said = openssl.expect(&format!("{verify} -out content.der"));
    assert!(said.contains("Verification successful"), "{said}");
    assert_eq!(openssl.read("content.der"), world().request());
    let said = openssl.expect("cms -cmsout -print -inform DER -in renewal.der");
    for expected in ["d.issuerAndSerialNumber", "signingTime", "senderNonce", "2.25.1938472615.1"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let mut tampered = world().renewal();
    *tampered.last_mut().unwrap() ^= 1;
    openssl.write("renewal.der", tampered);
    assert!(!openssl.run(&format!("{verify} -out content.der")).0);
}

#[test]
fn we_read_or_refuse_openssl_s() {
    let Some(openssl) = Openssl::find().map(Openssl::with_world) else { return };
    for name in ["old", "new"] {
        openssl.expect(&format!("pkey -inform DER -in {name}.key -out {name}.key.pem"));
    }
    // OpenSSL's command line cannot add the nonce, so where everything else is right the refusal is about the nonce.
    let signed = "-signer old.pem -inkey old.key.pem";
    let table = [
        ("", Some(Refusal::NonceUnknown)),
        ("-md sha384", Some(Refusal::NonceUnknown)),
        ("-md sha512", Some(Refusal::NonceUnknown)),
        ("-certfile other.pem", Some(Refusal::NonceUnknown)),
        ("-md sha1", Some(Refusal::WeakDigest)),
        ("-noattr", Some(Refusal::NoSignedAttributes)),
        ("-nocerts", Some(Refusal::UnknownCertificate)),
        ("-signer other.pem -inkey new.key.pem", Some(Refusal::Signers { count: 2 })),
        ("-keyopt rsa_padding_mode:pss", Some(Refusal::WeakDigest)),
        ("-keyid", None),
        ("-econtent_type 1.2.3.4", None),
    ];
    for (how, expected) in table {
        openssl.expect(&format!("cms -sign -binary -nodetach -in request.der -outform DER -out it.der {signed} {how}"));
        let refusal = parse(&openssl.read("it.der")).unwrap_err();
        match expected {
            Some(expected) => assert_eq!(refusal, expected, "{how}"),
            None => assert!(matches!(refusal, Refusal::NotDer { .. }), "{how}: {refusal:?}"),
        }
    }
    openssl.expect(&format!("cms -sign -binary -in request.der -outform DER -out it.der {signed}"));
    assert!(matches!(parse(&openssl.read("it.der")), Err(Refusal::NotDer { .. })), "detached");
    // Streamed output is BER of indefinite length.
    openssl.expect(&format!("cms -sign -binary -nodetach -stream -in request.der -outform DER -out it.der {signed}"));
    assert!(matches!(parse(&openssl.read("it.der")), Err(Refusal::NotDer { .. })), "streamed");
}
