//! The tree of files: creating, deleting, finding, and who may do what.

use std::sync::Arc;

use crate::apdu;
use crate::profile::Profile;

/// Identifier of the master file.
pub(crate) const MF: u16 = 0x3F00;
const MF_INFO: [u8; 9] = [0x6F, 0x07, 0x82, 0x01, 0x38, 0x83, 0x02, 0x3F, 0x00];
/// The longest control information, in bytes.
const MAX_INFO: usize = 80;

/// What is to be done with a file: the place of its condition in tag 86.
#[derive(Clone, Copy)]
pub(crate) enum Right {
    Delete = 1,
    CreateDf = 5,
    /// Update of an EF, or creation of an EF in this DF.
    Write = 6,
    Read = 7,
}

/// A file. Identifiers are unique over the card, so they stand for files everywhere in the model.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) id: u16,
    pub(crate) parent: u16,
    pub(crate) is_df: bool,
    /// Value of tag 86, zeros where there is none.
    access: [u8; 8],
    /// The control information has a DF name.
    is_named: bool,
    /// Control information as it came.
    pub(crate) info: Arc<[u8]>,
    pub(crate) content: Arc<Vec<u8>>,
}

impl File {
    pub(crate) fn allows(&self, right: Right, authenticated: bool) -> bool {
        match self.access[right as usize] {
            0x00 => true,
            condition => authenticated && (condition == 0x90 || condition & 0x9F == 0x10),
        }
    }

    /// Reads the data field of CREATE FILE; `None` for everything malformed.
    pub(crate) fn parse(info: &[u8], parent: u16) -> Option<Self> {
        let (0x6F, body, []) = apdu::object(info)? else { return None };
        if info.len() > MAX_INFO {
            return None;
        }
        let [size, size_81, descriptor, id, name, access] = apdu::find(body, [0x80, 0x81, 0x82, 0x83, 0x84, 0x86])?;
        let [descriptor] = descriptor? else { return None };
        let is_df = match descriptor & 0xBF {
            0x38 => true,
            0x01 => false,
            _ => return None,
        };
        let len = match size.or(size_81) {
            _ if is_df => 0,
            None => 128,
            Some([len]) => usize::from(*len),
            Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
            Some(_) => return None,
        };
        Some(Self {
            id: u16::from_be_bytes(id?.try_into().ok()?),
            parent,
            is_df,
            access: access.map_or(Some([0; 8]), |access| access.try_into().ok())?,
            is_named: is_df && name.is_some(),
            info: Arc::from(info),
            content: Arc::new(vec![0; len]),
        })
    }

    fn name(&self) -> Option<&[u8]> {
        let (_, body, _) = apdu::object(&self.info).filter(|_| self.is_named)?;
        let [name] = apdu::find(body, [0x84])?;
        name
    }
}

/// All files, by identifier.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tree(Arc<Vec<File>>);

impl Tree {
    pub(crate) fn blank() -> Self {
        let (info, content) = (Arc::from(&MF_INFO[..]), Arc::default());
        Self(Arc::new(vec![File { id: MF, parent: MF, is_df: true, access: [0; 8], is_named: false, info, content }]))
    }

    pub(crate) fn all(&self) -> &[File] {
        &self.0
    }

    pub(crate) fn get(&self, id: u16) -> Option<&File> {
        self.0.binary_search_by_key(&id, |file| file.id).ok().and_then(|at| self.0.get(at))
    }

    pub(crate) fn children(&self, df: u16) -> impl Iterator<Item = &File> {
        self.0.iter().filter(move |file| file.parent == df && file.id != MF)
    }

    pub(crate) fn child(&self, df: u16, id: u16) -> Option<&File> {
        self.get(id).filter(|file| file.parent == df && file.id != MF)
    }

    /// Levels between the file and the master file.
    fn depth(&self, id: u16) -> usize {
        if id == MF { 0 } else { 1 + self.depth(self.get(id).map_or(MF, |file| file.parent)) }
    }

    /// Whether the file lies below the DF, at any depth.
    pub(crate) fn is_below(&self, file: &File, df: u16) -> bool {
        file.id != MF && (file.parent == df || self.get(file.parent).is_some_and(|parent| self.is_below(parent, df)))
    }

    /// Follows a path of identifiers downwards.
    pub(crate) fn walk(&self, start: u16, path: &[u8]) -> Option<&File> {
        path.chunks_exact(2)
            .try_fold(self.get(start)?, |file, id| self.child(file.id, u16::from_be_bytes([id[0], id[1]])))
    }

    pub(crate) fn named(&self, name: &[u8]) -> Option<&File> {
        self.0.iter().find(|file| file.name() == Some(name))
    }

    /// Whether the bounds of the card leave room for one more file below its parent.
    pub(crate) fn has_place(&self, profile: &Profile, file: &File) -> bool {
        self.0.len() < usize::from(profile.files)
            && self.depth(file.parent) < usize::from(profile.depth)
            && self.children(file.parent).count() < usize::from(profile.df_children)
            && file.content.len() <= usize::from(profile.file_len)
    }

    pub(crate) fn insert(&mut self, file: File) {
        let at = self.0.partition_point(|other| other.id < file.id);
        Arc::make_mut(&mut self.0).insert(at, file);
    }

    /// Removes a file with everything below it.
    pub(crate) fn remove(&mut self, id: u16) {
        let below: Vec<u16> =
            self.0.iter().filter(|file| file.id == id || self.is_below(file, id)).map(|file| file.id).collect();
        Arc::make_mut(&mut self.0).retain(|file| !below.contains(&file.id));
    }

    pub(crate) fn write(&mut self, id: u16, offset: usize, data: &[u8]) {
        let file = Arc::make_mut(&mut self.0).iter_mut().find(|file| file.id == id);
        if let Some(bytes) = file.and_then(|file| Arc::make_mut(&mut file.content).get_mut(offset..offset + data.len()))
        {
            bytes.copy_from_slice(data);
        }
    }

    /// Bytes of memory that the files take at least and at most.
    pub(crate) fn footprint(&self) -> (usize, usize) {
        self.0.iter().map(|file| cost(file.content.len())).fold((0, 0), |sum, cost| (sum.0 + cost.0, sum.1 + cost.1))
    }
}

/// Bytes of memory that an object with this content takes at least and at most.
pub(crate) const fn cost(content: usize) -> (usize, usize) {
    let most = if content <= 2 { 128 } else { 128 + content + content / 24 + 256 };
    (content + 48, most)
}
