//! The card without the dialect: files, records, objects, rules, secrets and channels of ISO/IEC 7816-4, -8 and -9.
//!
//! `card-os/ISO.md` says what it answers. Nothing here knows how a card keeps what it keeps.

mod admin;
mod binary;
mod body;
mod card;
mod change;
mod channels;
mod create;
mod cut;
mod environment;
mod files;
mod hold;
mod internal;
mod keys;
mod lifecycle;
mod link;
mod objects;
mod operations;
mod probe;
mod records;
mod rules;
mod secrets;
mod select;
mod view;
mod words;

pub(crate) use card::Card;
pub use view::{IsoFile, IsoKind, IsoSession};
