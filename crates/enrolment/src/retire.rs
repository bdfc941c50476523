//! Taking an old certificate and its key off the card, once its successor has been proven.

use card_pki::certificate::Certificate;
use card_pki::channel::confirmation_digest;
use host_driver::pkcs15::Stage;
use host_driver::pkcs15::codec::Id;
use host_driver::{Card, KeySlot, Transport};

use crate::dialog::{Interrupted, Purpose};
use crate::error::Error;
use crate::flow::{Case, change_time, is_untidy, signed, tidy};
use crate::overview::{Opened, open};
use crate::unlock::unlocked;

/// Retires a certificate: the one with this serial number, or the one that ends first of those that are not current
/// and come from the same authority.
/// First the current certificate's key must sign. Finishes a retirement that was interrupted.
///
/// Returns the certificate that was retired; none if there was none to retire, and nothing was begun before.
///
/// # Errors
/// [`Error::NotSuperseded`] for the current certificate or one that ends later; [`Error::NoSuchCertificate`] if the card has
/// no such one.
pub fn retire<T: Transport>(
    card: &mut Card<T>,
    serial: Option<&str>,
    case: &mut Case<'_>,
) -> Result<Option<Certificate>, Error> {
    let mut opened = open(card)?;
    opened.token.intact()?;
    let now = case.now;
    let begun = opened.token.journal.filter(|journal| journal.stage == Stage::Retiring).map(|journal| journal.key);
    if is_untidy(&opened.token) {
        case.resuming(Interrupted::Retirement)?;
        let mut token = opened.token.clone();
        unlocked(card, (&opened.token, opened.tries), 0, Purpose::Write, case.dialog, |verified| {
            tidy(verified, &mut token, now)
        })?;
        opened = open(card)?;
    }
    let (chain, crl) = case.trust()?;
    let Some((current, current_slot)) = current(&opened, case, crl.as_ref(), &chain.issuing) else {
        return if serial.is_none() && begun.is_some() { Ok(None) } else { Err(Error::NotSuperseded) };
    };
    let Some((id, old)) = choose(&opened, serial, &current, &chain.issuing, begun)? else { return Ok(None) };
    let time = change_time(&opened.token, now);
    let mut token = opened.token.clone();
    let digest = confirmation_digest(&current);
    unlocked(card, (&opened.token, opened.tries), 0, Purpose::Write, case.dialog, |verified| {
        signed(verified, current_slot, current.public_key(), digest)?;
        token.retire(verified, &id, &time)?;
        // What else was under way still is.
        let pending = opened.token.journal.filter(|noted| noted.stage == Stage::Pending && id.0 != noted.key);
        pending.map_or(Ok(()), |noted| Ok(token.note(verified.card(), noted)?))
    })?;
    Ok(Some(old))
}

fn current(
    opened: &Opened,
    case: &Case<'_>,
    crl: Option<&card_pki::crl::Crl>,
    issuer: &Certificate,
) -> Option<(Certificate, KeySlot)> {
    let current = opened.current(case.now, crl, Some(issuer))?;
    let held = opened.held.iter().find(|held| held.certificate.as_ref() == Some(current))?;
    Some((current.clone(), held.listed.slot?))
}

/// The generation to retire: the one that was begun, the one asked for, or the one that ends first.
fn choose(
    opened: &Opened,
    serial: Option<&str>,
    current: &Certificate,
    issuer: &Certificate,
    begun: Option<[u8; 20]>,
) -> Result<Option<(Id, Certificate)>, Error> {
    let all = opened.held.iter().filter_map(|held| Some((held.listed.id.clone(), held.certificate.clone()?)));
    let mut old: Vec<(Id, Certificate)> = all.filter(|(_, certificate)| certificate != current).collect();
    old.sort_by_key(|(_, certificate)| certificate.validity().not_after);
    let Some(serial) = serial else {
        let again = old.iter().position(|(id, _)| begun.is_some_and(|key| id.0 == key));
        // A certificate that ends later than the current one is not valid yet, or revoked, and one of another authority is
        // none of this one's business; they are retired by name only.
        let ended = |(_, certificate): &(Id, Certificate)| {
            certificate.validity().not_after <= current.validity().not_after && certificate.signed_by(issuer)
        };
        let first = again.or_else(|| old.iter().position(ended));
        return Ok(first.map(|at| old.swap_remove(at)));
    };
    if current.serial().eq_ignore_ascii_case(serial) {
        return Err(Error::NotSuperseded);
    }
    let asked = old.into_iter().find(|(_, certificate)| certificate.serial().eq_ignore_ascii_case(serial));
    asked.map(Some).ok_or_else(|| Error::NoSuchCertificate { serial: serial.to_owned() })
}
