#!/usr/bin/env bash
# Explores the interleavings of the loom models of cancelable-core.
#
#   ci/loom.sh [ARGS]     ARGS go to the test binary: the name of one model, say
cd "$(dirname "$0")/.."
. ci/stable.sh

# A cfg of our own: dependencies such as tokio have a meaning for `--cfg loom`.
target_dir loom
RUSTFLAGS='--cfg cancelable_loom' cargo test --release -p cancelable-core --test loom -- "$@"
