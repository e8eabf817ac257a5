#!/usr/bin/env bash
# Checks the formatting, the lock file and the lints.
cd "$(dirname "$0")/.."
. ci/stable.sh

say 'Cargo.lock is up to date'
cargo metadata --locked --format-version 1 >/dev/null

say 'formatting'
cargo fmt --all --check

say 'lints'
# All that is wrong in one run, not the first crate of it only.
cargo clippy --workspace --all-targets --all-features --keep-going -- -D warnings
