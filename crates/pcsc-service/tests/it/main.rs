//! The service from outside: through libpcsclite as programs use it, and by hand for what no program does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod card;
mod library;
mod pin_pad;
mod raw;
mod scenarios;
mod strangers;
mod world;
