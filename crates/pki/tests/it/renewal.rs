//! Renewals: what is written is read, and each thing that can be wrong has its own refusal.

use crate::support::{now, terms, world};
use card_pki::certificate::Certificate;
use card_pki::issue::BuildError;
use card_pki::refusal::Refusal;
use card_pki::renewal::{Unsigned, parse};
use card_pki::request;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{CertificateSet, SignedData, SignerIdentifier, SignerInfo, SignerInfos};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME};
use der::asn1::{Any, OctetString, SetOfVec};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::attr::Attribute;

const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.7.6");
const AGREEMENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.25.1938472615.1");

#[test]
fn what_is_written_is_read() {
    let world = world();
    let read = parse(&world.renewal()).unwrap();
    assert_eq!(read.request, request::parse(&world.request()).unwrap());
    assert_eq!((&read.signer, read.terms, read.signed_at), (&world.old, terms(), now()));
}

#[test]
fn another_key_does_not_sign() {
    let world = world();
    let unsigned = Unsigned::new(&world.request(), &world.old, &terms(), now()).unwrap();
    let signature = world.new_key.sign(&unsigned.digest());
    assert_eq!(unsigned.signed(&signature), Err(BuildError::BadSignature));
}

/// Takes a good renewal apart, changes it and puts it together again.
fn changed(change: impl FnOnce(&mut SignedData)) -> Vec<u8> {
    let info = ContentInfo::from_der(&world().renewal()).unwrap();
    let mut data: SignedData = info.content.decode_as().unwrap();
    change(&mut data);
    ContentInfo { content: Any::encode_from(&data).unwrap(), ..info }.to_der().unwrap()
}

fn with_signer(change: impl FnOnce(&mut SignerInfo)) -> Vec<u8> {
    changed(|data| {
        let mut signer = data.signer_infos.0.as_slice()[0].clone();
        change(&mut signer);
        data.signer_infos = SignerInfos::try_from(vec![signer]).unwrap();
    })
}

/// Changes the signed attributes, and lets the old key sign them again or not.
fn with_attributes(sign: bool, change: impl FnOnce(&mut Vec<Attribute>)) -> Vec<u8> {
    with_signer(|signer| {
        let mut attributes = signer.signed_attrs.clone().unwrap().into_vec();
        change(&mut attributes);
        let attributes = SetOfVec::try_from(attributes).unwrap();
        if sign {
            let digest = Sha256::digest(attributes.to_der().unwrap()).into();
            signer.signature = OctetString::new(world().old_key.sign(&digest)).unwrap();
        }
        signer.signed_attrs = Some(attributes);
    })
}

fn without(oid: ObjectIdentifier) -> Vec<u8> {
    with_attributes(true, |attributes| attributes.retain(|attribute| attribute.oid != oid))
}

fn with_value(sign: bool, oid: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    let value = Any::encode_from(&OctetString::new(value).unwrap()).unwrap();
    with_attributes(sign, |attributes| {
        let found = attributes.iter_mut().find(|attribute| attribute.oid == oid).unwrap();
        found.values = SetOfVec::try_from(vec![value]).unwrap();
    })
}

fn choice(certificate: &Certificate) -> CertificateChoices {
    CertificateChoices::Certificate(x509_cert::Certificate::from_der(certificate.der()).unwrap())
}

fn embedding(certificates: &[&Certificate]) -> Vec<u8> {
    let choices: Vec<_> = certificates.iter().copied().map(choice).collect();
    changed(|data| data.certificates = (!choices.is_empty()).then(|| CertificateSet::try_from(choices).unwrap()))
}

fn request(renewal_of: Option<&Certificate>) -> Vec<u8> {
    let world = world();
    let unsigned = request::Unsigned::new(world.old.subject_der(), &world.new_key.public, renewal_of).unwrap();
    let signature = world.new_key.sign(&unsigned.digest());
    unsigned.signed(&signature).unwrap()
}

