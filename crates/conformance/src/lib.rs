//! Conformance cases for the card: what they say ([`script`]), how an answer is compared ([`pattern`], [`verify`]),
//! how they are played ([`runner`]) and what came out ([`outcome`], [`transcript`]).
//!
//! The cases are data in `fixtures/conformance`, built into the crate ([`embedded`]) so that a shipped program needs
//! no source tree. The crate must not know how a card works inside: it sees APDUs, resets and fresh cards
//! through [`Target`] and nothing else.
#![forbid(unsafe_code)]

pub mod capabilities;
pub mod card_file;
pub mod cipher;
pub mod clauses;
pub mod compare;
pub mod dishonest;
pub mod embedded;
pub mod error;
pub mod exceptions;
pub mod golden;
pub mod import;
mod load;
pub mod needs;
pub mod outcome;
mod parallel;
pub mod pattern;
pub mod record;
pub mod report;
pub mod resident;
pub mod runner;
pub mod safety;
pub mod script;
pub mod suite;
pub mod suite_tests;
pub mod tags;
pub mod target;
pub mod template;
pub mod transcript;
pub mod verify;

pub use error::{ScriptError, ScriptErrorKind};
pub use outcome::{Outcome, Report, SkipReason, Verdict};
pub use runner::{Jobs, Player, run_case, run_parallel, run_suite, shuffle};
pub use script::{CardState, Case, Source, Suite};
pub use target::{ForkingTarget, FreshError, InProcessTarget, Part, Target, TransportTarget};
