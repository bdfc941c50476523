//! The life of a certificate on a card: first application, renewal, download after a failed write, retirement.
//!
//! Each flow is one function on any transport. It asks an [`Authority`] and talks to a person through a [`Dialog`];
//! the time comes from outside. Interrupted anywhere, the next call finishes what was begun or undoes it, on this
//! computer or on another: what is on the card and with the authority decides, the journal on the card only hints.
//! Nothing is taken off a card before what takes its place has signed.
#![forbid(unsafe_code)]

pub mod authority;
mod certify;
pub mod channel;
pub mod dialog;
pub mod error;
mod flow;
mod install;
pub mod overview;
mod retire;
mod unlock;
mod user;

pub use authority::{Authority, AuthorityError};
pub use certify::{apply, renew};
pub use channel::DirectoryChannel;
pub use dialog::{Cancelled, Candidate, Dialog, Interrupted, Notice, PinAsk, Purpose};
pub use error::Error;
pub use flow::{Case, Outcome};
pub use host_driver::pkcs15::Personalisation;
pub use install::{download, install, missing};
pub use overview::{Generation, Overview, PinState, State, overview};
pub use retire::retire;
pub use user::{change_pin, login, personalise, sign, unblock_pin};
