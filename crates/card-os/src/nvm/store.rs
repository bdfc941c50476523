//! Objects on journalled memory: opening with recovery, reading, and the commit that every change goes through.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::header::{self, Header};
use super::index::{Entry, Index};
use super::journal::{self, Record};
use super::object::{self, Form, HOLE, Object, PER_INDEX, POINTERS};
use super::page::{self, PAYLOAD, PageNo};
use super::transaction::Transaction;
use super::{Error, Nvm, NvmError};
use crate::card::OpenError;

const MAP_BITS: usize = PAYLOAD * 8;
/// Pages of the object map that one commit can rewrite, which bounds the memory.
const MAX_MAP_PAGES: usize = journal::MAX_PAGES;

/// Counts what is written and remembers a loss of power: from then on nothing reaches the memory until recovery,
/// even if the memory would take it.
#[derive(Clone)]
pub(crate) struct Meter<N> {
    nvm: N,
    power_lost: bool,
    /// Bytes written since the count was last taken.
    written: u64,
}

impl<N: Nvm> Nvm for Meter<N> {
    fn len(&self) -> usize {
        self.nvm.len()
    }

    #[inline]
    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        if self.power_lost {
            return Err(NvmError::PowerLoss);
        }
        let result = self.nvm.read(at, out);
        self.power_lost |= result == Err(NvmError::PowerLoss);
        result
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        if self.power_lost {
            return Err(NvmError::PowerLoss);
        }
        let result = self.nvm.write(at, data);
        self.power_lost |= result == Err(NvmError::PowerLoss);
        self.written += data.len() as u64;
        result
    }

    fn sync(&mut self) -> Result<(), NvmError> {
        if self.power_lost {
            return Err(NvmError::PowerLoss);
        }
        let result = self.nvm.sync();
        self.power_lost |= result == Err(NvmError::PowerLoss);
        result
    }
}

/// Objects on a memory.
#[derive(Clone)]
pub(crate) struct Store<N> {
    pub(super) nvm: Meter<N>,
    pub(super) index: Arc<Index>,
    /// Number of the last commit.
    pub(super) number: u32,
    /// A commit that is sealed but not yet in its pages; reads see it.
    unapplied: Option<Box<Record>>,
    map_pages: PageNo,
    spare: usize,
}

impl<N: Nvm> Store<N> {
    /// Makes the memory a card that holds `objects` in the pages behind the map, in their order.
    pub(crate) fn format(mut nvm: N, header: &Header, objects: &[Object]) -> Result<Self, OpenError> {
        let pages = page::count(nvm.len());
        let map_pages = map_pages(pages).ok_or(OpenError::BadSize)?;
        if objects.len() + map_pages > pages || pages - map_pages <= usize::from(header.spare) {
            return Err(OpenError::BadSize);
        }
        write_all(&mut nvm, header, objects, pages, map_pages).map_err(OpenError::from_write)?;
        Ok(Self::open(nvm)?.0)
    }

    /// Opens a card: checks everything, then finishes an interrupted commit. A damaged memory is not written to.
    pub(crate) fn open(nvm: N) -> Result<(Self, Header), OpenError> {
        let mut nvm = Meter { nvm, power_lost: false, written: 0 };
        let header = header::read(&mut nvm)?;
        let pages = page::count(nvm.len());
        let map_pages = map_pages(pages).ok_or(OpenError::BadSize)?;
        let mut store = Self {
            nvm,
            index: Arc::new(Index::new(pages)),
            number: 0,
            unapplied: None,
            map_pages: PageNo::try_from(map_pages).map_err(|_| OpenError::BadSize)?,
            spare: usize::from(header.spare),
        };
        store.recover().map_err(|error| match error {
            Error::Medium(error) => OpenError::Medium(error),
            Error::Damaged | Error::Full => OpenError::Damaged("a checksum or pointer in its pages is wrong"),
        })?;
        Ok((store, header))
    }

    /// Reads everything again, as after a loss of power, and finishes an interrupted commit.
    pub(crate) fn recover(&mut self) -> Result<(), Error> {
        self.nvm.power_lost = false;
        let newest = journal::newest(&mut self.nvm)?;
        self.number = newest.number;
        self.unapplied = (!newest.done).then(|| Box::new(newest));
        self.index = Arc::new(self.load()?);
        let flushed = self.flush();
        for page in 0..page::count(self.nvm.len()) {
            let page = PageNo::try_from(page).map_err(|_| Error::Damaged)?;
            if !self.index.used.contains(page) {
                self.wipe(page);
            }
        }
        match flushed {
            Err(Error::Medium(NvmError::PowerLoss)) => flushed,
            // The commit stays visible; its pages are written before the next one.
            _ if self.nvm.power_lost => Err(Error::Medium(NvmError::PowerLoss)),
            _ => Ok(()),
        }
    }

