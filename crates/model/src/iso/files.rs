//! The tree of files. A file is named by a number that is never given twice; identifiers are unique in a DF only.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::environment::Environment;
use super::rules::Rule;
use crate::apdu;
use crate::keys::Key;

/// Identifier of the master file.
pub(crate) const MF: u16 = 0x3F00;
/// Number of the master file.
pub(crate) const ROOT: u32 = 0;

/// Life-cycle states.
pub(crate) const CREATION: u8 = 1;
pub(crate) const INITIALISATION: u8 = 3;
pub(crate) const DEACTIVATED: u8 = 4;
pub(crate) const ACTIVATED: u8 = 5;
pub(crate) const TERMINATED: u8 = 0x0C;

/// How records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Structure {
    Fixed,
    Variable,
    Cyclic,
}

/// What a record EF was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) structure: Structure,
    pub(crate) tlv: bool,
    /// Length of each record, or of the longest.
    pub(crate) len: usize,
    pub(crate) most: usize,
    /// Bytes of all records together.
    pub(crate) room: usize,
}

/// Tries of a PIN or key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tries {
    pub(crate) left: u8,
    pub(crate) all: u8,
}

/// A PIN or an administration key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) number: u8,
    pub(crate) tries: Tries,
    /// Without trailing zeros, if it is a PIN.
    pub(crate) value: Option<Vec<u8>>,
    /// Length at least and at most.
    pub(crate) len: (usize, usize),
    /// The PIN that resets it.
    pub(crate) resetter: Option<u8>,
    pub(crate) can_be_disabled: bool,
    pub(crate) disabled: bool,
}

/// What a file is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Df {
        objects: BTreeMap<u16, Vec<u8>>,
        environments: BTreeMap<u8, Environment>,
    },
    Transparent(Vec<u8>),
    /// Number 1 first.
    Records(Shape, Vec<Vec<u8>>),
    Pin(Secret),
    Aes(Secret),
    /// A slot, and what may be in it.
    Pair(u8, u8),
}

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) number: u32,
    pub(crate) parent: u32,
    pub(crate) id: u16,
    pub(crate) state: u8,
    /// The control information without its outer tag and length.
    info: Vec<u8>,
    /// Where the life-cycle state stands in it.
    state_at: usize,
    pub(crate) name: Option<Vec<u8>>,
    /// Short identifier, and whether it was given.
    pub(crate) short: Option<(u8, bool)>,
    pub(crate) coding: u8,
    pub(crate) rule: Rule,
    pub(crate) kind: Kind,
}

impl File {
    pub(crate) const fn is_df(&self) -> bool {
        matches!(self.kind, Kind::Df { .. })
    }

    pub(crate) const fn secret(&self) -> Option<&Secret> {
        match &self.kind {
            Kind::Pin(secret) | Kind::Aes(secret) => Some(secret),
            _ => None,
        }
    }

    /// The DF that references in its rules begin with.
    pub(crate) const fn home(&self) -> u32 {
        if self.is_df() { self.number } else { self.parent }
    }

    /// Takes control information as it came; the life-cycle state is added where it is missing.
    pub(crate) fn describe(&mut self, info: &[u8]) -> Option<()> {
        self.info = info.to_vec();
        let mut rest = info;
        while !rest.is_empty() {
            let (tag, _, after) = apdu::object(rest)?;
            if tag == 0x8A {
                self.state_at = info.len() - after.len() - 1;
                return Some(());
            }
            rest = after;
        }
        self.info.extend([0x8A, 1, self.state]);
        self.state_at = self.info.len() - 1;
        Some(())
    }

    /// Becomes what another file is described as.
    pub(crate) fn describe_as(&mut self, other: Self) {
        (self.info, self.state_at, self.state) = (other.info, other.state_at, other.state);
        (self.name, self.rule) = (other.name, other.rule);
    }

    /// The control information with today's state, without its outer tag and length.
    pub(crate) fn info(&self) -> Vec<u8> {
        let mut info = self.info.clone();
        if let Some(state) = info.get_mut(self.state_at) {
            *state = self.state;
        }
        info
    }

    /// A file without control information.
    pub(crate) fn bare(id: u16, parent: u32, state: u8, kind: Kind) -> Self {
        let (info, rule) = (Vec::new(), Rule::Absent);
        Self { number: ROOT, parent, id, state, info, state_at: 0, name: None, short: None, coding: 0, rule, kind }
    }

    /// Bytes of content.
    pub(crate) fn size(&self) -> usize {
        match &self.kind {
            Kind::Transparent(bytes) => bytes.len(),
            Kind::Records(shape, _) => shape.room,
            _ => 0,
        }
    }

    fn without_tries(&self) -> Self {
        let mut file = self.clone();
        if let Kind::Pin(secret) | Kind::Aes(secret) = &mut file.kind {
            secret.tries.left = 0;
        }
        file
    }
}

/// What outlives the power.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    files: Vec<Arc<File>>,
    next: u32,
    pub(crate) keys: [Option<Arc<Key>>; 16],
}

