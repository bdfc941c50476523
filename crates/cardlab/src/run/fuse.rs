//! Memory that loses its power in the middle of a write, when a fault says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use card_os::nvm::{Nvm, NvmError};

/// Bytes that may be written where no power loss is due.
const NEVER: u64 = u64::MAX;

/// When the power of one card's memory goes.
#[derive(Clone, Debug)]
pub(crate) struct Fuse(Arc<AtomicU64>);

impl Default for Fuse {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NEVER)))
    }
}

impl Fuse {
    /// The power goes when so many more bytes have been written.
    pub(crate) fn blow_after(&self, bytes: u64) {
        self.0.store(bytes.min(NEVER - 1), SeqCst);
    }

    /// The power is back, and stays.
    pub(crate) fn mend(&self) {
        self.0.store(NEVER, SeqCst);
    }

    /// How many of so many bytes can be written. Only the card's own thread writes.
    fn take(&self, len: usize) -> usize {
        let left = self.0.load(SeqCst);
        if left == NEVER {
            return len;
        }
        let taken = len.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.0.store(left - taken as u64, SeqCst);
        taken
    }

    fn has_blown(&self) -> bool {
        self.0.load(SeqCst) == 0
    }
}

/// Memory behind a fuse.
pub(crate) struct Fused<N> {
    pub(crate) memory: N,
    pub(crate) fuse: Fuse,
}

impl<N: Nvm> Nvm for Fused<N> {
    fn len(&self) -> usize {
        self.memory.len()
    }

    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        if self.fuse.has_blown() { Err(NvmError::PowerLoss) } else { self.memory.read(at, out) }
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        let len = self.fuse.take(data.len());
        self.memory.write(at, &data[..len])?;
        if self.fuse.has_blown() { Err(NvmError::PowerLoss) } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), NvmError> {
        if self.fuse.has_blown() { Err(NvmError::PowerLoss) } else { self.memory.sync() }
    }
}

#[cfg(test)]
mod tests {
    use card_os::sim::SimNvm;

    use super::*;

    #[test]
    fn the_power_goes_behind_exactly_so_many_bytes() {
        let fuse = Fuse::default();
        let mut memory = Fused { memory: SimNvm::new(8), fuse: fuse.clone() };
        assert_eq!(memory.write(0, &[1; 8]), Ok(()));
        fuse.blow_after(3);
        assert_eq!(memory.write(0, &[2; 2]), Ok(()));
        assert_eq!(memory.write(2, &[2; 6]), Err(NvmError::PowerLoss));
        assert_eq!(
            (memory.read(0, &mut [0; 8]), memory.write(0, &[3])),
            (Err(NvmError::PowerLoss), Err(NvmError::PowerLoss))
        );
        fuse.mend();
        let mut bytes = [0; 8];
        assert_eq!(memory.read(0, &mut bytes), Ok(()));
        assert_eq!(bytes, [2, 2, 2, 1, 1, 1, 1, 1]);
    }
}
