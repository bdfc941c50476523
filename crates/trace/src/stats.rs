//! What a trace adds up to, in memory that does not grow with it.

mod durations;

use std::collections::BTreeMap;
use std::time::Duration;

use card_conformance::report::explain::{instruction, operation};
use card_conformance::report::redact::Shown;
use card_wire::{Ins, Status};

pub use durations::Durations;

use crate::format::What;
use crate::read::Entry;

/// Commands of one kind, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// How many.
    pub count: u64,
    /// Bytes that were sent, headers included.
    pub sent: u64,
    /// Bytes that came, status words included.
    pub came: u64,
    /// Commands without an answer.
    pub unanswered: u64,
    /// How long the answers took.
    pub times: Durations,
}

/// What PIN commands came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PinTries {
    /// Accepted.
    pub right: u64,
    /// Refused, each with a try.
    pub wrong: u64,
    /// Refused because no try was left.
    pub blocked: u64,
    /// Fewest tries that were ever left.
    pub fewest_left: Option<u8>,
}

/// Nothing happened for so long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// How long.
    pub length: Duration,
    /// The line that ended it.
    pub line: u64,
}

/// The figures of a trace.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    kinds: BTreeMap<Kind, Commands>,
    /// Of all commands together.
    pub all: Commands,
    /// Status words by number; those that are hidden are not counted.
    pub statuses: BTreeMap<u16, u64>,
    /// PIN commands.
    pub pins: PinTries,
    /// Transactions that were begun.
    pub transactions: u64,
    /// Cards that were given power or reset.
    pub resets: u64,
    /// Calls that failed.
    pub failed_calls: u64,
    /// The longest time in which nothing happened and no command ran.
    pub pause: Pause,
    /// Time in which at least one card was at work.
    pub busy: Duration,
    first: Option<Duration>,
    last: Duration,
}

/// What commands are counted together: instruction, and what PERFORM SECURITY OPERATION is to do. None where it is hidden.
type Kind = Option<(u8, Option<[u8; 2]>)>;

fn kind(command: &Shown) -> Kind {
    let byte = |at: usize| command.get(at).copied().flatten();
    let ins = byte(1)?;
    let what = byte(2).zip(byte(3)).filter(|_| Ins(ins) == Ins::PERFORM_SECURITY_OPERATION);
    Some((ins, what.map(|(p1, p2)| [p1, p2])))
}

fn name(kind: Kind) -> String {
    match kind {
        None => "hidden or broken".to_owned(),
        Some((_, Some([p1, p2]))) => format!("PSO: {}", operation(p1, p2)),
        Some((ins, None)) => instruction(ins),
    }
}

impl Stats {
    /// Takes an entry in.
    pub fn add(&mut self, entry: &Entry) {
        let begin = entry.event.at;
        let end = entry.answer.as_ref().map_or(begin, |answer| answer.at);
        if self.first.is_some() {
            let length = begin.saturating_sub(self.last);
            if length > self.pause.length {
                self.pause = Pause { length, line: entry.line };
            }
        }
        self.first = Some(self.first.map_or(begin, |first| first.min(begin)));
        if let What::Command(command) = &entry.event.what {
            // Where two readers are at work at once it counts once.
            self.busy += end.saturating_sub(begin.max(self.last));
            self.command(command, entry);
        }
        self.last = self.last.max(end);
        match &entry.event.what {
            What::Atr(_) | What::Mute => self.resets += 1,
            What::Call { name, result: 0 } if name == "BeginTransaction" => self.transactions += 1,
            What::Call { result, .. } if *result != 0 => self.failed_calls += 1,
            _ => {}
        }
    }

    fn command(&mut self, command: &Shown, entry: &Entry) {
        let bytes = entry.answer.as_ref().and_then(|answer| answer.bytes.as_ref());
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        for commands in [self.kinds.entry(kind(command)).or_default(), &mut self.all] {
            commands.count += 1;
            commands.sent += count(command.len());
            commands.came += count(bytes.map_or(0, Vec::len));
            commands.unanswered += u64::from(bytes.is_none());
            if let Some(answer) = &entry.answer {
                commands.times.add(answer.took);
            }
        }
        let status = match bytes.map(Vec::as_slice) {
            Some([.., Some(high), Some(low)]) => Status(u16::from_be_bytes([*high, *low])),
            _ => return,
        };
        *self.statuses.entry(status.0).or_default() += 1;
        self.pins.add(command, status);
    }

    /// Each kind of commands with its name; those that took longest first.
    #[must_use]
    pub fn kinds(&self) -> Vec<(String, &Commands)> {
        let mut kinds: Vec<_> = self.kinds.iter().map(|(kind, commands)| (name(*kind), commands)).collect();
        kinds.sort_by_key(|(_, commands)| std::cmp::Reverse(commands.times.total()));
        kinds
    }

    /// From the first event to the last.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.last.saturating_sub(self.first.unwrap_or(self.last))
    }

    /// Time in which no card was at work.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.span().saturating_sub(self.busy)
    }
}

impl PinTries {
    fn add(&mut self, command: &Shown, status: Status) {
        let Some((ins, _)) = kind(command) else { return };
        let shows_pin = matches!(
            Ins(ins),
            Ins::VERIFY
                | Ins::CHANGE_REFERENCE_DATA
                | Ins::RESET_RETRY_COUNTER
                | Ins::ENABLE_VERIFICATION_REQUIREMENT
                | Ins::DISABLE_VERIFICATION_REQUIREMENT
        );
        if !shows_pin {
            return;
        }
        let left = if status == Status::BLOCKED { Some(0) } else { status.retries() };
        self.fewest_left = [self.fewest_left, left].into_iter().flatten().min();
        // Without data it only asks.
        if command.len() <= 5 {
            return;
        }
        match status {
            Status::OK => self.right += 1,
            Status::BLOCKED => self.blocked += 1,
            status if status.retries().is_some() => self.wrong += 1,
            _ => {}
        }
    }
}
