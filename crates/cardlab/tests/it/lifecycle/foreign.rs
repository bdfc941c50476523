//! A card that pkcs15-init has personalised: our flows list, renew and retire what is on it, and the stock programs go on
//! with what they leave.

use card_enrolment::{Error, State, overview, renew, retire};
use card_os::Preset;
use card_os::sim::SimCard;
use card_pki::certificate::Certificate;
use card_pki::key::PublicKey;
use card_pki::request;
use card_pki::time::Window;
use host_driver::Digest;
use host_driver::pkcs15::Error as TokenError;
use rsa_host::HostRsa;

use super::clerk::{Clerk, subject};
use super::desk::{Desk, Listed, Look, listed};
use crate::recovery::in_own_process;

const PIN: &str = "123456";
const PUK: &str = "0123456789abcdef";
const ID: &str = "45";

/// A card as OpenSC personalises it, with a key.
fn made_by_opensc(preset: &Preset) -> Option<Desk> {
    let desk = Desk::with(|| Box::new(SimCard::from_seed(preset, 23, HostRsa).unwrap()))?;
    desk.done(&format!("pkcs15-init --create-pkcs15 --so-pin {PIN} --so-puk {PUK} --label foreign"));
    desk.done(&format!("pkcs15-init --generate-key rsa/2048 --id {ID} --key-usage sign --auth-id FF --pin {PIN}"));
    Some(desk)
}

/// Its first certificate: asked for, signed for and stored with stock programs only.
fn first_certificate(desk: &Desk, clerk: &mut Clerk, card: &str) -> Certificate {
    desk.done(&format!("pkcs15-tool --read-public-key {ID} -o key.pem"));
    let key = PublicKey::from_pem(&String::from_utf8(desk.read("key.pem")).unwrap()).unwrap();
    let unsigned = request::Unsigned::new(&subject(), &key, None).unwrap();
    desk.write("info", &Digest::Sha256(unsigned.digest()).info());
    desk.done(&format!("pkcs11-tool -l -p {PIN} --sign -m RSA-PKCS -d {ID} -i info -o signature"));
    let request = unsigned.signed(&desk.read("signature")).unwrap();
    let certificate = clerk.records.issue(card, &request, clerk.now).unwrap();
    desk.write("first.pem", certificate.to_pem().as_bytes());
    desk.done(&format!("pkcs15-init --store-certificate first.pem --id {ID} --auth-id FF --pin {PIN}"));
    certificate
}

fn lives_with_us(preset: &Preset) {
    let mut clerk = Clerk::new();
    let Some(desk) = made_by_opensc(preset) else { return };
    let card = overview(&mut desk.card(), clerk.now, None).unwrap().serial;
    clerk.register(&card);
    // So that the key's file and its certificate's have different numbers.
    store_authority(&desk, &clerk, "77");
    let first = first_certificate(&desk, &mut clerk, &card);
    let foreign = || Listed { id: ID.to_owned(), certificate: &first };
    let chain = clerk.records.chain().clone();
    let look = |authorities, caching| Look { pin: PIN, chain: &chain, authorities, caching };
    desk.used_by_all(&look(1, true), &[foreign()]);

    let seen = overview(&mut desk.card(), clerk.now, None).unwrap();
    let found: Vec<_> = seen.generations.iter().map(|one| (one.id.clone(), one.certificate.clone())).collect();
    assert_eq!(found, [(vec![0x45], Some(first.clone())), (vec![0x77], Some(chain.issuing.clone()))]);
    assert_eq!((&seen.generations[0].state, seen.journal), (&State::Active, None));

    let second = clerk.renewed_with(PIN, &mut desk.card(), &first);
    let ours = || listed(&[&second]).remove(0);
    desk.used_by_all(&look(1, true), &[foreign(), ours()]);
    let retired = clerk.with(PIN, |case| retire(&mut desk.card(), None, case)).unwrap();
    assert_eq!(retired.as_ref(), Some(&first));
    desk.used_by_all(&look(1, true), &[ours()]);
    desk.reads("77", &chain.issuing);
    let third = clerk.renewed_with(PIN, &mut desk.card(), &second);
    desk.used_by_all(&look(1, true), &listed(&[&second, &third]));

    // Both go on: pkcs15-init adds what our flows leave alone, and the next retirement follows.
    store_authority(&desk, &clerk, "78");
    desk.used_by_all(&look(2, false), &listed(&[&second, &third]));
    assert_eq!(clerk.with(PIN, |case| retire(&mut desk.card(), None, case)).unwrap().as_ref(), Some(&second));
    desk.used_by_all(&look(2, false), &listed(&[&third]));
    for id in ["77", "78"] {
        desk.reads(id, &chain.issuing);
    }
}

/// A certificate without a key.
fn store_authority(desk: &Desk, clerk: &Clerk, id: &str) {
    desk.write("authority.pem", clerk.records.chain().issuing.to_pem().as_bytes());
    desk.done(&format!("pkcs15-init --store-certificate authority.pem --id {id} --auth-id FF --pin {PIN}"));
}

#[test]
fn a_card_of_any_opensc_user_is_renewed_by_us() {
    in_own_process(|| lives_with_us(&Preset::isoapplet()));
}

#[test]
fn a_blank_card_of_ours_that_opensc_has_personalised_is_renewed_by_us() {
    in_own_process(|| lives_with_us(&Preset::certificate()));
}

#[test]
fn a_card_that_opensc_has_filled_is_refused_before_anything_changes() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = made_by_opensc(&Preset::isoapplet()) else { return };
        let card = overview(&mut desk.card(), clerk.now, None).unwrap().serial;
        clerk.register(&card);
        let first = first_certificate(&desk, &mut clerk, &card);
        // OpenSC's directories of 512 bytes have no room for one of ours long before all slots are in use.
        for id in 50..53 {
            desk.done(&format!(
                "pkcs15-init --generate-key ec/prime256v1 --id {id} --key-usage sign --auth-id FF --pin {PIN}"
            ));
        }
        let before = desk.done("pkcs15-tool -D");
        clerk.now = Window::before(first.validity().not_after).opens;
        let refused = clerk.with(PIN, |case| renew(&mut desk.card(), &mut [], case));
        let Err(Error::Token(TokenError::Full(why))) = &refused else { panic!("{refused:?}") };
        assert!(why.to_string().contains("retire an old certificate first"), "{why}");
        assert_eq!(desk.done("pkcs15-tool -D"), before);
        desk.reads(ID, &first);
        desk.signs(PIN, ID);
    });
}
