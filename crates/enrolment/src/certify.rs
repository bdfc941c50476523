//! First application and renewal: from a key pair on the card to a certificate beside it.

use card_pki::certificate::Certificate;
use card_pki::channel::{Answer, Kind, Registration, Submission, agreement_hash};
use card_pki::crl::Crl;
use card_pki::refusal::Refusal;
use card_pki::time::{Phase, Timestamp, Window};
use card_pki::{renewal, request};
use host_driver::pkcs15::Journal;
use host_driver::{Card, KeySlot, Pin, Transport};

use crate::authority::AuthorityError;
use crate::dialog::{Candidate, Interrupted, Notice, Purpose};
use crate::error::Error;
use crate::flow::{self, Case, KeyPair, Outcome, change_time, is_untidy, naming, signed, tidy, waiting};
use crate::install;
use crate::overview::{Opened, open};
use crate::unlock::{again, transact, unlocked};

/// Room that is set aside for the first certificate of a card, in bytes.
const FIRST_RESERVE: u16 = 2048;
/// How much longer than the old certificate the new one may be, in bytes.
const GROWTH: usize = 128;

/// A certificate with the place of its key.
#[derive(Clone, Debug)]
struct Old {
    candidate: Candidate,
    slot: KeySlot,
}

/// First application: a key pair on the card, a request, and, as soon as the authority has answered, its certificate.
///
/// Interrupted anywhere, the next call goes on. The subject is the registered one.
///
/// # Errors
/// [`Error::StillValid`] if the card has a certificate that should be renewed instead; [`Error::Token`] without room.
pub fn apply<T: Transport>(card: &mut Card<T>, case: &mut Case<'_>) -> Result<Outcome, Error> {
    let opened = open(card)?;
    opened.token.intact()?;
    let (chain, crl) = case.trust()?;
    if let Some(current) = opened.current(case.now, crl.as_ref(), Some(&chain.issuing)) {
        let until = current.validity().not_after;
        let pair = waiting(card, &opened)?;
        // A key that waits here is of a renewal; only its certificate may still be written.
        if !matches!(prior(case, pair.as_ref(), crl.as_ref())?, Prior::Issued(_)) {
            return Err(Error::StillValid { until });
        }
    }
    certify(card, &mut [], case, opened, Vec::new())
}

/// Renewal: a new key pair, and a request signed by the old certificate's key. The old certificate stays.
///
/// `others` are further cards that are inserted; their certificates can sign too. The order of what the person is
/// told and asked is that of the manual, login and steps a to j. Interrupted anywhere, the next call goes on.
///
/// # Errors
/// [`Error::NoCertificate`] if there is nothing to renew; [`Error::Refused`] if it is too early, too late, or the
/// certificate was revoked: found before the PIN is asked for.
pub fn renew<T: Transport>(card: &mut Card<T>, others: &mut [Card<T>], case: &mut Case<'_>) -> Result<Outcome, Error> {
    let opened = open(card)?;
    opened.token.intact()?;
    let (chain, crl) = case.trust()?;
    let mut old = candidates(&opened, 0);
    for (other, number) in others.iter_mut().zip(1..) {
        // One that is gone or of another kind is no reason against renewing with what is on the others.
        if let Ok(opened) = open(other) {
            old.extend(candidates(&opened, number));
        }
    }
    // What another authority issued cannot be renewed with this one, however long it is valid.
    old.retain(|old| old.candidate.certificate.signed_by(&chain.issuing));
    put_default_first(&mut old, case.now, crl.as_ref());
    let pair = waiting(card, &opened)?;
    let newest = old.first().ok_or(Error::NoCertificate)?;
    if !matches!(prior(case, pair.as_ref(), crl.as_ref())?, Prior::Issued(_)) {
        let checked = check(&newest.candidate.certificate, case.now, crl.as_ref());
        if matches!(checked, Err(Error::Refused(Refusal::TooEarly { .. }))) && install::is_unconfirmed(&opened) {
            return install::install(card, case);
        }
        checked?;
    }
    certify(card, others, case, opened, old)
}

