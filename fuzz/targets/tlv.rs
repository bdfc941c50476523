//! See the library's documentation.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cardlab_fuzz::tlv::check(data));
