//! The flows with the real authority behind a directory: life, other computers, other cards, and what it refuses.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use card_ca::{Authority, CreateOptions, Passphrase, Work};
use card_enrolment::{
    Case, DirectoryChannel, Error, Outcome, Personalisation, State, apply, download, install, missing, overview,
    personalise, renew, retire,
};
use card_os::crypto::rsa::Rsa as _;
use card_os::{Card as SimCard, Preset, sim::seeded_rng};
use card_pki::certificate::Certificate;
use card_pki::channel::{Answer, Channel, Registration, Submission, agreement_hash};
use card_pki::crl::Reason;
use card_pki::key::KeyHash;
use card_pki::name::Subject;
use card_pki::refusal::Refusal;
use card_pki::renewal::{self, Terms};
use card_pki::request;
use card_pki::time::{Timestamp, months_after, parse, shown};
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerInfos};
use der::asn1::{Any, OctetString};
use der::{Decode as _, Encode as _};
use host_driver::pkcs15::layout;
use host_driver::{Card, Digest, KeySlot, Pin, Transport, TransportError};
use tempfile::TempDir;

use crate::desk::{Desk, blank, order, personalised};
use crate::flows::renewal_day;
use crate::keys::PoolRsa;
use crate::office::CARD;
use crate::person::{PIN, Person};
use crate::refused::{Content, WRONG, unchanged};

const SECOND: &str = "CL000002";
const SECOND_PIN: &str = "975310";
const START: &str = "2026-01-05T10:00:00";

fn at(text: &str) -> Timestamp {
    parse(text).unwrap()
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse")
}

fn minutes(count: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_mins(count)
}

