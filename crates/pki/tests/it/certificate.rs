//! Certificates: ours in OpenSSL's eyes, OpenSSL's in ours, and the chain.

use crate::support::{Openssl, POLICY, at, attime, holder, issue, now, subject, world};
use card_pki::certificate::{Certificate, CertificateError, Chain, ChainFault};
use card_pki::issue::{self, BuildError, Profile};
use card_pki::time::Validity;

fn year() -> Validity {
    Validity { not_before: at("2026-06-01T00:00:00"), not_after: at("2027-05-31T23:59:59") }
}

#[test]
fn openssl_accepts_the_chain() {
    let Some(openssl) = Openssl::find().map(Openssl::with_world) else { return };
    let verify = format!("verify -x509_strict {} -CAfile root.pem -untrusted issuing.pem", attime());
    for purpose in ["sslclient", "smimesign"] {
        assert_eq!(openssl.expect(&format!("{verify} -purpose {purpose} old.pem")).trim(), "old.pem: OK");
    }
    // The issuing certificate may sign no further authority, and the holder's no certificate at all.
    for (file, expected) in [
        ("issuing.pem", "CA:TRUE, pathlen:0"),
        ("root.pem", "Certificate Sign, CRL Sign"),
        ("old.pem", "Digital Signature, Non Repudiation"),
        ("old.pem", "CA:FALSE"),
        ("old.pem", "TLS Web Client Authentication, E-mail Protection"),
        ("old.pem", "email:user@example.org"),
        ("old.pem", "URI:http://ca.example/crl.der"),
        ("old.pem", POLICY),
        ("old.pem", "Signature Algorithm: sha256WithRSAEncryption"),
        ("old.pem", "Not After : Dec 31 15:59:59 2026 GMT"),
        // From the year 2050 on the times have another form.
        ("root.pem", "Not After : Dec 31 16:00:00 2055 GMT"),
    ] {
        let said = openssl.expect(&format!("x509 -in {file} -noout -text"));
        assert!(said.contains(expected), "{file} lacks {expected}: {said}");
    }
}

#[test]
fn openssl_reads_the_same_values() {
    let Some(openssl) = Openssl::find().map(Openssl::with_world) else { return };
    let old = &world().old;
    let said =
        openssl.expect("x509 -in old.pem -noout -serial -subject -fingerprint -sha256 -nameopt RFC2253,-esc_msb");
    assert_eq!(old.serial(), "800001");
    let fingerprint: Vec<String> = old.fingerprint().iter().map(|byte| format!("{byte:02X}")).collect();
    for expected in ["serial=800001", "CN=王小明", &"臺".repeat(64), &fingerprint.join(":")] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    openssl.expect("x509 -in old.pem -outform DER -out old.der");
    assert_eq!(openssl.read("old.der"), old.der());
}

#[test]
fn openssl_makes_what_we_read() {
    let Some(openssl) = Openssl::find() else { return };
    openssl.write(
        "long.cnf",
        format!(
            "[req]\ndistinguished_name=dn\nprompt=no\nutf8=yes\nstring_mask=utf8only\n[dn]\nC=TW\nO={}\nCN=測試憑證\n",
            "國".repeat(64)
        ),
    );
    openssl.expect("req -x509 -newkey rsa:2048 -nodes -keyout key.pem -config long.cnf -days 30 -set_serial 0x00FEDC -addext basicConstraints=critical,CA:TRUE -addext subjectAltName=email:a@b.example -out it.pem");
    let pem = String::from_utf8(openssl.read("it.pem")).unwrap();
    let read = Certificate::from_pem(&pem).unwrap();
    assert_eq!(read.common_name().as_deref(), Some("測試憑證"));
    assert_eq!(read.subject(), format!("CN=測試憑證,O={},C=TW", "國".repeat(64)));
    assert_eq!(read.serial(), "FEDC");
    assert_eq!(read.subject_alt_name_der().unwrap(), b"\x30\x0D\x81\x0Ba@b.example");
    let validity = read.validity();
    assert_eq!(validity.not_after.as_second() - validity.not_before.as_second(), 30 * 86400);
    assert!(read.is_ca() && read.signed_by(&read) && !read.signed_by(&world().old));
    assert_eq!(read.to_pem(), pem);
    openssl
        .expect("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.key -subj /CN=x -out ec.pem");
    let error = Certificate::from_pem(&String::from_utf8(openssl.read("ec.pem")).unwrap()).unwrap_err();
    assert!(matches!(error, CertificateError::Key(_)), "{error}");
}

#[test]
fn what_is_not_exactly_one_certificate_is_refused() {
    let old = &world().old;
    let der = old.der();
    let trailing = [der, &[0]].concat();
    let pem = old.to_pem();
    assert!(matches!(Certificate::from_der(&trailing), Err(CertificateError::NotDer(_))));
    assert!(matches!(Certificate::from_der(&der[..der.len() - 1]), Err(CertificateError::NotDer(_))));
    assert_eq!(Certificate::from_der(&[0x30; 20_000]), Err(CertificateError::TooLarge { len: 20_000, max: 16_384 }));
    assert!(matches!(Certificate::from_pem(&(pem.clone() + &pem)), Err(CertificateError::NotPem { .. })));
    assert!(matches!(Certificate::from_pem("nothing"), Err(CertificateError::NotPem { .. })));
    assert!(matches!(Certificate::from_pem(&pem[..pem.len() - 20]), Err(CertificateError::NotPem { .. })));
    assert_eq!(Certificate::from_pem(&format!("a comment\n{pem}")).unwrap(), *old);
    let json = serde_json::to_string(old).unwrap();
    assert_eq!(serde_json::from_str::<Certificate>(&json).unwrap(), *old);
}

