//! Cuts the power at every byte of a log of writes, opens the card on what is left, and does the same to the writes of
//! its recovery.

use std::collections::{HashMap, HashSet};

use card_wire::Protocol;

use super::layout::{self, FIRST_PAGE, SLOTS};
use super::player::{self, Played};
use super::real::Real;
use super::tape::{Op, Wrong};
use crate::support::SELECT_AID;

/// How deep a byte may be garbage: in the command and in its recovery. Below that, every further combination of garbage
/// bytes would be a memory of its own and there would be no end; random chains go there instead.
const GARBAGE_DEPTH: u8 = 2;

/// Which of the torn memories are opened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effort {
    /// All.
    Exhaustive,
    /// One in so many, chosen by its content, and one in ever so many of those that a recovery leaves.
    Sample { torn: u64, recovered: u64 },
}

/// What a campaign did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Bytes that uncut commands wrote.
    pub(crate) written: u64,
    /// Cut points in commands.
    pub(crate) cuts: u64,
    /// Bytes that recoveries wrote, garbage deep enough to be tried or not.
    pub(crate) recovered: [u64; 2],
    /// Cut points in recoveries.
    pub(crate) recovery_cuts: u64,
    /// Memories that a cut leaves, each counted once a command.
    pub(crate) memories: u64,
    /// Of those, opened and compared.
    pub(crate) opened: u64,
    /// The deepest recovery of a recovery.
    pub(crate) depth: u8,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.written += other.written;
        self.cuts += other.cuts;
        self.recovered[0] += other.recovered[0];
        self.recovered[1] += other.recovered[1];
        self.recovery_cuts += other.recovery_cuts;
        self.memories += other.memories;
        self.opened += other.opened;
        self.depth = self.depth.max(other.depth);
    }
}

/// A state that a card may be in afterwards.
struct Goal {
    pages: Vec<u8>,
    view: Vec<String>,
    reached: bool,
}

/// The cuts of one command.
pub(crate) struct Campaign<'a> {
    played: &'a Played,
    wrong: Wrong,
    effort: Effort,
    goals: Vec<Goal>,
    traces: HashSet<[u8; 8]>,
    /// Memories that a cut of the command itself leaves.
    torn: HashSet<u64>,
    /// Memories that were dealt with, and how deep.
    seen: HashMap<u64, u8>,
    real: Option<&'a Real>,
    pub(crate) counts: Counts,
}