    /// Builds the index from memory, verifying every page that an object uses.
    fn load(&mut self) -> Result<Index, Error> {
        let mut index = Index::new(page::count(self.nvm.len()));
        for map_page in 0..self.map_pages {
            index.used.insert(map_page);
        }
        for map_page in 0..self.map_pages {
            let bits = self.page(map_page)?;
            for bit in (0..MAP_BITS).filter(|bit| bits[bit / 8] & 1 << (bit % 8) != 0) {
                let page = PageNo::try_from(usize::from(map_page) * MAP_BITS + bit).map_err(|_| Error::Damaged)?;
                let object = self.object(page)?;
                let mut pages = self.content_pages(&object)?;
                pages.push(page);
                for used in pages {
                    self.page(used)?;
                    if !index.used.insert(used) {
                        return Err(Error::Damaged);
                    }
                }
                if index.child(object.parent(), object.id()).is_some() {
                    return Err(Error::Damaged);
                }
                index.footprint += object.footprint();
                index.insert(Entry::of(page, &object));
            }
        }
        if index.is_tree() { Ok(index) } else { Err(Error::Damaged) }
    }

    /// Writes the pages of a sealed commit. Until that has worked, reads see the commit and nothing new begins.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let Some(record) = &self.unapplied else { return Ok(()) };
        for (no, payload) in &record.pages {
            if page::read(&mut self.nvm, *no).as_ref() != Ok(payload) {
                page::write(&mut self.nvm, *no, payload)?;
            }
        }
        let number = record.number;
        self.nvm.sync()?;
        journal::mark_done(&mut self.nvm, number)?;
        self.unapplied = None;
        Ok(())
    }

    /// Seals the record. After `Ok` the commit has happened, whatever becomes of its pages.
    pub(super) fn seal(&mut self, pages: Vec<(PageNo, [u8; PAYLOAD])>) -> Result<(), Error> {
        let record = Record { number: self.number.wrapping_add(1), done: false, pages };
        journal::write(&mut self.nvm, &record)?;
        self.number = record.number;
        self.unapplied = Some(Box::new(record));
        match self.flush() {
            Err(Error::Medium(NvmError::PowerLoss)) => Err(Error::Medium(NvmError::PowerLoss)),
            // Sealed is committed: the pages are written again before the next commit or at the next power-on.
            _ => Ok(()),
        }
    }

    /// Makes a free page zero. A failure is harmless: the page is free and wiped at the next power-on.
    pub(super) fn wipe(&mut self, page: PageNo) {
        let _ = page::wipe(&mut self.nvm, page);
    }

    /// Starts a change.
    pub(crate) fn begin(&mut self) -> Result<Transaction<'_, N>, Error> {
        self.flush()?;
        Ok(Transaction::new(self))
    }

    #[inline]
    pub(super) fn page(&mut self, no: PageNo) -> Result<[u8; PAYLOAD], Error> {
        if let Some(payload) = self.unapplied.as_ref().and_then(|record| record.page(no)) {
            return Ok(*payload);
        }
        page::read(&mut self.nvm, no)
    }

    /// The object on a page.
    #[inline]
    pub(crate) fn object(&mut self, page: PageNo) -> Result<Object, Error> {
        Object::from_payload(self.page(page)?).ok_or(Error::Damaged)
    }

    /// Gives the control information of the object on a page, read straight from memory: the longest part of SELECT.
    pub(crate) fn info(&mut self, page: PageNo, give: impl FnOnce(&[u8])) -> Result<(), Error> {
        let mut bytes = [0; page::PAGE];
        match self.unapplied.as_ref().and_then(|record| record.page(page)) {
            Some(payload) => bytes[..PAYLOAD].copy_from_slice(payload),
            None => page::read_whole(&mut self.nvm, page, &mut bytes)?,
        }
        give(object::info_of(&bytes[..PAYLOAD]).ok_or(Error::Damaged)?);
        Ok(())
    }

    /// All pages that hold content or pointers of an object; holes left out.
    pub(super) fn content_pages(&mut self, object: &Object) -> Result<Vec<PageNo>, Error> {
        let mut pages: Vec<PageNo> = match object.form() {
            Form::Inline => Vec::new(),
            _ => (0..POINTERS).map(|n| object.pointer(n)).filter(|page| *page != HOLE).collect(),
        };
        if object.form() == Form::Indexed {
            for table in pages.clone() {
                pages.extend(pointers(&self.page(table)?).filter(|page| *page != HOLE));
            }
        }
        Ok(pages)
    }

    /// Copies content from `offset` on; `out` must lie within the content.
    pub(crate) fn read_content(&mut self, object: &Object, offset: usize, out: &mut [u8]) -> Result<(), Error> {
        let end = offset.checked_add(out.len()).filter(|end| *end <= object.len()).ok_or(Error::Damaged)?;
        if object.form() == Form::Inline {
            out.copy_from_slice(object.inline().get(offset..end).ok_or(Error::Damaged)?);
            return Ok(());
        }
        let mut table = None;
        let mut done = 0;
        while done < out.len() {
            let (n, at) = ((offset + done) / PAYLOAD, (offset + done) % PAYLOAD);
            let len = (PAYLOAD - at).min(out.len() - done);
            let part = &mut out[done..done + len];
            match self.content_pointer(object, n, &mut table)? {
                HOLE => part.fill(0),
                page => part.copy_from_slice(&self.page(page)?[at..at + len]),
            }
            done += len;
        }
        Ok(())
    }

    /// Where content page `n` is. `table` remembers the last index page.
    fn content_pointer(
        &mut self,
        object: &Object,
        n: usize,
        table: &mut Option<(usize, [u8; PAYLOAD])>,
    ) -> Result<PageNo, Error> {
        if object.form() == Form::Direct {
            return Ok(object.pointer(n));
        }
        let (table_no, entry) = (n / PER_INDEX, n % PER_INDEX);
        if table.as_ref().is_none_or(|(no, _)| *no != table_no) {
            let payload = match object.pointer(table_no) {
                HOLE => [0; PAYLOAD],
                page => self.page(page)?,
            };
            *table = Some((table_no, payload));
        }
        let (_, payload) = table.as_ref().ok_or(Error::Damaged)?;
        pointers(payload).nth(entry).ok_or(Error::Damaged)
    }

    /// Pages that objects may occupy, holes counted as if they were written.
    pub(super) fn capacity(&self) -> usize {
        page::count(self.nvm.len()) - usize::from(self.map_pages) - self.spare
    }

    /// The map page and the byte and bit in it that tell whether `page` holds an object.
    pub(super) fn map_place(page: PageNo) -> (PageNo, usize, u8) {
        let (map_page, bit) = (usize::from(page) / MAP_BITS, usize::from(page) % MAP_BITS);
        (PageNo::try_from(map_page).unwrap_or(PageNo::MAX), bit / 8, 1 << (bit % 8))
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Whether the power went away since the last recovery.
    pub(crate) fn power_lost(&self) -> bool {
        self.nvm.power_lost
    }

    /// Bytes written since this was last asked.
    pub(crate) fn take_written(&mut self) -> u64 {
        core::mem::take(&mut self.nvm.written)
    }

    /// Number of the last commit; rises with every change of the memory.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn nvm(&self) -> &N {
        &self.nvm.nvm
    }

    pub(crate) fn nvm_mut(&mut self) -> &mut N {
        &mut self.nvm.nvm
    }
}