#[test]
fn refused() {
    let world = world();
    let mut broken = world.request();
    *broken.last_mut().unwrap() ^= 1;
    let other_type = with_attributes(true, |attributes| {
        let found = attributes.iter_mut().find(|attribute| attribute.oid == ID_CONTENT_TYPE).unwrap();
        found.values = SetOfVec::try_from(vec![Any::encode_from(&NONCE).unwrap()]).unwrap();
    });
    let content = |bytes: &[u8]| Some(Any::encode_from(&OctetString::new(bytes).unwrap()).unwrap());
    let table = [
        ("no signer", changed(|data| data.signer_infos = SignerInfos(SetOfVec::new())), Refusal::Signers { count: 0 }),
        ("no attributes", with_signer(|signer| signer.signed_attrs = None), Refusal::NoSignedAttributes),
        ("no content type", without(ID_CONTENT_TYPE), Refusal::NoSignedAttributes),
        ("no digest", without(ID_MESSAGE_DIGEST), Refusal::NoSignedAttributes),
        ("no time", without(ID_SIGNING_TIME), Refusal::NoSignedAttributes),
        ("no nonce", without(NONCE), Refusal::NonceUnknown),
        ("an empty nonce", with_value(true, NONCE, &[]), Refusal::NonceUnknown),
        ("a long nonce", with_value(true, NONCE, &[1; 65]), Refusal::NonceUnknown),
        ("no agreement", without(AGREEMENT), Refusal::AgreementMissing),
        ("a short agreement", with_value(true, AGREEMENT, &[1; 31]), Refusal::AgreementMissing),
        ("a changed attribute", with_value(false, NONCE, &[1; 32]), Refusal::BadSignature),
        ("a wrong digest", with_value(true, ID_MESSAGE_DIGEST, &[1; 32]), Refusal::BadSignature),
        (
            "another content",
            changed(|data| data.encap_content_info.econtent = content(&request(None))),
            Refusal::BadSignature,
        ),
        (
            "the other holder's name under the signature",
            with_signer(|signer| signer.sid = sid(&world.other)),
            Refusal::UnknownCertificate,
        ),
        ("another content type", other_type, Refusal::BadSignature),
        ("a namesake's certificate", embedding(&[&crate::strict::namesake()]), Refusal::UnknownCertificate),
        ("no certificate", embedding(&[]), Refusal::UnknownCertificate),
        ("the wrong certificate", embedding(&[&world.other]), Refusal::UnknownCertificate),
        ("a broken request", world.renewal_of(&broken), Refusal::BadRequestSignature),
        ("a first request", world.renewal_of(&request(None)), Refusal::RenewalCertificateMissing),
        ("another's request", world.renewal_of(&request(Some(&world.other))), Refusal::RenewalCertificateDiffers),
        ("64 KiB and a byte", vec![0x30; 64 * 1024 + 1], Refusal::TooLarge { len: 65_537, max: 65_536 }),
    ];
    for (what, der, expected) in table {
        assert_eq!(parse(&der), Err(expected), "{what}");
    }
}

fn sid(certificate: &Certificate) -> SignerIdentifier {
    let parsed = x509_cert::Certificate::from_der(certificate.der()).unwrap();
    SignerIdentifier::IssuerAndSerialNumber(cms::cert::IssuerAndSerialNumber {
        issuer: parsed.tbs_certificate().issuer().clone(),
        serial_number: parsed.tbs_certificate().serial_number().clone(),
    })
}

#[test]
fn unreadable() {
    let world = world();
    let good = world.renewal();
    let twice = with_attributes(true, |attributes| attributes.push(attributes[0].clone()));
    let detached = changed(|data| data.encap_content_info.econtent = None);
    let table = [
        ("nothing", vec![]),
        ("garbage", b"This is no renewal.".to_vec()),
        ("another byte", [good.as_slice(), &[0]].concat()),
        ("a byte less", good[..good.len() - 1].to_vec()),
        ("a request", world.request()),
        ("a certificate", world.old.der().to_vec()),
        ("an attribute twice", twice),
        ("no content", detached),
        ("a renewal of garbage", world.renewal_of(b"garbage")),
        ("65 KiB at the limit", vec![0x30; 64 * 1024]),
    ];
    for (what, der) in table {
        assert!(matches!(parse(&der), Err(Refusal::NotDer { .. })), "{what}: {:?}", parse(&der));
    }
}

#[test]
fn the_signer_is_found_among_several_certificates() {
    let world = world();
    for others in [vec![&world.other, &world.old], vec![&world.old, &world.chain.issuing, &world.other]] {
        assert_eq!(parse(&embedding(&others)).unwrap().signer, world.old);
    }
}

#[test]
fn refusals_travel() {
    let refusal = Refusal::WeakKey { weakness: card_pki::key::Weakness::Short { bits: 1024 } };
    let early = Refusal::TooEarly { opens: now(), closes: now() };
    assert_eq!(
        serde_json::to_string(&early).unwrap(),
        r#"{"code":"too-early","opens":"2026-11-22T04:00:00Z","closes":"2026-11-22T04:00:00Z"}"#
    );
    for refusal in [refusal, early, Refusal::KeySeen, Refusal::NotDer { what: "x".into() }] {
        let json = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&json).unwrap(), refusal, "{json}");
    }
}