fn registration(subscriber: &str, card: &str, name: &str) -> Registration {
    let subject = Subject {
        country: "TW".into(),
        organization: Some("某某股份有限公司".into()),
        unit: vec!["資訊處".into()],
        common_name: name.into(),
        serial_number: Some(format!("{subscriber}-0001")),
    };
    Registration {
        subscriber: subscriber.into(),
        ra_unit: "TPE01".into(),
        card: card.into(),
        subject_der: subject.to_der().unwrap(),
        email: Some(format!("{subscriber}@example.org")),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The authority, its channel, and the time on both sides.
struct World {
    dir: TempDir,
    ca: Authority,
    way: DirectoryChannel,
    now: Timestamp,
}

impl World {
    /// Alice is registered with her card. The authority's keys are made once for all tests.
    fn new() -> Self {
        static MADE: OnceLock<TempDir> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let mut options = CreateOptions::new("測試憑證管理中心", passphrase(), at("2025-12-01"));
            (options.seed, options.work) = (Some(7), Work::Quick);
            let mut ca = Authority::create(&dir.path().join("ca"), &options).unwrap();
            ca.register(&registration("alice", CARD, "陳筱玲"), at("2025-12-02")).unwrap();
            Channel::create(dir.path().join("channel")).unwrap();
            dir
        });
        let dir = tempfile::tempdir().unwrap();
        copy(made.path(), dir.path());
        let ca = Authority::open(&dir.path().join("ca"), &passphrase()).unwrap();
        let way = DirectoryChannel::open(dir.path().join("channel")).unwrap();
        let mut world = Self { dir, ca, way, now: at(START) };
        world.office();
        world
    }

    /// The authority answers what waits and publishes.
    fn office(&mut self) {
        self.ca.answer_channel(self.way.channel(), self.now).unwrap();
        self.ca.publish(self.way.channel(), self.now).unwrap();
    }

    fn with<R>(&mut self, person: &mut Person, body: impl FnOnce(&mut Case<'_>) -> R) -> R {
        let now = self.now;
        body(&mut Case { authority: &mut self.way, dialog: person, now })
    }

    /// What the web session would do before a renewal.
    fn session(&mut self, subscriber: &str) -> Vec<u8> {
        let nonce = self.ca.nonce(subscriber, self.now).unwrap().to_vec();
        self.way.channel().put_nonce(subscriber, &nonce).unwrap();
        nonce
    }

    /// Another computer that reaches the same directory.
    fn elsewhere(&mut self) {
        self.way = DirectoryChannel::open(self.dir.path().join("channel")).unwrap();
    }

    fn applied(&mut self, desk: &Desk, pin: &'static str) -> Certificate {
        let mut person = with_pin(pin);
        let outcome = self.with(&mut person, |case| apply(&mut desk.card(), case)).unwrap();
        assert!(matches!(outcome, Outcome::Waiting { .. }), "{outcome:?}");
        self.closed(desk, pin)
    }

    /// The authority answers, the certificate is written, the authority closes the case.
    fn closed(&mut self, desk: &Desk, pin: &'static str) -> Certificate {
        self.office();
        let outcome = self.with(&mut with_pin(pin), |case| install(&mut desk.card(), case)).unwrap();
        let Outcome::Installed { certificate } = outcome else { panic!("{outcome:?}") };
        self.office();
        let outcome = self.with(&mut with_pin(pin), |case| install(&mut desk.card(), case)).unwrap();
        assert_eq!(outcome, Outcome::Completed { certificate: certificate.clone() });
        certificate
    }

    fn states(&mut self, desk: &Desk) -> Vec<State> {
        let crl = self.way.channel().crl().unwrap();
        let read = overview(&mut desk.card(), self.now, crl.as_ref()).unwrap();
        read.generations.into_iter().map(|generation| generation.state).collect()
    }

    /// Renews up to the request in the channel.
    fn sent(&mut self, desk: &Desk) -> KeyHash {
        let outcome = self.with(&mut Person::new(), |case| renew(&mut desk.card(), &mut [], case)).unwrap();
        let Outcome::Waiting { key } = outcome else { panic!("{outcome:?}") };
        key
    }
}

fn with_pin(pin: &'static str) -> Person {
    Person { pins: vec![pin], ..Person::new() }
}

/// Another card, with another PIN and other keys.
fn second(serial: &str) -> Desk {
    let mut rsa = PoolRsa::default();
    for _ in 0..12 {
        rsa.generate(2048, &mut seeded_rng(1, 1)).unwrap();
    }
    let desk = Desk::new(SimCard::from_seed(&Preset::certificate(), 6, rsa).unwrap());
    let pin = Pin::new(SECOND_PIN).unwrap();
    let given = Personalisation { serial: serial.into(), pin, ..order() };
    assert!(personalise(&mut desk.card(), &given).unwrap());
    desk
}

/// Alice's card with its first certificate, on the first day on which that can be renewed, in a session.
fn due() -> (World, Desk, Certificate) {
    let (mut world, desk) = (World::new(), Desk::new(personalised()));
    let first = world.applied(&desk, PIN);
    world.now = renewal_day(&first);
    world.session("alice");
    (world, desk, first)
}

#[test]
fn application_renewal_and_retirement_with_confirmations() {
    let (mut world, desk, first) = due();
    let key = world.sent(&desk);
    assert_eq!(world.states(&desk), [State::Active, State::Pending]);
    let second = world.closed(&desk, PIN);
    assert_eq!(second.public_key().hash(), key);
    assert!(world.way.channel().closed(&key).unwrap().is_some());
    assert_eq!(world.way.channel().nonce("alice").unwrap(), None, "the nonce was used");
    let records = world.ca.records().certificates().unwrap();
    let new = records.iter().find(|one| one.serial == second.serial()).unwrap();
    assert_eq!(new.issued.renewal_of.as_deref(), Some(first.serial()));
    assert!(new.issued.installed.is_some());
    assert_eq!(world.states(&desk), [State::Superseded, State::Active]);
    let retired = world.with(&mut Person::new(), |case| retire(&mut desk.card(), None, case)).unwrap();
    assert_eq!(retired, Some(first));
    let said = unchanged(&desk, |card| world.with(&mut Person::new(), |case| install(card, case)));
    assert_eq!(said, "nothing is pending: there is no application or renewal to go on with");
}

#[test]
fn a_renewal_is_finished_on_another_computer() {
    let (mut world, desk, _) = due();
    world.sent(&desk);
    world.office();
    world.elsewhere();
    let found = world.with(&mut Person::new(), |case| missing(&mut desk.card(), case)).unwrap();
    let done = world.with(&mut Person::new(), |case| download(&mut desk.card(), &found, case)).unwrap();
    assert_eq!((done.len(), &done), (1, &found));
    assert_eq!(world.states(&desk), [State::Superseded, State::Active]);
    world.office();
    let outcome = world.with(&mut Person::new(), |case| install(&mut desk.card(), case)).unwrap();
    assert_eq!(outcome, Outcome::Completed { certificate: found[0].clone() });
}

#[test]
fn a_revoked_certificate_is_refused_by_the_tool_and_applied_for_again() {
    let (mut world, desk, first) = due();
    world.ca.revoke(first.serial(), Reason::KeyCompromise, world.now).unwrap();
    world.ca.crl(world.now).unwrap();
    world.office();
    let on = shown(world.now);
    let mut person = Person::new();
    let said = unchanged(&desk, |card| world.with(&mut person, |case| renew(card, &mut [], case)));
    assert!(said.starts_with(&format!("the certificate was revoked on {on} (")), "{said}");
    assert!(person.asked.is_empty());
    assert!(matches!(world.states(&desk)[..], [State::Revoked { .. }]));
    world.ca.register_anew(&registration("alice", CARD, "陳筱玲"), world.now).unwrap();
    world.applied(&desk, PIN);
    assert!(matches!(world.states(&desk)[..], [State::Revoked { .. }, State::Active]));
}

#[test]
fn a_lost_card_is_replaced() {
    let (mut world, lost, _) = due();
    let revoked = world.ca.replace("alice", CARD, SECOND, Reason::Superseded, world.now).unwrap();
    assert_eq!(revoked.len(), 1);
    world.ca.crl(world.now).unwrap();
    world.office();
    let new = second(SECOND);
    let mut person = with_pin(SECOND_PIN);
    let said = unchanged(&new, |card| world.with(&mut person, |case| renew(card, &mut [lost.card()], case)));
    assert!(said.contains("was revoked on"), "{said}");
    let said = unchanged(&lost, |card| world.with(&mut person, |case| apply(card, case)));
    assert!(said.contains("is not registered"), "{said}");
    world.applied(&new, SECOND_PIN);
    assert_eq!(world.states(&new), [State::Active]);
}

/// A reader whose card is of another kind: everything is unknown to it.
struct Foreign;

impl Transport for Foreign {
    fn transmit(&mut self, _command: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(vec![0x6A, 0x82])
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(vec![0x3B, 0x00])
    }

    fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(vec![0x3B, 0x00])
    }

    fn transaction(&mut self, body: &mut host_driver::transport::Transacted<'_>) -> Result<(), TransportError> {
        body(self);
        Ok(())
    }

    fn describe(&self) -> String {
        "foreign".into()
    }
}

