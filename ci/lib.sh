# Functions that the scripts in ci/ share. Sourced, not run; needs bash.
#
# A machine may have two Rust toolchains: the `cargo` on the PATH (rustup's), and Debian's packages,
# which these functions install for the source of std that -Zbuild-std needs. So nothing here relies
# on the PATH: Debian's programs are named by absolute path.

set -euo pipefail

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Installs the Debian packages among "$@" that are missing. Quiet unless it fails.
apt_install() {
    local missing=() package log
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    log=$(mktemp)
    # Another run of apt may hold the lock: wait for it rather than fail.
    "${root[@]}" apt-get -o DPkg::Lock::Timeout=300 update >"$log" 2>&1 || { tail -20 "$log"; fail 'apt-get update'; }
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 || { tail -20 "$log"; fail "apt-get install ${missing[*]}"; }
    rm -f "$log"
}

# Installs Debian's Rust with the source of std, and makes it the compiler of `debian_cargo`,
# which builds std itself for any target. Sets nothing that reaches the PATH's own cargo unless
# the calling script runs that too: such a script calls this in a subshell.
debian_rust() {
    apt_install rustc-web cargo-web rust-web-src
    DEBIAN_RUST=/usr/bin
    [ -x "$DEBIAN_RUST/rustc" ] || fail "$DEBIAN_RUST/rustc is not there although rustc-web is installed"
    # The variables that rustup's proxies export would lead this cargo back to rustup's compiler.
    unset RUSTUP_TOOLCHAIN CARGO RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
    export RUSTC="$DEBIAN_RUST/rustc" RUSTDOC="$DEBIAN_RUST/rustdoc"
    export RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,panic_abort,test
}

debian_cargo() { "$DEBIAN_RUST/cargo" "$@"; }
