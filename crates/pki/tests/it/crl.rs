//! Lists of revoked certificates: ours in OpenSSL's eyes, OpenSSL's in ours.

use crate::support::{Openssl, at, attime, now, world};
use card_pki::crl::{Crl, CrlError, Draft, Reason, Revocation, Unsigned};
use card_pki::issue::BuildError;

fn draft(revoked: Vec<Revocation>) -> Draft {
    Draft { number: 258, this_update: at("2026-11-22T10:00:00"), next_update: at("2026-11-29T10:00:00"), revoked }
}

fn signed(draft: &Draft) -> Crl {
    let world = world();
    let unsigned = Unsigned::new(draft, &world.chain.issuing).unwrap();
    let signature = world.issuing_key.sign(&unsigned.digest());
    unsigned.signed(&signature).unwrap()
}

fn revocation(serial: &str, reason: Reason) -> Revocation {
    Revocation { serial: serial.into(), at: at("2026-11-20T09:08:07"), reason }
}

#[test]
fn what_is_written_is_read() {
    let entries: Vec<_> =
        Reason::ALL.into_iter().enumerate().map(|(index, reason)| revocation(&format!("8{index}"), reason)).collect();
    let list = signed(&draft(entries.clone()));
    assert_eq!(list.entries(), entries);
    assert_eq!(
        (list.number(), list.this_update(), list.next_update()),
        (258, at("2026-11-22T10:00:00"), at("2026-11-29T10:00:00"))
    );
    assert_eq!(list.revoked("80"), Some(entries[0].clone()));
    assert_eq!(list.revoked("800001"), None);
    assert!(list.signed_by(&world().chain.issuing));
    assert!(!list.signed_by(&world().chain.root) && !list.signed_by(&world().old));
    assert_eq!(Crl::from_der(list.der()).unwrap(), list);
    assert!(matches!(Crl::from_der(&[list.der(), &[0]].concat()), Err(CrlError::NotDer(_))));
    assert!(matches!(Crl::from_der(&vec![0; 1 << 21]), Err(CrlError::TooLarge { .. })));
    assert_eq!(signed(&Draft { number: u64::MAX, ..draft(vec![]) }).number(), u64::MAX);
}

#[test]
fn what_cannot_be_built() {
    let world = world();
    let issuing = &world.chain.issuing;
    let backwards = Draft { next_update: at("2026-11-21"), ..draft(vec![]) };
    let table = [
        (draft(vec![revocation("XY", Reason::Superseded)]), issuing, BuildError::Serial),
        (draft(vec![revocation("00", Reason::Superseded)]), issuing, BuildError::Serial),
        (backwards, issuing, BuildError::Time),
        (draft(vec![]), &world.old, BuildError::NotAnAuthority),
    ];
    for (draft, issuer, expected) in table {
        assert_eq!(Unsigned::new(&draft, issuer).unwrap_err(), expected);
    }
    let unsigned = Unsigned::new(&draft(vec![]), issuing).unwrap();
    assert_eq!(unsigned.signed(&[0; 256]), Err(BuildError::BadSignature));
}

#[test]
fn openssl_obeys_it() {
    let Some(openssl) = Openssl::find().map(Openssl::with_world) else { return };
    let old = world().old.serial();
    let list = signed(&draft(vec![revocation(old, Reason::KeyCompromise), revocation("0801", Reason::Unspecified)]));
    openssl.write("crl.der", list.der());
    let said = openssl.expect("crl -inform DER -in crl.der -CAfile issuing.pem -noout -text");
    for expected in [
        "verify OK",
        "X509v3 CRL Number:",
        "258",
        "Key Compromise",
        "Serial Number: 800001",
        "Nov 20 01:08:07 2026 GMT",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    openssl.expect("crl -inform DER -in crl.der -out crl.pem");
    let verify = format!("verify -crl_check {} -CAfile root.pem -untrusted issuing.pem -CRLfile crl.pem", attime());
    let (good, said) = openssl.run(&format!("{verify} old.pem"));
    assert!(!good && said.contains("certificate revoked"), "{said}");
    assert_eq!(openssl.expect(&format!("{verify} other.pem")).trim(), "other.pem: OK");
}

#[test]
fn openssl_makes_what_we_read() {
    let Some(openssl) = Openssl::find().map(Openssl::with_world) else { return };
    openssl.write("issuing.key", world().issuing_key.pkcs8());
    openssl.expect("pkey -inform DER -in issuing.key -out issuing.key.pem");
    openssl.write("index.txt", "");
    openssl.write("number", "0A\n");
    openssl.write("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha384\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n");
    let ca = "ca -config ca.cnf -cert issuing.pem -keyfile issuing.key.pem";
    openssl.expect(&format!("{ca} -revoke old.pem -crl_reason affiliationChanged"));
    openssl
        .expect(&format!("{ca} -gencrl -crl_lastupdate 20261122000000Z -crl_nextupdate 20261129000000Z -out crl.pem"));
    openssl.expect("crl -in crl.pem -outform DER -out crl.der");
    let list = Crl::from_der(&openssl.read("crl.der")).unwrap();
    assert!(list.signed_by(&world().chain.issuing));
    assert_eq!((list.number(), list.next_update()), (10, at("2026-11-29T00:00:00Z")));
    assert_eq!(list.revoked(world().old.serial()).map(|entry| entry.reason), Some(Reason::AffiliationChanged));
    assert!(list.this_update() < now());
}

#[test]
fn reasons_have_one_name() {
    for reason in Reason::ALL {
        assert_eq!(reason.to_string().parse(), Ok(reason));
        assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{reason}\""));
    }
    "keyCompromise".parse::<Reason>().unwrap_err();
}
