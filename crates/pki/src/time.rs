//! Times to the second, periods of validity, and the month in which a certificate may be renewed.
//!
//! People read and write times in Taipei's time (UTC+8, without daylight saving); everything stored is UTC.

pub use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};

/// A time that could not be read, or that certificates cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a time such as 2026-11-22, 2026-11-22T10:00:00 or 2026-11-22T02:00:00Z, from the year 1970 on")]
pub struct BadTime(pub String);

fn taipei() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

fn zoned(at: Timestamp) -> Zoned {
    at.to_zoned(taipei())
}

/// The clock's time, without the fraction of a second.
pub fn now() -> Timestamp {
    whole(Timestamp::now())
}

/// Leaves the fraction of a second out.
pub fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Reads a date, a date with a time, or a date with a time and an offset. Without an offset it is Taipei's time.
pub fn parse(text: &str) -> Result<Timestamp, BadTime> {
    let bad = || BadTime(text.chars().take(40).collect());
    let text = text.trim();
    let local = |at: DateTime| at.to_zoned(taipei()).map(|zoned| zoned.timestamp());
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at,
        Err(_) if text.len() == "2026-11-22".len() => {
            let date: Date = text.parse().map_err(|_| bad())?;
            local(date.at(0, 0, 0, 0)).map_err(|_| bad())?
        }
        Err(_) => local(text.parse().map_err(|_| bad())?).map_err(|_| bad())?,
    };
    if at.as_second() < 0 { Err(bad()) } else { Ok(whole(at)) }
}

/// A time as people in Taipei write it: `2026-11-22 18:00:00`.
pub fn shown(at: Timestamp) -> String {
    zoned(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// When a certificate is valid. Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
}

impl Validity {
    /// Whether the time is inside.
    pub fn contains(&self, now: Timestamp) -> bool {
        let now = whole(now);
        self.not_before <= now && now <= self.not_after
    }
}

/// When a certificate may be renewed. Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first second.
    pub opens: Timestamp,
    /// The last second, which is the certificate's own last second.
    pub closes: Timestamp,
}

/// Where a time stands to a [`Window`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The window has not opened yet.
    TooEarly,
    /// The certificate may be renewed.
    Open,
    /// The certificate has expired.
    Over,
}

impl Window {
    /// The calendar month before the certificate's end, in Taipei's calendar: the same day of the month before at the same
    /// time, or that month's last day when it has no such day.
    pub fn before(not_after: Timestamp) -> Self {
        Self { opens: months_before(not_after, 1), closes: not_after }
    }

    /// Where the time stands.
    pub fn phase(&self, now: Timestamp) -> Phase {
        let now = whole(now);
        if now < self.opens {
            Phase::TooEarly
        } else if now <= self.closes {
            Phase::Open
        } else {
            Phase::Over
        }
    }
}

/// The time that many calendar months earlier in Taipei's calendar.
pub fn months_before(at: Timestamp, months: u16) -> Timestamp {
    zoned(at).checked_sub(i32::from(months).months()).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// The time that many calendar months later in Taipei's calendar.
pub fn months_after(at: Timestamp, months: u16) -> Timestamp {
    zoned(at).checked_add(i32::from(months).months()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}
