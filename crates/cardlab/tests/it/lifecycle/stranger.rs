//! A key and a certificate of the holder's own, put beside ours by stock programs: our flows leave them alone.

use card_enrolment::retire;
use card_pki::certificate::Certificate;
use card_pki::issue::{Draft, Profile, Unsigned};
use card_pki::key::PublicKey;
use card_pki::time::{Validity, parse};
use host_driver::Digest;

use super::clerk::{Clerk, PIN, subject};
use super::desk::{Desk, Listed, Look, listed};
use crate::recovery::in_own_process;

const ID: &str = "99";

/// A key that signs its own certificate, valid for these years.
fn stranger(desk: &Desk, from: &str, until: &str) -> Certificate {
    desk.done(&format!("pkcs15-init --generate-key rsa/2048 --id {ID} --key-usage sign --auth-id 01 --pin {PIN}"));
    desk.done(&format!("pkcs15-tool --read-public-key {ID} -o key.pem"));
    let key = PublicKey::from_pem(&String::from_utf8(desk.read("key.pem")).unwrap()).unwrap();
    let unsigned = Unsigned::new(&Draft {
        profile: Profile::Root,
        serial: &[0x55; 8],
        validity: Validity { not_before: parse(from).unwrap(), not_after: parse(until).unwrap() },
        subject_der: &subject(),
        issuer: None,
        key: &key,
    });
    let unsigned = unsigned.unwrap();
    desk.write("info", &Digest::Sha256(unsigned.digest()).info());
    desk.done(&format!("pkcs11-tool -l -p {PIN} --sign -m RSA-PKCS -d {ID} -i info -o signature"));
    let certificate = unsigned.signed(&desk.read("signature")).unwrap();
    desk.write("stranger.pem", certificate.to_pem().as_bytes());
    desk.done(&format!("pkcs15-init --store-certificate stranger.pem --id {ID} --auth-id 01 --pin {PIN}"));
    certificate
}

/// The stranger ends before or after ours: neither is the one to be renewed or retired.
fn beside(from: &str, until: &str) {
    let mut clerk = Clerk::new();
    let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
    let first = clerk.applied(&mut desk.card());
    let stranger = stranger(&desk, from, until);
    let second = clerk.renewed(&mut desk.card(), &first);
    let retired = clerk.with(PIN, |case| retire(&mut desk.card(), None, case));
    assert_eq!(retired.unwrap().as_ref(), Some(&first));
    let nothing = clerk.with(PIN, |case| retire(&mut desk.card(), None, case));
    assert_eq!(nothing.unwrap(), None);
    let chain = clerk.records.chain().clone();
    // The stranger is an authority to itself, which is of no interest to the programs that list and sign.
    desk.lists(&Look { pin: PIN, chain: &chain, authorities: 2, caching: false }, &{
        let mut all = listed(&[&second]);
        all.push(Listed { id: ID.to_owned(), certificate: &stranger });
        all
    });
    desk.reads(ID, &stranger);
    desk.signs(PIN, ID);
}

#[test]
fn a_certificate_of_somebody_else_that_ends_later_is_left_alone() {
    in_own_process(|| beside("2025-01-01", "2045-01-01"));
}

#[test]
fn a_certificate_of_somebody_else_that_ends_sooner_is_left_alone() {
    in_own_process(|| beside("2025-01-01", "2026-12-30"));
}

#[test]
fn keys_of_other_kinds_keep_their_slots() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        // The first slot and file numbers go to it.
        let generate = "pkcs15-init --generate-key ec/prime256v1 --key-usage sign";
        desk.done(&format!("{generate} --id {ID} --auth-id 01 --pin {PIN}"));
        desk.done(&format!("pkcs15-tool --read-public-key {ID} -o elliptic.pem"));
        let signs = || {
            desk.done(&format!(
                "pkcs11-tool -l -p {PIN} --sign -m ECDSA-SHA1 -f openssl -d {ID} -i message -o signature"
            ));
            let said = desk.done("openssl dgst -sha1 -verify elliptic.pem -signature signature message");
            assert!(said.contains("Verified OK"), "{said}");
        };
        signs();
        let first = clerk.applied(&mut desk.card());
        signs();
        let second = clerk.renewed(&mut desk.card(), &first);
        assert_eq!(clerk.retired(&mut desk.card()).as_ref(), Some(&first));
        signs();
        for one in listed(&[&second]) {
            desk.reads(&one.id, &second);
            desk.signs(PIN, &one.id);
        }
        desk.done(&format!("pkcs15-tool --read-public-key {ID} -o again.pem"));
        assert_eq!(desk.read("again.pem"), desk.read("elliptic.pem"));
    });
}
