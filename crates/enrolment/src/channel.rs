//! An authority that is reached through a directory.

use std::path::Path;

use card_pki::certificate::Chain;
use card_pki::channel::{Answer, Channel, ChannelError, Confirmation, Registration, SealedPuk, Submission};
use card_pki::crl::Crl;
use card_pki::key::KeyHash;

use crate::authority::{Authority, AuthorityError};

/// An authority that is reached through a directory which both sides can write.
#[derive(Debug)]
pub struct DirectoryChannel {
    channel: Channel,
}

impl DirectoryChannel {
    /// Opens the directory.
    ///
    /// # Errors
    /// [`AuthorityError::Unreachable`] if it is not there.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, AuthorityError> {
        Ok(Self { channel: Channel::open(path)? })
    }

    /// The directory's records.
    #[must_use]
    pub const fn channel(&self) -> &Channel {
        &self.channel
    }
}

impl From<ChannelError> for AuthorityError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Io { .. } | ChannelError::NotAChannel(_) => Self::Unreachable(error.to_string()),
            error => Self::Malformed(error.to_string()),
        }
    }
}

impl Authority for DirectoryChannel {
    fn registration(&mut self, card: &str) -> Result<Registration, AuthorityError> {
        self.channel.registration(card)?.ok_or(AuthorityError::Missing { what: "a registration for this card" })
    }

    fn agreement(&mut self) -> Result<String, AuthorityError> {
        self.channel.agreement()?.ok_or(AuthorityError::Missing { what: "its agreement" })
    }

    fn nonce(&mut self, subscriber: &str) -> Result<Vec<u8>, AuthorityError> {
        self.channel.nonce(subscriber)?.ok_or(AuthorityError::Missing { what: "a nonce for this subscriber" })
    }

    fn submit(&mut self, key: KeyHash, submission: &Submission) -> Result<Answer, AuthorityError> {
        match self.channel.answer(&key)? {
            issued @ Answer::Issued { .. } => Ok(issued),
            // An earlier refusal is not the answer to this request.
            Answer::Refused { .. } => {
                self.channel.put_answer(&key, &Answer::Pending)?;
                self.channel.put_submission(&key, submission)?;
                Ok(Answer::Pending)
            }
            Answer::Pending => {
                self.channel.put_submission(&key, submission)?;
                Ok(self.channel.answer(&key)?)
            }
        }
    }

    fn answer(&mut self, key: KeyHash) -> Result<Answer, AuthorityError> {
        Ok(self.channel.answer(&key)?)
    }

    fn installed(&mut self, key: KeyHash, confirmation: &Confirmation) -> Result<bool, AuthorityError> {
        if self.channel.closed(&key)?.is_some() {
            return Ok(true);
        }
        self.channel.put_confirmation(&key, confirmation)?;
        Ok(self.channel.closed(&key)?.is_some())
    }

    fn keep_puk(&mut self, sealed: &SealedPuk) -> Result<(), AuthorityError> {
        Ok(self.channel.put_sealed(sealed)?)
    }

    fn chain(&mut self) -> Result<Chain, AuthorityError> {
        self.channel.chain()?.ok_or(AuthorityError::Missing { what: "its certificates" })
    }

    fn crl(&mut self) -> Result<Option<Crl>, AuthorityError> {
        Ok(self.channel.crl()?)
    }
}
