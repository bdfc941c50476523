//! The index in RAM: which objects there are and which pages are used. Derived from memory, changed only after
//! a commit, shared between forks of a card until one of them changes.

use alloc::vec::Vec;

use super::object::{Kind, Object, ROOT};
use super::page::PageNo;

/// One object, as far as finding it and deciding access need it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Page that holds the object.
    pub(crate) page: PageNo,
    /// Page of its parent, or one of the parents without a page.
    pub(crate) parent: PageNo,
    /// File identifier, PIN reference or key slot.
    pub(crate) id: u16,
    /// Content length in bytes.
    pub(crate) len: u16,
    /// Tells this object from an earlier one on the same page.
    pub(crate) generation: u32,
    /// What it is.
    pub(crate) kind: Kind,
    /// File descriptor byte.
    pub(crate) descriptor: u8,
    /// As the owner of the object set them.
    pub(crate) attributes: [u8; 8],
}

impl Entry {
    pub(crate) fn of(page: PageNo, object: &Object) -> Self {
        Self {
            page,
            parent: object.parent(),
            id: object.id(),
            len: u16::try_from(object.len()).unwrap_or(u16::MAX),
            generation: object.generation(),
            kind: object.kind(),
            descriptor: object.descriptor(),
            attributes: object.attributes(),
        }
    }
}

/// All objects of a card, found by page, by (parent, id) and by file identifier.
///
/// SELECT asks here several times a command, so each question costs one load or one search over small keys.
#[derive(Clone, Default)]
pub(crate) struct Index {
    /// In no order.
    entries: Vec<Entry>,
    /// By page: position in `entries` plus one, or zero.
    places: Vec<u16>,
    /// Parent and id of each object as one number, sorted.
    child_keys: Vec<u32>,
    /// The page that belongs to each key.
    child_pages: Vec<PageNo>,
    /// (file identifier, page), sorted; files only.
    files: Vec<(u16, PageNo)>,
    /// The object without a parent.
    root: Option<PageNo>,
    /// One bit a page.
    pub(crate) used: PageSet,
    /// Pages that all objects need when no byte of them is a hole.
    pub(crate) footprint: usize,
}

const fn child_key(parent: PageNo, id: u16) -> u32 {
    (parent as u32) << 16 | id as u32
}

impl Index {
    /// An index of a memory with `pages` pages, all free.
    pub(crate) fn new(pages: usize) -> Self {
        Self { places: alloc::vec![0; pages], used: PageSet::new(pages), ..Self::default() }
    }

    fn position(&self, page: PageNo) -> Option<usize> {
        usize::from(*self.places.get(usize::from(page))?).checked_sub(1)
    }

    pub(crate) fn by_page(&self, page: PageNo) -> Option<&Entry> {
        self.entries.get(self.position(page)?)
    }

    /// The object without a parent: the master file.
    pub(crate) fn root(&self) -> Option<&Entry> {
        self.by_page(self.root?)
    }

    pub(crate) fn child(&self, parent: PageNo, id: u16) -> Option<&Entry> {
        let at = self.child_keys.binary_search(&child_key(parent, id)).ok()?;
        self.by_page(*self.child_pages.get(at)?)
    }

    /// The objects below `parent`, ordered by id.
    pub(crate) fn children(&self, parent: PageNo) -> impl Iterator<Item = &Entry> {
        let start = self.child_keys.partition_point(|key| *key < child_key(parent, 0));
        let end = self.child_keys.partition_point(|key| *key <= child_key(parent, u16::MAX));
        self.child_pages.get(start..end).unwrap_or_default().iter().filter_map(|page| self.by_page(*page))
    }

    /// A file with this identifier, wherever it is.
    pub(crate) fn file(&self, id: u16) -> Option<&Entry> {
        let at = self.files.partition_point(|(i, _)| *i < id);
        let (i, page) = self.files.get(at)?;
        if *i == id { self.by_page(*page) } else { None }
    }

