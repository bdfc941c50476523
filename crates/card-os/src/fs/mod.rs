//! The file system: a tree of DFs and EFs over the object store. Knows no APDU.
//!
//! `access` and `fci` are the dialect's; `fcp`, `rule`, `attributes`, `life`, `internal`, `record`, `data` and
//! `environment` are those of the ISO file system.

pub(crate) mod access;
pub(crate) mod attributes;
pub(crate) mod data;
pub(crate) mod environment;
pub(crate) mod fci;
pub(crate) mod fcp;
pub(crate) mod internal;
pub(crate) mod life;
pub(crate) mod record;
pub(crate) mod rule;

use alloc::vec::Vec;

use card_wire::Status;

use crate::nvm::index::{Entry, Index};
use crate::nvm::object::{DATA, ENVIRONMENTS, KEYS};
use crate::nvm::object::{Kind, Object, ROOT};
use crate::nvm::page::PageNo;
use crate::nvm::store::Store;
use crate::nvm::{self, Nvm};
use crate::preset::{Dialect, Limits, Preset};
use crate::rules::Rules;
use crate::session::FileRef;
use access::{Access, Operation};
use attributes::{Attributes, Internal};
use fci::NewFile;
use fcp::IsoFile;

/// Identifier of the master file.
pub(crate) const MF_ID: u16 = 0x3F00;
/// Control information of the master file. It has no security attributes: everything is allowed.
const MF_INFO: [u8; 9] = [0x6F, 0x07, 0x82, 0x01, 0x38, 0x83, 0x02, 0x3F, 0x00];
/// The same for the ISO file system: in creation state.
const ISO_MF_INFO: [u8; 12] = [0x62, 0x0A, 0x82, 0x01, 0x38, 0x83, 0x02, 0x3F, 0x00, 0x8A, 0x01, 0x01];

/// Why the file system refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// No such file.
    NotFound,
    /// The access rule is not satisfied.
    Access,
    /// The identifier is taken.
    Exists,
    /// A bound of the preset is reached.
    Limit,
    /// The master file cannot be deleted.
    MasterFile,
    /// The offset lies outside the file.
    Offset,
    /// The life-cycle state of the file, or of a DF above it, does not allow it.
    State,
    /// The file has another structure.
    Incompatible,
    /// There is no such record.
    Record,
    /// Malformed or out of range.
    BadData,
    /// The memory failed or is full.
    Memory(nvm::Error),
}

impl From<nvm::Error> for Error {
    fn from(error: nvm::Error) -> Self {
        Self::Memory(error)
    }
}

impl Error {
    /// The status word under the rules of the selected application.
    pub(crate) fn status(self, rules: &Rules) -> Status {
        match self {
            Self::NotFound => Status::NOT_FOUND,
            Self::Access => Status::SECURITY_STATUS,
            Self::Exists => rules.file_exists,
            Self::Limit => Status::NO_MEMORY,
            Self::MasterFile => rules.master_file,
            Self::Offset => Status::WRONG_OFFSET,
            Self::State => Status::CONDITIONS,
            Self::Incompatible => Status::INCOMPATIBLE_FILE,
            Self::Record => Status::RECORD_NOT_FOUND,
            Self::BadData => rules.bad_tlv,
            Self::Memory(error) => error.into(),
        }
    }
}

/// The master file of a blank card.
pub(crate) fn master_file(preset: &Preset) -> Object {
    let iso = preset.dialect == Dialect::None;
    let info: &[u8] = if iso { &ISO_MF_INFO } else { &MF_INFO };
    let mut object = Object::new(Kind::Df, ROOT, MF_ID, info, 0);
    object.set_descriptor(fci::DF_DESCRIPTOR);
    if iso {
        object.set_attributes(Attributes::new(life::LifeCycle::Creation).0);
    }
    object
}

impl FileRef {
    pub(crate) const fn of(entry: &Entry) -> Self {
        Self { page: entry.page, generation: entry.generation }
    }

    /// The file, if it is still the one that was meant.
    pub(crate) fn resolve(self, index: &Index) -> Option<&Entry> {
        index.by_page(self.page).filter(|entry| entry.generation == self.generation && entry.kind.is_file())
    }
}

/// The master file. Every card has one.
pub(crate) fn mf(index: &Index) -> Result<&Entry, Error> {
    index.root().ok_or(Error::Memory(nvm::Error::Damaged))
}

/// Follows file identifiers downwards from `start`; all but the last must be DFs.
pub(crate) fn walk<'i>(index: &'i Index, start: &'i Entry, path: &[u8]) -> Result<&'i Entry, Error> {
    path.chunks_exact(2).try_fold(start, |entry, id| {
        if entry.kind != Kind::Df {
            return Err(Error::NotFound);
        }
        index.child(entry.page, u16::from_be_bytes([id[0], id[1]])).ok_or(Error::NotFound)
    })
}

