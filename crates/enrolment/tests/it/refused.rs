//! What is refused, in which words, and that the card is as it was: every file, the PIN's tries, every key.

use std::collections::BTreeMap;
use std::fmt::Debug;

use card_enrolment::{Error, Outcome, State, apply, download, install, login, missing, overview, renew, retire, sign};
use card_pki::certificate::Certificate;
use card_pki::channel::Answer;
use card_pki::issue::{Draft, POLICY, Profile, Unsigned};
use card_pki::key::{KeyHash, PublicKey};
use card_pki::time::{Timestamp, Validity, Window, months_after, shown};
use host_driver::file::{Access, NewFile};
use host_driver::pkcs15::layout;
use host_driver::{Card, Digest, KeySlot, Pin};

use crate::desk::{Desk, Wire, blank, personalised};
use crate::flows::{DAY_ONE, applied, renewal_day, renewed, with};
use crate::keys;
use crate::office::Office;
use crate::person::{PIN, Person};
use crate::tear::{application, do_apply, do_install, do_renew, do_retire, downloading, renewal, retirement};

pub(crate) const WRONG: &str = "135791";
/// Where the tests put files of their own.
const FILLER: u16 = 0x6000;

/// All that a card holds, as far as commands can tell.
#[derive(PartialEq, Eq)]
pub(crate) struct Content {
    /// What SELECT says, and the bytes, by path.
    files: BTreeMap<Vec<u16>, String>,
    tries: Option<u8>,
    /// What each slot's key signs.
    keys: Vec<Option<Vec<u8>>>,
}

impl Content {
    /// Looks at a copy of the card on the desk.
    pub(crate) fn of(desk: &Desk) -> Self {
        let desk = Desk::new(desk.take());
        let mut card = desk.card();
        card.select_application().unwrap();
        let tries = card.pin_tries().unwrap();
        let mut files = BTreeMap::new();
        let inner =
            [0x3200..=0x320F, 0x3300..=0x331F, 0x3400..=0x34FF, 0x4400..=0x442F, 0x5030..=0x503F, FILLER..=FILLER + 63];
        let below = inner.into_iter().flatten().map(|fid| vec![layout::APPLICATION, fid]);
        for path in [vec![layout::EF_DIR], vec![layout::APPLICATION]].into_iter().chain(below) {
            let Ok(info) = card.select(&path) else { continue };
            let bytes = card.read_binary(0, info.size.unwrap());
            files.insert(path, format!("{info:?} {bytes:02X?}"));
        }
        let mut keys = Vec::new();
        if let Ok(mut verified) = card.verify(&Pin::with_policy(PIN, layout::PIN).unwrap()) {
            let slots = (0..KeySlot::COUNT).filter_map(KeySlot::new);
            keys.extend(slots.map(|slot| verified.sign_pkcs1(slot, &Digest::Sha256([9; 32])).ok()));
        }
        Self { files, tries, keys }
    }

    /// What differs, in short.
    pub(crate) fn changes(&self, other: &Self) -> Vec<String> {
        let paths: std::collections::BTreeSet<_> = self.files.keys().chain(other.files.keys()).collect();
        let files = paths.into_iter().filter(|path| self.files.get(*path) != other.files.get(*path));
        let mut found: Vec<String> = files.map(|path| format!("file {path:04X?}")).collect();
        if self.tries != other.tries {
            found.push(format!("tries {:?}, {:?}", self.tries, other.tries));
        }
        if self.keys != other.keys {
            found.push("keys".into());
        }
        found
    }
}

/// Calls what must fail, and gives its words. The card is as it was.
pub(crate) fn unchanged<R: Debug>(desk: &Desk, call: impl FnOnce(&mut Card<Wire>) -> Result<R, Error>) -> String {
    let before = Content::of(desk);
    let error = call(&mut desk.card()).unwrap_err();
    assert_eq!(Content::of(desk).changes(&before), Vec::<String>::new(), "{error}");
    error.to_string()
}

fn states(desk: &Desk, now: Timestamp) -> Vec<State> {
    let read = overview(&mut desk.card(), now, None).unwrap();
    read.generations.into_iter().map(|generation| generation.state).collect()
}

/// A card whose request waits for its answer.
fn waiting() -> (Desk, Office, KeyHash) {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    office.prompt = false;
    let outcome = with(&mut office, &mut Person::new(), |case| apply(&mut desk.card(), case)).unwrap();
    let Outcome::Waiting { key } = outcome else { panic!("{outcome:?}") };
    (desk, office, key)
}

