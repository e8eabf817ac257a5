#!/usr/bin/env bash
# Checks the formatting, the lock file and the lints.
cd "$(dirname "$0")/.."
. ci/stable.sh

say 'Cargo.lock is up to date'
cargo metadata --locked --format-version 1 >/dev/null

say 'formatting'
cargo fmt --all --check

say 'lints'
# Reports all errors in one run, not only those of the first crate.
cargo clippy --workspace --all-targets --all-features --keep-going -- -D warnings
