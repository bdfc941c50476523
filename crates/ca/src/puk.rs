//! The PUKs of the cards: they come sealed, are kept as they came, and are opened only for the one who asks for one.

use base64ct::{Base64, Encoding as _};
use card_pki::channel::SealedPuk;
use card_pki::refusal::Refusal;
use card_pki::time::{Timestamp, whole};
use zeroize::Zeroizing;

use crate::audit::Event;
use crate::authority::Authority;
use crate::error::CaError;

impl Authority {
    /// Takes a sealed PUK over. The same again changes nothing; another PUK for the same card is refused.
    ///
    /// # Errors
    /// [`Refusal::CardUnknown`] where the card is not registered, [`CaError::BadSeal`], [`CaError::OtherSeal`].
    pub fn take_sealed(&mut self, sealed: &SealedPuk, now: Timestamp) -> Result<(), CaError> {
        let now = whole(now);
        let card = sealed.card.clone();
        let known = self.state.cards.get(&card).ok_or_else(|| Refusal::CardUnknown { card: card.clone() })?;
        let kept = known.sealed_puk.clone();
        let offered = self.unseal(&card, &sealed.ciphertext)?.ok_or_else(|| CaError::BadSeal { card: card.clone() })?;
        if let Some(kept) = kept {
            return if self.opened(&card, &kept)? == offered { Ok(()) } else { Err(CaError::OtherSeal { card }) };
        }
        let mut next = self.state.clone();
        if let Some(entry) = next.cards.get_mut(&card) {
            entry.sealed_puk = Some(Base64::encode_string(&sealed.ciphertext));
        }
        self.commit(next, vec![Event::PukTaken { card }], now)
    }

    /// The PUK of a card, for the desk that unblocks it. Each time is written into the audit log, before it is given.
    ///
    /// # Errors
    /// [`Refusal::CardUnknown`], [`CaError::NoPuk`].
    pub fn puk(&mut self, card: &str, now: Timestamp) -> Result<Zeroizing<Vec<u8>>, CaError> {
        let unknown = || Refusal::CardUnknown { card: card.chars().take(64).collect() };
        let known = self.state.cards.get(card).ok_or_else(unknown)?;
        let sealed = known.sealed_puk.clone().ok_or_else(|| CaError::NoPuk { card: card.to_owned() })?;
        let puk = self.opened(card, &sealed)?;
        self.commit(self.state.clone(), vec![Event::PukShown { card: card.to_owned() }], whole(now))?;
        Ok(puk)
    }

    /// Forgets the PUK of a card, so that another one can be taken over: for a card that was personalised anew.
    ///
    /// # Errors
    /// [`Refusal::CardUnknown`], [`CaError::NoPuk`].
    pub fn forget_puk(&mut self, card: &str, now: Timestamp) -> Result<(), CaError> {
        let mut next = self.state.clone();
        let unknown = || Refusal::CardUnknown { card: card.chars().take(64).collect() };
        let entry = next.cards.get_mut(card).ok_or_else(unknown)?;
        entry.sealed_puk.take().ok_or_else(|| CaError::NoPuk { card: card.to_owned() })?;
        self.commit(next, vec![Event::PukForgotten { card: card.to_owned() }], whole(now))
    }

    fn opened(&mut self, card: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, CaError> {
        let bad = || CaError::BadSeal { card: card.to_owned() };
        let ciphertext = Base64::decode_vec(sealed).map_err(|_| bad())?;
        self.unseal(card, &ciphertext)?.ok_or_else(bad)
    }
}
