//! What fuzzing needs, as a library: the targets in `fuzz/` are a few lines each that call it.
//!
//! [`sequence`] is the input format, [`targets`] has one module for each fuzz target with one function `check`,
//! [`grammar`] makes commands that get somewhere, [`foreign`] drives other people's cards, [`lie`] is a card that lies to
//! other people's hosts.
#![forbid(unsafe_code)]

pub mod canary;
pub mod cards;
pub mod device;
pub mod foreign;
pub mod grammar;
pub mod import;
pub mod invariants;
pub mod lie;
pub mod listing;
pub mod seeds;
pub mod sequence;
pub mod speed;
pub mod targets;
pub mod toy;
