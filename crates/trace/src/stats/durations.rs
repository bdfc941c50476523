//! Many durations, with their quantiles: counted in steps of at most one part in 128, so that a million need no more
//! memory than a hundred.

use std::collections::BTreeMap;
use std::time::Duration;

/// Durations up to so many microseconds are kept as they are.
const EXACT: u64 = 128;

/// Durations that were added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    steps: BTreeMap<u64, u64>,
    count: u64,
    total: Duration,
    longest: Duration,
}

/// The beginning of the step in which a number of microseconds falls.
fn step(micros: u64) -> u64 {
    match micros.checked_ilog2() {
        Some(bits) if micros >= EXACT => micros >> (bits - 7) << (bits - 7),
        _ => micros,
    }
}

impl Durations {
    /// Adds one.
    pub fn add(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        *self.steps.entry(step(micros)).or_default() += 1;
        self.count += 1;
        self.total = self.total.saturating_add(duration);
        self.longest = self.longest.max(duration);
    }

    /// Their sum.
    #[must_use]
    pub const fn total(&self) -> Duration {
        self.total
    }

    /// The longest.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// The duration that this many of a hundred do not exceed, to one part in 128; zero of none.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Duration {
        let wanted = (self.count.saturating_mul(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        for (micros, count) in &self.steps {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(*micros);
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_right_to_a_part_in_128(mut all in proptest::collection::vec(0u64..10_000_000_000, 1..200), percent in 1u64..=100) {
            let mut durations = Durations::default();
            all.iter().for_each(|micros| durations.add(Duration::from_micros(*micros)));
            all.sort_unstable();
            let rank = (all.len() * usize::try_from(percent).unwrap()).div_ceil(100).max(1) - 1;
            let (right, told) = (all[rank], u64::try_from(durations.percentile(percent).as_micros()).unwrap());
            prop_assert!(told <= right && right - told <= right / 128, "{} {}", told, right);
            prop_assert_eq!(durations.total(), Duration::from_micros(all.iter().sum()));
        }

        #[test]
        fn memory_is_bounded(all in proptest::collection::vec(any::<u64>(), 0..3000)) {
            let mut durations = Durations::default();
            all.iter().for_each(|micros| durations.add(Duration::from_micros(*micros)));
            prop_assert!(durations.steps.keys().all(|micros| step(*micros) == *micros));
            prop_assert!(durations.steps.len() <= 128 * 58);
        }
    }
}
