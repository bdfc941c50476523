//! Certificates, requests and renewals, as the authority and the card side both understand them.
//!
//! Both sides must agree on every byte and on every reason to say no, so both use this crate. It holds no private key:
//! whoever builds something here takes a digest out, has it signed where the key lives, and hands the signature back.
//! It knows nothing of cards, of terminals or of the authority's records.
#![forbid(unsafe_code)]

pub mod certificate;
pub mod channel;
pub mod crl;
mod encoding;
pub mod issue;
pub mod key;
pub mod name;
pub mod refusal;
pub mod renewal;
pub mod request;
mod signature;
pub mod time;

pub use certificate::{Certificate, Chain, ChainFault};
pub use key::{KeyHash, PublicKey, Weakness};
pub use refusal::Refusal;