/// One byte at one address as a number; a memory's is the sum over all that differ from a common beginning.
fn mix(at: usize, byte: u8) -> u64 {
    let mut z = ((at as u64) << 8 | u64::from(byte)).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What a half-written byte holds that is neither its old nor its new value.
pub(crate) fn garbage(at: usize, old: u8, new: u8) -> u8 {
    let mut byte = mix(at, 0x5A).to_le_bytes()[0];
    while byte == old || byte == new {
        byte = byte.wrapping_add(1);
    }
    byte
}

pub(crate) fn writes(log: &[Op]) -> impl Iterator<Item = (usize, &[u8])> {
    log.iter().filter_map(|op| match op {
        Op::Write(at, data) => Some((*at, &data[..])),
        Op::Sync => None,
    })
}

pub(crate) fn length(log: &[Op]) -> u64 {
    writes(log).map(|(_, data)| data.len() as u64).sum()
}

impl<'a> Campaign<'a> {
    pub(crate) fn new(played: &'a Played, wrong: Wrong, effort: Effort, real: Option<&'a Real>) -> Self {
        let mut traces = HashSet::new();
        let mut goals: Vec<Goal> = Vec::new();
        for memory in [Some(&played.before), Some(&played.after), played.spent.as_ref()].into_iter().flatten() {
            layout::traces(memory, &mut traces);
            let pages = memory[FIRST_PAGE..].to_vec();
            if goals.iter().all(|goal| goal.pages != pages) {
                let mut card = player::open(memory.clone(), Wrong::Nothing).unwrap();
                goals.push(Goal { pages, view: player::look(&mut card), reached: false });
            }
        }
        let (torn, seen) = (HashSet::new(), HashMap::new());
        Self { played, wrong, effort, goals, traces, torn, seen, real, counts: Counts::default() }
    }

    /// Runs all cuts. Where a memory does not open as one of the right states, says which.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        let (before, log) = (&self.played.before, &self.played.log);
        let mut torn = HashSet::new();
        each(before, 0, log, true, |left| {
            torn.insert(left.hash);
            Ok(())
        })?;
        self.torn = torn;
        self.counts.written = length(log);
        let mut point = 0;
        self.counts.cuts = each(before, 0, log, true, |left| {
            if let Some(real) = self.real {
                real.compare(point, left.memory)?;
            }
            point += 1;
            self.visit(&Torn { key: left.hash, ..*left }, 0)
        })?;
        if self.wrong == Wrong::Nothing && matches!(self.effort, Effort::Exhaustive) && self.counts.written > 0 {
            let unreached = self.goals.iter().position(|goal| !goal.reached);
            assert_eq!(unreached, None, "a state that no cut leaves is no state to allow");
        }
        Ok(())
    }

    fn is_chosen(&self, hash: u64, depth: u8) -> bool {
        match self.effort {
            Effort::Exhaustive => true,
            Effort::Sample { torn, recovered } => (hash >> 8).is_multiple_of(if depth == 0 { torn } else { recovered }),
        }
    }

    /// Opens the card in a memory, compares it, and cuts its recovery. Memories that a recovery leaves are told apart by
    /// their key; those that the command leaves, byte by byte.
    fn visit(&mut self, left: &Torn<'_>, depth: u8) -> Result<(), String> {
        let Torn { memory, hash, key } = *left;
        if depth > 0 && self.torn.contains(&hash) {
            return Ok(());
        }
        match self.seen.insert(key, depth) {
            None => self.counts.memories += 1,
            Some(earlier) if earlier <= depth => {
                self.seen.insert(key, earlier);
                return Ok(());
            }
            Some(_) => (),
        }
        if !self.is_chosen(key, depth) {
            return Ok(());
        }
        self.counts.opened += 1;
        self.counts.depth = self.counts.depth.max(depth);
        let mut card = player::open(memory.to_vec(), self.wrong).map_err(|error| error.to_string())?;
        let log = card.nvm_mut().take_log();
        let goal = self.compare(&mut card, &log, hash)?;
        let end = card.nvm().bytes.clone();
        drop(card);
        let deep = depth + 1;
        let with_garbage = deep < GARBAGE_DEPTH;
        self.counts.recovered[usize::from(!with_garbage)] += length(&log);
        let points = each(memory, hash, &log, with_garbage, |left| self.visit(left, deep));
        self.counts.recovery_cuts += points.map_err(|error| format!("{error}, in a recovery to state {goal}"))?;
        let mut last = memory.to_vec();
        writes(&log).for_each(|(at, data)| last[at..at + data.len()].copy_from_slice(data));
        if last == end { Ok(()) } else { Err("the log does not make the memory".to_owned()) }
    }

    /// Which of the right states the opened card is in.
    fn compare(&mut self, card: &mut player::On<super::tape::Tape>, log: &[Op], hash: u64) -> Result<usize, String> {
        let memory = &card.nvm().bytes;
        let goal = self.goals.iter().position(|goal| goal.pages == memory[FIRST_PAGE..]);
        let Some(goal) = goal else { return Err("neither the state before nor the one after".to_owned()) };
        if layout::has_trace(&memory[SLOTS[0]..FIRST_PAGE], &self.traces) {
            return Err("part of a key is left in the journal".to_owned());
        }
        let first = !std::mem::replace(&mut self.goals[goal].reached, true);
        if first || hash.is_multiple_of(64) {
            // The card's own account of its recovery, and nothing more is written by the next power-on.
            card.power_on(Protocol::T1);
            player::send(card, &super::scene::bytes(SELECT_AID));
            if card.events_mut().0 != length(log) && self.wrong == Wrong::Nothing {
                return Err(format!("{} bytes written, {} told", length(log), card.events_mut().0));
            }
            if self.wrong == Wrong::Nothing && !card.nvm().log.is_empty() {
                return Err("a second recovery wrote".to_owned());
            }
        }
        if first || hash.is_multiple_of(1024) {
            let mut fresh =
                player::open(card.nvm().bytes.clone(), Wrong::Nothing).map_err(|error| error.to_string())?;
            if player::look(&mut fresh) != self.goals[goal].view {
                return Err("a host sees something else than in the memory".to_owned());
            }
        }
        Ok(goal)
    }
}

