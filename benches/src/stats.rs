//! Medians of interleaved runs: what two things cost is compared only if they were measured in turn.

use serde::Serialize;
use std::time::{Duration, Instant};

/// Samples in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

/// What is quoted of a measurement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary {
    /// Median in nanoseconds.
    pub median_ns: f64,
    /// 95th percentile in nanoseconds.
    pub p95_ns: f64,
    /// Number of samples.
    pub samples: usize,
}

impl Samples {
    /// Adds one sample.
    pub fn push(&mut self, nanoseconds: f64) {
        self.0.push(nanoseconds);
    }

    /// Adds a duration that `times` runs took together.
    pub fn push_shared(&mut self, taken: Duration, times: u32) {
        self.push(taken.as_secs_f64() * 1e9 / f64::from(times.max(1)));
    }

    /// Runs once and adds the time it took.
    pub fn time<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = run();
        self.push_shared(start.elapsed(), 1);
        result
    }

    /// Median and 95th percentile; zero without samples.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
        Summary {
            median_ns: at(50).copied().unwrap_or(0.0),
            p95_ns: at(95).copied().unwrap_or(0.0),
            samples: sorted.len(),
        }
    }
}

/// Runs both in turn, `rounds` times each, so that whatever else the machine does meets both.
pub fn interleave(
    rounds: usize,
    mut left: impl FnMut(&mut Samples),
    mut right: impl FnMut(&mut Samples),
) -> [Summary; 2] {
    let [mut first, mut second] = [Samples::default(), Samples::default()];
    for _ in 0..rounds {
        left(&mut first);
        right(&mut second);
    }
    [first.summary(), second.summary()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_percentile_are_of_the_sorted_samples() {
        let mut samples = Samples::default();
        (1..=100u32).rev().for_each(|sample| samples.push(f64::from(sample)));
        let summary = samples.summary();
        assert_eq!((summary.median_ns, summary.p95_ns, summary.samples), (51.0, 96.0, 100));
    }

    #[test]
    fn no_samples_are_zero_and_no_panic() {
        assert_eq!(Samples::default().summary().samples, 0);
    }

    #[test]
    fn both_sides_get_their_own_samples() {
        let [left, right] = interleave(3, |samples| samples.push(1.0), |samples| samples.push(2.0));
        assert_eq!((left.median_ns, right.median_ns, left.samples, right.samples), (1.0, 2.0, 3, 3));
    }
}