/// The default: what can still sign, and of that what ends last. Where the last one of one card cannot be renewed yet,
/// as it is new, the last one of another card comes first if its month has come.
fn put_default_first(all: &mut [Old], now: Timestamp, crl: Option<&Crl>) {
    let valid = |old: &Old| {
        let certificate = &old.candidate.certificate;
        certificate.validity().contains(now) && !is_revoked(certificate, crl)
    };
    let end = |old: &Old| old.candidate.certificate.validity().not_after;
    let seen = all.to_vec();
    all.sort_by_key(|old| {
        let of_card = seen.iter().filter(|other| other.candidate.card == old.candidate.card && valid(other));
        let is_last = of_card.map(end).max() == Some(end(old));
        let due = is_last && check(&old.candidate.certificate, now, crl).is_ok();
        (!valid(old), !due, core::cmp::Reverse(end(old)))
    });
}

fn candidates(opened: &Opened, card: usize) -> Vec<Old> {
    let held = opened.held.iter().filter_map(|held| Some((held.listed.slot?, held.certificate.clone()?)));
    held.map(|(slot, certificate)| Old { candidate: Candidate { certificate, card }, slot }).collect()
}

fn is_revoked(certificate: &Certificate, crl: Option<&Crl>) -> bool {
    crl.is_some_and(|crl| crl.revoked(certificate.serial()).is_some())
}

/// Whether a certificate's key may sign a renewal now.
fn check(certificate: &Certificate, now: Timestamp, crl: Option<&Crl>) -> Result<(), Error> {
    if let Some(revocation) = crl.and_then(|crl| crl.revoked(certificate.serial())) {
        return Err(Refusal::Revoked { since: revocation.at, reason: revocation.reason }.into());
    }
    let window = Window::before(certificate.validity().not_after);
    match window.phase(now) {
        Phase::TooEarly => Err(Refusal::TooEarly { opens: window.opens, closes: window.closes }.into()),
        Phase::Over => Err(Refusal::Expired { since: window.closes }.into()),
        Phase::Open => Ok(()),
    }
}

/// What the authority has said about the key that waits for its certificate.
enum Prior {
    /// Nothing that this key could not still be used for.
    Open,
    /// A certificate that can be written.
    Issued(Certificate),
    /// A certificate that is over already, or that this key will never have one: another key is needed.
    Spoiled,
}

fn prior(case: &mut Case<'_>, pair: Option<&KeyPair>, crl: Option<&Crl>) -> Result<Prior, Error> {
    let Some(pair) = pair else { return Ok(Prior::Open) };
    Ok(match case.authority.answer(pair.key.hash())? {
        // That it is over is believed when the authority's own list is later, not this computer's clock alone.
        Answer::Issued { certificate }
            if is_revoked(&certificate, crl)
                || crl.is_some_and(|crl| crl.this_update() > certificate.validity().not_after) =>
        {
            Prior::Spoiled
        }
        Answer::Issued { certificate } => Prior::Issued(certificate),
        Answer::Refused { refusal } if is_about_key(&refusal) => Prior::Spoiled,
        Answer::Refused { .. } | Answer::Pending => Prior::Open,
    })
}

/// Application without old certificates, renewal with them.
fn certify<T: Transport>(
    card: &mut Card<T>,
    others: &mut [Card<T>],
    case: &mut Case<'_>,
    mut opened: Opened,
    old: Vec<Old>,
) -> Result<Outcome, Error> {
    let registration = registration(case, &opened.serial)?;
    let name = naming(&registration.subscriber, case.now);
    let mut pair = waiting(card, &opened)?;
    let (_, crl) = case.trust()?;
    let prior = prior(case, pair.as_ref(), crl.as_ref())?;
    if let (Some(found), Prior::Issued(certificate)) = (&pair, &prior) {
        case.resuming(Interrupted::Installation)?;
        return install::certificate(card, opened, found, certificate, case, None);
    }
    if !old.is_empty() {
        // Without a nonce nothing can be sent: that is said before the PIN is asked for and a key is made.
        case.authority.nonce(&registration.subscriber)?;
    }
    if pair.is_none() && !is_untidy(&opened.token) {
        opened.token.place(&name)?;
    }
    pair = login(card, case, &mut opened, pair, matches!(prior, Prior::Spoiled))?;
    let agreement = confirm(case, &registration)?;
    let applicant = Applicant { registration, agreement };
    let reader = card.transport().describe();
    case.notice(&Notice::InsertCard { card: 0, purpose: Purpose::Generate })?;
    case.notice(&Notice::Reader { card: 0, name: &reader })?;
    let pair = match pair {
        Some(pair) => {
            case.resuming(Interrupted::Keyed)?;
            pair
        }
        None => generate(card, case, &mut opened, &name, reserve(&old))?,
    };
    let (body, kind, pin) = sign(card, others, case, &mut opened, &pair, &applicant, &old)?;
    let submission = Submission { kind, card: opened.serial.clone(), body };
    let answer = case.authority.submit(pair.key.hash(), &submission)?;
    case.notice(&Notice::Sent)?;
    match answer {
        Answer::Issued { certificate } => install::certificate(card, opened, &pair, &certificate, case, Some(pin)),
        Answer::Refused { refusal } => Err(refusal.into()),
        Answer::Pending => {
            case.notice(&Notice::Waiting)?;
            Ok(Outcome::Waiting { key: pair.key.hash() })
        }
    }
}

