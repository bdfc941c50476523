//! A platform for simulation: memory that is forked by reference and loses power on demand, seeded randomness.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::marker::PhantomData;

use card_wire::Protocol;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::card::{Card, OpenError};
use crate::crypto::rsa::Rsa;
use crate::nvm::{Nvm, NvmError};
use crate::platform::{Events, NoEvents, Parts, Platform};
use crate::preset::Preset;

#[cfg(feature = "rsa")]
pub use crate::crypto::rsa::SoftRsa;

/// Bytes that two forks share until one of them writes there.
const CHUNK: usize = 1024;

/// What the byte holds that was being written when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// What it held before.
    Old,
    /// What was to be written.
    New,
    /// Neither.
    Garbage(u8),
}

/// Memory in RAM. A clone shares every part that neither side has written since.
#[derive(Clone)]
pub struct SimNvm {
    chunks: Vec<Arc<[u8; CHUNK]>>,
    len: usize,
    /// Bytes that may still be written before the power goes.
    power: Option<u64>,
    /// What the last of those bytes becomes instead of what is written.
    garbage: Option<u8>,
}

impl SimNvm {
    /// Zeroed memory of `len` bytes.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let zero = Arc::new([0; CHUNK]);
        Self { chunks: (0..len.div_ceil(CHUNK)).map(|_| zero.clone()).collect(), len, power: None, garbage: None }
    }

    /// Memory with this content.
    #[must_use]
    pub fn from_image(image: &[u8]) -> Self {
        let chunks = image.chunks(CHUNK).map(|bytes| {
            let mut chunk = [0; CHUNK];
            chunk[..bytes.len()].copy_from_slice(bytes);
            Arc::new(chunk)
        });
        Self { chunks: chunks.collect(), len: image.len(), power: None, garbage: None }
    }

    /// A copy of the content.
    #[must_use]
    pub fn image(&self) -> Vec<u8> {
        let mut image = Vec::with_capacity(self.chunks.len() * CHUNK);
        for chunk in &self.chunks {
            image.extend_from_slice(&chunk[..]);
        }
        image.truncate(self.len);
        image
    }

    /// The power goes after `bytes` more bytes have been written: the write that reaches this count stops there,
    /// and everything behind it fails until [`SimNvm::restore_power`].
    pub fn cut_power_after(&mut self, bytes: u64) {
        self.power = Some(bytes);
        self.garbage = None;
    }

    /// The power goes while byte number `byte` (from 0) of all that is written from now on is being written: the bytes
    /// in front of it are written, those behind it are not, and `half` says what becomes of the byte itself.
    pub fn cut_power_in(&mut self, byte: u64, half: Half) {
        let (whole, garbage) = match half {
            Half::Old => (byte, None),
            Half::New => (byte.saturating_add(1), None),
            Half::Garbage(garbage) => (byte.saturating_add(1), Some(garbage)),
        };
        self.power = Some(whole);
        self.garbage = garbage;
    }

    /// How many bytes can still be written before the power goes; `None` where it will not go.
    #[must_use]
    pub fn power_left(&self) -> Option<u64> {
        self.power
    }

    /// The power is back.
    pub fn restore_power(&mut self) {
        self.power = None;
        self.garbage = None;
    }

    fn put(&mut self, at: usize, data: &[u8]) {
        let mut at = at;
        let mut rest = data;
        while !rest.is_empty() {
            let (chunk, start) = (at / CHUNK, at % CHUNK);
            let (now, later) = rest.split_at((CHUNK - start).min(rest.len()));
            if let Some(chunk) = self.chunks.get_mut(chunk) {
                Arc::make_mut(chunk)[start..start + now.len()].copy_from_slice(now);
            }
            at += now.len();
            rest = later;
        }
    }
}

impl Nvm for SimNvm {
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn read(&mut self, at: usize, out: &mut [u8]) -> Result<(), NvmError> {
        if self.power == Some(0) {
            return Err(NvmError::PowerLoss);
        }
        if at.checked_add(out.len()).is_none_or(|end| end > self.len) {
            return Err(NvmError::Read);
        }
        let mut at = at;
        let mut rest = out;
        while !rest.is_empty() {
            let (chunk, start) = (at / CHUNK, at % CHUNK);
            let (now, later) = rest.split_at_mut((CHUNK - start).min(rest.len()));
            let chunk = self.chunks.get(chunk).ok_or(NvmError::Read)?;
            now.copy_from_slice(&chunk[start..start + now.len()]);
            at += now.len();
            rest = later;
        }
        Ok(())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<(), NvmError> {
        if at.checked_add(data.len()).is_none_or(|end| end > self.len) {
            return Err(NvmError::Write);
        }
        let Some(left) = self.power else {
            self.put(at, data);
            return Ok(());
        };
        let allowed = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
        self.put(at, &data[..allowed]);
        self.power = Some(left - allowed as u64);
        if let (Some(0), Some(last)) = (self.power, allowed.checked_sub(1))
            && let Some(garbage) = self.garbage.take()
        {
            self.put(at + last, &[garbage]);
        }
        if allowed < data.len() || self.power == Some(0) { Err(NvmError::PowerLoss) } else { Ok(()) }
    }
}

impl core::fmt::Debug for SimNvm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SimNvm({} bytes)", self.len)
    }
}

/// The platform of a simulated card.
#[derive(Clone, Copy, Debug)]
pub struct SimPlatform<R, E = NoEvents, N = SimNvm>(PhantomData<(R, E, N)>);

impl<R: Rsa, E: Events, N: Nvm> Platform for SimPlatform<R, E, N> {
    type Nvm = N;
    type Rng = ChaCha20Rng;
    type Rsa = R;
    type Events = E;
}

/// A simulated card in RAM.
#[cfg(feature = "rsa")]
pub type SimCard<R = SoftRsa> = Card<SimPlatform<R>>;

/// The randomness of a seed. `stream` tells apart the lives of one card: a card that was changed and is opened again
/// should not repeat what it drew before.
#[must_use]
pub fn seeded_rng(seed: u64, stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Randomness from the operating system.
///
/// # Errors
/// What the operating system says.
#[cfg(feature = "std")]
pub fn os_rng() -> Result<ChaCha20Rng, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let rng = ChaCha20Rng::from_seed(seed);
    zeroize::Zeroize::zeroize(&mut seed);
    Ok(rng)
}

impl<R: Rsa> Card<SimPlatform<R>> {
    /// A blank, powered card. The same seed gives the same keys, challenges and memory everywhere.
    ///
    /// # Errors
    /// [`OpenError::BadPreset`] and [`OpenError::BadSize`].
    pub fn from_seed(preset: &Preset, seed: u64, rsa: R) -> Result<Self, OpenError> {
        let len = usize::try_from(preset.nvm_len).map_err(|_| OpenError::BadSize)?;
        let parts = Parts { nvm: SimNvm::new(len), rng: seeded_rng(seed, 0), rsa, events: NoEvents };
        let mut card = Self::create(parts, preset)?;
        card.power_on(Protocol::T1);
        Ok(card)
    }
}
