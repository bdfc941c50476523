//! What must be true of any card's answers.

use std::collections::BTreeMap;
use std::fmt;

use card_wire::class::ClassKind;
use card_wire::{Class, Command, Ins, Status};

use super::Failure;

/// The longest answer: 65,536 bytes and the status word.
const LONGEST: usize = 0x1_0002;
/// Data that an answer may hold where the command has no Le: many cards return up to so much all the same.
const WITHOUT_LE: usize = 256;
/// Instructions whose success cannot give tries back. After any other one all counters are forgotten.
const HARMLESS: [u8; 26] = [
    0x0E, 0x0F, 0x22, 0x2A, 0x2B, 0x46, 0x47, 0x70, 0x82, 0x84, 0x86, 0x87, 0x88, 0xA0, 0xA1, 0xA2, 0xA4, 0xA5, 0xB0,
    0xB1, 0xB2, 0xB3, 0xC0, 0xCA, 0xCB, 0xD6,
];

/// What a card has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Promise {
    /// It goes on running.
    Lives,
    /// It answers in time.
    Answers,
    /// It answers once.
    AnswersOnce,
    /// Its ATR looks like one.
    Atr,
    /// An answer has at least a status word.
    HasStatus,
    /// A status word begins with 61 to 6F or with 9.
    ValidStatus,
    /// An answer has no more data than Le asks for.
    Length,
    /// An answer that reports an error has no data.
    NoDataWithError,
    /// Tries come back only with a success.
    Counter,
}

impl Promise {
    /// A word for file names and machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lives => "crash",
            Self::Answers => "hang",
            Self::AnswersOnce => "unasked",
            Self::Atr => "atr",
            Self::HasStatus => "short",
            Self::ValidStatus => "status",
            Self::Length => "long",
            Self::NoDataWithError => "data-with-error",
            Self::Counter => "counter",
        }
    }

    /// The card must be started anew after this.
    #[must_use]
    pub const fn ends_the_card(self) -> bool {
        matches!(self, Self::Lives | Self::Answers | Self::AnswersOnce)
    }
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which one.
    pub promise: Promise,
    /// The instruction byte; `None` for a reset or a command without one.
    pub ins: Option<u8>,
    /// What happened.
    pub text: String,
}

impl Breach {
    /// The same bug, as far as can be told from outside. An answer that nobody asked for may come so late that the
    /// next command gets it: there the instruction says nothing.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.promise == other.promise && (self.ins == other.ins || self.promise == Promise::AnswersOnce)
    }

    /// A card that gave no answer; `None` where it was the user who wanted to stop.
    #[must_use]
    pub fn of_failure(failure: &Failure, command: Option<&[u8]>) -> Option<Self> {
        let promise = match failure {
            Failure::Ended(_) => Promise::Lives,
            Failure::Silent(_) => Promise::Answers,
            Failure::Unasked(_) => Promise::AnswersOnce,
            Failure::Stopped => return None,
        };
        Some(Self { promise, ins: command.and_then(|bytes| bytes.get(1).copied()), text: failure.to_string() })
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ins {
            Some(ins) => write!(f, "{} ({ins:02X}): {}", Ins(ins), self.text),
            None => write!(f, "reset: {}", self.text),
        }
    }
}

/// Holds each answer against the promises, and remembers the counters that were told.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// The selected application; `None` where it is not known which of several.
    application: Option<Vec<u8>>,
    /// Tries left: by application, instruction (VERIFY or RESET RETRY COUNTER) and reference.
    left: BTreeMap<(Vec<u8>, u8, u8), u8>,
}

impl Watch {
    /// One that knows nothing of the card, which has just been started.
    #[must_use]
    pub fn new() -> Self {
        Self { application: Some(Vec::new()), left: BTreeMap::new() }
    }

    /// The card was reset and gave this ATR.
    ///
    /// # Errors
    /// [`Breach`] for an ATR that is none. Its inner structure is not looked at.
    pub fn reset(&mut self, atr: &[u8]) -> Result<(), Breach> {
        self.application = Some(Vec::new());
        let good = matches!(atr, [0x3B | 0x3F, _, ..]) && atr.len() <= 33;
        if good {
            return Ok(());
        }
        let text = format!("{} bytes that are no ATR: {}", atr.len(), shortened(atr));
        Err(Breach { promise: Promise::Atr, ins: None, text })
    }

