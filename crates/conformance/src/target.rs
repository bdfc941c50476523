//! What a case is played on: anything that takes APDUs and can be reset, and perhaps made anew.

use std::error::Error;
use std::fmt;

use card_wire::Icc;
use host_driver::{InProcess, Transport, TransportError};

/// A card under test, wherever it is.
pub trait Target {
    /// Puts a new card of this preset in place, powered and reset.
    ///
    /// # Errors
    /// [`FreshError::CannotReset`] where the card is the one that is there, [`FreshError::Failed`] otherwise.
    fn fresh(&mut self, preset: &str) -> Result<(), FreshError>;

    /// Resets the card and returns its ATR.
    ///
    /// # Errors
    /// What the transport reports.
    fn reset(&mut self) -> Result<Vec<u8>, TransportError>;

    /// Sends one command as it is and returns the whole answer.
    ///
    /// # Errors
    /// What the transport reports.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// Names the target for people.
    fn describe(&self) -> String;
}

impl<T: Target + ?Sized> Target for Box<T> {
    fn fresh(&mut self, preset: &str) -> Result<(), FreshError> {
        (**self).fresh(preset)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        (**self).reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        (**self).transmit(command)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }
}

/// Why there is no fresh card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FreshError {
    /// The card cannot be made anew: it is somebody's.
    #[error("this card cannot be made anew")]
    CannotReset,
    /// Making the card failed.
    #[error("no fresh card: {0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl FreshError {
    /// A failure with its cause.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(cause.into())
    }
}

/// A preset that the maker of cards does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no preset is called `{0}`")]
pub struct UnknownPreset(pub String);

/// A card in this process, made by a closure for each case.
pub struct InProcessTarget<F> {
    make: F,
    card: Option<InProcess>,
}

impl<F: FnMut(&str) -> Result<Box<dyn Icc>, FreshError>> InProcessTarget<F> {
    /// A target whose cards `make` makes, given the name of a preset.
    pub fn new(make: F) -> Self {
        Self { make, card: None }
    }
}

impl<F: FnMut(&str) -> Result<Box<dyn Icc>, FreshError>> Target for InProcessTarget<F> {
    fn fresh(&mut self, preset: &str) -> Result<(), FreshError> {
        let mut card = InProcess::new((self.make)(preset)?);
        card.reset().map_err(FreshError::failed)?;
        self.card = Some(card);
        Ok(())
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.card.as_mut().map_or(Err(TransportError::CardGone), InProcess::reset)
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.card.as_mut().map_or(Err(TransportError::CardGone), |card| card.transmit(command))
    }

    fn describe(&self) -> String {
        "in-process card".to_owned()
    }
}

impl<F> fmt::Debug for InProcessTarget<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessTarget").finish_non_exhaustive()
    }
}

/// How a fresh card gets behind a transport.
type Renew<T> = Box<dyn FnMut(&mut T, &str) -> Result<(), FreshError> + Send>;

/// A card behind a transport.
pub struct TransportTarget<T> {
    transport: T,
    renew: Option<Renew<T>>,
}

impl<T: Transport> TransportTarget<T> {
    /// A card that is there to stay: cases that need a fresh one are skipped.
    pub fn fixed(transport: T) -> Self {
        Self { transport, renew: None }
    }

    /// A card that `renew` puts in place before each case, given the transport and the name of a preset.
    /// The target resets it afterwards.
    pub fn renewed(transport: T, renew: impl FnMut(&mut T, &str) -> Result<(), FreshError> + Send + 'static) -> Self {
        Self { transport, renew: Some(Box::new(renew)) }
    }
}

impl<T: Transport> Target for TransportTarget<T> {
    fn fresh(&mut self, preset: &str) -> Result<(), FreshError> {
        let renew = self.renew.as_mut().ok_or(FreshError::CannotReset)?;
        renew(&mut self.transport, preset)?;
        self.transport.reset().map(drop).map_err(FreshError::failed)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        self.transport.reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.transport.transmit(command)
    }

    fn describe(&self) -> String {
        self.transport.describe()
    }
}

impl<T> fmt::Debug for TransportTarget<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportTarget").field("renewable", &self.renew.is_some()).finish_non_exhaustive()
    }
}
