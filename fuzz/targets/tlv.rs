//! The TLV reader and control information.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| card_fuzz::targets::tlv::check(data));
