# The compiler that the checks mean, and what they share about the workspace. Sourced, not run.
#
# A machine may have a second `cargo` and `rustc`: Debian's packages, which some checks install.
# Sourcing this puts rustup's toolchain first on the PATH by its own folder, so that `cargo` here
# is that one whatever was installed; a desk without rustup keeps the `cargo` that it has.

. ci/lib.sh

rustup=$(command -v rustup || true)
[ -n "$rustup" ] || rustup=${CARGO_HOME:-$HOME/.cargo}/bin/rustup
if [ -x "$rustup" ]; then
    PATH=$(dirname "$("$rustup" which cargo)"):$PATH
    export PATH
fi
command -v cargo >/dev/null || fail 'no cargo on the PATH: install Rust from https://rustup.rs'

# Builds that differ in flags or compiler keep apart: one folder each below target/ci, so that no
# check throws away what another has built. target_dir NAME sets CARGO_TARGET_DIR.
target_root=${CARGO_TARGET_DIR:-$PWD/target}
target_dir() { export CARGO_TARGET_DIR=$target_root/ci/$1; }

# The workspace's published crates, a line each.
published() {
    apt_install jq >&2
    cargo metadata --no-deps --format-version 1 |
        jq -r '.packages[] | select(.publish != []) | .name'
}