    /// The card answered a command.
    ///
    /// # Errors
    /// [`Breach`] for a promise that the answer breaks.
    pub fn answered(&mut self, command: &[u8], answer: &[u8]) -> Result<(), Breach> {
        let broken = |promise, text| Err(Breach { promise, ins: command.get(1).copied(), text });
        let Some((data, status)) = Status::split(answer) else {
            return broken(Promise::HasStatus, format!("an answer of {} bytes has no status word", answer.len()));
        };
        if !matches!(status.0 >> 8, 0x61..=0x6F | 0x90..=0x9F) {
            return broken(Promise::ValidStatus, format!("{:04X} is not a status word", status.0));
        }
        let parsed = Command::parse(command).ok();
        let most = parsed.as_ref().map_or(LONGEST - 2, |parsed| if parsed.ne == 0 { WITHOUT_LE } else { parsed.ne });
        if data.len() > most {
            return broken(Promise::Length, format!("{} bytes of data where at most {most} fit", data.len()));
        }
        if matches!(status.0 >> 8, 0x64..=0x6F) && !data.is_empty() {
            return broken(Promise::NoDataWithError, format!("{} bytes of data with {status}", data.len()));
        }
        match parsed {
            Some(parsed) => self.follow(&parsed, status).or_else(|text| broken(Promise::Counter, text)),
            None => {
                // What the card made of it is not known.
                if is_success(status) {
                    self.left.clear();
                    self.application = None;
                }
                Ok(())
            }
        }
    }

    /// Follows applications and counters; the text of a breach where a counter rose.
    fn follow(&mut self, command: &Command<'_>, status: Status) -> Result<(), String> {
        let basic = matches!(
            command.cla.kind(),
            ClassKind::Interindustry { channel: 0, secure_messaging: false, chained: false }
        );
        if is_success(status) {
            self.succeeded(command, basic);
            return Ok(());
        }
        let counts = basic && matches!(command.ins, Ins::VERIFY | Ins::RESET_RETRY_COUNTER);
        let (Some(application), true) = (&self.application, counts) else { return Ok(()) };
        let blocked = status == Status::BLOCKED && command.ins == Ins::VERIFY;
        let Some(left) = status.retries().or(blocked.then_some(0)) else { return Ok(()) };
        let known = self.left.insert((application.clone(), command.ins.0, command.p2), left);
        match known {
            Some(before) if before < left => Err(format!(
                "reference {:02X} has {left} tries left, and had {before} before, without a success between",
                command.p2
            )),
            _ => Ok(()),
        }
    }

    fn succeeded(&mut self, command: &Command<'_>, basic: bool) {
        let status_only = command.ins == Ins::VERIFY && command.data.is_empty();
        if !HARMLESS.contains(&command.ins.0) && !status_only || Class(command.cla.0).kind() == ClassKind::Other {
            self.left.clear();
        }
        if command.ins == Ins::SELECT {
            // References from 80 on belong to the current directory.
            self.left.retain(|(_, _, reference), _| *reference < 0x80);
            if basic && command.p1 == 4 {
                self.application = (command.p2 & 3 == 0 && command.data.len() >= 5).then(|| command.data.to_vec());
            }
        }
    }
}

fn is_success(status: Status) -> bool {
    matches!(status.0 >> 8, 0x61..=0x62 | 0x90..=0x9F) || status.0 >> 8 == 0x63 && status.retries().is_none()
}

