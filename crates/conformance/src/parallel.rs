//! Plays cases on several threads, each with a target of its own, and puts the outcomes back in the order of the suite.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::outcome::{Failure, Mismatch, Outcome, Report, Verdict};
use crate::runner::Player;
use crate::script::{Case, Suite};
use crate::tags::Tag;
use crate::target::Target;

/// Cases of one setup list that a thread takes at once: enough to make preparing the card for them worth it, few enough
/// for the others to find work to the end.
const AT_ONCE: usize = 24;

/// How many threads play, and what stops them.
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'f> {
    threads: usize,
    stop: Option<&'f AtomicBool>,
}

impl<'f> Jobs<'f> {
    /// So many threads; none is one.
    #[must_use]
    pub const fn new(threads: usize) -> Self {
        Self { threads, stop: None }
    }

    /// As many threads as the machine runs at once.
    #[must_use]
    pub fn available() -> Self {
        Self::new(thread::available_parallelism().map_or(1, usize::from))
    }

    /// Once `stop` is true no case is begun any more; those that are being played are played to their end.
    #[must_use]
    pub const fn until(self, stop: &'f AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

impl From<usize> for Jobs<'_> {
    fn from(threads: usize) -> Self {
        Self::new(threads)
    }
}

/// Plays the given cases on several threads and reports each outcome as it comes, on the thread that played it.
///
/// The report has the outcomes in the order of the suite. Cases that were not begun when the run was stopped are
/// missing in it. A target that panics fails its case and is replaced.
///
/// # Panics
/// Where `on_outcome` does.
pub fn run_parallel<'j>(
    suite: &Suite,
    cases: &[&Case],
    jobs: impl Into<Jobs<'j>>,
    make_target: impl Fn() -> Box<dyn Target> + Sync,
    configure: impl Fn(&mut Player<'_>) + Sync,
    on_outcome: impl Fn(&Outcome) + Sync,
) -> Report {
    let jobs = jobs.into();
    let shares = shares(cases);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut place = Place { suite, make_target: &make_target, configure: &configure, seat: None };
        let mut outcomes = Vec::new();
        while let Some(share) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
            for case in share {
                if jobs.is_stopped() {
                    return outcomes;
                }
                let outcome = place.play(case);
                on_outcome(&outcome);
                outcomes.push(outcome);
            }
        }
        outcomes
    };
    let threads = jobs.threads.clamp(1, shares.len().max(1));
    let mut outcomes: Vec<Outcome> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut outcomes = work();
        for other in others {
            outcomes.extend(other.join().unwrap_or_else(|reason| panic::resume_unwind(reason)));
        }
        outcomes
    });
    let order: HashMap<&str, usize> = suite.cases.iter().enumerate().map(|(at, case)| (case.id.as_str(), at)).collect();
    outcomes.sort_by_key(|outcome| order.get(outcome.case.as_str()));
    Report { outcomes }
}

/// The cases in shares that one thread plays one after the other: cases that begin alike together, and first what
/// takes long, so that no thread is left with it at the end.
fn shares<'c>(cases: &[&'c Case]) -> Vec<Vec<&'c Case>> {
    let mut open: HashMap<_, usize> = HashMap::new();
    let mut shares: Vec<Vec<&Case>> = Vec::new();
    let (slow, others): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.tags.contains(&Tag::Slow));
    shares.extend(slow.into_iter().map(|case| vec![case]));
    for case in others {
        let at = open.entry((&case.preset, &case.setups)).or_insert(usize::MAX);
        match shares.get_mut(*at) {
            Some(share) if share.len() < AT_ONCE => share.push(case),
            _ => {
                *at = shares.len();
                shares.push(vec![case]);
            }
        }
    }
    shares
}

/// Where one thread plays.
struct Place<'s, M, C> {
    suite: &'s Suite,
    make_target: &'s M,
    configure: &'s C,
    seat: Option<(Player<'s>, Box<dyn Target>)>,
}

impl<M: Fn() -> Box<dyn Target>, C: Fn(&mut Player<'_>)> Place<'_, M, C> {
    fn play(&mut self, case: &Case) -> Outcome {
        // Nothing that a panic may leave half done is used again: player and target go with it.
        let seat = self.seat.take();
        let played = panic::catch_unwind(AssertUnwindSafe(|| {
            let (mut player, mut target) = seat.unwrap_or_else(|| {
                let mut player = Player::new(self.suite);
                (self.configure)(&mut player);
                (player, (self.make_target)())
            });
            let outcome = player.play(case, target.as_mut());
            (outcome, (player, target))
        }));
        match played {
            Ok((outcome, seat)) => {
                self.seat = Some(seat);
                outcome
            }
            Err(reason) => panicked(case, reason.as_ref()),
        }
    }
}

/// The outcome of a case in which the target panicked.
fn panicked(case: &Case, reason: &(dyn Any + Send)) -> Outcome {
    let text = reason.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| reason.downcast_ref::<String>().cloned()).unwrap_or_default();
    let what = Mismatch::Panicked(text);
    let failure = Failure { file: case.file.clone(), line: case.line, setup: false, what };
    Outcome::not_played(case, Verdict::Failed(failure))
}

/// Puts things into an order that the seed decides, the same everywhere.
pub fn shuffle<T>(things: &mut [T], seed: u64) {
    let mut state = seed;
    for at in (1..things.len()).rev() {
        let bound = u64::try_from(at + 1).unwrap_or(u64::MAX);
        let other = usize::try_from(next(&mut state) % bound).unwrap_or(at);
        things.swap(at, other);
    }
}

/// The next number of SplitMix64.
const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_order_of_the_same_things() {
        let shuffled = |seed| {
            let mut things: Vec<u32> = (0..100).collect();
            shuffle(&mut things, seed);
            things
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        assert_ne!(shuffled(0), (0..100).collect::<Vec<_>>());
        let mut sorted = shuffled(3);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        shuffle::<u8>(&mut [], 1);
    }
}
