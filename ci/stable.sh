# The compiler of the checks, and shared facts about the workspace. Sourced, not run.
#
# A machine may have a second `cargo` and `rustc`: Debian's packages, which some checks install.
# Sourcing this puts the folder of rustup's toolchain first on the PATH, so that `cargo` here is
# always that one; a machine without rustup keeps its own `cargo`.

. ci/lib.sh

rustup=$(command -v rustup || true)
[ -n "$rustup" ] || rustup=${CARGO_HOME:-$HOME/.cargo}/bin/rustup
if [ -x "$rustup" ]; then
    PATH=$(dirname "$("$rustup" which cargo)"):$PATH
    export PATH
fi
command -v cargo >/dev/null || fail 'no cargo on the PATH: install Rust from https://rustup.rs'

# Builds with different flags or compilers have separate folders below target/ci, so that no check
# deletes the build of another. target_dir NAME sets CARGO_TARGET_DIR.
target_root=${CARGO_TARGET_DIR:-$PWD/target}
target_dir() { export CARGO_TARGET_DIR=$target_root/ci/$1; }

# The published crates of the workspace, a line each.
published() {
    apt_install jq >&2
    cargo metadata --no-deps --format-version 1 |
        jq -r '.packages[] | select(.publish != []) | .name'
}
