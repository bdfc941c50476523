//! Structures with a right signature that are still refused: written in another way than DER's, or at odds with themselves.

use crate::support::{Signer, holder, issue, now, subject, world};
use card_pki::certificate::{Certificate, CertificateError};
use card_pki::crl::{Crl, CrlError, Draft, Unsigned};
use card_pki::issue::Profile;
use card_pki::refusal::Refusal;
use card_pki::request;
use der::asn1::{Any, BitString, GeneralizedTime};
use der::{DateTime, Decode, Encode, Tagged};
use sha2::{Digest, Sha256};

/// Changes the parts of a signed structure's body and signs it again.
fn signed_again(der: &[u8], signer: &Signer, change: impl FnOnce(&mut Vec<Any>)) -> Vec<u8> {
    let mut outer = Vec::<Any>::from_der(der).unwrap();
    let mut parts: Vec<Any> = outer[0].decode_as().unwrap();
    change(&mut parts);
    let body = parts.to_der().unwrap();
    let signature = signer.sign(&Sha256::digest(&body).into());
    outer[0] = Any::from_der(&body).unwrap();
    outer[2] = Any::encode_from(&BitString::from_bytes(&signature).unwrap()).unwrap();
    outer.to_der().unwrap()
}

fn sha384() -> Any {
    let oid = const_oid::db::rfc5912::SHA_384_WITH_RSA_ENCRYPTION;
    Any::encode_from(&spki::AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) }).unwrap()
}

#[test]
fn certificates() {
    let world = world();
    let again = |change: fn(&mut Vec<Any>)| signed_again(world.old.der(), &world.issuing_key, change);
    assert!(Certificate::from_der(&again(|_| {})).unwrap() == world.old);
    let late = again(|parts| {
        let mut times: Vec<Any> = parts[4].decode_as().unwrap();
        let date = DateTime::new(2026, 1, 1, 0, 0, 0).unwrap();
        // RFC 5280 wants the short form until 2049.
        times[0] = Any::encode_from(&GeneralizedTime::from_date_time(date)).unwrap();
        parts[4] = Any::encode_from(&times).unwrap();
    });
    for der in [late, again(|parts| parts[2] = sha384())] {
        assert!(matches!(Certificate::from_der(&der), Err(CertificateError::NotDer(_))));
    }
}

#[test]
fn lists() {
    let world = world();
    let issuing = &world.chain.issuing;
    let draft = Draft { number: 1, this_update: now(), next_update: now(), revoked: vec![] };
    let unsigned = Unsigned::new(&draft, issuing).unwrap();
    let signature = world.issuing_key.sign(&unsigned.digest());
    let list = unsigned.signed(&signature).unwrap();
    let der = signed_again(list.der(), &world.issuing_key, |parts| parts[1] = sha384());
    assert_eq!(Crl::from_der(&der), Err(CrlError::Unusual));
    let critical = signed_again(list.der(), &world.issuing_key, |parts| {
        let wrapped = parts.last_mut().unwrap();
        let mut extensions = Vec::<Vec<Any>>::from_der(wrapped.value()).unwrap();
        extensions[0].insert(1, Any::encode_from(&true).unwrap());
        *wrapped = Any::new(wrapped.tag(), extensions.to_der().unwrap()).unwrap();
    });
    assert_eq!(Crl::from_der(&critical), Err(CrlError::Unusual));
    // The same key under another name is another authority.
    let (key, validity) = (&world.issuing_key, issuing.validity());
    let renamed = issue(Profile::Root, &[5], validity, &subject("別人"), None, &key.public, key);
    assert!(list.signed_by(issuing) && !list.signed_by(&renamed));
}

#[test]
fn requests() {
    let world = world();
    let der = signed_again(&world.request(), &world.new_key, |parts| {
        let tag = parts[3].tag();
        let one = Any::encode_from(&vec![
            Any::encode_from(&const_oid::ObjectIdentifier::new_unwrap("1.2.3")).unwrap(),
            Any::new(der::Tag::Set, [5, 0]).unwrap(),
        ]);
        // The shorter attribute sorts first, so it is put last.
        let unsorted = [parts[3].value(), &one.unwrap().to_der().unwrap()].concat();
        parts[3] = Any::new(tag, unsorted).unwrap();
    });
    assert!(matches!(request::parse(&der), Err(Refusal::NotDer { .. })), "{:?}", request::parse(&der));
}

/// A certificate of another issuer with the same serial number as the old one.
pub(crate) fn namesake() -> Certificate {
    let world = world();
    let (root, key) = (&world.chain.root, &world.old_key.public);
    issue(holder(None), &[0x80, 0, 1], world.old.validity(), &subject("王小明"), Some(root), key, &world.root_key)
}
