//! The flows on a simulated card with an authority in memory: as they should go, interrupted, and refused.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod cost;
mod desk;
mod flows;
mod golden;
mod keys;
mod office;
mod person;
mod real_ca;
mod refused;
mod tear;
mod torn;
