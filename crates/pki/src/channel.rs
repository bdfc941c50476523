//! The directory through which the tool and the authority exchange files. It stands in for a network between them.
//!
//! A file is written under another name, brought to the disk and then renamed, so that whoever reads sees the whole of it
//! or nothing. What is read may come from anybody: names, lengths and contents are checked, and what is wrong names its file.

mod recipient;
mod records;
mod store;

pub use recipient::{Recipient, SealError};
pub use records::{
    Answer, Closed, Confirmation, Kind, Registration, SealedPuk, Submission, agreement_hash, confirmation_digest,
};

use crate::certificate::Chain;
use crate::crl::Crl;
use crate::key::KeyHash;
use std::path::{Path, PathBuf};

/// No answer, request, confirmation or sealed PUK is longer.
pub const MAX_RECORD: usize = 128 * 1024;
/// The agreement and the CRL are not longer.
pub const MAX_TEXT: usize = 1024 * 1024;

/// Why a file of the channel could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The operating system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The file is longer than any real one.
    #[error("{}: longer than {max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        max: usize,
    },
    /// The file does not hold what its place promises.
    #[error("{}: {what}", path.display())]
    Garbage {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A subscriber or card name that cannot be a file name.
    #[error("“{0}” is not a name: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot")]
    Name(String),
    /// The path holds no channel.
    #[error("{}: not a channel directory", .0.display())]
    NotAChannel(PathBuf),
}

/// Whether a subscriber id or card serial number may become a file name.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// An opened channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    root: PathBuf,
}

/// One listed file: what names it and what it holds, or what is wrong with it.
pub type Listed<K, T> = Vec<Result<(K, T), ChannelError>>;

