//! A private PC/SC service: virtual readers that any unmodified PC/SC program sees, without pcscd, root or polkit.
//!
//! It speaks the protocol between libpcsclite and pcscd on a Unix socket of its own, in a directory that only its user
//! can enter. A program that is started with `PCSCLITE_CSOCK_NAME` naming that socket sees the readers of this service and
//! no others; so each test can have its own world, and as many of them side by side as it likes. What libpcsclite 1.8
//! to 2.5 sends is understood (protocol 4:4 to 4:6); results are those of pcscd 1.9.9 but where ARCHITECTURE.md says
//! `Differs:`.
//!
//! Cards are [`card_wire::Icc`]; this crate knows no other property of theirs.
//!
//! ```
//! use card_os::{Preset, sim::{SimCard, SoftRsa}};
//! use pcsc_service::{PcscService, ReaderSpec};
//! let card = SimCard::from_seed(&Preset::isoapplet(), 1, SoftRsa)?;
//! let service = PcscService::builder()
//!     .reader(ReaderSpec::new("CardLab").card(Box::new(card)))
//!     .reader(ReaderSpec::new("Empty"))
//!     .start()?;
//! let (name, value) = service.environment();
//! std::process::Command::new("./my-driver-tests").env(name, value);
//! let pulled = service.readers()[0].remove();
//! assert!(pulled.is_some() && !service.readers()[0].is_present());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A reader can have a PIN pad. Programs that know of such readers (OpenSC, scdaemon) then ask the reader for the PIN,
//! and the reader asks a closure or another [`PinPad`]:
//!
//! ```
//! use pcsc_service::{Entry, Pin, PinRequest, ReaderSpec};
//! let pad = |request: &PinRequest| match Pin::new(b"123456") {
//!     Some(pin) if request.max >= 6 => Entry::Pin(pin),
//!     _ => Entry::Cancelled,
//! };
//! let reader = ReaderSpec::new("Pad").pin_pad(pad);
//! ```
#![cfg(unix)]
#![forbid(unsafe_code)]

mod builder;
mod caller;
mod client;
mod control;
mod names;
mod observe;
mod pin_pad;
mod proto;
mod reader;
mod service;
mod settings;
mod shared;
mod slot;
mod state;
mod waiting;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use builder::{Builder, ReaderSpec, StartError};
pub use control::ApduSize;
pub use observe::{Event, What};
pub use pin_pad::{Ends, Entry, EntryControl, Pin, PinPad, PinRequest, Wanted};
pub use service::{PcscService, ReaderHandle};

/// A lock whose holder panicked is still good: what it guards is only ever changed in whole steps.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