fn key_of(desk: &Desk) -> PublicKey {
    let mut card = desk.card();
    let path = [layout::APPLICATION, layout::EF_PUBLIC_KEY];
    card.select_application().unwrap();
    PublicKey::from_rsa_der(&card.read(&path).unwrap()).unwrap()
}

/// A certificate that looks right and is of somebody else who calls himself like this.
fn forged(subject: &[u8], issuer: &[u8], key: &PublicKey, validity: Validity) -> Certificate {
    let (own, signer) = (keys::public(keys::authority(0)), keys::authority(0));
    let draft = |profile, subject_der, issuer, key| {
        let unsigned = Unsigned::new(&Draft { profile, serial: &[9], validity, subject_der, issuer, key }).unwrap();
        unsigned.clone().signed(&keys::sign(signer, unsigned.digest())).unwrap()
    };
    let authority = draft(Profile::Root, issuer, None, &own);
    let holder = Profile::EndEntity { email: None, crl_url: None, policy: POLICY.into() };
    draft(holder, subject, Some(&authority), key)
}

#[test]
fn a_certificate_that_does_not_fit_is_not_written() {
    let (desk, mut office, hash) = waiting();
    let key = key_of(&desk);
    assert_eq!(key.hash(), hash);
    let right = office.issue(&key);
    let other = office.issue(&keys::public(keys::authority(0)));
    let authority = card_enrolment::Authority::chain(&mut office).unwrap().issuing;
    let (subject, validity) = (right.subject_der(), right.validity());
    let (today, over) = (office.now, months_after(validity.not_after, 1));
    let elsewhere = "not issued by this authority";
    let (from, until) =
        (format!("valid only from {}", shown(today)), format!("expired on {}", shown(validity.not_after)));
    let cases: [(&str, &Certificate, Timestamp, String); 5] = [
        ("another key", &other, today, format!("certificate {} is for another key", other.serial())),
        ("another authority", &forged(subject, subject, &key, validity), today, elsewhere.into()),
        (
            "a forged one",
            &forged(subject, authority.subject_der(), &key, validity),
            today,
            "signature on the certificate".into(),
        ),
        ("over", &right, over, until),
        ("not yet", &right, today - jiff::SignedDuration::from_secs(301), from),
    ];
    for (name, certificate, now, expected) in cases {
        office.answers.insert(hash, Answer::Issued { certificate: certificate.clone() });
        office.now = now;
        let mut person = Person::new();
        let said = unchanged(&desk, |card| with(&mut office, &mut person, |case| install(card, case)));
        assert!(said.contains(&expected), "{name}: {said}");
        assert!(person.asked.is_empty(), "{name}: a PIN was asked for");
        let given = std::slice::from_ref(certificate);
        let said = unchanged(&desk, |card| with(&mut office, &mut Person::new(), |case| download(card, given, case)));
        assert!(said.contains(&expected), "{name}: {said}");
    }
    office.now = today;
    office.answers.insert(hash, Answer::Issued { certificate: right.clone() });
    let done = with(&mut office, &mut Person::new(), |case| install(&mut desk.card(), case)).unwrap();
    assert_eq!(done, Outcome::Completed { certificate: right });
}

/// A key whose certificate was over before it came to the card must not keep the card from a new one.
#[test]
fn a_certificate_that_is_over_when_it_comes_makes_room_for_another() {
    for revoked in [false, true] {
        let (desk, mut office, hash) = waiting();
        office.work();
        let lost = office.issued[0].clone();
        let expected = if revoked { "was revoked on" } else { "expired on" };
        office.now = months_after(office.now, if revoked { 1 } else { 14 });
        if revoked {
            office.revoke(&lost);
        }
        let said = unchanged(&desk, |card| with(&mut office, &mut Person::new(), |case| install(card, case)));
        assert!(said.contains(expected), "{said}");
        if !revoked {
            // A clock that is wrong by a year must not cost the key: the authority has to say what day it is.
            let said = unchanged(&desk, |card| with(&mut office, &mut Person::new(), |case| apply(card, case)));
            assert!(said.contains(expected), "{said}");
            let any = card_enrolment::Authority::chain(&mut office).unwrap().issuing;
            office.revoke(&any);
        }
        office.prompt = true;
        let new = applied(&mut desk.card(), &mut office);
        assert_ne!(new.public_key().hash(), hash, "the key of a certificate that is over was used again");
        assert_eq!(states(&desk, office.now), [State::Active]);
    }
}

