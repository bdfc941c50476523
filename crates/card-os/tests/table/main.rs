//! The card against `fixtures/commands.toml`: every instruction, every P1-P2, every length, every life-cycle state and
//! every access rule that the table speaks of.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod bytes;
mod examples;
mod failures;
mod instructions;
mod lengths;
mod load;
mod params;
mod play;
mod readme;
mod spoiled;
mod states;
mod statuses;