    /// All files, ordered by identifier.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Entry> {
        self.files.iter().filter_map(|(_, page)| self.by_page(*page))
    }

    /// Number of files, the master file included.
    pub(crate) fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Whether every file leads upwards through DFs to the one object without a parent.
    pub(crate) fn is_tree(&self) -> bool {
        self.root().is_some_and(|root| root.kind == Kind::Df)
            && self.files().all(|file| {
                let mut above = Some(file);
                for _ in 0..self.files.len() {
                    match above {
                        Some(entry) if entry.parent == ROOT => return Some(entry.page) == self.root,
                        Some(entry) => above = self.by_page(entry.parent).filter(|parent| parent.kind == Kind::Df),
                        None => return false,
                    }
                }
                false
            })
    }

    /// Enters an object, in place of the one on the same page if there is one.
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.remove(entry.page);
        self.entries.push(entry);
        self.place(self.entries.len() - 1);
        let key = child_key(entry.parent, entry.id);
        let at = self.child_keys.partition_point(|other| *other < key);
        self.child_keys.insert(at, key);
        self.child_pages.insert(at, entry.page);
        if entry.kind.is_file() {
            let file = (entry.id, entry.page);
            self.files.insert(self.files.partition_point(|other| *other < file), file);
        }
        if entry.parent == ROOT {
            self.root = Some(entry.page);
        }
    }

    /// Notes where an entry is.
    fn place(&mut self, position: usize) {
        let Some(entry) = self.entries.get(position) else { return };
        // Pages are numbered in sixteen bits, so positions fit as well.
        let (Some(place), Ok(number)) = (self.places.get_mut(usize::from(entry.page)), u16::try_from(position + 1))
        else {
            return;
        };
        *place = number;
    }

    /// Forgets the object on `page`.
    pub(crate) fn remove(&mut self, page: PageNo) {
        let Some(position) = self.position(page) else { return };
        let entry = self.entries.swap_remove(position);
        self.places[usize::from(page)] = 0;
        self.place(position);
        if let Ok(at) = self.child_keys.binary_search(&child_key(entry.parent, entry.id)) {
            self.child_keys.remove(at);
            self.child_pages.remove(at);
        }
        if let Ok(at) = self.files.binary_search(&(entry.id, page)) {
            self.files.remove(at);
        }
        if entry.parent == ROOT {
            self.root = None;
        }
    }
}

/// A set of pages.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct PageSet {
    words: Vec<u64>,
    pages: usize,
}

impl PageSet {
    /// An empty set of pages below `pages`.
    pub(crate) fn new(pages: usize) -> Self {
        Self { words: alloc::vec![0; pages.div_ceil(64)], pages }
    }

    const fn place(page: PageNo) -> (usize, u64) {
        (page as usize / 64, 1 << (page % 64))
    }

    pub(crate) fn contains(&self, page: PageNo) -> bool {
        let (word, bit) = Self::place(page);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds the page; `false` if it was in already or lies outside.
    pub(crate) fn insert(&mut self, page: PageNo) -> bool {
        let (word, bit) = Self::place(page);
        match self.words.get_mut(word) {
            Some(word) if usize::from(page) < self.pages && *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn remove(&mut self, page: PageNo) {
        let (word, bit) = Self::place(page);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// The lowest page that is not in the set.
    pub(crate) fn first_absent(&self) -> Option<PageNo> {
        let (at, word) = self.words.iter().enumerate().find(|(_, word)| **word != u64::MAX)?;
        let page = at * 64 + word.trailing_ones() as usize;
        if page < self.pages { PageNo::try_from(page).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(page: PageNo, parent: PageNo, id: u16) -> Entry {
        Entry { page, parent, id, len: 0, generation: 0, kind: Kind::Ef, descriptor: 1, attributes: [0; 8] }
    }

    #[test]
    fn objects_are_found_three_ways() {
        let mut index = Index::new(100);
        for (page, parent, id) in [(9, 3, 0x5015), (5, 9, 0x4401), (7, 9, 0x5031), (8, 3, 0x2F00)] {
            index.insert(entry(page, parent, id));
        }
        assert_eq!(index.child(9, 0x5031).unwrap().page, 7);
        assert_eq!(index.file(0x2F00).unwrap().page, 8);
        assert_eq!(index.by_page(5).unwrap().id, 0x4401);
        assert_eq!(index.children(9).count(), 2);
        index.remove(7);
        assert!(index.child(9, 0x5031).is_none() && index.file(0x5031).is_none() && index.by_page(7).is_none());
    }

    #[test]
    fn a_tree_has_one_root_and_no_cycle() {
        let df = |page, parent, id| Entry { kind: Kind::Df, ..entry(page, parent, id) };
        let mut index = Index::new(100);
        assert!(!index.is_tree());
        index.insert(df(3, ROOT, 0x3F00));
        index.insert(df(4, 3, 0x5015));
        index.insert(entry(5, 4, 0x4401));
        assert!(index.is_tree());
        index.insert(df(6, 7, 1));
        assert!(!index.is_tree(), "an orphan");
        index.insert(df(7, 6, 2));
        assert!(!index.is_tree(), "a cycle");
        index.remove(6);
        index.remove(7);
        index.insert(entry(8, 5, 3));
        assert!(!index.is_tree(), "below an EF");
    }

    #[test]
    fn page_sets_end_where_the_memory_does() {
        let mut set = PageSet::new(65);
        for page in 0..65 {
            assert_eq!(set.first_absent(), Some(page));
            assert!(set.insert(page) && !set.insert(page));
        }
        assert_eq!(set.first_absent(), None);
        assert!(!set.insert(65));
        set.remove(64);
        assert_eq!(set.first_absent(), Some(64));
    }
}
