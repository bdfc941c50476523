//! Life-cycle states of files of the ISO file system: what they allow, and how they change.

use super::Error;
use super::attributes::Attributes;
use crate::nvm::Nvm;
use crate::nvm::index::{Entry, Index};
use crate::nvm::object::ROOT;
use crate::nvm::store::Store;

/// States, by the numbers of tag 8A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifeCycle {
    /// No access rule holds yet.
    Creation = 0x01,
    /// Writing is free, the other rules hold.
    Initialisation = 0x03,
    /// Operational and deactivated.
    Deactivated = 0x04,
    /// Operational and activated.
    Activated = 0x05,
    /// For ever out of use.
    Terminated = 0x0C,
}

impl LifeCycle {
    /// From the value of tag 8A of a file that is created. `None` for what a new file cannot be.
    pub(crate) const fn of_new_file(value: u8) -> Option<Self> {
        match value {
            0x01 => Some(Self::Creation),
            0x03 => Some(Self::Initialisation),
            0x04 | 0x06 => Some(Self::Deactivated),
            0x05 | 0x07 => Some(Self::Activated),
            _ => None,
        }
    }

    /// From memory. What no program writes is out of use.
    pub(crate) const fn from_stored(value: u8) -> Self {
        match Self::of_new_file(value) {
            Some(state) => state,
            None => Self::Terminated,
        }
    }

    /// Commands on the file are taken.
    pub(crate) const fn is_usable(self) -> bool {
        matches!(self, Self::Creation | Self::Initialisation | Self::Activated)
    }

    /// The state that a file in this one gets; the same state where nothing is to change.
    ///
    /// # Errors
    /// [`Error::State`].
    fn then(self, change: Change) -> Result<Self, Error> {
        match (change, self) {
            (_, Self::Terminated) | (Change::Deactivate, Self::Creation | Self::Initialisation) => Err(Error::State),
            (Change::Activate, _) => Ok(Self::Activated),
            (Change::Deactivate, _) => Ok(Self::Deactivated),
            (Change::Terminate, _) => Ok(Self::Terminated),
        }
    }
}

/// What a command does to the state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Activate,
    Deactivate,
    Terminate,
}

/// The life-cycle state of a file.
pub(crate) fn state(file: &Entry) -> LifeCycle {
    Attributes(file.attributes).life_cycle()
}

/// Every DF above the file is usable.
pub(crate) fn is_reachable(index: &Index, file: &Entry) -> bool {
    let mut at = file;
    while at.parent != ROOT {
        at = super::parent(index, at);
        if !state(at).is_usable() {
            return false;
        }
    }
    true
}

/// The file and every DF above it are usable.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn expect_usable(index: &Index, file: &Entry) -> Result<(), Error> {
    if state(file).is_usable() && is_reachable(index, file) { Ok(()) } else { Err(Error::State) }
}

/// The PIN or key in this file can be asked for: its own state allows it, and no DF above was terminated. A deactivated
/// one could not be activated again if the PINs in it were out of use with it.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn expect_askable(index: &Index, file: &Entry) -> Result<(), Error> {
    let mut above = super::internal::upwards(index, super::parent(index, file));
    let reachable = above.all(|df| state(df) != LifeCycle::Terminated);
    if state(file).is_usable() && reachable { Ok(()) } else { Err(Error::State) }
}

/// The use of the card was terminated.
pub(crate) fn is_card_terminated(index: &Index) -> bool {
    index.root().is_none_or(|mf| state(mf) == LifeCycle::Terminated)
}

/// Whether the file may be changed so; to ask before access is.
///
/// # Errors
/// [`Error::State`].
pub(crate) fn expect_changeable(index: &Index, file: &Entry, change: Change) -> Result<(), Error> {
    if !is_reachable(index, file) {
        return Err(Error::State);
    }
    state(file).then(change).map(|_| ())
}

/// Changes the state of a file, in its attributes and in its control information.
pub(crate) fn apply<N: Nvm>(store: &mut Store<N>, file: &Entry, change: Change) -> Result<(), Error> {
    let next = state(file).then(change)?;
    if next == state(file) {
        return Ok(());
    }
    let mut transaction = store.begin()?;
    let mut object = transaction.object(file.page)?;
    let mut attributes = Attributes(object.attributes());
    attributes.set_life_cycle(next);
    object.set_attributes(attributes.0);
    super::fcp::set_life_cycle(object.info_mut(), next);
    transaction.update(file.page, object);
    Ok(transaction.commit()?)
}
