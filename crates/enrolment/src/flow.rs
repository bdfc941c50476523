//! What all flows share: who takes part, how they end, and what an interrupted one left to be finished.

use card_pki::certificate::{Certificate, Chain};
use card_pki::crl::Crl;
use card_pki::key::{KeyHash, PublicKey};
use card_pki::time::{Timestamp, whole};
use host_driver::pkcs15::codec::Id;
use host_driver::pkcs15::{self, Journal, Naming, Stage, Token};
use host_driver::{Card, Digest, KeySlot, Transport, Verified};
use sha2::{Digest as _, Sha256};

use crate::authority::Authority;
use crate::dialog::{Dialog, Interrupted, Notice};
use crate::error::Error;
use crate::overview::{Held, Opened, public_key};
use crate::unlock::transact;

/// What takes part in a flow besides the card.
pub struct Case<'a> {
    /// The certificate authority.
    pub authority: &'a mut dyn Authority,
    /// The person.
    pub dialog: &'a mut dyn Dialog,
    /// The time.
    pub now: Timestamp,
}

impl core::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Case({})", self.now)
    }
}

/// How a flow ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The certificate is on the card, and the authority has closed the case.
    Completed {
        /// The new certificate.
        certificate: Certificate,
    },
    /// The certificate is on the card, but the authority has not closed the case yet: call again later.
    Installed {
        /// The new certificate.
        certificate: Certificate,
    },
    /// The authority has not answered yet: call again later, here or on another computer.
    Waiting {
        /// The key that waits for its certificate.
        key: KeyHash,
    },
}

/// A key pair on the card that waits for its certificate.
#[derive(Clone, Debug)]
pub(crate) struct KeyPair {
    pub(crate) id: Id,
    pub(crate) slot: KeySlot,
    pub(crate) key: PublicKey,
}

/// The end of a key's validity while it has no certificate.
const OPEN_END: &str = "99991231235959Z";

/// A time as PKCS#15 writes it: `YYYYMMDDHHMMSSZ`.
pub(crate) fn generalized(at: Timestamp) -> String {
    whole(at).strftime("%Y%m%d%H%M%SZ").to_string()
}

/// The time of a change, later than the last one by at least a second, as programs that cache compare it.
pub(crate) fn change_time(token: &Token, now: Timestamp) -> String {
    let now = generalized(now);
    match token.info.last_update.as_deref() {
        Some(last) if last.len() == now.len() && *last >= *now => successor(last).unwrap_or(now),
        _ => now,
    }
}

/// The next second.
fn successor(text: &str) -> Option<String> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    let next = civil.checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
    Some(next.strftime("%Y%m%d%H%M%SZ").to_string())
}

/// How a new generation is named.
pub(crate) fn naming(subscriber: &str, now: Timestamp) -> Naming {
    let start = generalized(now);
    let day = start.get(..8).unwrap_or_default();
    Naming { label: format!("{subscriber} {day}"), start, end: OPEN_END.to_owned() }
}

/// The same name with the dates of the certificate.
pub(crate) fn dated(label: &str, certificate: &Certificate) -> Naming {
    let validity = certificate.validity();
    Naming { label: label.to_owned(), start: generalized(validity.not_before), end: generalized(validity.not_after) }
}

impl Case<'_> {
    /// The authority's certificates and its list of revoked ones. A list that it did not sign counts as none.
    pub(crate) fn trust(&mut self) -> Result<(Chain, Option<Crl>), Error> {
        let chain = self.authority.chain()?;
        let crl = self.authority.crl()?.filter(|crl| crl.signed_by(&chain.issuing));
        Ok((chain, crl))
    }

    pub(crate) fn notice(&mut self, notice: &Notice<'_>) -> Result<(), Error> {
        Ok(self.dialog.notice(notice)?)
    }

    pub(crate) fn resuming(&mut self, what: Interrupted) -> Result<(), Error> {
        self.notice(&Notice::Resuming { what })
    }
}

/// The key pair that was made by us and waits for its certificate.
pub(crate) fn waiting<T: Transport>(card: &mut Card<T>, opened: &Opened) -> Result<Option<KeyPair>, Error> {
    for held in &opened.held {
        if let Some(pair) = pair(card, opened, held)? {
            return Ok(Some(pair));
        }
    }
    Ok(None)
}

/// A key pair without a certificate, if we made it: its identifier is that of its public key.
pub(crate) fn pair<T: Transport>(card: &mut Card<T>, opened: &Opened, held: &Held) -> Result<Option<KeyPair>, Error> {
    let listed = &held.listed;
    let (Some(slot), Some(_), None) = (listed.slot, &listed.public_key, &listed.certificate) else { return Ok(None) };
    if listed.id.0.len() != 20 {
        return Ok(None);
    }
    match transact(card, |card| public_key(&opened.token, card, listed)) {
        Ok(key) if key.identifier() == *listed.id.0 => Ok(Some(KeyPair { id: listed.id.clone(), slot, key })),
        Err(error @ Error::Card(host_driver::Error::Transport(_))) => Err(error),
        // Somebody else's key, of another kind.
        _ => Ok(None),
    }
}

