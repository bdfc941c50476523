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