/// Bytes in hexadecimal, at most so many that a line stays a line.
pub(super) fn shortened(bytes: &[u8]) -> String {
    let shown = hex::encode_upper(&bytes[..bytes.len().min(48)]);
    if bytes.len() > 48 { format!("{shown}… ({} bytes)", bytes.len()) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AID: &[u8] = &[0, 0xA4, 4, 0, 5, 1, 2, 3, 4, 5];
    const STATUS: &[u8] = &[0, 0x20, 0, 1];
    const TRY: &[u8] = &[0, 0x20, 0, 1, 4, 1, 2, 3, 4];

    /// What the last of these exchanges breaks; the others break nothing.
    fn last(exchanges: &[(&[u8], &[u8])]) -> Option<Promise> {
        let mut watch = Watch::new();
        let (end, before) = exchanges.split_last().unwrap();
        for (command, answer) in before {
            watch.answered(command, answer).unwrap();
        }
        watch.answered(end.0, end.1).err().map(|breach| breach.promise)
    }

    #[test]
    fn answers_have_a_form() {
        let read: &[u8] = &[0, 0xB0, 0, 0, 2];
        assert_eq!(last(&[(read, &[])]), Some(Promise::HasStatus));
        assert_eq!(last(&[(read, &[0x90])]), Some(Promise::HasStatus));
        assert_eq!(last(&[(read, &[1, 2, 0x90, 0])]), None);
        assert_eq!(last(&[(read, &[1, 2, 3, 0x90, 0])]), Some(Promise::Length));
        assert_eq!(last(&[(&read[..4], &[&[0; 256][..], &[0x90, 0]].concat())]), None);
        assert_eq!(last(&[(&read[..4], &[&[0; 257][..], &[0x90, 0]].concat())]), Some(Promise::Length));
        for (word, breach) in [(0x6000_u16, true), (0x0000, true), (0xA000, true), (0x6100, false), (0x9FFF, false)] {
            assert_eq!(last(&[(read, &word.to_be_bytes())]), breach.then_some(Promise::ValidStatus), "{word:04X}");
        }
        assert_eq!(last(&[(read, &[1, 0x6A, 0x82])]), Some(Promise::NoDataWithError));
        assert_eq!(last(&[(read, &[1, 0x62, 0x82])]), None);
    }

    #[test]
    fn a_counter_comes_back_only_with_a_success() {
        let (two, one, ok): (&[u8], &[u8], &[u8]) = (&[0x63, 0xC2], &[0x63, 0xC1], &[0x90, 0]);
        assert_eq!(last(&[(AID, ok), (TRY, two), (TRY, one), (STATUS, one)]), None);
        assert_eq!(last(&[(AID, ok), (TRY, one), (STATUS, two)]), Some(Promise::Counter));
        assert_eq!(last(&[(TRY, &[0x69, 0x83]), (STATUS, one)]), Some(Promise::Counter));
        // A right PIN, a new one, and whatever else may have set it.
        for success in [TRY, &[0, 0x24, 0, 1, 1, 7], &[0, 0x2C, 0, 1, 1, 7], &[0, 0xE4, 0, 0], &[0x80, 0xF0, 0, 0]] {
            assert_eq!(last(&[(TRY, one), (success, ok), (STATUS, two)]), None, "{success:02X?}");
        }
        // What cannot have set it, and an answer to the question alone.
        for success in [STATUS, &[0, 0xB0, 0, 0], &[0, 0x84, 0, 0, 8]] {
            assert_eq!(last(&[(TRY, one), (success, ok), (STATUS, two)]), Some(Promise::Counter), "{success:02X?}");
        }
        // Another application has other PINs, and the first one still has its own.
        let other: &[u8] = &[0, 0xA4, 4, 0, 5, 9, 9, 9, 9, 9];
        assert_eq!(last(&[(AID, ok), (TRY, one), (other, ok), (STATUS, two)]), None);
        assert_eq!(last(&[(AID, ok), (TRY, one), (other, ok), (AID, ok), (STATUS, two)]), Some(Promise::Counter));
        // So has another reference.
        assert_eq!(last(&[(TRY, one), (&[0, 0x20, 0, 2], two)]), None);
    }

    #[test]
    fn an_atr_is_looked_at_and_a_reset_gives_no_try_back() {
        let mut watch = Watch::new();
        assert!(watch.reset(&[0x3B, 0x80, 0x80, 1, 1]).is_ok());
        for wrong in [&[][..], &[0x3B], &[0, 0, 0], &[0x3B; 34]] {
            assert_eq!(watch.reset(wrong).unwrap_err().promise, Promise::Atr);
        }
        watch.answered(TRY, &[0x63, 0xC1]).unwrap();
        watch.reset(&[0x3F, 0]).unwrap();
        assert_eq!(watch.answered(STATUS, &[0x63, 0xC3]).unwrap_err().promise, Promise::Counter);
    }
}