/// The new key is on the second card, the old one on the first, which signs in another reader with its own PIN.
#[test]
fn a_renewal_goes_from_card_to_card() {
    let (mut world, old, first) = due();
    world.ca.register(&registration("alice", SECOND, "陳筱玲"), world.now).unwrap();
    world.office();
    let new = second(SECOND);
    let before = Content::of(&old);
    let mut person = Person { pins: vec![SECOND_PIN, SECOND_PIN, SECOND_PIN, WRONG, PIN], ..Person::new() };
    let outcome = world.with(&mut person, |case| renew(&mut new.card(), &mut [old.card()], case)).unwrap();
    assert!(matches!(outcome, Outcome::Waiting { .. }));
    let cards: Vec<_> = person.asked.iter().map(|ask| (ask.card, ask.tries, ask.wrong)).collect();
    assert_eq!(
        cards,
        [(0, Some(3), false), (0, Some(3), false), (0, Some(3), false), (1, Some(3), false), (1, Some(2), true)]
    );
    assert_eq!(Content::of(&old).changes(&before), Vec::<String>::new(), "the signer's card is only read");
    let certificate = world.closed(&new, SECOND_PIN);
    let records = world.ca.records().certificates().unwrap();
    let issued = &records.iter().find(|one| one.serial == certificate.serial()).unwrap().issued;
    assert_eq!((issued.card.as_str(), issued.renewal_of.as_deref()), (SECOND, Some(first.serial())));
    assert_eq!((world.states(&old), world.states(&new)), (vec![State::Active], vec![State::Active]));
}

