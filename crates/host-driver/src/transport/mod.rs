//! How bytes reach a card. Knows no command: every APDU crosses exactly as it was given.

#[cfg(feature = "in-process")]
mod in_process;
#[cfg(feature = "pcsc")]
mod pcsc;
#[cfg(feature = "vpcd")]
mod vpcd;

#[cfg(feature = "in-process")]
pub use in_process::InProcess;
#[cfg(feature = "pcsc")]
pub use pcsc::Pcsc;
#[cfg(feature = "pcsc")]
pub(crate) use pcsc::{establish, map_error};
#[cfg(feature = "vpcd")]
pub use vpcd::{Vpcd, VpcdListener};

use crate::error::TransportError;

/// What runs while nobody else can reach the card.
pub type Transacted<'a> = dyn FnMut(&mut dyn Transport) + 'a;

/// A way to one card.
pub trait Transport: Send {
    /// Sends one command APDU, raw, and returns the card's answer, which has at least two bytes.
    ///
    /// # Errors
    /// Whatever kept the command or its answer from arriving.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// Resets the card. Returns its ATR.
    ///
    /// # Errors
    /// Whatever kept the card from being reset.
    fn reset(&mut self) -> Result<Vec<u8>, TransportError>;

    /// The ATR of the last reset.
    ///
    /// # Errors
    /// Whatever keeps the ATR from being read; none where it is kept on this side.
    fn atr(&mut self) -> Result<Vec<u8>, TransportError>;

    /// Runs `body` exactly once with the card kept from all other programs, where there can be others.
    ///
    /// A pair of begin and end calls would leave the card locked where a caller forgets the second one, and
    /// `pcsc` rightly offers none.
    ///
    /// # Errors
    /// Whatever kept the transaction from beginning; `body` has not run then.
    fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError>;

    /// What this is, for people: `in-process card`, `vpcd on 127.0.0.1:40001`, the name of the reader.
    fn describe(&self) -> String;
}

macro_rules! forwarded {
    ($($type:ty),*) => {$(
        impl<T: Transport + ?Sized> Transport for $type {
            fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
                (**self).transmit(command)
            }

            fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
                (**self).reset()
            }

            fn atr(&mut self) -> Result<Vec<u8>, TransportError> {
                (**self).atr()
            }

            fn transaction(&mut self, body: &mut Transacted<'_>) -> Result<(), TransportError> {
                (**self).transaction(body)
            }

            fn describe(&self) -> String {
                (**self).describe()
            }
        }
    )*};
}

forwarded!(Box<T>, &mut T);
