//! The APDU parser against a strict oracle and two other crates.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::apdu::check(data));