/// The DF above a file, or the master file itself.
pub(crate) fn parent<'i>(index: &'i Index, entry: &'i Entry) -> &'i Entry {
    index.by_page(entry.parent).unwrap_or(entry)
}

/// Whether a file lies below a DF, at any depth.
pub(crate) fn is_below(index: &Index, entry: &Entry, df: &Entry) -> bool {
    let mut above = entry;
    while above.parent != ROOT && above.page != df.page {
        above = parent(index, above);
    }
    above.page == df.page && entry.page != df.page
}

/// The DF whose control information carries this name (tag 84).
pub(crate) fn named<N: Nvm>(store: &mut Store<N>, name: &[u8]) -> Result<Option<FileRef>, Error> {
    let candidates: Vec<FileRef> =
        store.index().files().filter(|entry| Access(entry.attributes).is_named()).map(FileRef::of).collect();
    for file in candidates {
        let object = store.object(file.page)?;
        if fci::name(object.info()) == Some(name) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// The EF in `df` whose identifier ends in this short identifier.
pub(crate) fn by_short_id(index: &Index, df: PageNo, sfi: u8) -> Option<&Entry> {
    index.children(df).find(|entry| entry.kind == Kind::Ef && entry.id & 0x1F == u16::from(sfi))
}

/// Creates a file below `df`.
pub(crate) fn create<N: Nvm>(
    store: &mut Store<N>,
    rules: &Rules,
    limits: &Limits,
    df: FileRef,
    file: &NewFile<'_>,
    authenticated: bool,
) -> Result<FileRef, Error> {
    let index = store.index();
    let parent = df.resolve(index).ok_or(Error::NotFound)?;
    let operation = if file.kind == Kind::Df { Operation::CreateDf } else { Operation::CreateEf };
    if !Access(parent.attributes).allows(operation, authenticated) {
        return Err(Error::Access);
    }
    let taken = if rules.unique_ids { index.file(file.id) } else { index.child(parent.page, file.id) };
    if taken.is_some() {
        return Err(Error::Exists);
    }
    check_limits(index, limits, parent, usize::from(file.len))?;
    let mut object = Object::new(file.kind, parent.page, file.id, file.info, file.len);
    object.set_descriptor(file.descriptor);
    object.set_attributes(file.access.0);
    insert(store, object)
}

fn insert<N: Nvm>(store: &mut Store<N>, object: Object) -> Result<FileRef, Error> {
    let mut change = store.begin()?;
    let page = change.insert(object)?;
    change.commit()?;
    let entry = store.index().by_page(page).ok_or(nvm::Error::Damaged)?;
    Ok(FileRef::of(entry))
}

/// Creates a file of the ISO file system below `df`, whose access rules the caller has asked.
pub(crate) fn create_iso<N: Nvm>(
    store: &mut Store<N>,
    limits: &Limits,
    df: &Entry,
    file: &IsoFile,
) -> Result<FileRef, Error> {
    let index = store.index();
    if index.child(df.page, file.id).is_some() || is_taken(index, df, file) {
        return Err(Error::Exists);
    }
    if let Some(name) = fci::name(&file.info)
        && named(store, name)?.is_some()
    {
        return Err(Error::Exists);
    }
    check_limits(store.index(), limits, df, file.size)?;
    let len = u16::try_from(file.stored).map_err(|_| Error::Limit)?;
    let mut object = Object::new(file.kind, df.page, file.id, &file.info, len);
    object.set_descriptor(file.descriptor);
    object.set_attributes(file.attributes.0);
    if !file.content.is_empty() {
        // A PIN or key that lay in a page of its own would pass through free pages with each try.
        let inline = object.inline_mut();
        if inline.len() != file.content.len() {
            return Err(Error::Limit);
        }
        inline.copy_from_slice(&file.content);
    }
    insert(store, object)
}

/// An explicit short identifier, a PIN or key number in the DF, or a key slot on the card, is taken.
fn is_taken(index: &Index, df: &Entry, file: &IsoFile) -> bool {
    let new = file.attributes;
    let short_id = new.has_explicit_short_id()
        && index
            .children(df.page)
            .map(|other| Attributes(other.attributes))
            .any(|other| other.has_explicit_short_id() && other.short_id() == new.short_id());
    let number = match new.internal() {
        None => false,
        Some((Internal::Pair, slot)) => internal::of_slot(index, slot).is_some(),
        Some((kind, number)) => internal::in_df(index, df, kind, number).is_some(),
    };
    short_id || number
}

/// Gives the master file new control information, while it is in creation state.
pub(crate) fn replace_master_file<N: Nvm>(store: &mut Store<N>, file: &IsoFile) -> Result<FileRef, Error> {
    let mf = *mf(store.index())?;
    if file.kind != Kind::Df {
        return Err(Error::BadData);
    }
    let holder = match fci::name(&file.info) {
        Some(name) => named(store, name)?,
        None => None,
    };
    if life::state(&mf) != life::LifeCycle::Creation || holder.is_some_and(|other| other.page != mf.page) {
        return Err(Error::Exists);
    }
    let mut object = Object::new(Kind::Df, ROOT, MF_ID, &file.info, 0);
    object.set_descriptor(file.descriptor);
    object.set_attributes(file.attributes.0);
    object.set_generation(mf.generation);
    let mut change = store.begin()?;
    change.update(mf.page, object);
    change.commit()?;
    Ok(FileRef::of(&mf))
}

/// The EF or DF in `df` with this short identifier; given ones before derived ones.
pub(crate) fn by_iso_short_id(index: &Index, df: PageNo, sfi: u8) -> Option<&Entry> {
    let mut found = None;
    for file in index.children(df).filter(|file| file.kind == Kind::Ef) {
        let attributes = Attributes(file.attributes);
        if attributes.short_id() == sfi && attributes.has_explicit_short_id() {
            return Some(file);
        }
        if attributes.short_id() == sfi && found.is_none() {
            found = Some(file);
        }
    }
    found
}

/// Deletes a file of the ISO file system and everything below it; a key file wipes its slot. Returns the DF that held it.
pub(crate) fn delete_iso<N: Nvm>(store: &mut Store<N>, entry: &Entry) -> Result<FileRef, Error> {
    if entry.parent == ROOT {
        return Err(Error::MasterFile);
    }
    let parent = FileRef::of(self::parent(store.index(), entry));
    remove_tree(store, entry.page)?;
    Ok(parent)
}

/// Removes a file with all files, data objects, environments and keys below it.
fn remove_tree<N: Nvm>(store: &mut Store<N>, top: PageNo) -> Result<(), Error> {
    let index = store.index();
    let mut doomed = alloc::vec![top];
    let mut next = 0;
    while let Some(page) = doomed.get(next).copied() {
        if let Some((Internal::Pair, slot)) = index.by_page(page).and_then(internal::identity) {
            doomed.extend(index.child(KEYS, u16::from(slot)).map(|key| key.page));
        }
        for parent in [page, page | DATA, page | ENVIRONMENTS] {
            doomed.extend(index.children(parent).map(|child| child.page));
        }
        next += 1;
    }
    let mut change = store.begin()?;
    for page in doomed {
        change.remove(page)?;
    }
    Ok(change.commit()?)
}

fn check_limits(index: &Index, limits: &Limits, parent: &Entry, len: usize) -> Result<(), Error> {
    let mut depth = 1;
    let mut above = parent;
    while above.parent != ROOT && depth <= usize::from(limits.depth) {
        above = self::parent(index, above);
        depth += 1;
    }
    let fits = depth <= usize::from(limits.depth)
        && index.file_count() < usize::from(limits.files)
        && index.children(parent.page).count() < usize::from(limits.df_children)
        && len <= usize::from(limits.file_len);
    if fits { Ok(()) } else { Err(Error::Limit) }
}

/// Deletes a file and everything below it. Returns the DF that held it.
pub(crate) fn delete<N: Nvm>(store: &mut Store<N>, id: u16, authenticated: bool) -> Result<FileRef, Error> {
    let index = store.index();
    let entry = index.file(id).ok_or(Error::NotFound)?;
    if entry.parent == ROOT {
        return Err(Error::MasterFile);
    }
    if !Access(entry.attributes).allows(Operation::DeleteSelf, authenticated) {
        return Err(Error::Access);
    }
    let parent = FileRef::of(self::parent(index, entry));
    let page = entry.page;
    remove_tree(store, page)?;
    Ok(parent)
}

/// How many bytes can be read from `offset` on, at most `ne`, and the object to read them from.
pub(crate) fn readable<N: Nvm>(
    store: &mut Store<N>,
    ef: &Entry,
    offset: usize,
    ne: usize,
    authenticated: bool,
) -> Result<(Object, usize), Error> {
    if !Access(ef.attributes).allows(Operation::Read, authenticated) {
        return Err(Error::Access);
    }
    let left = usize::from(ef.len).checked_sub(offset).filter(|left| *left > 0).ok_or(Error::Offset)?;
    Ok((store.object(ef.page)?, left.min(ne)))
}

/// Overwrites content. Nothing is written unless all of it fits.
pub(crate) fn update<N: Nvm>(
    store: &mut Store<N>,
    ef: &Entry,
    offset: usize,
    data: &[u8],
    authenticated: bool,
) -> Result<(), Error> {
    if !Access(ef.attributes).allows(Operation::Update, authenticated) {
        return Err(Error::Access);
    }
    if offset + data.len() > usize::from(ef.len) {
        return Err(Error::Offset);
    }
    overwrite(store, ef, offset, data)
}

/// Overwrites content, whose end the caller has looked at.
pub(crate) fn overwrite<N: Nvm>(store: &mut Store<N>, ef: &Entry, offset: usize, data: &[u8]) -> Result<(), Error> {
    let mut change = store.begin()?;
    let mut object = change.object(ef.page)?;
    change.write_content(&mut object, offset, data)?;
    change.update(ef.page, object);
    Ok(change.commit()?)
}
