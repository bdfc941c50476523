//! The harness itself: a private daemon starts, restarts, has neighbours and ends; programs and skips as well.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests do")]

mod pcscd;
mod program;
mod skip;
