//! Registration, lost cards, PUKs and the channel.

use card_ca::{CaError, Case, Registered};
use card_pki::channel::{Answer, Channel, Confirmation, Kind, Recipient, Submission, confirmation_digest};
use card_pki::crl::Reason;
use card_pki::refusal::Refusal;

use crate::world::{CARD, OTHER_CARD, START, application, at, key, open, public, registration, sign, world};

#[test]
fn registering_twice_changes_nothing_and_other_data_are_refused() {
    let mut world = world();
    let again = registration("alice", CARD);
    assert_eq!(world.ca.register(&again, at(START)).unwrap(), Registered::Already);
    let mut moved = again.clone();
    moved.ra_unit = "高雄".into();
    assert!(matches!(world.ca.register(&moved, at(START)), Err(CaError::RegisteredOtherwise { .. })));
    assert_eq!(world.ca.register_anew(&moved, at(START)).unwrap(), Registered::Replaced);
    let stolen = registration("bob", CARD);
    assert!(matches!(world.ca.register(&stolen, at(START)), Err(CaError::Refused(Refusal::CardOfAnother { .. }))));
    for email in ["a@b\r\nBcc: c@d", "a", "@", "a@b@c", "é@b", ""] {
        let bad = card_pki::channel::Registration { email: Some(email.into()), ..registration("dora", "CARD-D") };
        assert!(matches!(world.ca.register(&bad, at(START)), Err(CaError::Registration { .. })), "{email}");
    }
}

#[test]
fn a_lost_card_loses_its_certificates_and_the_subscriber_stays() {
    let mut world = world();
    let now = at("2026-06-01");
    let revoked = world.ca.replace("alice", CARD, "CARD-N", Reason::KeyCompromise, now).unwrap();
    assert_eq!(revoked, [world.old.serial()]);
    assert!(world.ca.replace("alice", CARD, "CARD-N", Reason::KeyCompromise, now).unwrap().is_empty());
    let crl = world.ca.crl(now).unwrap();
    assert!(crl.signed_by(&world.ca.chain().issuing));
    assert_eq!(crl.revoked(world.old.serial()).unwrap().reason, Reason::KeyCompromise);
    assert!(world.ca.issue(CARD, &application("alice", 1), now).is_err());
    assert!(world.ca.issue("CARD-N", &application("alice", 1), now).is_ok());
    let of_bob = world.ca.replace("alice", OTHER_CARD, "CARD-X", Reason::KeyCompromise, now);
    assert!(matches!(of_bob, Err(CaError::Refused(Refusal::CardOfAnother { .. }))));
    assert!(matches!(
        world.ca.revoke(world.old.serial(), Reason::Superseded, now),
        Err(CaError::RevokedAlready { .. })
    ));
}

#[test]
fn a_renewal_may_put_the_new_key_on_another_card_of_the_subscriber() {
    let mut world = world();
    world.ca.register(&registration("alice", "CARD-3"), at(START)).unwrap();
    let mut renewal = world.renewal();
    renewal.card = "CARD-3".into();
    world.ca.renew("CARD-3", &renewal.cms(), renewal.now).unwrap();
    let new = world.ca.records().certificates().unwrap().remove(1);
    assert_eq!((new.issued.card.as_str(), new.issued.renewal_of.as_deref()), ("CARD-3", Some(world.old.serial())));
}

