//! The card's end of a vpcd socket.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::vpcd::check(data));
