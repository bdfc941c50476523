//! What the card's side asks of a certificate authority, however it is reached.

use card_pki::certificate::Chain;
use card_pki::channel::{Answer, Confirmation, Registration, SealedPuk, Submission};
use card_pki::crl::Crl;
use card_pki::key::KeyHash;

/// Why the authority could not be asked, or did not answer in a way that makes sense. A refusal is an answer.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It cannot be reached at this moment. Nothing is lost: ask again later.
    #[error("the authority cannot be reached: {0}")]
    Unreachable(String),
    /// Its answer makes no sense.
    #[error("the authority's answer makes no sense: {0}")]
    Malformed(String),
    /// It has not published what is needed.
    #[error("the authority has not published {what}")]
    Missing {
        /// What is needed, in words.
        what: &'static str,
    },
}

/// A certificate authority, as the card's side sees it. Every call can be repeated.
pub trait Authority {
    /// To whom the card with this serial number was given.
    ///
    /// # Errors
    /// [`AuthorityError::Missing`] if the card is not registered.
    fn registration(&mut self, card: &str) -> Result<Registration, AuthorityError>;

    /// The agreement that a subscriber accepts today.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn agreement(&mut self) -> Result<String, AuthorityError>;

    /// A fresh nonce that binds a renewal to this subscriber's session.
    ///
    /// # Errors
    /// [`AuthorityError::Missing`] if none has been given out.
    fn nonce(&mut self, subscriber: &str) -> Result<Vec<u8>, AuthorityError>;

    /// Hands in a request for the key with this hash. The same request can be handed in again.
    ///
    /// # Errors
    /// [`AuthorityError`]; a refusal is an [`Answer`].
    fn submit(&mut self, key: KeyHash, submission: &Submission) -> Result<Answer, AuthorityError>;

    /// What has become of the request for the key with this hash; [`Answer::Pending`] if there is none.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn answer(&mut self, key: KeyHash) -> Result<Answer, AuthorityError>;

    /// Tells that a certificate is on its card, proven with its key. Returns whether the authority has closed the case.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn installed(&mut self, key: KeyHash, confirmation: &Confirmation) -> Result<bool, AuthorityError>;

    /// Hands over the PUK of a new card, sealed for the authority.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn keep_puk(&mut self, sealed: &SealedPuk) -> Result<(), AuthorityError>;

    /// The authority's own certificates.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn chain(&mut self) -> Result<Chain, AuthorityError>;

    /// The newest revocation list; none if none was ever published.
    ///
    /// # Errors
    /// [`AuthorityError`].
    fn crl(&mut self) -> Result<Option<Crl>, AuthorityError>;
}