#[test]
fn chains() {
    let world = world();
    let (root, issuing) = (&world.chain.root, &world.chain.issuing);
    assert_eq!(Chain::from_pem(&world.chain.to_pem()).unwrap(), world.chain);
    assert_eq!(Chain::from_pem(&(root.to_pem() + &issuing.to_pem())).unwrap(), world.chain);
    for (one, other) in [(root, root), (issuing, issuing), (&world.old, root), (issuing, &world.old), (root, issuing)] {
        Chain::new(one.clone(), other.clone()).unwrap_err();
    }
    Chain::from_pem(&root.to_pem()).unwrap_err();
}

#[test]
fn chain_faults() {
    let world = world();
    let name = subject("王小明");
    let issuing = &world.chain.issuing;
    let key = &world.new_key.public;
    let made =
        |validity, issuer: &Certificate, signer| issue(holder(None), &[9], validity, &name, Some(issuer), key, signer);
    // Another authority of the same name, with another key.
    let validity = Validity { not_before: at("2026-01-01"), not_after: at("2030-01-01") };
    let double = issue(Profile::Root, &[3], validity, &subject("簽發憑證"), None, key, &world.new_key);
    let stranger = issue(Profile::Root, &[3], validity, &subject("別人"), None, key, &world.new_key);
    let late = Validity { not_before: at("2026-01-01"), not_after: at("2056-01-01") };
    let from = at("2026-06-01");
    let since = at("2027-05-31T23:59:59");
    let good = made(year(), issuing, &world.issuing_key);
    let outliving = made(late, issuing, &world.issuing_key);
    let forged = made(year(), &double, &world.new_key);
    let foreign = made(year(), &stranger, &world.new_key);
    let second_authority = issue(Profile::Issuing, &[8], year(), &name, Some(issuing), key, &world.issuing_key);
    let table = [
        (&good, from, Ok(())),
        (&good, since, Ok(())),
        (&good, at("2026-05-31T23:59:59"), Err(ChainFault::NotYetValid { from })),
        (&good, at("2027-06-01"), Err(ChainFault::Expired { since })),
        (&outliving, at("2047-01-01"), Err(ChainFault::AuthorityExpired { since: at("2046-01-01") })),
        (&forged, now(), Err(ChainFault::BadSignature)),
        (&foreign, now(), Err(ChainFault::NotIssuedByUs)),
        (&second_authority, now(), Err(ChainFault::NotForSigning)),
        (issuing, now(), Err(ChainFault::NotIssuedByUs)),
    ];
    for (certificate, time, expected) in table {
        assert_eq!(world.chain.check(certificate, time), expected, "{certificate:?} at {time}");
    }
}

#[test]
fn what_cannot_be_built() {
    let world = world();
    let subject_der = &subject("王小明").to_der().unwrap();
    let draft = |profile, serial, issuer| issue::Draft {
        profile,
        serial,
        validity: year(),
        subject_der,
        issuer,
        key: &world.new_key.public,
    };
    let issuing = Some(&world.chain.issuing);
    let end = |email: &str, url: &str, policy: &str| Profile::EndEntity {
        email: Some(email.into()),
        crl_url: Some(url.into()),
        policy: policy.into(),
    };
    let table = [
        (draft(Profile::Root, &[1], issuing), BuildError::Issuer),
        (draft(Profile::Issuing, &[1], None), BuildError::Issuer),
        (draft(holder(None), &[1], Some(&world.old)), BuildError::NotAnAuthority),
        (draft(holder(None), &[0, 0], issuing), BuildError::Serial),
        (draft(holder(None), &[], issuing), BuildError::Serial),
        (draft(holder(None), &[0x80; 20], issuing), BuildError::Serial),
        (draft(end("王@example", "http://x", POLICY), &[1], issuing), BuildError::Address("e-mail address")),
        (draft(end("a@", "http://x", POLICY), &[1], issuing), BuildError::Address("e-mail address")),
        (draft(end("a@b", "", POLICY), &[1], issuing), BuildError::Address("CRL address")),
        (draft(end("a@b", "http://x", "policy"), &[1], issuing), BuildError::Address("policy")),
    ];
    for (draft, expected) in table {
        assert_eq!(issue::Unsigned::new(&draft).unwrap_err(), expected, "{draft:?}");
    }
    let backwards = Validity { not_before: at("2027-01-01"), not_after: at("2026-01-01") };
    let backwards = issue::Draft { validity: backwards, ..draft(holder(None), &[1], issuing) };
    assert_eq!(issue::Unsigned::new(&backwards).unwrap_err(), BuildError::Time);
    let unsigned = issue::Unsigned::new(&draft(holder(None), &[0x7F; 20], issuing)).unwrap();
    let signature = world.root_key.sign(&unsigned.digest());
    assert_eq!(unsigned.signed(&signature), Err(BuildError::BadSignature));
}
