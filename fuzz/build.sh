#!/bin/bash -eu
# Builds all targets with their dictionary and corpus into $OUT, for OSS-Fuzz and ClusterFuzzLite, whose image brings
# cargo-fuzz and a nightly Rust. The variable keeps rust-toolchain.toml from choosing stable, which has no sanitizer.
cd "$SRC/cardlab"
export RUSTUP_TOOLCHAIN="${RUSTUP_TOOLCHAIN:-nightly}"
cargo fuzz build -O --fuzz-dir fuzz
programs="fuzz/target/x86_64-unknown-linux-gnu/release"
for source in fuzz/targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "$programs/$target" "$OUT/"
    cp fuzz/card.dict "$OUT/$target.dict"
    if [ -d "fuzz/corpus/$target" ]; then
        (cd "fuzz/corpus/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
    fi
done