fn registration(case: &mut Case<'_>, card: &str) -> Result<Registration, Error> {
    case.authority.registration(card).map_err(|error| match error {
        AuthorityError::Missing { .. } => Error::NotRegistered { card: card.to_owned() },
        error => error.into(),
    })
}

/// Step 0, the first PIN: login. What was interrupted is finished or undone here; a key that the authority will
/// never accept is taken off.
fn login<T: Transport>(
    card: &mut Card<T>,
    case: &mut Case<'_>,
    opened: &mut Opened,
    pair: Option<KeyPair>,
    spoiled: bool,
) -> Result<Option<KeyPair>, Error> {
    let now = case.now;
    let untidy = is_untidy(&opened.token);
    let token = &opened.token;
    let mut changed = token.clone();
    let ((), _) = unlocked(card, (token, opened.tries), 0, Purpose::Login, case.dialog, |verified| {
        if untidy {
            tidy(verified, &mut changed, now)?;
        }
        if let Some(pair) = pair.as_ref().filter(|_| spoiled) {
            let time = change_time(&changed, now);
            changed.retire(verified, &pair.id, &time)?;
        }
        Ok(())
    })?;
    // The right PIN has given all tries back: the last one is not at stake again.
    opened.tries = opened.tries.filter(|tries| *tries > 1);
    if !untidy && !spoiled {
        return Ok(pair);
    }
    case.resuming(Interrupted::Generation)?;
    *opened = open(card)?;
    waiting(card, opened)
}

/// Whether another key would be accepted where this one was not.
fn is_about_key(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::WeakKey { .. } | Refusal::KeyReused | Refusal::KeySeen)
}

/// Who asks, and the hash of the agreement that was shown and accepted.
struct Applicant {
    registration: Registration,
    agreement: [u8; 32],
}

/// Shows the registered data and the agreement. Returns the hash of what was shown, as that is what gets signed.
fn confirm(case: &mut Case<'_>, registration: &Registration) -> Result<[u8; 32], Error> {
    let subject = card_pki::name::shown(&registration.subject_der);
    let subject = subject.map_err(|error| AuthorityError::Malformed(error.to_string()))?;
    let agreement = case.authority.agreement()?;
    case.notice(&Notice::Confirm { subject: &subject, agreement: &agreement })?;
    case.notice(&Notice::DoNotRemove)?;
    Ok(agreement_hash(&agreement))
}

/// Room for the new certificate: as much as the newest one on the cards takes, and a little more.
fn reserve(old: &[Old]) -> u16 {
    let longest = old.iter().map(|old| old.candidate.certificate.der().len()).max();
    longest.and_then(|len| u16::try_from(len + GROWTH).ok()).unwrap_or(FIRST_RESERVE)
}

/// Steps c and d, the second PIN: the key pair.
fn generate<T: Transport>(
    card: &mut Card<T>,
    case: &mut Case<'_>,
    opened: &mut Opened,
    name: &host_driver::pkcs15::Naming,
    reserve: u16,
) -> Result<KeyPair, Error> {
    let place = opened.token.place(name)?;
    case.notice(&Notice::WillGenerate)?;
    let mut token = opened.token.clone();
    let made = unlocked(card, (&opened.token, opened.tries), 0, Purpose::Generate, case.dialog, |verified| {
        Ok(token.generate(verified, place, name, reserve)?)
    });
    let ((id, key), _) = made?;
    opened.token = token;
    let key = card_pki::key::PublicKey::new(&key.modulus, &key.exponent).map_err(|_| host_driver::Error::Malformed)?;
    Ok(KeyPair { id, slot: place.slot, key })
}