impl Memory {
    pub(crate) fn blank() -> Self {
        let kind = Kind::Df { objects: BTreeMap::new(), environments: BTreeMap::new() };
        let mut mf = File::bare(MF, ROOT, CREATION, kind);
        let described = mf.describe(&[0x82, 1, 0x38, 0x83, 2, 0x3F, 0]);
        debug_assert!(described.is_some());
        Self { files: vec![Arc::new(mf)], next: 1, keys: Default::default() }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &File> {
        self.files.iter().map(|file| &**file)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&File> {
        self.files
            .binary_search_by_key(&number, |file| file.number)
            .ok()
            .and_then(|at| self.files.get(at))
            .map(|f| &**f)
    }

    /// The file, which is known to be there.
    pub(crate) fn edit(&mut self, number: u32) -> Option<&mut File> {
        let at = self.files.binary_search_by_key(&number, |file| file.number).ok()?;
        self.files.get_mut(at).map(Arc::make_mut)
    }

    pub(crate) fn secret_mut(&mut self, number: u32) -> Option<&mut Secret> {
        match &mut self.edit(number)?.kind {
            Kind::Pin(secret) | Kind::Aes(secret) => Some(secret),
            _ => None,
        }
    }

    /// Children in the order of their identifiers.
    pub(crate) fn children(&self, df: u32) -> Vec<&File> {
        let mut children: Vec<&File> = self.all().filter(|file| file.parent == df && file.number != ROOT).collect();
        children.sort_by_key(|file| file.id);
        children
    }

    pub(crate) fn child(&self, df: u32, id: u16) -> Option<&File> {
        self.all().find(|file| file.parent == df && file.id == id && file.number != ROOT)
    }

    /// The EF with this short identifier: given ones first.
    pub(crate) fn short(&self, df: u32, short: u8) -> Option<&File> {
        let efs = || self.children(df).into_iter().filter(|file| !file.is_df());
        efs()
            .find(|file| file.short == Some((short, true)))
            .or_else(|| efs().find(|file| file.short == Some((short, false))))
    }

    /// The DF and those above it, nearest first.
    pub(crate) fn upwards(&self, df: u32) -> Vec<&File> {
        let mut all = Vec::new();
        let mut next = self.get(df);
        while let Some(file) = next {
            all.push(file);
            next = if file.number == ROOT { None } else { self.get(file.parent) };
        }
        all
    }

    /// The DFs from the MF down to this one.
    pub(crate) fn downwards(&self, df: u32) -> Vec<&File> {
        let mut all = self.upwards(df);
        all.reverse();
        all
    }

    /// Whether the file is the DF or lies in it, at any depth.
    pub(crate) fn is_in(&self, number: u32, df: u32) -> bool {
        self.upwards(number).iter().any(|above| above.number == df)
    }

    /// Whether all DFs above the file can be used.
    pub(crate) fn above_is_usable(&self, file: &File) -> bool {
        file.number == ROOT
            || self.upwards(file.parent).iter().all(|df| df.state < TERMINATED && df.state != DEACTIVATED)
    }

    /// Whether the file and all DFs above it can be used.
    pub(crate) fn is_usable(&self, file: &File) -> bool {
        file.state != DEACTIVATED && file.state != TERMINATED && self.above_is_usable(file)
    }

    /// Whether the file itself can be used and no DF above it is terminated, be they deactivated or not.
    pub(crate) fn answers(&self, file: &File) -> bool {
        file.state != DEACTIVATED
            && file.state != TERMINATED
            && self.upwards(file.parent).iter().all(|df| df.state != TERMINATED)
    }

    /// Puts a new file below its parent. Its number is returned.
    pub(crate) fn insert(&mut self, file: File) -> u32 {
        let number = self.next;
        self.next += 1;
        self.files.push(Arc::new(File { number, ..file }));
        number
    }

    /// Removes a file with everything below it, and the keys of key files among them.
    pub(crate) fn remove(&mut self, number: u32) {
        let doomed: Vec<Arc<File>> =
            self.files.iter().filter(|file| self.is_in(file.number, number)).cloned().collect();
        for file in &doomed {
            if let Kind::Pair(slot, _) = file.kind {
                self.keys[usize::from(slot & 0x0F)] = None;
            }
        }
        self.files.retain(|file| !doomed.iter().any(|gone| gone.number == file.number));
    }

    /// The key file that declares a slot.
    pub(crate) fn pair(&self, slot: u8) -> Option<&File> {
        self.all().find(|file| matches!(file.kind, Kind::Pair(declared, _) if declared == slot))
    }

    /// The PIN or key with this number in the first DF that has one, from the MF down.
    pub(crate) fn first(&self, df: u32, number: u8, pin: bool) -> Option<&File> {
        self.downwards(df).into_iter().find_map(|df| self.secret_in(df.number, number, pin))
    }

    /// The PIN or key with this number in one DF.
    pub(crate) fn secret_in(&self, df: u32, number: u8, pin: bool) -> Option<&File> {
        self.all().find(|file| {
            file.parent == df
                && match &file.kind {
                    Kind::Pin(secret) => pin && secret.number == number,
                    Kind::Aes(secret) => !pin && secret.number == number,
                    _ => false,
                }
        })
    }

    /// Whether only tries differ.
    pub(crate) fn same_but_tries(&self, other: &Self) -> bool {
        let same =
            |(one, two): (&Arc<File>, &Arc<File>)| Arc::ptr_eq(one, two) || one.without_tries() == two.without_tries();
        self.keys == other.keys
            && self.files.len() == other.files.len()
            && self.files.iter().zip(&other.files).all(same)
    }
}
