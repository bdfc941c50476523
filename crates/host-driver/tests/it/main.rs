//! The driver against cards that record, lie, vanish, and one that is real.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod bytes;
mod exchange;
mod fake;
mod liar;
mod logging;
#[cfg(feature = "pkcs15")]
mod pkcs15;
#[cfg(feature = "in-process")]
mod real;
#[cfg(feature = "pcsc")]
mod service;
mod state;
#[cfg(feature = "vpcd")]
mod vpcd;
