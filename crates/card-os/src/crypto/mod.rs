//! Cryptography: the provider seam for RSA, padding, and elliptic curves. Knows no memory and no APDU.

pub(crate) mod aes;
pub(crate) mod ec;
pub(crate) mod hash;
pub(crate) mod padding;
pub mod rsa;
