//! The card tool: what a subscriber does with card and certificate, step by step at a terminal or from a script.
//!
//! Everything but the command line itself: texts in two languages, the dialog in the manual's order, the user's store,
//! the registration of a PKCS#11 module, the check of the environment. What happens on the card is card-enrolment's.
#![forbid(unsafe_code)]

pub mod commands;
mod csp;
pub mod env;
pub mod failure;
mod home;
pub mod interrupt;
mod module;
mod nss;
mod patient;
pub mod person;
pub mod place;
mod programs;
mod registration;
pub mod report;
mod secret;
mod sentences;
pub mod settings;
mod terminal;
pub mod texts;

pub use commands::Session;
pub use failure::Failure;
pub use place::{Around, Place};
pub use report::Report;
pub use settings::Settings;
pub use texts::Lang;
