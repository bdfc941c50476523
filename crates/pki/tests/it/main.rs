//! Certificates, requests and renewals against OpenSSL as the other opinion.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail a test")]

mod certificate;
mod channel;
mod crl;
mod key;
mod name;
mod random;
mod renewal;
mod renewal_openssl;
mod request;
mod strict;
mod support;
mod time;