/// Steps e to h, the third PIN: the request, signed by the new key, and around it the old key's signature.
fn sign<T: Transport>(
    card: &mut Card<T>,
    others: &mut [Card<T>],
    case: &mut Case<'_>,
    opened: &mut Opened,
    pair: &KeyPair,
    applicant: &Applicant,
    old: &[Old],
) -> Result<(Vec<u8>, Kind, Pin), Error> {
    let old = choose(case, old)?;
    let signer = old.map_or(0, |old| old.candidate.card);
    case.notice(&Notice::WillSign { old: old.map(|old| &old.candidate.certificate) })?;
    case.notice(&Notice::InsertCard { card: signer, purpose: Purpose::Sign })?;
    let other = signer.checked_sub(1).and_then(|at| others.get_mut(at));
    let name = other.map_or_else(|| card.transport().describe(), |other| other.transport().describe());
    case.notice(&Notice::Reader { card: signer, name: &name })?;
    let certificate = old.map(|old| &old.candidate.certificate);
    let unsigned = request::Unsigned::new(&applicant.registration.subject_der, &pair.key, certificate)?;
    let terms = match old {
        Some(_) => Some(terms(case, applicant)?),
        None => None,
    };
    let mut token = opened.token.clone();
    let now = case.now;
    let signed = unlocked(card, (&opened.token, opened.tries), 0, Purpose::Sign, case.dialog, |verified| {
        let signature = signed(verified, pair.slot, &pair.key, unsigned.digest())?;
        let request = unsigned.signed(&signature)?;
        let body = match (&terms, old) {
            (Some(terms), Some(old)) if old.candidate.card == 0 => wrap(verified, old, &request, terms, now)?,
            _ => request,
        };
        token.note(verified.card(), flow::noted(&token, pair))?;
        Ok(body)
    });
    let (body, pin) = signed?;
    opened.token = token;
    let (Some(terms), Some(old)) = (&terms, old) else { return Ok((body, Kind::Application, pin)) };
    let Some(other) = old.candidate.card.checked_sub(1).and_then(|at| others.get_mut(at)) else {
        return Ok((body, Kind::Renewal, pin));
    };
    let opened = open(other)?;
    let (body, _) =
        unlocked(other, (&opened.token, opened.tries), old.candidate.card, Purpose::Sign, case.dialog, |verified| {
            wrap(verified, old, &body, terms, now)
        })?;
    Ok((body, Kind::Renewal, pin))
}

/// Step e: which certificate's key signs. With one there is nothing to choose.
fn choose<'o>(case: &mut Case<'_>, old: &'o [Old]) -> Result<Option<&'o Old>, Error> {
    if old.len() < 2 {
        return Ok(old.first());
    }
    let offered: Vec<Candidate> = old.iter().map(|old| old.candidate.clone()).collect();
    let chosen = case.dialog.choose(&offered, case.now)?;
    let chosen = old.get(chosen).ok_or(Error::Cancelled)?;
    let (_, crl) = case.trust()?;
    check(&chosen.candidate.certificate, case.now, crl.as_ref())?;
    Ok(Some(chosen))
}

fn terms(case: &mut Case<'_>, applicant: &Applicant) -> Result<renewal::Terms, Error> {
    let nonce = case.authority.nonce(&applicant.registration.subscriber)?;
    Ok(renewal::Terms { nonce, agreement: applicant.agreement })
}

/// The renewal: the request inside a message signed by the old key.
fn wrap(
    verified: &mut host_driver::Verified<'_, &mut dyn Transport>,
    old: &Old,
    request: &[u8],
    terms: &renewal::Terms,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    let certificate = &old.candidate.certificate;
    let unsigned = renewal::Unsigned::new(request, certificate, terms, now)?;
    let signature = signed(verified, old.slot, certificate.public_key(), unsigned.digest())?;
    Ok(unsigned.signed(&signature)?)
}

/// Notes that nothing is under way any more. The PIN was right a moment ago and is shown again only if the card has
/// forgotten it.
pub(crate) fn note_idle<T: Transport>(card: &mut Card<T>, opened: &mut Opened, pin: &Pin) -> Result<(), Error> {
    let token = &mut opened.token;
    let noted = transact(card, |card| Ok(token.note(card, Journal::IDLE)?));
    match noted {
        Err(Error::Card(error)) if !error.is_transport() => {
            again(card, pin, |verified| Ok(token.note(verified.card(), Journal::IDLE)?))
        }
        other => other,
    }
}