#[test]
fn too_early_too_late_and_revoked_are_told_before_a_pin_is_asked_for() {
    let scene = renewal();
    let first = scene.office.issued[0].clone();
    let window = Window::before(first.validity().not_after);
    let second = jiff::SignedDuration::from_secs(1);
    let (opens, closes) = (shown(window.opens), shown(window.closes));
    let cases = [
        (window.opens - second, false, format!("too early: renewal is possible from {opens} to {closes}")),
        (window.closes + second, false, format!("expired on {closes}; register again")),
        (window.opens, true, format!("revoked on {opens} (")),
    ];
    for (now, revoked, expected) in cases {
        let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
        office.now = now;
        if revoked {
            office.revoke(&first);
        }
        let mut person = Person::new();
        let said = unchanged(&desk, |card| with(&mut office, &mut person, |case| renew(card, &mut [], case)));
        assert!(said.contains(&expected), "{said}");
        assert_eq!(*person.transcript.lock().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn an_application_is_not_a_renewal() {
    let scene = downloading();
    let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
    office.answers.clear();
    let until = shown(office.issued[0].validity().not_after);
    // A renewal's request is on its way; it must not become an application.
    let said = unchanged(&desk, |card| with(&mut office, &mut Person::new(), |case| apply(card, case)));
    assert!(said.contains(&format!("valid until {until}; renew it")), "{said}");
    let desk = Desk::new(personalised());
    let said = unchanged(&desk, |card| with(&mut office, &mut Person::new(), |case| renew(card, &mut [], case)));
    assert_eq!(said, "there is no certificate on the card for this");
}

#[test]
fn only_superseded_certificates_are_retired() {
    let scene = retirement();
    let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
    let newest = office.issued[1].serial().to_owned();
    for (serial, expected) in [(newest.as_str(), "newest on the card"), ("4711", "no certificate 4711 on the card")] {
        let said =
            unchanged(&desk, |card| with(&mut office, &mut Person::new(), |case| retire(card, Some(serial), case)));
        assert!(said.contains(expected), "{said}");
    }
}

/// The agreement that is signed for is the one that was shown.
#[test]
fn an_agreement_that_changes_meanwhile_is_refused() {
    struct Changing<'a>(&'a mut Office, usize);
    macro_rules! passed_on {
        ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
            $(fn $name(&mut self, $($argument: $kind),*) -> Result<$result, card_enrolment::AuthorityError> {
                self.0.$name($($argument),*)
            })*
        };
    }
    impl card_enrolment::Authority for Changing<'_> {
        passed_on! {
            registration(card: &str) -> card_pki::channel::Registration;
            nonce(subscriber: &str) -> Vec<u8>;
            submit(key: KeyHash, submission: &card_pki::channel::Submission) -> Answer;
            answer(key: KeyHash) -> Answer;
            installed(key: KeyHash, confirmation: &card_pki::channel::Confirmation) -> bool;
            keep_puk(sealed: &card_pki::channel::SealedPuk) -> ();
            chain() -> card_pki::certificate::Chain;
            crl() -> Option<card_pki::crl::Crl>;
        }
        fn agreement(&mut self) -> Result<String, card_enrolment::AuthorityError> {
            self.1 += 1;
            Ok(if self.1 == 1 { "an earlier text".into() } else { crate::office::AGREEMENT.into() })
        }
    }
    let mut scene = renewal();
    let desk = Desk::new(scene.sim);
    let now = scene.office.now;
    let mut authority = Changing(&mut scene.office, 0);
    let mut person = Person::new();
    let mut case = card_enrolment::Case { authority: &mut authority, dialog: &mut person, now };
    let error = renew(&mut desk.card(), &mut [], &mut case).unwrap_err();
    assert!(error.to_string().contains("agreement has changed"), "{error}");
    // The key that was generated stays and is used by the next call, which shows the present text.
    assert_eq!(states(&desk, now), [State::Active, State::Pending]);
    let hash = overview(&mut desk.card(), now, None).unwrap().generations[1].key;
    let new = renewed(&mut desk.card(), &mut scene.office);
    assert_eq!(Some(new.public_key().hash()), hash);
}