/// A memory that a cut leaves.
struct Torn<'m> {
    memory: &'m [u8],
    /// The sum over its bytes.
    hash: u64,
    /// The same, but of a page that the next recovery wipes only that it is not zero.
    key: u64,
}

/// Gives every memory that a cut in these writes leaves; half-written bytes are old, new and, where asked for, garbage.
/// Returns how many cut points that were.
fn each(
    memory: &[u8],
    hash: u64,
    log: &[Op],
    with_garbage: bool,
    mut give: impl FnMut(&Torn<'_>) -> Result<(), String>,
) -> Result<u64, String> {
    let (mut now, mut hash, mut points) = (memory.to_vec(), hash, 0);
    let mut free = FreePages::wiped_by(log, &now);
    for (start, data) in writes(log) {
        free.begin(start);
        for (at, new) in (start..).zip(data) {
            let old = now[at];
            let mut leave = |now: &mut Vec<u8>, free: &mut FreePages, from: u8, byte: u8| {
                now[at] = byte;
                let change = mix(at, byte).wrapping_sub(mix(at, from));
                hash = hash.wrapping_add(change);
                free.change(change, from, byte);
                give(&Torn { memory: now, hash, key: hash.wrapping_add(free.difference()) })
            };
            leave(&mut now, &mut free, old, old)?;
            points += 2;
            if with_garbage {
                let garbage = garbage(at, old, *new);
                leave(&mut now, &mut free, old, garbage)?;
                leave(&mut now, &mut free, garbage, *new)?;
                points += 1;
            } else {
                leave(&mut now, &mut free, old, *new)?;
            }
        }
    }
    Ok(points)
}

/// The pages that a recovery wipes. What stands in them, if anything, is nothing to it.
struct FreePages {
    /// By address: the sum over the bytes, and how many are not zero.
    pages: HashMap<usize, (u64, usize)>,
    /// What takes the sums of all of these but one out and puts in that they are not zero.
    others: u64,
    /// The one that is being wiped.
    current: Option<(usize, u64, usize)>,
}

impl FreePages {
    fn wiped_by(log: &[Op], memory: &[u8]) -> Self {
        let wipes = writes(log).filter(|(at, data)| *at >= FIRST_PAGE && data.iter().all(|byte| *byte == 0));
        let pages: HashMap<_, _> = wipes
            .map(|(at, data)| {
                let page = &memory[at..at + data.len()];
                let sum = (at..).zip(page).fold(0u64, |sum, (at, byte)| sum.wrapping_add(mix(at, *byte)));
                (at, (sum, page.iter().filter(|byte| **byte != 0).count()))
            })
            .collect();
        let others =
            pages.iter().fold(0u64, |sum, (at, (page, _))| sum.wrapping_add(not_zero(*at)).wrapping_sub(*page));
        Self { pages, others, current: None }
    }

    /// A write to this address begins.
    fn begin(&mut self, at: usize) {
        self.current = self.pages.remove(&at).map(|(sum, count)| (at, sum, count));
        if let Some((at, sum, _)) = self.current {
            self.others = self.others.wrapping_sub(not_zero(at)).wrapping_add(sum);
        }
    }

    fn change(&mut self, change: u64, from: u8, to: u8) {
        if let Some((_, sum, count)) = &mut self.current {
            *sum = sum.wrapping_add(change);
            *count = *count + usize::from(to != 0) - usize::from(from != 0);
        }
    }

    fn difference(&self) -> u64 {
        match self.current {
            Some((at, sum, 1..)) => self.others.wrapping_add(not_zero(at)).wrapping_sub(sum),
            _ => self.others,
        }
    }
}

/// Stands for the bytes of a page that is to be wiped.
fn not_zero(at: usize) -> u64 {
    mix(at << 8, 0xFF)
}
