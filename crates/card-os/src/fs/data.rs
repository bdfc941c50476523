//! Data objects of the ISO file system: values by tag, in a DF.

use alloc::vec::Vec;

use super::Error;
use crate::nvm::index::Entry;
use crate::nvm::object::{DATA, Kind, Object};
use crate::nvm::page::PageNo;
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};

/// The value of an object; `None` if the DF has none with this tag.
pub(crate) fn value<N: Nvm>(store: &mut Store<N>, df: PageNo, tag: u16) -> Result<Option<Vec<u8>>, nvm::Error> {
    let Some(entry) = store.index().child(df | DATA, tag).copied() else { return Ok(None) };
    let object = store.object(entry.page)?;
    let mut value = alloc::vec![0; object.len()];
    store.read_content(&object, 0, &mut value)?;
    Ok(Some(value))
}

/// Makes an object or gives it a new value. `max` bounds its length.
///
/// # Errors
/// [`Error::Limit`] for a longer value.
pub(crate) fn put<N: Nvm>(store: &mut Store<N>, df: &Entry, tag: u16, value: &[u8], max: usize) -> Result<(), Error> {
    let len = u16::try_from(value.len()).ok().filter(|_| value.len() <= max).ok_or(Error::Limit)?;
    put_object(store, Object::new(Kind::Data, df.page | DATA, tag, &[], len), value)
}

/// Puts an object with this content in the place of the one of the same parent and number, if there is one.
pub(crate) fn put_object<N: Nvm>(store: &mut Store<N>, mut object: Object, content: &[u8]) -> Result<(), Error> {
    let held = store.index().child(object.parent(), object.id()).map(|entry| entry.page);
    let mut change = store.begin()?;
    change.write_content(&mut object, 0, content)?;
    match held {
        Some(page) => change.replace(page, object)?,
        None => change.insert(object).map(|_| ())?,
    }
    Ok(change.commit()?)
}
