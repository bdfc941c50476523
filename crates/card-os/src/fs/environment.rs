//! Security environments of the ISO file system that were stored: by number, in a DF.

use super::Error;
use super::data::put_object;
use crate::nvm::Nvm;
use crate::nvm::index::Entry;
use crate::nvm::object::{ENVIRONMENTS, Kind, Object};
use crate::nvm::store::Store;
use crate::session::IsoEnvironment;

/// Stores an environment, in the place of the one with the same number.
pub(crate) fn put<N: Nvm>(
    store: &mut Store<N>,
    df: &Entry,
    number: u8,
    environment: &IsoEnvironment,
) -> Result<(), Error> {
    let stored = environment.to_stored();
    // A few bytes, so that the length is no matter.
    let len = u16::try_from(stored.len()).map_err(|_| Error::Limit)?;
    let object = Object::new(Kind::Environment, df.page | ENVIRONMENTS, u16::from(number), &[], len);
    put_object(store, object, &stored)
}

/// The environment with this number.
///
/// # Errors
/// [`Error::NotFound`].
pub(crate) fn value<N: Nvm>(store: &mut Store<N>, df: &Entry, number: u8) -> Result<IsoEnvironment, Error> {
    let page = store.index().child(df.page | ENVIRONMENTS, u16::from(number)).ok_or(Error::NotFound)?.page;
    let object = store.object(page)?;
    let stored = object.inline().try_into().map_err(|_| crate::nvm::Error::Damaged)?;
    Ok(IsoEnvironment::from_stored(stored))
}

/// Erases the environment with this number.
///
/// # Errors
/// [`Error::NotFound`].
pub(crate) fn erase<N: Nvm>(store: &mut Store<N>, df: &Entry, number: u8) -> Result<(), Error> {
    let page = store.index().child(df.page | ENVIRONMENTS, u16::from(number)).ok_or(Error::NotFound)?.page;
    let mut change = store.begin()?;
    change.remove(page)?;
    Ok(change.commit()?)
}
