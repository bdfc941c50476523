//! The counter of the card's PIN: read before anything is spent, read again behind every case, and never a last try.

use card_wire::Status;
use host_driver::TransportError;
use zeroize::Zeroizing;

use super::risk::{OwnPin, Risk};
use crate::target::Target;

/// Fewest tries of a full counter at which one may be spent: a card that takes two away for one still has one left.
const ENOUGH: u8 = 3;

/// Why nothing more may be sent to a card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Stop {
    /// The card does not answer any more.
    #[error("the card was not reached: {0}; its PIN could not be looked after")]
    Transport(#[source] TransportError),
    /// The PIN of the card file is wrong.
    #[error(
        "the PIN that the card file leads to is not the card's ({0}); one try was spent, nothing else was sent; a login with the right one gives it back"
    )]
    WrongPin(Status),
    /// A try was spent by a case that should spend none, or more than it should.
    #[error("behind `{case}` the PIN has {left} instead of {expected} tries{}", ending(*.restored))]
    Counter {
        /// Id of the case.
        case: String,
        /// Tries that are left, in words.
        left: String,
        /// How many there must be, in words.
        expected: String,
        /// The counter was put back.
        restored: bool,
    },
    /// The card does not count a wrong try, or does not forget it behind a right one.
    #[error("the card does not count as it must: {what}{}", ending(*.restored))]
    Counting {
        /// What it does.
        what: String,
        /// The counter was put back.
        restored: bool,
    },
}

const fn ending(restored: bool) -> &'static str {
    if restored { "; the right PIN has put the counter back" } else { "; the counter was NOT put back" }
}

/// How many tries are left, as the card says free of charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counter {
    Left(u8),
    Blocked,
    Unreadable(Status),
}

impl std::fmt::Display for Counter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Left(left) => write!(f, "{left}"),
            Self::Blocked => f.write_str("no"),
            Self::Unreadable(Status::OK) => f.write_str("unreadable (the PIN still counts as shown behind a reset)"),
            Self::Unreadable(status) => write!(f, "unreadable ({status})"),
        }
    }
}

/// What must be known of a card for its PIN to be watched.
#[derive(Debug)]
pub struct Guard {
    /// What selects its application, by the two forms of which some cards know only one.
    select: Option<[Vec<u8>; 2]>,
    pin: OwnPin,
    /// A PIN that is not the card's, as long as it.
    wrong: Zeroizing<Vec<u8>>,
    /// Tries of a full counter.
    full: u8,
    /// The PUK, with the PIN behind it: what RESET RETRY COUNTER sends.
    unblock: Option<Zeroizing<Vec<u8>>>,
    /// What the counter must be whenever no case is being played.
    resting: Counter,
    /// Why no PIN may be sent at all.
    closed: Option<String>,
    /// One wrong try was spent and counted as it must.
    is_tried: bool,
    /// The PUK was tried out.
    can_unblock: bool,
}

impl Guard {
    /// A guard of this PIN, whose full counter has `full` tries. `aid` is its application, if it has one; `puk` its PUK.
    #[must_use]
    pub fn new(aid: Option<&[u8]>, pin: OwnPin, full: u8, puk: Option<&[u8]>) -> Self {
        let select = aid.map(|aid| {
            let len = u8::try_from(aid.len()).unwrap_or(u8::MAX);
            [0x00, 0x0C].map(|p2| [&[0x00, 0xA4, 0x04, p2, len], aid].concat())
        });
        let mut wrong = pin.sent.clone();
        if let Some(first) = wrong.first_mut() {
            *first = if *first == b'9' { b'8' } else { b'9' };
        }
        let unblock = puk.map(|puk| Zeroizing::new([puk, &pin.sent].concat()));
        let closed = Some("its PIN was not looked at yet".to_owned());
        let resting = Counter::Left(full);
        Self { select, pin, wrong, full, unblock, resting, closed, is_tried: false, can_unblock: false }
    }

    /// The PIN.
    #[must_use]
    pub const fn pin(&self) -> &OwnPin {
        &self.pin
    }

