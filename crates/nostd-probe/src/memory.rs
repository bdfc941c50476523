//! The card's platform: memory in an array, fixed randomness, the portable RSA, no events.

use alloc::boxed::Box;
use alloc::vec;

use card_os::crypto::rsa::SoftRsa;
use card_os::nvm::{Nvm, NvmError};
use card_os::platform::{Events, Platform};
use rand_chacha::ChaCha20Rng;

/// Memory that forgets with the program.
pub(crate) struct ArrayNvm(Box<[u8]>);

impl ArrayNvm {
    /// Memory of a preset's size, erased.
    pub(crate) fn new(len: u32) -> Option<Self> {
        Some(Self(vec![0xFF; usize::try_from(len).ok()?].into()))
    }
}

impl Nvm for ArrayNvm {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        let end = at.checked_add(out.len()).ok_or(NvmError::Read)?;
        out.copy_from_slice(self.0.get(at..end).ok_or(NvmError::Read)?);
        Ok(())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        let end = at.checked_add(data.len()).ok_or(NvmError::Write)?;
        self.0.get_mut(at..end).ok_or(NvmError::Write)?.copy_from_slice(data);
        Ok(())
    }
}

/// Nobody listens.
pub(crate) struct Silent;

impl Events for Silent {}

/// The parts of the probe's card.
pub(crate) struct Probe;

impl Platform for Probe {
    type Nvm = ArrayNvm;
    type Rng = ChaCha20Rng;
    type Rsa = SoftRsa;
    type Events = Silent;
}