#[test]
fn puks_come_sealed_stay_sealed_and_are_shown_with_a_trace() {
    let mut world = world();
    let channel_dir = tempfile::tempdir().unwrap();
    let channel = Channel::create(channel_dir.path()).unwrap();
    world.ca.publish(&channel, at(START)).unwrap();
    let recipient: Recipient = channel.recipient().unwrap().unwrap();
    let sealed = recipient.seal(b"1234567890123456", CARD).unwrap();
    assert!(matches!(world.ca.puk(CARD, at(START)), Err(CaError::NoPuk { .. })));
    channel.put_sealed(&sealed).unwrap();
    channel.put_sealed(&recipient.seal(b"x", "CARD-9").unwrap()).unwrap();
    let outcomes = world.ca.answer_channel(&channel, at(START)).unwrap();
    assert_eq!(outcomes.iter().filter(|one| one.case == Case::Puk && one.result.is_ok()).count(), 1);
    assert!(outcomes.iter().any(|one| one.name == "CARD-9" && one.left), "an unknown card's PUK waits");
    assert!(channel.sealed_puk(CARD).unwrap().is_none() && channel.sealed_puk("CARD-9").unwrap().is_some());
    assert_eq!(world.ca.puk(CARD, at(START)).unwrap().as_slice(), b"1234567890123456");
    // The same PUK sealed again is the same PUK; another one, or one sealed for another card, is not taken.
    world.ca.take_sealed(&recipient.seal(b"1234567890123456", CARD).unwrap(), at(START)).unwrap();
    let other = recipient.seal(b"9999999999999999", CARD).unwrap();
    assert!(matches!(world.ca.take_sealed(&other, at(START)), Err(CaError::OtherSeal { .. })));
    let mut swapped = recipient.seal(b"9999999999999999", OTHER_CARD).unwrap();
    swapped.card = CARD.into();
    assert!(matches!(world.ca.take_sealed(&swapped, at(START)), Err(CaError::BadSeal { .. })));
    world.ca.forget_puk(CARD, at(START)).unwrap();
    world.ca.take_sealed(&other, at(START)).unwrap();
    drop(world.ca);
    for file in ["state.json", "audit.log"] {
        let text = std::fs::read_to_string(world.dir.path().join(file)).unwrap();
        assert!(!text.contains("1234567890123456") && !text.contains("9999999999999999"));
    }
    let mut ca = open(world.dir.path());
    assert_eq!(ca.puk(CARD, at(START)).unwrap().as_slice(), b"9999999999999999");
    let rows = ca.records().audit().unwrap().rows;
    assert!(serde_json::to_string(rows.last().unwrap()).unwrap().contains("puk-shown"));
}

#[test]
fn the_channel_carries_a_whole_case() {
    let mut world = world();
    let channel_dir = tempfile::tempdir().unwrap();
    let channel = Channel::create(channel_dir.path()).unwrap();
    world.ca.publish(&channel, at(START)).unwrap();
    assert_eq!(channel.registration(CARD).unwrap().unwrap(), registration("alice", CARD));
    let renewal = world.renewal();
    channel.put_nonce("alice", &renewal.nonce).unwrap();
    let name = public(key(1)).hash();
    let submission = Submission { kind: Kind::Renewal, card: CARD.into(), body: renewal.cms() };
    channel.put_submission(&name, &submission).unwrap();
    // The same under another key's name, and a file that is nothing.
    let wrong = public(key(2)).hash();
    channel.put_submission(&wrong, &submission).unwrap();
    std::fs::write(channel_dir.path().join("requests/rubbish.json"), b"{").unwrap();
    let outcomes = world.ca.answer_channel(&channel, renewal.now).unwrap();
    assert_eq!(outcomes.len(), 3);
    assert_eq!(outcomes.iter().filter(|one| one.left).map(|one| one.case).collect::<Vec<_>>(), [Case::Stray]);
    let Answer::Issued { certificate } = channel.answer(&name).unwrap() else { panic!() };
    assert!(matches!(channel.answer(&wrong).unwrap(), Answer::Refused { .. }));
    assert!(channel.nonce("alice").unwrap().is_none() && channel.submission(&name).unwrap().is_none());

    // A confirmation by another key does not close the case.
    let confirmation = |number: usize| Confirmation {
        serial: certificate.serial().to_owned(),
        signature: sign(key(number), &confirmation_digest(&certificate)),
    };
    channel.put_confirmation(&name, &confirmation(0)).unwrap();
    world.ca.answer_channel(&channel, renewal.now).unwrap();
    assert!(channel.closed(&name).unwrap().is_none());
    channel.put_confirmation(&name, &confirmation(1)).unwrap();
    world.ca.answer_channel(&channel, renewal.now).unwrap();
    assert_eq!(channel.closed(&name).unwrap().unwrap().at, renewal.now);
}