/// The pointers in an index page.
pub(super) fn pointers(payload: &[u8; PAYLOAD]) -> impl Iterator<Item = PageNo> {
    payload.chunks_exact(2).map(|pair| PageNo::from_be_bytes([pair[0], pair[1]]))
}

fn map_pages(pages: usize) -> Option<usize> {
    let map_pages = pages.div_ceil(MAP_BITS);
    (1..=MAX_MAP_PAGES).contains(&map_pages).then_some(map_pages)
}

fn write_all<N: Nvm>(
    nvm: &mut N,
    header: &Header,
    objects: &[Object],
    pages: usize,
    map_pages: usize,
) -> Result<(), Error> {
    header::erase(nvm)?;
    for page in 0..pages {
        page::wipe(nvm, PageNo::try_from(page).map_err(|_| Error::Full)?)?;
    }
    let mut map = alloc::vec![[0; PAYLOAD]; map_pages];
    for (page, object) in (map_pages..).zip(objects) {
        let page = PageNo::try_from(page).map_err(|_| Error::Full)?;
        let (map_page, byte, bit) = Store::<N>::map_place(page);
        map[usize::from(map_page)][byte] |= bit;
        page::write(nvm, page, object.payload())?;
    }
    for (page, payload) in (0..).zip(&map) {
        page::write(nvm, page, payload)?;
    }
    // Both slots, so that nothing of a former card in this memory can be taken for a commit.
    journal::write(nvm, &Record { number: 0, done: false, pages: Vec::new() })?;
    journal::write(nvm, &Record { number: 1, done: false, pages: Vec::new() })?;
    header::write(nvm, header)
}
