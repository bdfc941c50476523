//! A change in the making: new content goes to free pages at once, everything else waits for the commit.

use alloc::vec::Vec;

use super::index::{Entry, PageSet};
use super::object::{Form, HOLE, Object, PER_INDEX};
use super::page::{self, PAYLOAD, PageNo};
use super::store::{Store, pointers};
use super::{Error, Nvm};

/// A change of one or more objects that happens as a whole or not at all. Dropped without
/// [`Transaction::commit`], it leaves the card as it was.
pub(crate) struct Transaction<'s, N: Nvm> {
    store: &'s mut Store<N>,
    /// Pages in use, this change's new ones included.
    used: PageSet,
    /// Objects to write, by page.
    changed: Vec<(PageNo, Object)>,
    /// Objects to remove.
    removed: Vec<PageNo>,
    /// Objects that were not there before.
    inserted: Vec<PageNo>,
    /// Content pages written by this change.
    staged: Vec<PageNo>,
    /// Pages that nothing will point at after the commit.
    freed: Vec<PageNo>,
    footprint: usize,
}

impl<'s, N: Nvm> Transaction<'s, N> {
    pub(super) fn new(store: &'s mut Store<N>) -> Self {
        let (used, footprint) = (store.index.used.clone(), store.index.footprint);
        Self {
            store,
            used,
            changed: Vec::new(),
            removed: Vec::new(),
            inserted: Vec::new(),
            staged: Vec::new(),
            freed: Vec::new(),
            footprint,
        }
    }

    /// The object on a page, as it is before this change.
    pub(crate) fn object(&mut self, page: PageNo) -> Result<Object, Error> {
        self.store.object(page)
    }

    /// Adds an object. The page it will live on is its identity.
    pub(crate) fn insert(&mut self, object: Object) -> Result<PageNo, Error> {
        self.footprint += object.footprint();
        self.check_capacity()?;
        let page = self.allocate()?;
        self.inserted.push(page);
        self.put_new(page, object);
        Ok(page)
    }

    /// Puts a new object in the place of the one on `page`, whose content is given up.
    pub(crate) fn replace(&mut self, page: PageNo, object: Object) -> Result<(), Error> {
        let old = self.store.object(page)?;
        self.footprint = self.footprint - old.footprint() + object.footprint();
        self.check_capacity()?;
        self.freed.extend(self.store.content_pages(&old)?);
        self.put_new(page, object);
        Ok(())
    }

    /// Changes the object on `page`; its footprint stays.
    pub(crate) fn update(&mut self, page: PageNo, object: Object) {
        self.changed.push((page, object));
    }

    /// Removes the object on `page` with its content.
    pub(crate) fn remove(&mut self, page: PageNo) -> Result<(), Error> {
        let object = self.store.object(page)?;
        self.footprint -= object.footprint();
        self.freed.extend(self.store.content_pages(&object)?);
        self.freed.push(page);
        self.removed.push(page);
        Ok(())
    }

    /// Writes into the content of an object that is then given to one of the other methods.
    pub(crate) fn write_content(&mut self, object: &mut Object, offset: usize, data: &[u8]) -> Result<(), Error> {
        let end = offset.checked_add(data.len()).filter(|end| *end <= object.len()).ok_or(Error::Full)?;
        match object.form() {
            Form::Inline => object.inline_mut()[offset..end].copy_from_slice(data),
            Form::Direct => {
                for (n, at, part) in parts(offset, data) {
                    let page = self.rewrite(object.pointer(n), at, part)?;
                    object.set_pointer(n, page);
                }
            }
            Form::Indexed => self.write_indexed(object, offset, data)?,
        }
        Ok(())
    }