/// Signs with a key of the card and checks that it is the key that the card lists.
pub(crate) fn signed<T: Transport>(
    verified: &mut Verified<'_, T>,
    slot: KeySlot,
    key: &PublicKey,
    sha256: [u8; 32],
) -> Result<Vec<u8>, Error> {
    let signature = verified.sign_pkcs1(slot, &Digest::Sha256(sha256))?;
    if key.verify(&sha256, &signature) { Ok(signature) } else { Err(Error::BadSignature) }
}

/// Whether something was interrupted that must be finished or undone before anything new begins.
pub(crate) fn is_untidy(token: &Token) -> bool {
    let noted = token.journal.is_some_and(|journal| matches!(journal.stage, Stage::Generating | Stage::Retiring));
    let torn = token.has_journal && token.journal.is_none();
    noted || torn || half_listed(token).is_some()
}

/// A key of ours that is listed as a public one only.
fn half_listed(token: &Token) -> Option<pkcs15::Generation> {
    token
        .generations()
        .into_iter()
        .find(|listed| listed.slot.is_none() && listed.id.0.len() == 20 && token.unlisted_place(&listed.id).is_some())
}

/// Finishes or undoes what was interrupted. The directories must be read again afterwards.
pub(crate) fn tidy<T: Transport>(
    verified: &mut Verified<'_, T>,
    token: &mut Token,
    now: Timestamp,
) -> Result<Interrupted, Error> {
    // Files that a damaged directory lists no longer are no leftovers.
    token.intact()?;
    let noted = token.journal.filter(|journal| journal.stage != Stage::Idle);
    let mut found = Interrupted::Generation;
    if let Some(journal) = noted.filter(|journal| journal.stage == Stage::Retiring) {
        found = Interrupted::Retirement;
        finish_retirement(verified, token, &journal, now)?;
    }
    if let Some(half) = half_listed(token) {
        finish_generation(verified, token, &half, now)?;
    }
    for leftover in token.leftovers(verified.card(), token.has_journal && noted.is_none())? {
        token.clean(verified, leftover)?;
    }
    token.note(verified.card(), Journal::IDLE)?;
    Ok(found)
}

/// Goes on where some directories list the generation no more; where all still do, nothing has happened yet.
fn finish_retirement<T: Transport>(
    verified: &mut Verified<'_, T>,
    token: &mut Token,
    journal: &Journal,
    now: Timestamp,
) -> Result<(), Error> {
    let listed = token.generations().into_iter().find(|listed| listed.id.0 == journal.key);
    let Some(listed) = listed else { return Ok(()) };
    if listed.slot.is_some() && listed.public_key.is_some() && listed.certificate.is_some() {
        return Ok(());
    }
    let time = change_time(token, now);
    Ok(token.retire(verified, &listed.id, &time)?)
}

/// Lists the private key too, if the slot still holds it; otherwise takes the public key away.
fn finish_generation<T: Transport>(
    verified: &mut Verified<'_, T>,
    token: &mut Token,
    half: &pkcs15::Generation,
    now: Timestamp,
) -> Result<(), Error> {
    let time = change_time(token, now);
    let Some(place) = token.unlisted_place(&half.id) else { return Ok(()) };
    let key = public_key(token, verified.card(), half);
    // A public key that somebody else stored without a private one is none of ours.
    if key.as_ref().is_ok_and(|key| key.identifier() != *half.id.0) {
        return Ok(());
    }
    let challenge = Sha256::digest(b"cardlab proof of possession v1\0").into();
    let proof = key.and_then(|key| signed(verified, place.slot, &key, challenge));
    match proof {
        Ok(_) => {
            let naming = Naming { label: half.label.clone(), start: generalized(now), end: OPEN_END.to_owned() };
            token.finish_listing(verified.card(), &half.id, &naming)?;
        }
        Err(Error::Card(error)) if error.is_transport() => return Err(error.into()),
        Err(_) => token.retire(verified, &half.id, &time)?,
    }
    Ok(())
}

/// The journal's record of a request that goes to the authority.
pub(crate) fn noted(token: &Token, pair: &KeyPair) -> Journal {
    let mut key = [0; 20];
    if let Ok(id) = <[u8; 20]>::try_from(pair.id.0.as_slice()) {
        key = id;
    }
    let listed = token.generations().into_iter().find(|listed| listed.id == pair.id);
    let files = listed.and_then(|listed| listed.files()).unwrap_or_default();
    Journal { stage: Stage::Pending, slot: pair.slot.number(), files, key }
}