    /// Why nothing may be played that sends a PIN.
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        self.closed.as_deref()
    }

    /// Reads the counter and shows the PIN, so that it is known to be right. Sends no PIN where the counter cannot be
    /// read free of charge or is not full: then it stays as it is.
    ///
    /// # Errors
    /// [`Stop`] where the PIN is wrong or the card does not answer.
    pub fn open(&mut self, target: &mut dyn Target) -> Result<(), Stop> {
        self.resting = self.read(target)?;
        self.closed = match self.resting {
            Counter::Left(left) if left == self.full && left >= ENOUGH => None,
            Counter::Left(left) if left == self.full => {
                Some(format!("its PIN has only {left} tries, too few to risk one"))
            }
            Counter::Left(left) => Some(format!(
                "its PIN has {left} of {} tries left; a login with the right one fills the counter",
                self.full
            )),
            Counter::Blocked => Some("its PIN is blocked".to_owned()),
            Counter::Unreadable(status) => {
                Some(format!("the tries of its PIN cannot be read free of charge (empty VERIFY answers {status})"))
            }
        };
        if self.closed.is_some() {
            return Ok(());
        }
        match self.send(target, &self.pin.verify())? {
            Status::OK => self.expect(target, "the right PIN was shown"),
            status => Err(Stop::WrongPin(status)),
        }
    }

    /// Whether a case with this risk may be played now; otherwise why not. Spends and restores one try before the first
    /// case that could, to see that the card counts.
    ///
    /// # Errors
    /// [`Stop`] where it does not.
    pub fn before(&mut self, target: &mut dyn Target, risk: &Risk) -> Result<Option<String>, Stop> {
        if risk.tries == 0 && !risk.shows_pin {
            return Ok(None);
        }
        if let Some(why) = &self.closed {
            return Ok(Some(why.clone()));
        }
        if risk.tries == 0 {
            return Ok(None);
        }
        if risk.tries >= usize::from(self.full) && !self.may_block(target)? {
            let why = format!("it could spend {} tries of {}, and so the last one", risk.tries, self.full);
            return Ok(Some(why));
        }
        if !self.is_tried {
            self.try_out(target)?;
        }
        Ok(None)
    }

    /// Reads the counter behind a case, and puts it back where the case could have spent tries.
    ///
    /// # Errors
    /// [`Stop`] where it is not what it must be.
    pub fn after(&mut self, target: &mut dyn Target, case: &str, risk: &Risk) -> Result<(), Stop> {
        let counter = self.read(target)?;
        if counter == self.resting {
            return Ok(());
        }
        let full = usize::from(self.full);
        let fewest = full.saturating_sub(risk.tries);
        let restored = match counter {
            _ if self.closed.is_some() => false,
            Counter::Left(left) if (fewest..full).contains(&usize::from(left)) => return self.restore(target),
            Counter::Left(left) => left > 1 && self.restore(target).is_ok(),
            Counter::Blocked if fewest == 0 && self.can_unblock => return self.unblock(target),
            Counter::Blocked | Counter::Unreadable(_) => false,
        };
        let expected = match self.resting {
            Counter::Left(full) if risk.tries > 0 => format!("{fewest} to {full}"),
            resting => resting.to_string(),
        };
        Err(Stop::Counter { case: case.to_owned(), left: counter.to_string(), expected, restored })
    }

    /// One wrong PIN and the right one, each seen in the counter.
    fn try_out(&mut self, target: &mut dyn Target) -> Result<(), Stop> {
        let wrong = OwnPin { reference: self.pin.reference, sent: self.wrong.clone() };
        let status = self.send(target, &wrong.verify())?;
        let counter = self.read(target)?;
        let left = self.full - 1;
        if counter != Counter::Left(left) || status.retries() != Some(left) {
            let restored = matches!(counter, Counter::Left(2..)) && self.restore(target).is_ok();
            let told = format!("a wrong PIN answers {status}, and then {counter} tries are left of {}", self.full);
            return Err(Stop::Counting { what: told, restored });
        }
        self.restore(target)?;
        self.is_tried = true;
        Ok(())
    }

    /// Whether the PUK is known to unblock the PIN. Tried out once, while the PIN is not blocked.
    fn may_block(&mut self, target: &mut dyn Target) -> Result<bool, Stop> {
        if self.unblock.is_some() && !self.can_unblock {
            self.can_unblock = self.reset_counter(target)? == Status::OK;
            if self.can_unblock {
                self.expect(target, "the PUK has set the PIN anew")?;
                self.restore(target)?;
            } else {
                self.unblock = None;
            }
        }
        Ok(self.can_unblock)
    }

    /// The right PIN, behind which the counter must be full.
    fn restore(&mut self, target: &mut dyn Target) -> Result<(), Stop> {
        match self.send(target, &self.pin.verify())? {
            Status::OK => self.expect(target, "the right PIN was shown"),
            status => Err(Stop::Counting { what: format!("the right PIN answers {status}"), restored: false }),
        }
    }

    fn unblock(&mut self, target: &mut dyn Target) -> Result<(), Stop> {
        match self.reset_counter(target)? {
            Status::OK => self.restore(target),
            status => {
                Err(Stop::Counting { what: format!("the PUK does not unblock the PIN ({status})"), restored: false })
            }
        }
    }

    /// RESET RETRY COUNTER with the PUK, and the same PIN as the new one.
    fn reset_counter(&self, target: &mut dyn Target) -> Result<Status, Stop> {
        let data = self.unblock.as_deref().map_or(&[][..], Vec::as_slice);
        let len = u8::try_from(data.len()).unwrap_or(u8::MAX);
        let mut command = Zeroizing::new(vec![0x00, 0x2C, 0x00, self.pin.reference, len]);
        command.extend_from_slice(data);
        self.send(target, &command)
    }

    /// The counter must be full.
    fn expect(&self, target: &mut dyn Target, after: &str) -> Result<(), Stop> {
        match self.read(target)? {
            Counter::Left(left) if left == self.full => Ok(()),
            counter => Err(Stop::Counting {
                what: format!("{after}, and {counter} tries are left of {}", self.full),
                restored: false,
            }),
        }
    }

    /// Asks for the tries that are left, with nobody logged in.
    fn read(&self, target: &mut dyn Target) -> Result<Counter, Stop> {
        let status = self.send(target, &self.pin.ask())?;
        Ok(match status.retries() {
            Some(0) => Counter::Blocked,
            Some(left) => Counter::Left(left),
            None if status == Status::BLOCKED => Counter::Blocked,
            None => Counter::Unreadable(status),
        })
    }

    /// Resets the card, selects the application and sends a command. Where the application cannot be selected nothing is
    /// sent, and its answer is that of SELECT: another application's PIN would hear the command.
    fn send(&self, target: &mut dyn Target, command: &[u8]) -> Result<Status, Stop> {
        target.reset().map_err(Stop::Transport)?;
        let mut exchange = |command: &[u8]| {
            let answer = target.transmit(command).map_err(Stop::Transport)?;
            Ok(Status::split(&answer).map_or(Status(0), |(_, status)| status))
        };
        let is_done = |status: Status| status.is_ok() || status.waiting().is_some();
        if let Some([with_fci, without]) = &self.select
            && !is_done(exchange(with_fci)?)
        {
            let status = exchange(without)?;
            if !is_done(status) {
                return Ok(status);
            }
        }
        exchange(command)
    }
}
