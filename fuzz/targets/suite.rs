//! Files of conformance cases.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::suite::check(data));
