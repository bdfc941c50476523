//! The time that a slow card takes: as long as it really takes, or told and not waited for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// How often a long wait looks whether it is still of any use.
const LOOK: Duration = Duration::from_millis(20);

/// A clock. Clones are one clock.
#[derive(Clone)]
pub struct Clock {
    begin: Instant,
    /// Nanoseconds that were not waited for; none where the clock waits.
    skipped: Option<Arc<AtomicU64>>,
    /// Whether waiting is still of use.
    goes_on: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Clock {
    /// The time of everybody: who lets time pass waits.
    #[must_use]
    pub fn real() -> Self {
        Self { begin: Instant::now(), skipped: None, goes_on: None }
    }

    /// Time passes at once, and the clock says that it has passed.
    #[must_use]
    pub fn fast_forward() -> Self {
        Self { skipped: Some(Arc::default()), ..Self::real() }
    }

    /// Waits end early when this says so, for example because the card has been pulled.
    #[must_use]
    pub fn as_long_as(self, goes_on: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { goes_on: Some(Arc::new(goes_on)), ..self }
    }

    /// The time since the clock was made, with what was skipped.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begin.elapsed().saturating_add(self.ahead())
    }

    /// What was skipped: how far the clock is ahead of everybody's time.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        Duration::from_nanos(self.skipped.as_ref().map_or(0, |skipped| skipped.load(SeqCst)))
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        if let Some(skipped) = &self.skipped {
            skipped.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), SeqCst);
            return;
        }
        let end = Instant::now() + time;
        let Some(goes_on) = &self.goes_on else { return std::thread::sleep(time) };
        while let left = end.saturating_duration_since(Instant::now())
            && !left.is_zero()
            && goes_on()
        {
            std::thread::sleep(left.min(LOOK));
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("now", &self.now())
            .field("waits", &self.skipped.is_none())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_passes_at_once_for_all_who_share_the_clock() {
        let clock = Clock::fast_forward();
        let year = Duration::from_secs(31_536_000);
        clock.clone().pass(year);
        assert!(clock.now() >= year && clock.begin.elapsed() < year);
    }

    #[test]
    fn a_real_wait_takes_its_time_unless_it_is_of_no_more_use() {
        let clock = Clock::real();
        clock.pass(Duration::from_millis(30));
        assert!(clock.now() >= Duration::from_millis(30));
        let useless = Clock::real().as_long_as(|| false);
        let day = Duration::from_secs(86_400);
        useless.pass(day);
        assert!(useless.now() < day);
    }
}
