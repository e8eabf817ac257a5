#!/usr/bin/env bash
# Type-checks the library crates and their tests for systems that no test runs on here, with a std
# built from source, so that no other toolchain has to be there.
#
#   ci/targets.sh             the list below
#   ci/targets.sh TARGET...   these
cd "$(dirname "$0")/.."
. ci/stable.sh

packages=()
for package in $(published); do packages+=(-p "$package"); done
[ $# -gt 0 ] || set -- x86_64-pc-windows-msvc aarch64-apple-darwin x86_64-unknown-freebsd i686-unknown-linux-gnu wasm32-unknown-unknown

target_dir targets
debian_rust
export RUSTFLAGS='-D warnings'
for target in "$@"; do
    say "$target"
    case $target in
        # No threads to wait on, no signals and no runtime of ours: tokens and scopes only.
        wasm32-*) debian_cargo check --quiet --target "$target" -p cancelable-core --lib ;;
        *) debian_cargo check --quiet --target "$target" --all-features "${packages[@]}" --lib --tests ;;
    esac
done
