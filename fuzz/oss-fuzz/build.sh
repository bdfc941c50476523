#!/bin/bash -eu
# Builds all targets with their dictionary and corpus into $OUT. The image brings cargo-fuzz and a nightly Rust.
cd "$SRC/cardlab"
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