impl Channel {
    /// Opens a directory that [`Channel::create`] made.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ChannelError> {
        let root = path.as_ref().to_path_buf();
        if store::PLACES.iter().all(|place| root.join(place).is_dir()) {
            Ok(Self { root })
        } else {
            Err(ChannelError::NotAChannel(root))
        }
    }

    /// Makes the directory with its places, or opens it when it is there already.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, ChannelError> {
        let root = path.as_ref().to_path_buf();
        for place in store::PLACES {
            let path = root.join(place);
            std::fs::create_dir_all(&path).map_err(|source| ChannelError::Io { path, source })?;
        }
        Ok(Self { root })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The subscriber agreement's text.
    pub fn agreement(&self) -> Result<Option<String>, ChannelError> {
        self.text("agreement.txt", MAX_TEXT)
    }

    /// Publishes the agreement.
    pub fn put_agreement(&self, text: &str) -> Result<(), ChannelError> {
        self.put("agreement.txt", text.as_bytes(), MAX_TEXT)
    }

    /// The authority's certificates.
    pub fn chain(&self) -> Result<Option<Chain>, ChannelError> {
        self.text("chain.pem", MAX_RECORD)?.map(|text| self.read("chain.pem", Chain::from_pem(&text))).transpose()
    }

    /// Publishes the authority's certificates.
    pub fn put_chain(&self, chain: &Chain) -> Result<(), ChannelError> {
        self.put("chain.pem", chain.to_pem().as_bytes(), MAX_RECORD)
    }

    /// The newest CRL. Its signature is not looked at here.
    pub fn crl(&self) -> Result<Option<Crl>, ChannelError> {
        self.bytes("crl.der", MAX_TEXT)?.map(|der| self.read("crl.der", Crl::from_der(&der))).transpose()
    }

    /// Publishes a CRL.
    pub fn put_crl(&self, crl: &Crl) -> Result<(), ChannelError> {
        self.put("crl.der", crl.der(), MAX_TEXT)
    }

    /// The key to which PUKs are sealed.
    pub fn recipient(&self) -> Result<Option<Recipient>, ChannelError> {
        self.text("recipient.pem", MAX_RECORD)?
            .map(|text| self.read("recipient.pem", Recipient::from_pem(&text)))
            .transpose()
    }

    /// Publishes the key to which PUKs are sealed.
    pub fn put_recipient(&self, recipient: &Recipient) -> Result<(), ChannelError> {
        self.put("recipient.pem", recipient.to_pem().as_bytes(), MAX_RECORD)
    }

    /// Who has the card, as registered.
    pub fn registration(&self, card: &str) -> Result<Option<Registration>, ChannelError> {
        self.named("cards", card, |registration: &Registration| registration.card == card)
    }

    /// All registered cards.
    pub fn registrations(&self) -> Result<Listed<String, Registration>, ChannelError> {
        self.list_named("cards", |card, registration: &Registration| registration.card == card)
    }

    /// Publishes who has a card.
    pub fn put_registration(&self, registration: &Registration) -> Result<(), ChannelError> {
        self.put_named("cards", &registration.card, registration)
    }

    /// Takes a card's registration away; it is no error when there is none.
    pub fn remove_registration(&self, card: &str) -> Result<(), ChannelError> {
        self.remove_named("cards", card, ".json")
    }

    /// The subscriber's nonce.
    pub fn nonce(&self, subscriber: &str) -> Result<Option<Vec<u8>>, ChannelError> {
        let path = store::file("nonces", subscriber, "")?;
        self.text(&path, 1024)?.map(|text| self.read(&path, hex::decode(text.trim()))).transpose()
    }

    /// Gives a subscriber a nonce.
    pub fn put_nonce(&self, subscriber: &str, nonce: &[u8]) -> Result<(), ChannelError> {
        self.put(&store::file("nonces", subscriber, "")?, hex::encode(nonce).as_bytes(), 1024)
    }

    /// Takes a nonce away; it is no error when there is none.
    pub fn remove_nonce(&self, subscriber: &str) -> Result<(), ChannelError> {
        self.remove_named("nonces", subscriber, "")
    }

    /// The waiting request for a key.
    pub fn submission(&self, key: &KeyHash) -> Result<Option<Submission>, ChannelError> {
        self.named("requests", &key.to_string(), |_| true)
    }

    /// All waiting requests, in the order of their keys' hashes.
    pub fn submissions(&self) -> Result<Listed<KeyHash, Submission>, ChannelError> {
        self.list_keys("requests")
    }

    /// Sends a request.
    pub fn put_submission(&self, key: &KeyHash, submission: &Submission) -> Result<(), ChannelError> {
        self.put_named("requests", &key.to_string(), submission)
    }

    /// Takes a handled request away; it is no error when there is none.
    pub fn remove_submission(&self, key: &KeyHash) -> Result<(), ChannelError> {
        self.remove_named("requests", &key.to_string(), ".json")
    }

    /// The authority's answer to the request for a key: [`Answer::Pending`] as long as there is none.
    pub fn answer(&self, key: &KeyHash) -> Result<Answer, ChannelError> {
        Ok(self.named("answers", &key.to_string(), |answer: &Answer| answer.fits(key))?.unwrap_or(Answer::Pending))
    }

    /// Answers the request for a key. [`Answer::Pending`] takes an earlier answer away.
    pub fn put_answer(&self, key: &KeyHash, answer: &Answer) -> Result<(), ChannelError> {
        match answer {
            Answer::Pending => self.remove_named("answers", &key.to_string(), ".json"),
            _ => self.put_named("answers", &key.to_string(), answer),
        }
    }

    /// The confirmation that the certificate of a key is on its card.
    pub fn confirmation(&self, key: &KeyHash) -> Result<Option<Confirmation>, ChannelError> {
        self.named("installed", &key.to_string(), |_| true)
    }

    /// All waiting confirmations.
    pub fn confirmations(&self) -> Result<Listed<KeyHash, Confirmation>, ChannelError> {
        self.list_keys("installed")
    }

    /// Sends a confirmation.
    pub fn put_confirmation(&self, key: &KeyHash, confirmation: &Confirmation) -> Result<(), ChannelError> {
        self.put_named("installed", &key.to_string(), confirmation)
    }

    /// Takes a handled confirmation away; it is no error when there is none.
    pub fn remove_confirmation(&self, key: &KeyHash) -> Result<(), ChannelError> {
        self.remove_named("installed", &key.to_string(), ".json")
    }

    /// The authority's word that it accepted the confirmation.
    pub fn closed(&self, key: &KeyHash) -> Result<Option<Closed>, ChannelError> {
        self.named("closed", &key.to_string(), |_| true)
    }

    /// Says that the confirmation was accepted.
    pub fn put_closed(&self, key: &KeyHash, closed: &Closed) -> Result<(), ChannelError> {
        self.put_named("closed", &key.to_string(), closed)
    }

    /// A card's sealed PUK, as long as the authority has not taken it.
    pub fn sealed_puk(&self, card: &str) -> Result<Option<SealedPuk>, ChannelError> {
        self.named("sealed", card, |sealed: &SealedPuk| sealed.card == card)
    }

    /// All sealed PUKs that the authority has not taken.
    pub fn sealed(&self) -> Result<Listed<String, SealedPuk>, ChannelError> {
        self.list_named("sealed", |card, sealed: &SealedPuk| sealed.card == card)
    }

    /// Sends a sealed PUK.
    pub fn put_sealed(&self, sealed: &SealedPuk) -> Result<(), ChannelError> {
        self.put_named("sealed", &sealed.card, sealed)
    }

    /// Takes a sealed PUK away; it is no error when there is none.
    pub fn remove_sealed(&self, card: &str) -> Result<(), ChannelError> {
        self.remove_named("sealed", card, ".json")
    }
}
