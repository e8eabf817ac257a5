#!/usr/bin/env bash
# Builds the API docs without a warning: as `cargo doc` does here, and as docs.rs does it.
cd "$(dirname "$0")/.."
. ci/stable.sh

say 'cargo doc'
RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --all-features

say 'as docs.rs builds them'
packages=()
for package in $(published); do packages+=(-p "$package"); done
target_dir docsrs
RUSTC_BOOTSTRAP=1 RUSTDOCFLAGS='--cfg docsrs -Dwarnings' cargo doc --no-deps --all-features "${packages[@]}"

say 'a badge for each feature'
# `tracing` has no items.
cargo metadata --no-deps --format-version 1 |
    jq -r '.packages[] | select(.publish != []) | .name as $name | .features | keys[]
        | select(. != "default" and . != "tracing") | "\($name) \(.)"' |
    while read -r package feature; do
        grep -rqE "crate features? [^.]*<code>$feature</code>" --include='*.html' "$CARGO_TARGET_DIR/doc/${package//-/_}" ||
            fail "no item of $package is marked with its feature $feature"
    done
