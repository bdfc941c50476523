//! Sequences of commands on a forked card, with the model beside it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::sequence::check(data));
