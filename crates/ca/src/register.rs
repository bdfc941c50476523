//! The registration desk: subscribers, their cards, and what happens when a card is lost.

use card_pki::channel::Registration;
use card_pki::crl::Reason;
use card_pki::name;
use card_pki::refusal::Refusal;
use card_pki::time::{Timestamp, whole};

use crate::audit::Event;
use crate::authority::Authority;
use crate::error::CaError;
use crate::state::{Card, CardState, Revoked, State, Subscriber};
use crate::terms::check_name;

/// The longest mail address.
const MAX_EMAIL: usize = 254;

/// What a registration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// Subscriber and card are new.
    New,
    /// The subscriber was known, the card is new.
    Card,
    /// The subscriber's record was replaced.
    Replaced,
    /// Everything was registered like this already.
    Already,
}

impl Authority {
    /// Registers a subscriber and binds a card. The same again changes nothing; other data of a known subscriber are refused.
    ///
    /// # Errors
    /// [`CaError::Registration`] where a piece cannot be used, [`CaError::RegisteredOtherwise`], and [`Refusal::CardOfAnother`]
    /// or [`Refusal::CardReplaced`] for the card.
    pub fn register(&mut self, registration: &Registration, now: Timestamp) -> Result<Registered, CaError> {
        self.registering(registration, false, whole(now))
    }

    /// Like [`Authority::register`], but other data of a known subscriber replace the record, and a known card counts as
    /// registered from now on: after revocation or expiry this opens an application again. Certificates that were issued
    /// stay as they are; whether they are to be revoked (affiliation changed) is the desk's decision.
    ///
    /// # Errors
    /// As [`Authority::register`].
    pub fn register_anew(&mut self, registration: &Registration, now: Timestamp) -> Result<Registered, CaError> {
        self.registering(registration, true, whole(now))
    }

    fn registering(&mut self, asked: &Registration, replace: bool, now: Timestamp) -> Result<Registered, CaError> {
        check(asked)?;
        let bound = self.may_bind(&asked.card, &asked.subscriber)?;
        let subscriber = Subscriber {
            id: asked.subscriber.clone(),
            ra_unit: asked.ra_unit.clone(),
            subject_der: asked.subject_der.clone(),
            email: asked.email.clone(),
            since: now,
        };
        let known = self.state.subscribers.get(&asked.subscriber);
        let differs = known.and_then(|known| difference(known, &subscriber));
        let result = match (known.is_some(), differs) {
            (_, Some(differs)) if !replace => {
                return Err(CaError::RegisteredOtherwise { subscriber: subscriber.id, differs });
            }
            (_, Some(_)) => Registered::Replaced,
            (true, None) if bound && !replace => return Ok(Registered::Already),
            (true, None) => Registered::Card,
            (false, None) => Registered::New,
        };
        let mut next = self.state.clone();
        let mut events = Vec::new();
        if result == Registered::Replaced {
            events.push(Event::RecordReplaced { subscriber: subscriber.id.clone() });
        }
        if bound {
            // Registered anew: from now on an application is open again, if the card has no valid certificate.
            next.cards.entry(asked.card.clone()).and_modify(|card| card.bound = now);
        } else {
            bind(&mut next, &asked.card, &subscriber.id, now);
        }
        if !bound || replace {
            events.push(Event::Registered { subscriber: subscriber.id.clone(), card: asked.card.clone() });
        }
        if result != Registered::Card {
            next.subscribers.insert(subscriber.id.clone(), subscriber);
        }
        self.commit(next, events, now)?;
        Ok(result)
    }