#[test]
fn what_lies_in_other_readers_does_not_hinder() {
    let (mut world, desk, _) = due();
    world.with(&mut Person::new(), |case| renew(&mut desk.card(), &mut [Desk::new(blank()).card()], case)).unwrap();
    world.closed(&desk, PIN);
    let (mut world, desk, _) = due();
    let (mut wire, mut foreign) = (desk.card().into_transport(), Foreign);
    let mut card = Card::new(&mut wire as &mut dyn Transport);
    let mut others = [Card::new(&mut foreign as &mut dyn Transport)];
    world.with(&mut Person::new(), |case| renew(&mut card, &mut others, case)).unwrap();
    world.closed(&desk, PIN);
}

/// Of two cards one was renewed already. The other's certificate is the default then.
#[test]
fn a_card_that_is_new_does_not_hinder_one_that_is_due() {
    let (mut world, desk, first) = due();
    world.now = at(START);
    world.ca.register(&registration("alice", SECOND, "陳筱玲"), world.now).unwrap();
    world.office();
    let other = second(SECOND);
    let second = world.applied(&other, SECOND_PIN);
    world.now = renewal_day(&second);
    world.session("alice");
    world.with(&mut with_pin(SECOND_PIN), |case| renew(&mut other.card(), &mut [], case)).unwrap();
    world.closed(&other, SECOND_PIN);
    world.session("alice");
    world.with(&mut Person::new(), |case| renew(&mut desk.card(), &mut [other.card()], case)).unwrap();
    let new = world.closed(&desk, PIN);
    let records = world.ca.records().certificates().unwrap();
    let issued = &records.iter().find(|one| one.serial == new.serial()).unwrap().issued;
    assert_eq!(issued.renewal_of.as_deref(), Some(first.serial()));
}

/// The answer to a pending renewal: the refusal's words, at a card that stays as it is. Then all is put right, and the
/// next renewal uses the key that is there.
fn refused(world: &mut World, desk: &Desk, key: KeyHash, expected: &str) {
    world.office();
    let mut person = Person::new();
    let said = unchanged(desk, |card| world.with(&mut person, |case| install(card, case)));
    assert!(said.contains(expected), "{expected}: {said}");
    assert!(person.asked.is_empty(), "{expected}");
    world.session("alice");
    assert_eq!(world.sent(desk), key, "{expected}: another key was made");
    world.closed(desk, PIN);
    assert_eq!(world.states(desk), [State::Superseded, State::Active], "{expected}");
}

/// Changes the request that waits.
fn tampered(world: &World, key: KeyHash, change: impl FnOnce(&mut Submission)) {
    let mut submission = world.way.channel().submission(&key).unwrap().unwrap();
    change(&mut submission);
    world.way.channel().put_submission(&key, &submission).unwrap();
}

fn second_signer(body: &[u8]) -> Vec<u8> {
    let info = ContentInfo::from_der(body).unwrap();
    let mut data: SignedData = info.content.decode_as().unwrap();
    let first = data.signer_infos.0.as_slice()[0].clone();
    let mut second = first.clone();
    second.signature = OctetString::new(vec![7; 256]).unwrap();
    data.signer_infos = SignerInfos::try_from(vec![first, second]).unwrap();
    ContentInfo { content: Any::encode_from(&data).unwrap(), ..info }.to_der().unwrap()
}

#[test]
fn what_the_authority_refuses_is_told_in_its_words() {
    type Trouble = fn(&mut World, KeyHash);
    let rows: [(&str, Trouble); 7] = [
        ("the renewal has 2 signers", |world, key| {
            tampered(world, key, |submission| submission.body = second_signer(&submission.body));
        }),
        ("could not be read; send it again", |world, key| {
            tampered(world, key, |submission| submission.body = vec![1, 2, 3])
        }),
        ("the signature on the renewal is not valid", |world, key| {
            tampered(world, key, |submission| *submission.body.last_mut().unwrap() ^= 1);
        }),
        ("the request is for “", |world, _| {
            world.ca.register_anew(&registration("alice", CARD, "陳大玲"), world.now).unwrap();
        }),
        ("the agreement has changed since it was accepted", |world, _| {
            world.ca.set_agreement("用戶約定條款 第二版", world.now).unwrap();
        }),
        ("the renewal's nonce expired on ", |world, _| world.now += minutes(11)),
        ("the card CL000009 is not registered", |world, key| {
            tampered(world, key, |submission| submission.card = "CL000009".into());
        }),
    ];
    for (expected, trouble) in rows {
        let (mut world, desk, _) = due();
        let key = world.sent(&desk);
        trouble(&mut world, key);
        refused(&mut world, &desk, key, expected);
    }
}

