//! A certificate that has come: checked, written, read back, proven with its key, and confirmed to the authority.

use card_pki::certificate::{Certificate, Chain};
use card_pki::channel::{Answer, Confirmation, confirmation_digest};
use card_pki::crl::Crl;
use card_pki::key::PublicKey;
use card_pki::time::Timestamp;
use host_driver::pkcs15::Stage;
use host_driver::{Card, KeySlot, Pin, Transport};
use jiff::SignedDuration;

use crate::authority::AuthorityError;
use crate::certify::note_idle;
use crate::dialog::{Notice, Purpose};
use crate::error::Error;
use crate::flow::{Case, KeyPair, Outcome, change_time, dated, pair, signed, waiting};
use crate::overview::{Opened, open};
use crate::unlock::{again, unlocked};

/// How far the authority's clock may be ahead of this one: a certificate that was issued a moment ago is taken.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Goes on with an application or renewal whose answer may have come. Never generates a key.
///
/// # Errors
/// [`Error::NothingPending`] if no key waits for its certificate and no confirmation is due.
pub fn install<T: Transport>(card: &mut Card<T>, case: &mut Case<'_>) -> Result<Outcome, Error> {
    let opened = open(card)?;
    if let Some(pair) = waiting(card, &opened)? {
        let hash = pair.key.hash();
        return match case.authority.answer(hash)? {
            Answer::Issued { certificate: issued } => certificate(card, opened, &pair, &issued, case, None),
            Answer::Refused { refusal } => Err(refusal.into()),
            Answer::Pending => {
                case.notice(&Notice::Waiting)?;
                Ok(Outcome::Waiting { key: hash })
            }
        };
    }
    let journal = opened.token.journal.filter(|journal| journal.stage == Stage::Pending);
    let journal = journal.ok_or(Error::NothingPending)?;
    let due = opened.held.iter().find(|held| held.listed.id.0 == journal.key);
    let due = due.and_then(|held| Some((held.listed.slot?, held.certificate.clone()?)));
    let (slot, certificate) = due.ok_or(Error::NothingPending)?;
    prove(card, opened, slot, certificate, case)
}

/// Whether the certificate that the journal tells of is on the card, and only its confirmation is due.
pub(crate) fn is_unconfirmed(opened: &Opened) -> bool {
    let journal = opened.token.journal.filter(|journal| journal.stage == Stage::Pending);
    let on_card = |key| opened.held.iter().any(|held| held.listed.id.0 == key && held.certificate.is_some());
    journal.is_some_and(|journal| on_card(journal.key))
}

/// Certificates for keys of this card that are not on it: what a failed write left with the authority.
///
/// # Errors
/// [`Error::Authority`].
pub fn missing<T: Transport>(card: &mut Card<T>, case: &mut Case<'_>) -> Result<Vec<Certificate>, Error> {
    let opened = open(card)?;
    let (_, crl) = case.trust()?;
    let mut found = Vec::new();
    for held in &opened.held {
        let Some(pair) = pair(card, &opened, held)? else { continue };
        if let Answer::Issued { certificate } = case.authority.answer(pair.key.hash())?
            && crl.as_ref().is_none_or(|crl| crl.revoked(certificate.serial()).is_none())
        {
            found.push(certificate);
        }
    }
    Ok(found)
}

/// Writes certificates that are missing on the card. Those that are there already are left out of the result.
///
/// # Errors
/// [`Error::OtherKey`] for a certificate that belongs to no key of this card; nothing has been written then.
pub fn download<T: Transport>(
    card: &mut Card<T>,
    certificates: &[Certificate],
    case: &mut Case<'_>,
) -> Result<Vec<Certificate>, Error> {
    let opened = open(card)?;
    let (chain, crl) = case.trust()?;
    let mut wanted = Vec::new();
    for certificate in certificates {
        let key = certificate.public_key();
        if opened.held.iter().any(|held| held.certificate.as_ref() == Some(certificate)) {
            continue;
        }
        let mut pairs = Vec::new();
        for held in &opened.held {
            pairs.extend(pair(card, &opened, held)?.filter(|pair| pair.key == *key));
        }
        let pair = pairs.pop().ok_or_else(|| Error::OtherKey { serial: certificate.serial().to_owned() })?;
        check(certificate, &pair.key, &chain, crl.as_ref(), case.now)?;
        wanted.push((pair, certificate));
    }
    let mut done = Vec::new();
    for (pair, issued) in wanted {
        let opened = open(card)?;
        certificate(card, opened, &pair, issued, case, None)?;
        done.push(issued.clone());
    }
    Ok(done)
}

