//! Sequences of commands with power cuts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::power::check(data));