    /// Another card takes the place of a lost one: the lost card's certificates are revoked, its binding ends, and the new
    /// one is bound to the same subscriber. Gives the serial numbers of what was revoked; the same again changes nothing.
    ///
    /// # Errors
    /// Where the lost card is not the subscriber's, or the other one is somebody else's.
    pub fn replace(
        &mut self,
        subscriber: &str,
        lost: &str,
        card: &str,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Vec<String>, CaError> {
        let now = whole(now);
        check_name("card", card)?;
        let known = self.state.cards.get(lost).ok_or_else(|| Refusal::CardUnknown { card: lost.to_owned() })?;
        if known.subscriber != subscriber {
            return Err(Refusal::CardOfAnother { card: lost.to_owned() }.into());
        }
        match &known.state {
            CardState::Replaced { by, .. } if by == card => return Ok(Vec::new()),
            CardState::Replaced { .. } => return Err(Refusal::CardReplaced { card: lost.to_owned() }.into()),
            CardState::Active if lost == card => {
                let what = "the lost card and the one in its place are the same".to_owned();
                return Err(CaError::Registration { field: "card", what });
            }
            CardState::Active => {}
        }
        let bound = self.may_bind(card, subscriber)?;
        let mut next = self.state.clone();
        let mut events =
            vec![Event::CardReplaced { subscriber: subscriber.into(), lost: lost.into(), card: card.into() }];
        let mut revoked = Vec::new();
        let of_lost = next.certificates.iter_mut().filter(|(_, issued)| issued.card == lost);
        for (serial, issued) in of_lost.filter(|(_, issued)| issued.revoked.is_none() && issued.not_after >= now) {
            issued.revoked = Some(Revoked { at: now, reason });
            events.push(Event::Revoked { serial: serial.clone(), reason });
            revoked.push(serial.clone());
        }
        if let Some(lost) = next.cards.get_mut(lost) {
            lost.state = CardState::Replaced { by: card.to_owned(), at: now };
        }
        if !bound {
            bind(&mut next, card, subscriber, now);
        }
        self.commit(next, events, now)?;
        Ok(revoked)
    }

    /// Whether the card is bound to the subscriber already; an error where it cannot be.
    fn may_bind(&self, card: &str, subscriber: &str) -> Result<bool, Refusal> {
        match self.state.cards.get(card) {
            None => Ok(false),
            Some(bound) if bound.subscriber != subscriber => Err(Refusal::CardOfAnother { card: card.to_owned() }),
            Some(bound) if bound.state != CardState::Active => Err(Refusal::CardReplaced { card: card.to_owned() }),
            Some(_) => Ok(true),
        }
    }
}

fn bind(state: &mut State, card: &str, subscriber: &str, now: Timestamp) {
    let bound = Card { subscriber: subscriber.to_owned(), bound: now, state: CardState::Active, sealed_puk: None };
    state.cards.insert(card.to_owned(), bound);
}

fn difference(known: &Subscriber, asked: &Subscriber) -> Option<&'static str> {
    if known.subject_der != asked.subject_der {
        Some("another name")
    } else if known.ra_unit != asked.ra_unit {
        Some("another registration unit")
    } else if known.email != asked.email {
        Some("another mail address")
    } else {
        None
    }
}

fn check(asked: &Registration) -> Result<(), CaError> {
    let wrong = |field, what: &str| Err(CaError::Registration { field, what: what.to_owned() });
    check_name("subscriber", &asked.subscriber)?;
    check_name("card", &asked.card)?;
    let unit = asked.ra_unit.trim();
    if unit.is_empty() || unit.chars().count() > 64 || unit.chars().any(char::is_control) {
        return wrong("registration unit", "1 to 64 characters are needed");
    }
    if let Err(error) = name::shown(&asked.subject_der) {
        return wrong("name", &error.to_string());
    }
    // The address also goes into the head of a mail.
    let plausible = |email: &str| {
        let graphic = email.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;:\"()[]\\".contains(&byte));
        let parts = email
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
        graphic && parts && email.len() <= MAX_EMAIL
    };
    match &asked.email {
        Some(email) if !plausible(email) => wrong("mail address", "it is not of the form name@host in plain ASCII"),
        _ => Ok(()),
    }
}