#[test]
fn a_card_of_somebody_else_is_not_registered() {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    office.registration.as_mut().unwrap().card = "CL000099".into();
    let said = unchanged(&desk, |card| with(&mut office, &mut Person::new(), |case| apply(card, case)));
    assert_eq!(said, "the card CL000001 is not registered");
}

/// Every flow on a card, in the words in which it fails.
fn every_flow(desk: &Desk, office: &mut Office) -> Vec<(&'static str, String)> {
    let now = office.now;
    let person = &mut Person::new();
    vec![
        ("overview", unchanged(desk, |card| overview(card, now, None))),
        ("login", unchanged(desk, |card| login(card, &mut Person::new()))),
        ("apply", unchanged(desk, |card| with(office, person, |case| apply(card, case)))),
        ("renew", unchanged(desk, |card| with(office, person, |case| renew(card, &mut [], case)))),
        ("install", unchanged(desk, |card| with(office, person, |case| install(card, case)))),
        ("missing", unchanged(desk, |card| with(office, person, |case| missing(card, case)))),
        ("download", unchanged(desk, |card| with(office, person, |case| download(card, &[], case)))),
        ("retire", unchanged(desk, |card| with(office, person, |case| retire(card, None, case)))),
        ("sign", unchanged(desk, |card| sign(card, None, [7; 32], &mut Person::new(), now, None))),
    ]
}

#[test]
fn a_blank_card_says_so() {
    for (flow, said) in every_flow(&Desk::new(blank()), &mut Office::new(DAY_ONE)) {
        assert_eq!(said, "the card is blank: it has no PKCS#15 application", "{flow}");
    }
}

/// Writes behind the PIN what no flow would write.
fn scribble(desk: &Desk, fid: u16, at: u16, bytes: &[u8]) {
    let mut card = desk.card();
    card.select_application().unwrap();
    let mut verified = card.verify(&Pin::with_policy(PIN, layout::PIN).unwrap()).unwrap();
    verified.card().select(&[layout::APPLICATION, fid]).unwrap();
    verified.card().update_binary(at, bytes).unwrap();
}

/// What is in a key slot that a damaged directory lists no more must not be taken for free.
#[test]
fn a_damaged_directory_is_refused_and_named() {
    let scene = retirement();
    for fid in [layout::EF_ODF, layout::EF_TOKEN_INFO] {
        let desk = Desk::new(scene.sim.fork());
        scribble(&desk, fid, 0, &[0x30, 0x84, 0xFF, 0xFF]);
        for (flow, said) in every_flow(&desk, &mut scene.office.clone()) {
            assert_eq!(said, format!("file {fid:04X} of the card is damaged at byte 0"), "{flow}");
        }
    }
    for fid in [layout::EF_PRKDF, layout::EF_PUKDF, layout::EF_CDF] {
        let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
        scribble(&desk, fid, 0, &[0x30, 0x84, 0xFF, 0xFF]);
        let person = &mut Person::new();
        for said in [
            unchanged(&desk, |card| with(&mut office, person, |case| apply(card, case))),
            unchanged(&desk, |card| with(&mut office, person, |case| renew(card, &mut [], case))),
            unchanged(&desk, |card| with(&mut office, person, |case| retire(card, None, case))),
        ] {
            assert_eq!(said, format!("file {fid:04X} of the card is damaged at byte 0"));
        }
        // A torn journal makes the flows look for leftovers; what a damaged directory listed is none.
        scribble(&desk, layout::EF_JOURNAL, 0, b"torn");
        let said = unchanged(&desk, |card| with(&mut office, person, |case| renew(card, &mut [], case)));
        assert!(said.contains("is damaged"), "{said}");
        assert!(person.asked.is_empty());
    }
}

#[test]
fn a_card_with_sixteen_keys_is_full_until_one_is_retired() {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    let mut current = applied(&mut desk.card(), &mut office);
    for _ in 1..KeySlot::COUNT {
        office.now = renewal_day(&current);
        current = renewed(&mut desk.card(), &mut office);
    }
    office.now = renewal_day(&current);
    let mut person = Person::new();
    let said = unchanged(&desk, |card| with(&mut office, &mut person, |case| renew(card, &mut [], case)));
    assert_eq!(said, "the card is full: all 16 key slots are in use; retire an old certificate first");
    assert!(person.asked.is_empty());
    assert!(with(&mut office, &mut Person::new(), |case| retire(&mut desk.card(), None, case)).unwrap().is_some());
    renewed(&mut desk.card(), &mut office);
    assert_eq!(states(&desk, office.now).len(), 16);
}

