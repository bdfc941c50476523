//! What is on a card, read without a PIN: key pairs, certificates, and what each of them is at the moment.

use card_pki::certificate::{Certificate, CertificateError};
use card_pki::crl::{Crl, Revocation};
use card_pki::key::{KeyHash, PublicKey};
use card_pki::time::Timestamp;
use host_driver::pkcs15::{self, DirectoryFile, Journal, Stage, Token};
use host_driver::{Card, KeySlot, PinPolicy, Transport};
use serde::Serialize;

use crate::error::Error;
use crate::unlock::{serial, transact};

/// What a key pair with its certificate is at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A key pair without a certificate.
    Keyed,
    /// A key pair whose request has gone to the authority, as far as the card knows.
    Pending,
    /// The newest valid certificate: the current one.
    Active,
    /// Still valid, but there is a newer one.
    Superseded,
    /// Not valid yet.
    Early,
    /// No longer valid.
    Expired,
    /// Revoked.
    Revoked {
        /// When and why.
        revocation: Revocation,
    },
    /// What is on the card cannot be read as a certificate for an RSA key.
    Unreadable,
}

/// One key pair, with its certificate if it has one.
#[derive(Clone, Debug)]
pub struct Generation {
    /// The key slot; none if the card lists no private key.
    pub slot: Option<u8>,
    /// The PKCS#15 identifier that the parts share.
    pub id: Vec<u8>,
    /// The label.
    pub label: String,
    /// The hash of the public key, if it is known.
    pub key: Option<KeyHash>,
    /// The certificate.
    pub certificate: Option<Certificate>,
    /// What it is at the moment.
    pub state: State,
}

/// The user PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinState {
    /// Its lengths.
    pub policy: PinPolicy,
    /// Tries that are left; none where the card does not tell.
    pub tries: Option<u8>,
}

/// What is on a card.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The card's serial number.
    pub serial: String,
    /// The token's name, as PKCS#11 programs show it.
    pub label: Option<String>,
    /// Who gave it out.
    pub manufacturer: Option<String>,
    /// The ATR.
    pub atr: Vec<u8>,
    /// The user PIN.
    pub pin: PinState,
    /// The key pairs, in the order of their private keys.
    pub generations: Vec<Generation>,
    /// The authority's certificates that the card carries.
    pub authorities: Vec<Certificate>,
    /// What the card was in the middle of, where it is one of ours.
    pub journal: Option<Journal>,
    /// Key slots that no private key is listed for.
    pub free_slots: usize,
}

impl Overview {
    /// The current certificate.
    #[must_use]
    pub fn current(&self) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.state == State::Active)
    }
}

/// Reads what is on a card. Needs no PIN and changes nothing; a PIN that was verified is so no longer.
///
/// # Errors
/// [`Error::Token`] if the card is blank or its directories are damaged.
pub fn overview<T: Transport>(card: &mut Card<T>, now: Timestamp, crl: Option<&Crl>) -> Result<Overview, Error> {
    let opened = open(card)?;
    let mut generations = Vec::new();
    for held in &opened.held {
        let key = match &held.certificate {
            Some(certificate) => Some(certificate.public_key().hash()),
            None => {
                transact(card, |card| Ok(public_key(&opened.token, card, &held.listed)))?.ok().map(|key| key.hash())
            }
        };
        generations.push(Generation {
            slot: held.listed.slot.map(KeySlot::number),
            id: held.listed.id.0.clone(),
            label: held.listed.label.clone(),
            key,
            certificate: held.certificate.clone(),
            state: opened.state(held, now, crl),
        });
    }
    let free_slots =
        usize::from(KeySlot::COUNT) - opened.token.private_keys.iter().flat_map(DirectoryFile::values).count().min(16);
    let authorities = transact(card, |card| authorities(&opened.token, card))?;
    Ok(Overview {
        label: opened.token.info.label.clone(),
        manufacturer: opened.token.info.manufacturer.clone(),
        atr: card.atr()?,
        pin: PinState { policy: opened.token.pin_policy(), tries: opened.tries },
        journal: opened.token.journal,
        serial: opened.serial,
        generations,
        authorities,
        free_slots,
    })
}

