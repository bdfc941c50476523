//! The suite itself, the grammar, and cards that lie.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may say so by panicking")]

mod capabilities;
mod card_file;
mod cards;
mod catalogue;
mod compare;
mod exceptions;
mod grammar;
mod honesty;
mod ids;
mod import;
mod isolation;
mod keys;
mod report;
mod resident;
mod runner;
mod schema;
mod suites;
mod verify;
