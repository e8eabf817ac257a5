#!/usr/bin/env bash
# Type-checks the library crates for systems without tests here, with a std built from source, so
# that no other toolchain is needed: with the tests of the crates that differ from Linux and from
# each other.
#
#   ci/targets.sh             the lists below
#   ci/targets.sh TARGET...   these, with tests
cd "$(dirname "$0")/.."
. ci/stable.sh

packages=()
for package in $(published); do packages+=(-p "$package"); done
target_dir targets
debian_rust
export RUSTFLAGS='-D warnings'

# check ARGS... -- TARGET...: in one run, so that the crates of several targets are checked in
# parallel.
check() {
    local what=() targets=()
    while [ "$1" != -- ]; do what+=("$1") && shift; done
    shift
    say "$*: ${what[*]}"
    for target in "$@"; do targets+=(--target "$target"); done
    debian_cargo check --quiet "${targets[@]}" "${what[@]}"
}

if [ $# -gt 0 ]; then
    check --all-features "${packages[@]}" --lib --tests -- "$@"
    exit
fi
check --all-features "${packages[@]}" --lib --tests -- x86_64-pc-windows-msvc aarch64-apple-darwin
check --all-features "${packages[@]}" --lib -- x86_64-unknown-freebsd i686-unknown-linux-gnu
# No threads to wait on, no signals and no runtime of this project: tokens and scopes only.
check -p cancelable-core --lib -- wasm32-unknown-unknown
