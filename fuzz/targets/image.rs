//! Any bytes as a card's memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::image::check(data));