/// Whether a certificate is the one that a key waits for.
fn check(
    certificate: &Certificate,
    key: &PublicKey,
    chain: &Chain,
    crl: Option<&Crl>,
    now: Timestamp,
) -> Result<(), Error> {
    if certificate.public_key() != key {
        return Err(Error::OtherKey { serial: certificate.serial().to_owned() });
    }
    let from = certificate.validity().not_before;
    let ahead = from > now && from.duration_since(now) <= SKEW;
    chain.check(certificate, if ahead { from } else { now })?;
    match crl.and_then(|crl| crl.revoked(certificate.serial())) {
        Some(revocation) => Err(Error::Revoked(revocation)),
        None => Ok(()),
    }
}

/// Writes the certificate for a key pair, proves that the two belong together, and confirms.
pub(crate) fn certificate<T: Transport>(
    card: &mut Card<T>,
    mut opened: Opened,
    pair: &KeyPair,
    issued: &Certificate,
    case: &mut Case<'_>,
    pin: Option<Pin>,
) -> Result<Outcome, Error> {
    let (chain, crl) = case.trust()?;
    check(issued, &pair.key, &chain, crl.as_ref(), case.now)?;
    opened.token.intact()?;
    case.notice(&Notice::Writing)?;
    let label = opened.held.iter().find(|held| held.listed.id == pair.id).map(|held| held.listed.label.clone());
    let name = dated(&label.unwrap_or_default(), issued);
    let time = change_time(&opened.token, case.now);
    let mut token = opened.token.clone();
    let write = |verified: &mut host_driver::Verified<'_, &mut dyn Transport>| {
        token.write_certificate(verified.card(), &pair.id, issued.der(), &name, &time)?;
        signed(verified, pair.slot, &pair.key, confirmation_digest(issued))
    };
    let (signature, pin) = match pin {
        Some(pin) => (again(card, &pin, write)?, pin),
        None => unlocked(card, (&opened.token, opened.tries), 0, Purpose::Write, case.dialog, write)?,
    };
    opened.token = token;
    finish(card, opened, issued.clone(), signature, case, &pin)
}

/// Proves a certificate that is on the card already, and confirms it again.
fn prove<T: Transport>(
    card: &mut Card<T>,
    opened: Opened,
    slot: KeySlot,
    certificate: Certificate,
    case: &mut Case<'_>,
) -> Result<Outcome, Error> {
    let digest = confirmation_digest(&certificate);
    let (signature, pin) = unlocked(card, (&opened.token, opened.tries), 0, Purpose::Sign, case.dialog, |verified| {
        signed(verified, slot, certificate.public_key(), digest)
    })?;
    finish(card, opened, certificate, signature, case, &pin)
}

/// Steps i and j.
fn finish<T: Transport>(
    card: &mut Card<T>,
    mut opened: Opened,
    certificate: Certificate,
    signature: Vec<u8>,
    case: &mut Case<'_>,
    pin: &Pin,
) -> Result<Outcome, Error> {
    case.notice(&Notice::Updated { certificate: &certificate })?;
    let confirmation = Confirmation { serial: certificate.serial().to_owned(), signature };
    match case.authority.installed(certificate.public_key().hash(), &confirmation) {
        Ok(true) => {}
        Ok(false) | Err(AuthorityError::Unreachable(_)) => return Ok(Outcome::Installed { certificate }),
        Err(error) => return Err(error.into()),
    }
    note_idle(card, &mut opened, pin)?;
    case.notice(&Notice::Completed)?;
    Ok(Outcome::Completed { certificate })
}