#[test]
fn a_directory_without_room_is_named_before_a_pin_is_asked_for() {
    let scene = renewal();
    for fid in [layout::EF_PRKDF, layout::EF_PUKDF, layout::EF_CDF] {
        let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
        let mut card = desk.card();
        card.select_application().unwrap();
        let bytes = card.read(&[layout::APPLICATION, fid]).unwrap();
        let used = 4 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let used = if bytes[1] == 0x82 {
            used
        } else if bytes[1] == 0x81 {
            3 + usize::from(bytes[2])
        } else {
            2 + usize::from(bytes[1])
        };
        // An object of a kind that nobody knows, as long as the rest of the file but 40 bytes: a list of one text.
        let len = u16::try_from(bytes.len() - used - 40 - 4).unwrap();
        let (outer, inner) = (len.to_be_bytes(), (len - 4).to_be_bytes());
        let unknown = [0xAF, 0x82, outer[0], outer[1], 0x0C, 0x82, inner[0], inner[1]];
        scribble(&desk, fid, u16::try_from(used).unwrap(), &unknown);
        let mut person = Person::new();
        let said = unchanged(&desk, |card| with(&mut office, &mut person, |case| renew(card, &mut [], case)));
        assert!(said.starts_with(&format!("the card is full: directory {fid:04X} has 40 bytes left and ")), "{said}");
        assert!(said.ends_with(" are needed; retire an old certificate first"), "{said}");
        assert!(person.asked.is_empty());
    }
}

/// Files until the memory is full, the last ones of one byte.
fn fill(desk: &Desk) -> u16 {
    let mut card = desk.card();
    card.select_application().unwrap();
    card.select(&[layout::APPLICATION]).unwrap();
    let (mut fid, mut size) = (FILLER, 0x4000);
    while size > 0 {
        match card.create(&NewFile::ef(fid, size, Access::ALL_FREE)) {
            Ok(()) => fid += 1,
            Err(error) => {
                assert_eq!(error.status(), Some(card_wire::Status::NO_MEMORY));
                size /= 2;
            }
        }
        card.select(&[layout::APPLICATION]).unwrap();
    }
    fid
}

/// Frees memory bit by bit: each renewal either says that it is full and changes nothing, or is through.
#[test]
fn a_full_memory_is_told_and_changes_nothing() {
    let scene = renewal();
    let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
    let mut last = fill(&desk);
    assert!(last > FILLER + 5 && last < FILLER + 63, "{} files", last - FILLER);
    let mut full = 0;
    loop {
        let before = Content::of(&desk);
        match with(&mut office, &mut Person::new(), |case| renew(&mut desk.card(), &mut [], case)) {
            Ok(outcome) => {
                assert!(matches!(outcome, Outcome::Completed { .. }), "{outcome:?}");
                break;
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.starts_with("the card is full: the memory has no room for a file of "), "{said}");
                assert_eq!(Content::of(&desk).changes(&before), Vec::<String>::new(), "{said}");
                full += 1;
            }
        }
        last -= 1;
        let mut card = desk.card();
        card.select_application().unwrap();
        card.delete(last).unwrap();
    }
    assert!(full >= 2, "{full} refusals");
    assert_eq!(states(&desk, office.now), [State::Superseded, State::Active]);
}

