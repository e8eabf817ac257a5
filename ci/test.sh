#!/usr/bin/env bash
# Runs every test of the workspace: the command of the README, which also compiles the code blocks
# of the Markdown pages (the package in docs/ makes doc tests of them).
cd "$(dirname "$0")/.."
. ci/stable.sh

cargo test --workspace "$@"
