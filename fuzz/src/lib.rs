//! What the fuzz targets check. Each module has one function, `check`, that panics if the code breaks its promise;
//! the targets call it with libFuzzer's bytes, the tests with bytes of their own.
//!
//! On stable Rust, from this directory, with an explicit target so that build scripts are not instrumented:
//!
//! ```text
//! HOST=$(rustc -vV | sed -n 's/^host: //p')
//! RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1" \
//!   cargo build --release --target $HOST
//! mkdir -p corpus/card_commands
//! target/$HOST/release/card_commands corpus/card_commands -max_total_time=60 -max_len=4096
//! ```
//!
//! `cargo fuzz run -s none` does the same where cargo-fuzz is installed. Building libFuzzer needs a C++ compiler.
#![forbid(unsafe_code)]

pub mod apdu_parse;
pub mod card_commands;
pub mod tlv;
