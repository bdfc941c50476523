//! The PIN: asked for, presented, asked for again; and what runs behind it, with other programs kept away.

use host_driver::pkcs15::Token;
use host_driver::{Card, Error as CardError, Pin, Transport, TransportError, Verified};

use crate::dialog::{Cancelled, Dialog, Notice, PinAsk, Purpose};
use crate::error::Error;

/// Asks for the PIN until it is right or the person gives up, then runs `body` behind it, in one transaction.
/// `tries` is what the card said when it was read.
pub(crate) fn unlocked<T: Transport, R>(
    card: &mut Card<T>,
    (token, tries): (&Token, Option<u8>),
    number: usize,
    purpose: Purpose,
    dialog: &mut dyn Dialog,
    body: impl FnOnce(&mut Verified<'_, &mut dyn Transport>) -> Result<R, Error>,
) -> Result<(R, Pin), Error> {
    let blocked = || Error::PinBlocked { serial: serial(token) };
    let mut ask = PinAsk { purpose, card: number, policy: token.pin_policy(), tries, wrong: false };
    let mut body = Some(body);
    loop {
        match ask.tries {
            Some(0) => return Err(blocked()),
            Some(1) => dialog.last_try(&ask)?,
            _ => {}
        }
        let last = ask.tries == Some(1);
        let pin = dialog.pin(&ask)?;
        let mut begun = || match purpose {
            Purpose::Generate => dialog.notice(&Notice::Generating),
            _ => Ok(()),
        };
        match behind(card, &pin, &mut body, Some(last), &mut begun)? {
            Shown::Right(result) => return Ok((result?, pin)),
            Shown::Wrong { tries } => (ask.tries, ask.wrong) = (Some(tries), true),
            // Another program has spent tries in between; nothing was shown to the card.
            Shown::OneLeft => ask.tries = Some(1),
            Shown::Blocked => return Err(blocked()),
        }
    }
}

/// What came of showing a PIN.
enum Shown<R> {
    /// It was right, and this is what the rest gave.
    Right(Result<R, Error>),
    Wrong {
        tries: u8,
    },
    /// It was not shown: one try is left, and nobody has agreed to spend it.
    OneLeft,
    Blocked,
}

/// Runs `body` behind a PIN that was right a moment ago.
pub(crate) fn again<T: Transport, R>(
    card: &mut Card<T>,
    pin: &Pin,
    body: impl FnOnce(&mut Verified<'_, &mut dyn Transport>) -> Result<R, Error>,
) -> Result<R, Error> {
    match behind(card, pin, &mut Some(body), None, &mut || Ok(()))? {
        Shown::Right(result) => result,
        Shown::Wrong { tries } => Err(CardError::WrongPin { tries }.into()),
        Shown::OneLeft | Shown::Blocked => Err(CardError::Blocked.into()),
    }
}

/// Shows the PIN. Where it is not known to be right, the card is asked first how many tries are left: asking costs
/// none, and the last one is spent only where `last` allows. `begun` is called once the PIN was right.
fn behind<T: Transport, R, B>(
    card: &mut Card<T>,
    pin: &Pin,
    body: &mut Option<B>,
    last: Option<bool>,
    begun: &mut dyn FnMut() -> Result<(), Cancelled>,
) -> Result<Shown<R>, Error>
where
    B: FnOnce(&mut Verified<'_, &mut dyn Transport>) -> Result<R, Error>,
{
    transact(card, |card| {
        // Another application may be selected by now, and must not be shown this PIN.
        card.enter_application()?;
        if last == Some(false) {
            match card.pin_tries() {
                Ok(Some(1)) => return Ok(Shown::OneLeft),
                Ok(Some(0)) => return Ok(Shown::Blocked),
                Err(error) if error.is_transport() => return Err(error.into()),
                // A card that does not tell is asked nothing more.
                _ => {}
            }
        }
        match card.verify(pin) {
            Ok(mut verified) => {
                begun()?;
                Ok(Shown::Right(body.take().map_or(Err(Error::Cancelled), |body| body(&mut verified))))
            }
            Err(CardError::WrongPin { tries }) => Ok(Shown::Wrong { tries }),
            Err(CardError::Blocked) => Ok(Shown::Blocked),
            Err(error) => Err(error.into()),
        }
    })
}

/// Runs `body` with other programs kept away; once more from the beginning if another one had reset the card before.
pub(crate) fn transact<T: Transport, R>(
    card: &mut Card<T>,
    body: impl FnOnce(&mut Card<&mut dyn Transport>) -> Result<R, Error>,
) -> Result<R, Error> {
    let mut body = Some(body);
    let mut tries = 0;
    loop {
        tries += 1;
        match card.transaction(|card| body.take().map(|body| body(card))) {
            Err(CardError::Transport(TransportError::CardReset)) if tries == 1 && body.is_some() => {}
            Err(error) => return Err(error.into()),
            Ok(result) => return result.unwrap_or(Err(Error::Cancelled)),
        }
    }
}

/// The card's serial number as text.
pub(crate) fn serial(token: &Token) -> String {
    match core::str::from_utf8(&token.info.serial) {
        Ok(text) if !text.is_empty() && text.chars().all(|letter| letter.is_ascii_graphic()) => text.to_owned(),
        _ => token.info.serial.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
