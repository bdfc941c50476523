//! What happens between programs and cards, written down line by line and read again. A Rust test records in two lines:
//!
//! ```
//! # use card_os::{Preset, sim::{SimCard, SoftRsa}};
//! # use card_wire::{Icc as _, Protocol};
//! # let place = tempfile::tempdir()?;
//! # let session = place.path().join("session.trace");
//! # let card = SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa)?;
//! let tracer = card_trace::Tracer::create(&session, card_trace::Reveal::default())?;
//! let mut card = tracer.icc("card", Box::new(card)); // or tracer.transport(…) around a way to a card
//! # card.power_on(Protocol::T1);
//! # tracer.finish()?;
//! # assert!(std::fs::read_to_string(session)?.ends_with("0 - ATR 3B80800101\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! Text in UTF-8, one event a line. The first line names the format and its version; a line that begins with `#` is a
//! remark, of which those that begin `# reader` give the readers their numbers:
//!
//! ```text
//! # cardlab trace 1: seconds, reader, handle, what
//! # reader 0: CardLab 00 00
//!     0.000210 0 - ATR 3B80800101
//!     0.001020 - - EstablishContext ok
//!     0.001100 0 1 Connect ok
//!     0.001200 0 1 > 00A4040003112233
//!     0.001450 0 1 < 6A82 (250 us)
//!     0.002000 0 1 > 0020000106············
//!     0.002800 0 1 < 9000 (800 us)
//! ```
//!
//! - *Seconds* since the trace began, six places. Events of one reader are in their order; those of several may be
//!   apart by what one command takes.
//! - *Reader* and *handle* (one program's connection) are numbers, or `-` where there is none.
//! - `> HEX` is a command and the next line its answer: `< HEX (N us)` with the time that the card took, or
//!   `< nothing (N us)` where none came. `··` stands for a hidden byte.
//! - `ATR HEX`: the card was given power or reset. `mute`: it was, and said nothing. `power off`, `inserted`, `removed`,
//!   `replaced`, `unplugged` (by another card, unseen).
//! - `NAME ok` or `NAME 8010000B`: a program called the PC/SC function `SCardNAME`, with this result.
//!
//! In a reader's name a backslash, characters that are not printed, and blanks at its ends are written `\u{…}`.
//! A line of a killed process may be cut short: the last line counts only where it is an answer with its time, or ends.
//! What is hidden: [`Reveal`].
//!
//! The crate knows neither a service nor a program: whoever watches something maps it to [`What`].
#![forbid(unsafe_code)]

mod chain;
mod doubt;
pub mod format;
mod icc;
pub mod read;
pub mod replay;
pub mod stats;
mod tracer;
mod transport;

pub use card_conformance::report::redact::Shown;
pub use doubt::Reveal;
pub use format::{Event, Line, What, escape};
pub use icc::RecordedIcc;
pub use read::{Entry, ReadError, Trace};
pub use tracer::Tracer;
pub use transport::RecordedTransport;
