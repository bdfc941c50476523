//! What a renewal must agree to and prove to be fresh: agreement and nonce. Both stand in for the web session.

use card_pki::channel::{agreement_hash, is_name};
use card_pki::refusal::Refusal;
use card_pki::time::{Timestamp, whole};
use jiff::SignedDuration;
use rand_core::Rng as _;
use sha2::{Digest as _, Sha256};

use crate::audit::Event;
use crate::authority::Authority;
use crate::error::CaError;
use crate::state::{Agreement, Nonce, State};

/// For how long a nonce may be used.
pub const NONCE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// For how long it is remembered that a nonce was used or has expired; later it is simply unknown.
const NONCE_MEMORY: SignedDuration = SignedDuration::from_hours(24 * 30);

/// No agreement is longer.
const MAX_AGREEMENT: usize = 256 * 1024;

impl Authority {
    /// A nonce for one renewal of a subscriber.
    ///
    /// # Errors
    /// [`Refusal::NotRegistered`], or where it cannot be written down.
    pub fn nonce(&mut self, subscriber: &str, now: Timestamp) -> Result<[u8; 32], CaError> {
        let now = whole(now);
        if !self.state.subscribers.contains_key(subscriber) {
            return Err(Refusal::NotRegistered.into());
        }
        let mut nonce = [0; 32];
        self.rng.fill_bytes(&mut nonce);
        let mut next = self.state.clone();
        next.nonces.retain(|_, old| now.duration_since(old.given) < NONCE_MEMORY);
        let given = Nonce { subscriber: subscriber.to_owned(), given: now, used: None };
        next.nonces.insert(name(&nonce), given);
        self.commit(next, vec![Event::NonceGiven { subscriber: subscriber.to_owned() }], now)?;
        Ok(nonce)
    }

    /// Makes a text the agreement that holds from now on. The one that holds already stays as it is.
    ///
    /// # Errors
    /// Where the text is empty or very long, or where it cannot be written down.
    pub fn set_agreement(&mut self, text: &str, now: Timestamp) -> Result<Agreement, CaError> {
        let now = whole(now);
        if text.trim().is_empty() || text.len() > MAX_AGREEMENT {
            let what = format!("a text of 1 to {MAX_AGREEMENT} bytes is needed");
            return Err(CaError::Registration { field: "agreement", what });
        }
        let hash = hex::encode(agreement_hash(text));
        if let Some(current) = self.state.agreements.last().filter(|current| current.hash == hash) {
            return Ok(current.clone());
        }
        let agreement = Agreement { text: text.to_owned(), hash: hash.clone(), since: now };
        let mut next = self.state.clone();
        next.agreements.push(agreement.clone());
        self.commit(next, vec![Event::AgreementSet { hash }], now)?;
        Ok(agreement)
    }
}

/// The name under which a nonce is remembered.
fn name(nonce: &[u8]) -> String {
    hex::encode(Sha256::digest(nonce))
}

/// The name of the nonce, where this subscriber may use it now.
pub(crate) fn check_nonce(state: &State, nonce: &[u8], subscriber: &str, now: Timestamp) -> Result<String, Refusal> {
    let name = name(nonce);
    let known = state.nonces.get(&name).filter(|known| known.subscriber == subscriber);
    let known = known.ok_or(Refusal::NonceUnknown)?;
    if known.used.is_some() {
        return Err(Refusal::NonceUsed);
    }
    let since = known.given.saturating_add(NONCE_LIFE).map_err(|_| Refusal::NonceUnknown)?;
    if now > since { Err(Refusal::NonceExpired { since }) } else { Ok(name) }
}

/// Whether the nonce has done its work, or is none of ours.
pub(crate) fn is_used(state: &State, nonce: &[u8]) -> bool {
    state.nonces.get(&name(nonce)).is_none_or(|known| known.used.is_some())
}

/// Whether a text may name a subscriber or a card: it becomes a file name in the channel.
pub(crate) fn check_name(field: &'static str, text: &str) -> Result<(), CaError> {
    if is_name(text) {
        return Ok(());
    }
    let what = "1 to 64 letters, digits, points, hyphens or underscores are needed, not a point first".to_owned();
    Err(CaError::Registration { field, what })
}
