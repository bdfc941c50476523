//! Internal EFs of the ISO file system: finding the file that holds a PIN, an administration key or a key pair.

use alloc::vec::Vec;

use super::attributes::{Attributes, Internal};
use super::parent;
use crate::nvm::index::{Entry, Index};
use crate::nvm::object::{INTERNAL, Kind, ROOT};

/// What an internal EF holds, and its number. `None` for every other file.
pub(crate) fn identity(file: &Entry) -> Option<(Internal, u8)> {
    let internal = file.kind == Kind::Ef && super::fci::without_shareable(file.descriptor) == INTERNAL;
    if internal { Attributes(file.attributes).internal() } else { None }
}

/// The DF in which a file lives; a DF lives in itself.
pub(crate) fn home<'i>(index: &'i Index, file: &'i Entry) -> &'i Entry {
    if file.kind == Kind::Df { file } else { parent(index, file) }
}

/// This DF and those above it, up to the master file.
pub(crate) fn upwards<'i>(index: &'i Index, df: &'i Entry) -> impl Iterator<Item = &'i Entry> {
    core::iter::successors(Some(df), |df| (df.parent != ROOT).then(|| parent(index, df)))
}

/// The internal EF of this kind and number in a DF.
pub(crate) fn in_df<'i>(index: &'i Index, df: &Entry, kind: Internal, number: u8) -> Option<&'i Entry> {
    index.children(df.page).find(|file| identity(file) == Some((kind, number)))
}

/// The DFs from the master file down to this one: the order in which access rules look for what they name, so that
/// who may create files in a DF cannot put another PIN or rule in the place of one from above.
pub(crate) fn downwards<'i>(index: &'i Index, df: &'i Entry) -> impl Iterator<Item = &'i Entry> {
    let mut dfs: Vec<&Entry> = upwards(index, df).collect();
    dfs.reverse();
    dfs.into_iter()
}

/// The internal EF of this kind and number in the first DF that has one, from the master file down to `df`.
pub(crate) fn foremost<'i>(index: &'i Index, df: &'i Entry, kind: Internal, number: u8) -> Option<&'i Entry> {
    downwards(index, df).find_map(|df| in_df(index, df, kind, number))
}

/// What bit 8 of a reference says: whose PIN or key is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The master file's.
    Global,
    /// That of the current DF, or of the nearest above that is not the master file.
    Specific,
}

/// The internal EF that a reference in P2 means, seen from the current DF.
pub(crate) fn referenced<'i>(
    index: &'i Index,
    df: &'i Entry,
    scope: Scope,
    kind: Internal,
    number: u8,
) -> Option<&'i Entry> {
    match scope {
        Scope::Global => in_df(index, index.root()?, kind, number),
        Scope::Specific => {
            upwards(index, df).filter(|df| df.parent != ROOT).find_map(|df| in_df(index, df, kind, number))
        }
    }
}

/// The file that declares a key slot, wherever it is.
pub(crate) fn of_slot(index: &Index, slot: u8) -> Option<&Entry> {
    index.files().find(|file| identity(file) == Some((Internal::Pair, slot)))
}
