//! The authority from outside: what it issues and refuses, what survives a stop at any moment, what `openssl` says to it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod desk;
mod durable;
mod mails;
mod oracle;
mod refusals;
mod world;
