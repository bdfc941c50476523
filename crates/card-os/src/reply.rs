//! The answer in the making: into the caller's buffer as far as it reaches, the rest aside.

use alloc::vec::Vec;

use card_wire::Status;
use zeroize::Zeroizing;

use crate::link::grow;

/// Collects the data field of an answer.
pub(crate) struct Reply<'r> {
    out: &'r mut [u8],
    len: usize,
    /// What does not fit the caller's buffer.
    spill: Vec<u8>,
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        // Asked first: nearly every answer fits, and SELECT is counted in nanoseconds.
        if self.spill.capacity() != 0 {
            zeroize::Zeroize::zeroize(&mut self.spill);
        }
    }
}

impl<'r> Reply<'r> {
    /// An empty answer; two bytes of `out` are kept for the status word.
    pub(crate) fn new(out: &'r mut [u8]) -> Self {
        Self { out, len: 0, spill: Vec::new() }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.out.len().saturating_sub(2)
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let fits = bytes.len().min(self.capacity() - self.len);
        let (now, later) = bytes.split_at(fits);
        self.out[self.len..self.len + fits].copy_from_slice(now);
        self.len += fits;
        if !later.is_empty() {
            grow(&mut self.spill, later);
        }
    }

    /// Appends `len` bytes that `fill` writes.
    pub(crate) fn fill<E>(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<(), E> {
        if len <= self.capacity() - self.len && self.spill.is_empty() {
            fill(&mut self.out[self.len..self.len + len])?;
            self.len += len;
            return Ok(());
        }
        let mut bytes = Zeroizing::new(alloc::vec![0; len]);
        fill(&mut bytes)?;
        self.push(&bytes);
        Ok(())
    }

    /// Data behind the first `ne` bytes, which the answer will not carry, if there is any.
    pub(crate) fn cut(&mut self, ne: usize) -> Option<Zeroizing<Vec<u8>>> {
        let keep = ne.min(self.len);
        if self.len == keep && self.spill.is_empty() {
            return None;
        }
        let mut rest = Zeroizing::new(Vec::with_capacity(self.len - keep + self.spill.len()));
        rest.extend_from_slice(&self.out[keep..self.len]);
        rest.extend_from_slice(&self.spill);
        zeroize::Zeroize::zeroize(&mut self.spill);
        self.len = keep;
        Some(rest)
    }

    /// An error carries no data.
    pub(crate) fn clear(&mut self) {
        self.out[..self.len].fill(0);
        self.len = 0;
        zeroize::Zeroize::zeroize(&mut self.spill);
    }

    /// The first bytes of the data field, if they are there and all of them go into the caller's buffer.
    pub(crate) fn first_chunk<const N: usize>(&self) -> Option<[u8; N]> {
        self.out.get(..self.len)?.first_chunk().copied()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The answer with its status word.
    pub(crate) fn finish(mut self, status: Status) -> &'r [u8] {
        let (out, len) = (core::mem::take(&mut self.out), self.len);
        match out.get_mut(len..len + 2) {
            Some(word) => word.copy_from_slice(&status.to_bytes()),
            None => return &[],
        }
        &out[..len + 2]
    }
}
