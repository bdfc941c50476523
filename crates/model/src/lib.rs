//! A reference model of the card: what it must answer, in files that share nothing with the card.
//!
//! [`Model::step`] holds one answer against what a card in the model's state may say, and follows it. Whatever the
//! rules determine (status words, files, control information, versions, counters) is predicted exactly; what is
//! random is held against its length and structure, and adopted. [`Model::cut`] gives the states that a card may be
//! in when its power went during a command.
#![forbid(unsafe_code)]

mod apdu;
mod body;
mod commands;
mod cut;
mod files;
mod iso;
mod keys;
mod mismatch;
mod model;
mod pins;
mod probe;
mod profile;
mod signature;
mod status;
mod view;

pub use cut::Candidates;
pub use iso::{IsoFile, IsoKind, IsoSession};
pub use keys::KeyView;
pub use mismatch::Mismatch;
pub use model::Model;
pub use pins::LifeCycle;
pub use probe::probe;
pub use profile::{Dialect, Profile};
pub use view::{FileView, Tries};