    fn write_indexed(&mut self, object: &mut Object, offset: usize, data: &[u8]) -> Result<(), Error> {
        let mut parts = parts(offset, data).peekable();
        while let Some((first, ..)) = parts.peek() {
            let table_no = first / PER_INDEX;
            let old = object.pointer(table_no);
            let mut table = if old == HOLE { [0; PAYLOAD] } else { self.store.page(old)? };
            while let Some((n, at, part)) = parts.next_if(|(n, ..)| n / PER_INDEX == table_no) {
                let entry = n % PER_INDEX;
                let content = pointers(&table).nth(entry).ok_or(Error::Damaged)?;
                let page = self.rewrite(content, at, part)?;
                table[2 * entry..2 * entry + 2].copy_from_slice(&page.to_be_bytes());
            }
            let page = self.rewrite(old, 0, &table)?;
            object.set_pointer(table_no, page);
        }
        Ok(())
    }

    /// Copies a page to a free one with `bytes` put in at `at`; the old one will be free.
    fn rewrite(&mut self, old: PageNo, at: usize, bytes: &[u8]) -> Result<PageNo, Error> {
        let mut payload = if old == HOLE { [0; PAYLOAD] } else { self.store.page(old)? };
        payload[at..at + bytes.len()].copy_from_slice(bytes);
        let page = self.allocate()?;
        self.staged.push(page);
        let written = page::write(&mut self.store.nvm, page, &payload);
        // The page may be part of a private key.
        zeroize::Zeroize::zeroize(&mut payload);
        written?;
        if old != HOLE {
            self.freed.push(old);
        }
        Ok(page)
    }

    fn allocate(&mut self) -> Result<PageNo, Error> {
        let page = self.used.first_absent().ok_or(Error::Full)?;
        self.used.insert(page);
        Ok(page)
    }

    fn check_capacity(&self) -> Result<(), Error> {
        if self.footprint > self.store.capacity() { Err(Error::Full) } else { Ok(()) }
    }

    fn put_new(&mut self, page: PageNo, mut object: Object) {
        object.set_generation(self.store.number.wrapping_add(1));
        self.changed.push((page, object));
    }

    /// Makes the change happen.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        let mut pages: Vec<_> = self.changed.iter().map(|(page, object)| (*page, *object.payload())).collect();
        let gone = self.removed.iter().map(|page| (*page, false));
        let come = self.inserted.iter().map(|page| (*page, true));
        let mut map: Vec<(PageNo, [u8; PAYLOAD])> = Vec::new();
        for (page, present) in gone.chain(come) {
            let (map_page, byte, bit) = Store::<N>::map_place(page);
            let known = map.iter().position(|(no, _)| *no == map_page);
            let at = match known {
                Some(at) => at,
                None => {
                    map.push((map_page, self.store.page(map_page)?));
                    map.len() - 1
                }
            };
            if present {
                map[at].1[byte] |= bit;
            } else {
                map[at].1[byte] &= !bit;
            }
        }
        pages.append(&mut map);
        self.store.seal(pages)?;
        self.settle();
        Ok(())
    }

    /// After the commit: the index follows the memory, and what became free is wiped.
    fn settle(&mut self) {
        self.staged.clear();
        let index = alloc::sync::Arc::make_mut(&mut self.store.index);
        for page in &self.removed {
            index.remove(*page);
        }
        for (page, object) in &self.changed {
            index.insert(Entry::of(*page, object));
        }
        for page in &self.freed {
            self.used.remove(*page);
        }
        core::mem::swap(&mut index.used, &mut self.used);
        index.footprint = self.footprint;
        for page in core::mem::take(&mut self.freed) {
            self.store.wipe(page);
        }
    }
}

impl<N: Nvm> Drop for Transaction<'_, N> {
    /// Given up: new content may be part of a private key and must not stay in free memory.
    fn drop(&mut self) {
        for page in core::mem::take(&mut self.staged) {
            self.store.wipe(page);
        }
    }
}

/// Cuts `data` at page borders: number of the content page, offset in it, bytes.
fn parts(offset: usize, data: &[u8]) -> impl Iterator<Item = (usize, usize, &[u8])> {
    let mut at = offset;
    let mut rest = data;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (n, start) = (at / PAYLOAD, at % PAYLOAD);
        let (part, tail) = rest.split_at((PAYLOAD - start).min(rest.len()));
        at += part.len();
        rest = tail;
        Some((n, start, part))
    })
}
