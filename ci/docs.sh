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