#[test]
fn a_wrong_pin_is_asked_for_again_and_the_last_try_is_not_spent_unasked() {
    let scene = renewal();
    let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
    let mut person = Person { pins: vec![WRONG, PIN], ..Person::new() };
    with(&mut office, &mut person, |case| renew(&mut desk.card(), &mut [], case)).unwrap();
    let tries: Vec<_> = person.asked.iter().map(|ask| (ask.tries, ask.wrong)).collect();
    let full = overview(&mut desk.card(), office.now, None).unwrap().pin.tries;
    let full_tries = full.unwrap();
    assert_eq!(tries[..3], [(full, false), (Some(full_tries - 1), true), (full, false)]);
    // Wrong again and again, and then the person does not risk the last try.
    let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
    let mut person = Person { pins: vec![WRONG], patience: usize::from(full_tries) - 1, ..Person::new() };
    let error = with(&mut office, &mut person, |case| renew(&mut desk.card(), &mut [], case)).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!((person.last_tries, person.asked.len()), (1, usize::from(full_tries) - 1));
    assert_eq!(overview(&mut desk.card(), office.now, None).unwrap().pin.tries, Some(1));
    // The next call asks about the last try first; a right PIN gives all tries back.
    let mut person = Person::new();
    let one = Desk::new(desk.take());
    with(&mut office.clone(), &mut person, |case| renew(&mut one.card(), &mut [], case)).unwrap();
    let tries: Vec<_> = person.asked.iter().map(|ask| ask.tries).collect();
    assert_eq!((person.last_tries, tries), (1, vec![Some(1), None, None]));
    assert_eq!(overview(&mut one.card(), office.now, None).unwrap().pin.tries, full);
    // A wrong one locks the card, and so do all later calls say, without asking.
    let mut person = Person { pins: vec![WRONG], ..Person::new() };
    let error = with(&mut office, &mut person, |case| renew(&mut desk.card(), &mut [], case)).unwrap_err();
    assert_eq!(error.to_string(), "the PIN of card CL000001 is locked: no tries are left");
    let mut person = Person::new();
    let said = unchanged(&desk, |card| with(&mut office, &mut person, |case| renew(card, &mut [], case)));
    assert_eq!((said, person.asked.len()), (error.to_string(), 0));
    let said = unchanged(&desk, |card| login(card, &mut Person::new()));
    assert_eq!(said, error.to_string());
}

/// The person says no at each question in turn. The card can be used as before, and the next call comes through.
#[test]
fn cancelled_at_every_question_and_called_again() {
    type Row = (&'static str, crate::tear::Scene, crate::tear::Flow, Vec<State>);
    let renewed = vec![State::Superseded, State::Active];
    let rows: [Row; 4] = [
        ("apply", application(), do_apply, vec![State::Active]),
        ("renew", renewal(), do_renew, renewed.clone()),
        ("install", downloading(), do_install, renewed),
        ("retire", retirement(), do_retire, vec![State::Active]),
    ];
    for (name, scene, flow, expected) in rows {
        let mut questions = 0;
        loop {
            let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
            let mut person = Person { patience: questions, ..Person::new() };
            let done = with(&mut office, &mut person, |case| flow(&desk, case));
            if let Ok(done) = done {
                assert!(done, "{name}");
                break;
            }
            let error = done.unwrap_err();
            assert!(matches!(error, Error::Cancelled), "{name}, question {questions}: {error}");
            let now = office.now;
            if !scene.office.issued.is_empty() {
                sign(&mut desk.card(), None, [7; 32], &mut Person::new(), now, None).unwrap();
            }
            let again = with(&mut office, &mut Person::new(), |case| flow(&desk, case));
            assert!(again.unwrap(), "{name}, question {questions}");
            assert_eq!(states(&desk, now), expected, "{name}, question {questions}");
            questions += 1;
        }
        let least = if name == "apply" || name == "renew" { 10 } else { 1 };
        assert!(questions >= least, "{name}: {questions} questions");
    }
}

/// An elliptic-curve key of another program: its entry differs in the first byte. Its slot is not free.
#[test]
fn a_key_of_another_kind_keeps_its_slot() {
    let scene = renewal();
    let (desk, mut office) = (Desk::new(scene.sim.fork()), scene.office.clone());
    scribble(&desk, layout::EF_PRKDF, 0, &[0xA0]);
    let before = Content::of(&desk);
    applied(&mut desk.card(), &mut office);
    let after = Content::of(&desk);
    assert!(before.keys[0].is_some() && after.keys[1].is_some());
    assert_eq!(before.keys[0], after.keys[0], "the key was overwritten");
}

/// A certificate that another authority has put on the card, valid for long, is not what is renewed.
#[test]
fn a_certificate_of_another_authority_on_the_card_is_no_candidate() {
    let mut scene = renewal();
    let desk = Desk::new(scene.sim.fork());
    let own = scene.office.issued[0].clone();
    let validity =
        Validity { not_before: own.validity().not_before, not_after: months_after(own.validity().not_after, 48) };
    let foreign = forged(own.issuer_der(), own.subject_der(), own.public_key(), validity);
    // In the place of the card's own, it is alone there.
    scribble(&desk, layout::EF_CERTIFICATE, 0, foreign.der());
    let said = unchanged(&desk, |card| with(&mut scene.office, &mut Person::new(), |case| renew(card, &mut [], case)));
    assert_eq!(said, "there is no certificate on the card for this");
}
