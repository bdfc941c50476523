//! Seeded choices.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Where every choice comes from: equal seeds make equal choices, on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`; 0 where the bound is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let drawn = u64::from(self.0.next_u32());
        let bound = bound as u64;
        // The bias is below one in a million for the small bounds here, and the same on all machines.
        usize::try_from((drawn * bound) >> 32).unwrap_or(0)
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// True once in `one_in` times on average.
    pub(crate) fn rarely(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let [low, ..] = self.0.next_u32().to_le_bytes();
        low
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// One of the values; the default of the type where there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, values: &[T]) -> T {
        let index = self.below(values.len());
        values.get(index).copied().unwrap_or_default()
    }
}
