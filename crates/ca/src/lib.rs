//! A test certificate authority in a directory: registers subscribers and cards, issues and renews certificates, revokes
//! them, keeps PUKs, and writes everything it does into an audit log.
//!
//! It knows requests and certificates (`card-pki`), files, and the time it is told. It knows no card, no terminal and no
//! clock. What it answered it has written to the disk before, so that a process killed at any moment loses nothing: the same
//! request given again gets the same certificate.
//!
//! The directory holds `state.json` (everything known; replaced as a whole), `audit.log` (only grows), `keys/` (PKCS#8,
//! encrypted under the passphrase), `chain.pem` and `recipient.pem` (public), `outbox/` (mails) and `lock`.
#![forbid(unsafe_code)]

pub mod audit;
mod authority;
mod channel;
mod checks;
mod create;
mod disk;
mod encoding;
mod error;
mod issue;
mod keys;
mod mail;
mod notices;
mod puk;
mod records;
mod register;
mod revoke;
mod secret;
mod state;
mod terms;

pub use authority::Authority;
pub use channel::{Case, Outcome, stray_name};
pub use create::CreateOptions;
pub use disk::Disk;
pub use error::CaError;
pub use keys::Work;
pub use notices::Notice;
pub use records::{Audit, Records, der_of};
pub use register::Registered;
pub use secret::Passphrase;
pub use state::{Agreement, Card, CardState, Issued, Listed, Policy, Revoked, Subscriber};
pub use terms::NONCE_LIFE;
