//! The virtual reader against a vpcd that the tests play themselves.
#![expect(clippy::unwrap_used, reason = "helpers of tests may, as tests do")]

mod card;
mod link;
mod pcscd;
mod random;
mod reader;
mod vpcd;
