//! What a subscriber does with the card itself: personalisation by the registration desk, login, PIN, signatures.

use card_pki::certificate::Certificate;
use card_pki::crl::Crl;
use card_pki::time::Timestamp;
use host_driver::pkcs15::{self, Personalisation};
use host_driver::{Card, Error as CardError, Pin, Puk, Transport};

use crate::dialog::{Dialog, Purpose};
use crate::error::Error;
use crate::flow::signed;
use crate::overview::open;
use crate::unlock::{serial, transact, unlocked};

/// Gives a blank card its files, PUK and PIN. Returns whether its PUK is the one given: a card whose personalisation
/// was interrupted after its PUK had been set keeps that one.
///
/// # Errors
/// [`Error::Token`] if the card is personalised already, or too small.
pub fn personalise<T: Transport>(card: &mut Card<T>, with: &Personalisation) -> Result<bool, Error> {
    transact(card, |card| Ok(pkcs15::personalise(card, with)?))
}

/// Presents the PIN, asking again while it is wrong.
///
/// # Errors
/// [`Error::PinBlocked`], [`Error::Cancelled`].
pub fn login<T: Transport>(card: &mut Card<T>, dialog: &mut dyn Dialog) -> Result<(), Error> {
    let opened = open(card)?;
    unlocked(card, (&opened.token, opened.tries), 0, Purpose::Login, dialog, |_| Ok(())).map(drop)
}

/// Gives the PIN a new value.
///
/// # Errors
/// [`Error::Card`] with [`CardError::WrongPin`] if the old one is wrong, which costs a try; [`Error::PinBlocked`].
pub fn change_pin<T: Transport>(card: &mut Card<T>, old: &Pin, new: &Pin) -> Result<(), Error> {
    pin_command(card, |card| card.change_pin(old, new))
}

/// Gives a locked PIN a new value.
///
/// # Errors
/// [`Error::Card`] with [`CardError::WrongPin`] if the PUK is wrong, which costs one of its tries;
/// [`Error::PinBlocked`] if the PUK has none left: the card is lost then.
pub fn unblock_pin<T: Transport>(card: &mut Card<T>, puk: &Puk, new: &Pin) -> Result<(), Error> {
    pin_command(card, |card| card.unblock_pin(puk, new))
}

fn pin_command<T: Transport>(
    card: &mut Card<T>,
    command: impl FnOnce(&mut Card<&mut dyn Transport>) -> Result<(), CardError>,
) -> Result<(), Error> {
    let token = transact(card, |card| Ok(pkcs15::Token::read(card)?))?;
    let serial = serial(&token);
    let done = transact(card, |card| {
        card.enter_application()?;
        Ok(command(card))
    })?;
    done.map_err(|error| match error {
        CardError::Blocked => Error::PinBlocked { serial },
        error => error.into(),
    })
}

/// Signs a SHA-256 hash value with the current certificate's key, or with that of the certificate with this serial number.
///
/// A certificate that the list names as revoked is never the current one.
///
/// # Errors
/// [`Error::NoCertificate`] if there is none, [`Error::NoSuchCertificate`] if not the one asked for.
pub fn sign<T: Transport>(
    card: &mut Card<T>,
    certificate: Option<&str>,
    sha256: [u8; 32],
    dialog: &mut dyn Dialog,
    now: Timestamp,
    crl: Option<&Crl>,
) -> Result<(Certificate, Vec<u8>), Error> {
    let opened = open(card)?;
    let wanted = match certificate {
        Some(serial) => opened
            .held
            .iter()
            .filter_map(|held| held.certificate.as_ref())
            .find(|certificate| certificate.serial().eq_ignore_ascii_case(serial)),
        None => opened.current(now, crl, None),
    };
    if wanted.is_none() {
        opened.token.intact()?;
    }
    let none = || certificate.map_or(Error::NoCertificate, |serial| Error::NoSuchCertificate { serial: serial.into() });
    let wanted = wanted.ok_or_else(none)?.clone();
    let held = opened.held.iter().find(|held| held.certificate.as_ref() == Some(&wanted));
    let slot = held.and_then(|held| held.listed.slot).ok_or(Error::NoCertificate)?;
    let (signature, _) = unlocked(card, (&opened.token, opened.tries), 0, Purpose::Sign, dialog, |verified| {
        signed(verified, slot, wanted.public_key(), sha256)
    })?;
    Ok((wanted, signature))
}
