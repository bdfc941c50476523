//! What a case is played on: anything that takes APDUs and can be reset, and perhaps made anew.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use card_wire::{Icc, Protocol};
use host_driver::{InProcess, Transport, TransportError};

use crate::script::Case;

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

    /// Hears that a part of a case begins. What a target does with it must not depend on earlier cases.
    fn begin(&mut self, case: &Case, part: Part) {
        let _ = (case, part);
    }

    /// Keeps the card as it is under a name, where the target can. `false` where it cannot.
    fn save(&mut self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Puts the card that was kept under a name back, exactly as it was. `false` where there is none.
    fn restore(&mut self, name: &str) -> bool {
        let _ = name;
        false
    }
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

    fn begin(&mut self, case: &Case, part: Part) {
        (**self).begin(case, part);
    }

    fn save(&mut self, name: &str) -> bool {
        (**self).save(name)
    }

    fn restore(&mut self, name: &str) -> bool {
        (**self).restore(name)
    }
}

/// What of a case begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its setups, which other cases may share: what happens in them must not depend on the case.
    Setup,
    /// Its own steps.
    Steps,
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

/// What is called when a part of a case begins.
type OnPart = Box<dyn FnMut(&Case, Part) + Send>;

/// A card in this process that can be forked: what one case has set up begins the next one that needs it.
pub struct ForkingTarget<C, M> {
    make: M,
    fork: fn(&C) -> C,
    card: Option<C>,
    kept: BTreeMap<String, C>,
    response: Vec<u8>,
    on_part: OnPart,
}

/// Room for the longest answer: 65,536 bytes and a status word.
const MAX_ANSWER: usize = 0x1_0000 + 2;

impl<C: Icc, M: FnMut(&str) -> Result<C, FreshError>> ForkingTarget<C, M> {
    /// A target whose cards `make` makes, given the name of a preset, and `fork` copies, sessions and randomness included.
    pub fn new(make: M, fork: fn(&C) -> C) -> Self {
        let response = vec![0; MAX_ANSWER];
        Self { make, fork, card: None, kept: BTreeMap::new(), response, on_part: Box::new(|_, _| {}) }
    }

    /// Calls this when a part of a case begins.
    #[must_use]
    pub fn on_part(self, on_part: impl FnMut(&Case, Part) + Send + 'static) -> Self {
        Self { on_part: Box::new(on_part), ..self }
    }

    fn card(&mut self) -> Result<&mut C, TransportError> {
        self.card.as_mut().ok_or(TransportError::CardGone)
    }
}

impl<C: Icc, M: FnMut(&str) -> Result<C, FreshError>> Target for ForkingTarget<C, M> {
    fn fresh(&mut self, preset: &str) -> Result<(), FreshError> {
        let mut card = (self.make)(preset)?;
        card.power_on(Protocol::T1);
        self.card = Some(card);
        self.reset().map(drop).map_err(FreshError::failed)
    }

    fn reset(&mut self) -> Result<Vec<u8>, TransportError> {
        let card = self.card()?;
        let mut atr = card.reset().to_vec();
        if atr.is_empty() {
            // A card that has lost power needs more than a warm reset, as in a reader.
            card.power_off();
            atr = card.power_on(Protocol::T1).to_vec();
        }
        if atr.is_empty() { Err(TransportError::Unresponsive) } else { Ok(atr) }
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let card = self.card.as_mut().ok_or(TransportError::CardGone)?;
        match card.transmit(command, &mut self.response) {
            [] => Err(TransportError::CardGone),
            [_] => Err(TransportError::ShortAnswer { len: 1 }),
            answer => Ok(answer.to_vec()),
        }
    }

    fn describe(&self) -> String {
        "in-process card".to_owned()
    }

    fn begin(&mut self, case: &Case, part: Part) {
        (self.on_part)(case, part);
    }

    fn save(&mut self, name: &str) -> bool {
        let Some(card) = &self.card else { return false };
        self.kept.insert(name.to_owned(), (self.fork)(card));
        true
    }

    fn restore(&mut self, name: &str) -> bool {
        let Some(kept) = self.kept.get(name) else { return false };
        self.card = Some((self.fork)(kept));
        true
    }
}

impl<C, M> fmt::Debug for ForkingTarget<C, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForkingTarget").field("kept", &self.kept.len()).finish_non_exhaustive()
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
