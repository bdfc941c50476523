//! The model beside the real card, beside broken ones, and beside cards whose power went.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod cards;
mod conformance;
mod cuts;
mod flaws;
mod generator;
mod iso;
mod keys;
mod machine;
mod memory;
mod mutants;
mod mutation;
mod robust;