/// The authority's own date counts, whatever the tool's clock said.
#[test]
fn a_renewal_that_is_answered_too_late_or_came_too_early() {
    let (mut world, desk, first) = due();
    world.sent(&desk);
    let until = first.validity().not_after;
    world.now = until + minutes(1);
    world.office();
    let said = unchanged(&desk, |card| world.with(&mut Person::new(), |case| install(card, case)));
    assert_eq!(said, format!("the certificate expired on {}; register again and apply for a new one", shown(until)));
    // The key that was made for the renewal serves for the application.
    world.ca.register_anew(&registration("alice", CARD, "陳筱玲"), world.now).unwrap();
    world.applied(&desk, PIN);
    assert_eq!(world.states(&desk), [State::Expired, State::Active]);
    let (mut world, desk, first) = due();
    let opens = renewal_day(&first);
    world.sent(&desk);
    world.now = opens - minutes(1);
    world.office();
    let said = unchanged(&desk, |card| world.with(&mut Person::new(), |case| install(card, case)));
    assert!(said.starts_with(&format!("it is too early: renewal is possible from {} to ", shown(opens))), "{said}");
}

#[test]
fn a_nonce_is_used_once() {
    let (mut world, desk, _) = due();
    world.now = at(START);
    world.ca.register(&registration("alice", SECOND, "陳筱玲"), world.now).unwrap();
    world.office();
    let other = second(SECOND);
    let first = world.applied(&other, SECOND_PIN);
    world.now = renewal_day(&first);
    let nonce = world.session("alice");
    world.sent(&desk);
    world.closed(&desk, PIN);
    world.way.channel().put_nonce("alice", &nonce).unwrap();
    let mut person = with_pin(SECOND_PIN);
    world.with(&mut person, |case| renew(&mut other.card(), &mut [], case)).unwrap();
    world.office();
    let said = unchanged(&other, |card| world.with(&mut person, |case| install(card, case)));
    assert_eq!(said, "the renewal's nonce has already been used; start the renewal again");
    world.session("alice");
    world.with(&mut person, |case| renew(&mut other.card(), &mut [], case)).unwrap();
    world.closed(&other, SECOND_PIN);
}

/// Without a nonce the key is made and waits; the next call in a session goes on with it.
#[test]
fn without_a_session_there_is_no_nonce() {
    let (mut world, desk, _) = due();
    world.way.channel().remove_nonce("alice").unwrap();
    let error = world.with(&mut Person::new(), |case| renew(&mut desk.card(), &mut [], case)).unwrap_err();
    assert_eq!(error.to_string(), "the authority has not published a nonce for this subscriber");
    world.session("alice");
    world.sent(&desk);
    world.closed(&desk, PIN);
}

/// The old key offered as the new one: no tool of ours does that, so the request is made by hand, with the card.
#[test]
fn the_old_key_is_not_the_new_one() {
    let (mut world, desk, first) = due();
    let nonce = world.way.channel().nonce("alice").unwrap().unwrap();
    let agreement = agreement_hash(&world.way.channel().agreement().unwrap().unwrap());
    let mut card = desk.card();
    card.select_application().unwrap();
    let mut verified = card.verify(&Pin::with_policy(PIN, layout::PIN).unwrap()).unwrap();
    let mut signed = |digest| verified.sign_pkcs1(KeySlot::new(0).unwrap(), &Digest::Sha256(digest)).unwrap();
    let request = request::Unsigned::new(first.subject_der(), first.public_key(), Some(&first)).unwrap();
    let request = {
        let signature = signed(request.digest());
        request.signed(&signature).unwrap()
    };
    let body = renewal::Unsigned::new(&request, &first, &Terms { nonce, agreement }, world.now).unwrap();
    let body = {
        let signature = signed(body.digest());
        body.signed(&signature).unwrap()
    };
    let error = world.ca.renew(CARD, &body, world.now).unwrap_err();
    assert_eq!(error.to_string(), "the renewal asks for the old key again; generate a new key");
    // Where the authority has seen the card's new key before, it is of no use, and another is made.
    let key = world.sent(&desk);
    world.way.channel().remove_submission(&key).unwrap();
    world.way.channel().put_answer(&key, &Answer::Refused { refusal: Refusal::KeySeen }).unwrap();
    let said = unchanged(&desk, |card| world.with(&mut Person::new(), |case| install(card, case)));
    assert_eq!(said, "the key already has a certificate; generate a new key");
    world.session("alice");
    assert_ne!(world.sent(&desk), key);
    world.closed(&desk, PIN);
    assert_eq!(world.states(&desk), [State::Superseded, State::Active]);
}