/// A card that was read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) token: Token,
    pub(crate) serial: String,
    pub(crate) tries: Option<u8>,
    pub(crate) held: Vec<Held>,
}

/// What the card lists, with the certificate itself.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) listed: pkcs15::Generation,
    pub(crate) certificate: Option<Certificate>,
}

impl Opened {
    /// What a key pair is at the moment.
    pub(crate) fn state(&self, held: &Held, now: Timestamp, crl: Option<&Crl>) -> State {
        let Some(certificate) = &held.certificate else {
            let pending = self
                .token
                .journal
                .is_some_and(|journal| journal.stage == Stage::Pending && held.listed.id.0 == journal.key);
            return match held.listed.certificate {
                Some(_) => State::Unreadable,
                None if pending => State::Pending,
                None => State::Keyed,
            };
        };
        let validity = certificate.validity();
        if let Some(revocation) = crl.and_then(|crl| crl.revoked(certificate.serial())) {
            return State::Revoked { revocation };
        }
        if now > validity.not_after {
            return State::Expired;
        }
        if now < validity.not_before {
            return State::Early;
        }
        match self.current(now, crl, None) {
            Some(current) if current.serial() == certificate.serial() => State::Active,
            _ => State::Superseded,
        }
    }

    /// The valid certificate with a key that ends last: of those by this issuer, or of all.
    pub(crate) fn current(
        &self,
        now: Timestamp,
        crl: Option<&Crl>,
        issuer: Option<&Certificate>,
    ) -> Option<&Certificate> {
        let usable =
            self.held.iter().filter(|held| held.listed.slot.is_some()).filter_map(|held| held.certificate.as_ref());
        let ours = usable.filter(|certificate| issuer.is_none_or(|issuer| certificate.signed_by(issuer)));
        let valid = ours.filter(|certificate| certificate.validity().contains(now));
        let unrevoked = valid.filter(|certificate| crl.is_none_or(|crl| crl.revoked(certificate.serial()).is_none()));
        unrevoked.max_by_key(|certificate| (certificate.validity().not_after, certificate.validity().not_before))
    }
}

/// Reads directories and certificates.
pub(crate) fn open<T: Transport>(card: &mut Card<T>) -> Result<Opened, Error> {
    transact(card, |card| {
        let token = Token::read(card)?;
        let tries = card.pin_tries().unwrap_or(None);
        let mut held = Vec::new();
        for listed in token.generations() {
            let certificate = match &listed.certificate {
                Some(path) => read_certificate(&token.read_file(card, path)?).ok(),
                None => None,
            };
            held.push(Held { listed, certificate });
        }
        Ok(Opened { serial: serial(&token), token, tries, held })
    })
}

/// Reads a certificate from a file that may be longer than it.
fn read_certificate(bytes: &[u8]) -> Result<Certificate, CertificateError> {
    let whole = match *bytes {
        [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        _ => bytes.len(),
    };
    Certificate::from_der(bytes.get(..whole).unwrap_or(bytes))
}

/// The public key that a key pair's file holds.
pub(crate) fn public_key<T: Transport>(
    token: &Token,
    card: &mut Card<T>,
    listed: &pkcs15::Generation,
) -> Result<PublicKey, Error> {
    let key = token.public_key(card, listed)?;
    let file = listed.public_key.as_ref().and_then(|path| path.file.last().copied()).unwrap_or_default();
    PublicKey::new(&key.modulus, &key.exponent).map_err(|_| pkcs15::Error::Damaged { file, at: 0 }.into())
}

fn authorities<T: Transport>(token: &Token, card: &mut Card<T>) -> Result<Vec<Certificate>, Error> {
    let mut found = Vec::new();
    for entry in token.trusted.iter().flat_map(DirectoryFile::values) {
        found.extend(read_certificate(&token.read_file(card, &entry.path)?));
    }
    Ok(found)
}
