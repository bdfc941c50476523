//! A card of ours in the hands of stock programs: they add, rename and change PINs, and our flows go on.

use card_enrolment::{Authority as _, Outcome, State, apply, change_pin, download, install, login, missing, overview};
use card_pki::channel::Answer;
use host_driver::Pin;

use super::clerk::{Clerk, PIN, PUK, Person, completed};
use super::desk::{Desk, Look, listed};
use crate::recovery::in_own_process;

#[test]
fn opensc_changes_the_card_and_our_flows_go_on() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        let chain = clerk.records.chain().clone();
        let look = || Look { pin: PIN, chain: &chain, authorities: 3, caching: false };
        let first = clerk.applied(&mut desk.card());
        let id = listed(&[&first]).remove(0).id;

        desk.write("issuing.pem", chain.issuing.to_pem().as_bytes());
        desk.write("note", b"a note of the holder's own");
        desk.done(&format!("pkcs15-init --store-certificate issuing.pem --id 77 --auth-id 01 --pin {PIN}"));
        desk.done(&format!("pkcs15-init --store-data note --label note --application-name other --pin {PIN}"));
        for kind in ["privkey", "pubkey", "cert"] {
            desk.done(&format!(
                "pkcs15-init --change-attributes {kind} --id {id} --label mine --auth-id 01 --pin {PIN}"
            ));
        }
        desk.used_by_all(&look(), &listed(&[&first]));
        assert_eq!(overview(&mut desk.card(), clerk.now, None).unwrap().generations[0].label, "mine");

        let second = clerk.renewed(&mut desk.card(), &first);
        desk.used_by_all(&look(), &listed(&[&first, &second]));
        assert_eq!(clerk.retired(&mut desk.card()).as_ref(), Some(&first));
        desk.used_by_all(&look(), &listed(&[&second]));

        // After the directories have moved to the other set, too.
        desk.done(&format!("pkcs15-init --store-certificate issuing.pem --id 78 --auth-id 01 --pin {PIN}"));
        let more = Look { authorities: 4, ..look() };
        let third = clerk.renewed(&mut desk.card(), &second);
        desk.used_by_all(&more, &listed(&[&second, &third]));
        assert_eq!(clerk.retired(&mut desk.card()).as_ref(), Some(&second));
        desk.used_by_all(&Look { authorities: 4, ..look() }, &listed(&[&third]));
        for id in ["77", "78"] {
            desk.reads(id, &chain.issuing);
        }
        desk.done("pkcs15-tool --read-data-object note -o read");
        assert_eq!(desk.read("read"), desk.read("note"));
    });
}

#[test]
fn pins_are_changed_by_either_side() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        let first = clerk.applied(&mut desk.card());
        desk.done(&format!("pkcs15-tool --change-pin --auth-id 01 --pin {PIN} --new-pin 654321"));
        login(&mut desk.card(), &mut Person("654321")).unwrap();
        desk.done(&format!("pkcs15-tool --unblock-pin --auth-id 01 --puk {PUK} --new-pin 111222"));
        login(&mut desk.card(), &mut Person("111222")).unwrap();
        change_pin(&mut desk.card(), &Pin::new("111222").unwrap(), &Pin::new(PIN).unwrap()).unwrap();
        desk.done(&format!("pkcs15-tool --verify-pin --auth-id 01 --pin {PIN}"));
        let second = clerk.renewed(&mut desk.card(), &first);
        let chain = clerk.records.chain().clone();
        desk.used_by_all(
            &Look { pin: PIN, chain: &chain, authorities: 2, caching: false },
            &listed(&[&first, &second]),
        );
    });
}

#[test]
fn a_certificate_that_opensc_has_stored_counts_as_installed() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        clerk.is_prompt = false;
        let outcome = clerk.with(PIN, |case| apply(&mut desk.card(), case)).unwrap();
        let Outcome::Waiting { key } = outcome else { panic!("{outcome:?}") };
        clerk.is_prompt = true;
        clerk.work();
        let Answer::Issued { certificate } = clerk.answer(key).unwrap() else { panic!("not issued") };
        let id = listed(&[&certificate]).remove(0).id;
        desk.write("mine.pem", certificate.to_pem().as_bytes());
        desk.done(&format!("pkcs15-init --store-certificate mine.pem --id {id} --auth-id 01 --pin {PIN}"));
        assert_eq!(completed(clerk.with(PIN, |case| install(&mut desk.card(), case))), certificate);
        let chain = clerk.records.chain().clone();
        let look = Look { pin: PIN, chain: &chain, authorities: 2, caching: false };
        desk.used_by_all(&look, &listed(&[&certificate]));
        let second = clerk.renewed(&mut desk.card(), &certificate);
        assert_eq!(clerk.retired(&mut desk.card()).as_ref(), Some(&certificate));
        desk.used_by_all(&look, &listed(&[&second]));
    });
}

#[test]
fn a_certificate_that_opensc_has_deleted_is_downloaded_again() {
    in_own_process(|| {
        let mut clerk = Clerk::new();
        let Some(desk) = Desk::with(|| clerk.personalised()) else { return };
        let first = clerk.applied(&mut desk.card());
        let second = clerk.renewed(&mut desk.card(), &first);
        let id = listed(&[&second]).remove(0).id;
        desk.done(&format!("pkcs15-init --delete-objects cert --id {id} --auth-id 01 --pin {PIN}"));
        assert_eq!(overview(&mut desk.card(), clerk.now, None).unwrap().generations[1].state, State::Keyed);
        let found = clerk.with(PIN, |case| missing(&mut desk.card(), case)).unwrap();
        assert_eq!(found, std::slice::from_ref(&second));
        assert_eq!(clerk.with(PIN, |case| download(&mut desk.card(), &found, case)).unwrap(), found);
        let chain = clerk.records.chain().clone();
        let look = Look { pin: PIN, chain: &chain, authorities: 2, caching: false };
        desk.used_by_all(&look, &listed(&[&first, &second]));
    });
}
