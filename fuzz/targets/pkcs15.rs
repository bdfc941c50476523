//! PKCS#15 files, certificates, requests, revocation lists.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::pkcs15::check(data));
