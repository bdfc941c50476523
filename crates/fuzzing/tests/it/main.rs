//! What fuzzing found stays found, and every check refuses something broken.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod broken;
mod cards;
mod parsers;
mod replay;