#[test]
fn a_card_of_another_subscriber_does_not_renew_mine() {
    let (mut world, alice, _) = due();
    world.ca.register(&registration("bob", SECOND, "李四"), world.now).unwrap();
    world.office();
    world.session("bob");
    let bob = second(SECOND);
    let mut person = Person { pins: vec![SECOND_PIN, SECOND_PIN, SECOND_PIN, PIN], ..Person::new() };
    world.with(&mut person, |case| renew(&mut bob.card(), &mut [alice.card()], case)).unwrap();
    world.office();
    let said = unchanged(&bob, |card| world.with(&mut person, |case| install(card, case)));
    assert_eq!(said, "the certificate belongs to another subscriber; use your own card");
    // The key stays and serves for his own application.
    world.applied(&bob, SECOND_PIN);
    let unknown = second("CL000003");
    let said = unchanged(&unknown, |card| world.with(&mut with_pin(SECOND_PIN), |case| apply(card, case)));
    assert_eq!(said, "the card CL000003 is not registered");
}

/// Every file of the channel in turn is something else. The tool names the file and leaves the card alone.
#[test]
fn a_file_that_is_not_what_it_should_be_is_named() {
    let (mut world, desk, _) = due();
    let key = world.sent(&desk);
    world.office();
    let root = world.dir.path().join("channel");
    for name in [format!("answers/{key}.json"), "chain.pem".into(), "crl.der".into()] {
        let path = root.join(&name);
        let good = fs::read(&path).unwrap();
        let not_der = String::from_utf8_lossy(&good).replace("MII", "AAA").into_bytes();
        for bad in [Vec::new(), b"not DER".to_vec(), vec![0xFF; 100], good[..good.len() / 2].to_vec(), not_der] {
            if bad == good {
                continue;
            }
            fs::write(&path, &bad).unwrap();
            let said = unchanged(&desk, |card| world.with(&mut Person::new(), |case| install(card, case)));
            assert!(said.starts_with("the authority's answer makes no sense: ") && said.contains(&name), "{said}");
        }
        fs::write(&path, &good).unwrap();
    }
    world.closed(&desk, PIN);
    let (mut world, desk, _) = due();
    let root = world.dir.path().join("channel");
    for name in [format!("cards/{CARD}.json"), "agreement.txt".into(), "nonces/alice".into()] {
        let path = root.join(&name);
        let good = fs::read(&path).unwrap();
        fs::write(&path, [0xFF, 0xFE, 0x00]).unwrap();
        let error = world.with(&mut Person::new(), |case| renew(&mut desk.card(), &mut [], case)).unwrap_err();
        assert!(matches!(error, Error::Authority(_)) && error.to_string().contains(&name), "{error}");
        fs::write(&path, &good).unwrap();
    }
    world.sent(&desk);
    world.closed(&desk, PIN);
}

/// Nobody comes for a certificate until it is over.
#[test]
fn a_certificate_that_nobody_fetched_in_its_time_does_not_block_the_card() {
    let (mut world, desk) = (World::new(), Desk::new(personalised()));
    world.with(&mut Person::new(), |case| apply(&mut desk.card(), case)).unwrap();
    world.office();
    world.now = months_after(world.now, 13);
    world.office();
    let said = unchanged(&desk, |card| world.with(&mut Person::new(), |case| install(card, case)));
    assert!(said.starts_with("the certificate expired on "), "{said}");
    world.ca.register_anew(&registration("alice", CARD, "陳筱玲"), world.now).unwrap();
    world.applied(&desk, PIN);
    assert_eq!(world.states(&desk), [State::Active]);
}
