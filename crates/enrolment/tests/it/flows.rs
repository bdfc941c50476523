//! The flows as they should go.

use card_enrolment::{Case, Outcome, State, apply, download, install, missing, overview, renew, retire};
use card_pki::certificate::Certificate;
use card_pki::time::{Timestamp, Window, months_after};
use host_driver::{Card, Transport};

use crate::desk::{Desk, personalised};
use crate::office::Office;
use crate::person::Person;

pub(crate) const DAY_ONE: &str = "2026-01-05T10:00:00";

/// A case, at the authority's own time.
pub(crate) fn with<R>(office: &mut Office, person: &mut Person, body: impl FnOnce(&mut Case<'_>) -> R) -> R {
    let now = office.now;
    body(&mut Case { authority: office, dialog: person, now })
}

pub(crate) fn applied<T: Transport>(card: &mut Card<T>, office: &mut Office) -> Certificate {
    let outcome = with(office, &mut Person::new(), |case| apply(card, case)).unwrap();
    let Outcome::Completed { certificate } = outcome else { panic!("{outcome:?}") };
    certificate
}

pub(crate) fn renewed<T: Transport>(card: &mut Card<T>, office: &mut Office) -> Certificate {
    let outcome = with(office, &mut Person::new(), |case| renew(card, &mut [], case)).unwrap();
    let Outcome::Completed { certificate } = outcome else { panic!("{outcome:?}") };
    certificate
}

/// A moment at which a certificate can be renewed.
pub(crate) fn renewal_day(certificate: &Certificate) -> Timestamp {
    Window::before(certificate.validity().not_after).opens
}

fn states<T: Transport>(card: &mut Card<T>, now: Timestamp) -> Vec<State> {
    overview(card, now, None).unwrap().generations.into_iter().map(|generation| generation.state).collect()
}

#[test]
fn a_card_lives_through_application_renewal_and_retirement() {
    let desk = Desk::new(personalised());
    let mut card = desk.card();
    let mut office = Office::new(DAY_ONE);
    let first = applied(&mut card, &mut office);
    assert_eq!(states(&mut card, office.now), [State::Active]);
    office.now = renewal_day(&first);
    let second = renewed(&mut card, &mut office);
    assert_eq!(states(&mut card, office.now), [State::Superseded, State::Active]);
    assert_eq!(office.closed, [first.serial(), second.serial()]);
    let retired = with(&mut office, &mut Person::new(), |case| retire(&mut card, None, case)).unwrap();
    assert_eq!(retired, Some(first));
    assert_eq!(states(&mut card, office.now), [State::Active]);
    let nothing = with(&mut office, &mut Person::new(), |case| retire(&mut card, None, case)).unwrap();
    assert_eq!(nothing, None);
}

#[test]
fn the_answer_may_come_later_and_to_another_computer() {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    office.prompt = false;
    let outcome = with(&mut office, &mut Person::new(), |case| apply(&mut desk.card(), case)).unwrap();
    assert!(matches!(outcome, Outcome::Waiting { .. }));
    assert_eq!(states(&mut desk.card(), office.now), [State::Pending]);
    let waiting = with(&mut office, &mut Person::new(), |case| install(&mut desk.card(), case)).unwrap();
    assert!(matches!(waiting, Outcome::Waiting { .. }));
    office.work();
    let outcome = with(&mut office, &mut Person::new(), |case| install(&mut desk.card(), case)).unwrap();
    assert!(matches!(outcome, Outcome::Completed { .. }));
    assert_eq!(states(&mut desk.card(), office.now), [State::Active]);
}

#[test]
fn a_lost_certificate_is_downloaded_again() {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    office.prompt = false;
    with(&mut office, &mut Person::new(), |case| apply(&mut desk.card(), case)).unwrap();
    office.work();
    let found = with(&mut office, &mut Person::new(), |case| missing(&mut desk.card(), case)).unwrap();
    assert_eq!(found, office.issued);
    let done = with(&mut office, &mut Person::new(), |case| download(&mut desk.card(), &found, case)).unwrap();
    assert_eq!(done, found);
    let again = with(&mut office, &mut Person::new(), |case| download(&mut desk.card(), &found, case)).unwrap();
    assert_eq!(again, []);
    assert_eq!(with(&mut office, &mut Person::new(), |case| missing(&mut desk.card(), case)).unwrap(), []);
}

#[test]
fn twenty_renewals_over_twenty_years() {
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    let mut current = applied(&mut desk.card(), &mut office);
    for year in 0..20 {
        office.now = renewal_day(&current);
        current = renewed(&mut desk.card(), &mut office);
        if year % 3 == 2 {
            office.now = months_after(office.now, 2);
            while with(&mut office, &mut Person::new(), |case| retire(&mut desk.card(), None, case)).unwrap().is_some()
            {
            }
            assert_eq!(states(&mut desk.card(), office.now), [State::Active], "year {year}");
        }
    }
    assert_eq!(office.closed.len(), 21);
}

#[test]
fn an_authority_whose_clock_is_a_little_ahead_is_believed() {
    use card_pki::certificate::ChainFault;
    for (ahead, accepted) in [(1, true), (300, true), (301, false)] {
        let desk = Desk::new(personalised());
        let mut office = Office::new(DAY_ONE);
        let now = office.now;
        office.now = now + jiff::SignedDuration::from_secs(ahead);
        let mut case = Case { authority: &mut office, dialog: &mut Person::new(), now };
        match apply(&mut desk.card(), &mut case) {
            Ok(Outcome::Completed { .. }) => assert!(accepted, "{ahead} s"),
            Err(card_enrolment::Error::Chain(ChainFault::NotYetValid { .. })) => assert!(!accepted, "{ahead} s"),
            other => panic!("{other:?}"),
        }
    }
}

/// A person at whose side another program makes a key while the PIN is typed.
struct Disturbed {
    person: Person,
    desk: Desk,
    at: card_enrolment::Purpose,
}

impl card_enrolment::Dialog for Disturbed {
    fn pin(&mut self, ask: &card_enrolment::PinAsk) -> Result<host_driver::Pin, card_enrolment::Cancelled> {
        let pin = self.person.pin(ask)?;
        if ask.purpose == self.at {
            let mut card = self.desk.card();
            let mut token = host_driver::pkcs15::Token::read(&mut card).unwrap();
            let time = "20260101000000Z".to_owned();
            let naming = host_driver::pkcs15::Naming { label: "other".into(), start: time.clone(), end: time };
            let place = token.place(&naming).unwrap();
            token.generate(&mut card.verify(&pin).unwrap(), place, &naming, 1000).unwrap();
        }
        Ok(pin)
    }

    fn last_try(&mut self, ask: &card_enrolment::PinAsk) -> Result<(), card_enrolment::Cancelled> {
        self.person.last_try(ask)
    }

    fn notice(&mut self, notice: &card_enrolment::Notice<'_>) -> Result<(), card_enrolment::Cancelled> {
        self.person.notice(notice)
    }

    fn choose(&mut self, of: &[card_enrolment::Candidate], now: Timestamp) -> Result<usize, card_enrolment::Cancelled> {
        self.person.choose(of, now)
    }
}

/// Every key that the card lists is in its slot.
fn keys_are_in_place(desk: &Desk) {
    let mut card = desk.card();
    let token = host_driver::pkcs15::Token::read(&mut card).unwrap();
    for listed in token.generations() {
        let key = token.public_key(&mut card, &listed).unwrap();
        let key = card_pki::key::PublicKey::new(&key.modulus, &key.exponent).unwrap();
        let mut verified = card.verify(&host_driver::Pin::new(crate::person::PIN).unwrap()).unwrap();
        let signature = verified.sign_pkcs1(listed.slot.unwrap(), &host_driver::Digest::Sha256([3; 32])).unwrap();
        assert!(key.verify(&[3; 32], &signature), "slot {:?} holds another key", listed.slot);
    }
}

#[test]
fn a_key_that_another_program_made_behind_the_prompt_is_not_overwritten() {
    use card_enrolment::{Error, Purpose};
    let is_changed = |error: Error| matches!(error, Error::Token(host_driver::pkcs15::Error::Changed { file: 0x4402 }));
    let desk = Desk::new(personalised());
    let mut office = Office::new(DAY_ONE);
    let first = applied(&mut desk.card(), &mut office);
    let disturbed = |at| Disturbed { person: Person::new(), desk: desk.clone(), at };
    let now = renewal_day(&first);
    office.now = now;
    let mut case = Case { authority: &mut office, dialog: &mut disturbed(Purpose::Generate), now };
    assert!(is_changed(renew(&mut desk.card(), &mut [], &mut case).unwrap_err()));
    keys_are_in_place(&desk);
    // The next call takes the key that waits; it is as good as one that it had made.
    renewed(&mut desk.card(), &mut office);
    let mut case = Case { authority: &mut office, dialog: &mut disturbed(Purpose::Write), now };
    assert!(is_changed(retire(&mut desk.card(), None, &mut case).unwrap_err()));
    keys_are_in_place(&desk);
    assert_eq!(states(&mut desk.card(), now), [State::Superseded, State::Active, State::Keyed]);
}
