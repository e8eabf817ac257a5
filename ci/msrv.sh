#!/usr/bin/env bash
# Runs the tests of the published crates with their minimum Rust version.
#
# The version is the workspace's `rust-version`. The compiler is the package of that version in
# Debian 12's main archive, unpacked into a folder of its own: installed, it would conflict with the
# newer one that other checks install.
cd "$(dirname "$0")/.."
. ci/stable.sh

msrv=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
[ -n "$msrv" ] || fail 'no rust-version in Cargo.toml'
packages=()
for package in $(published); do packages+=(-p "$package"); done

target_dir msrv
root=$CARGO_TARGET_DIR/rust-$msrv
if [ ! -x "$root/usr/bin/cargo" ]; then
    say "unpacking Rust $msrv"
    apt_install libllvm19 libpcre3 libhttp-parser2.9
    root_user=()
    [ "$(id -u)" -eq 0 ] || root_user=(sudo)
    candidate() { apt-cache madison rustc-web | awk -v msrv="$msrv" 'index($3, msrv ".") == 1 { print $3; exit }'; }
    version=$(candidate)
    # The package lists may be missing or old if nothing was installed just before.
    [ -n "$version" ] || { "${root_user[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq; version=$(candidate); }
    [ -n "$version" ] || fail "Debian's archive has no rustc-web of Rust $msrv: rust-version in Cargo.toml is not what this script can test"
    debs=$(mktemp -d)
    (
        cd "$debs"
        # As the current user: apt's own user cannot write to this folder.
        apt-get -o APT::Sandbox::User=root download -qq "rustc-web=$version" "cargo-web=$version" \
            "libstd-rust-web-$msrv=$version" "libstd-rust-web-dev=$version"
    )
    mkdir -p "$root.part"
    for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$root.part"; done
    rm -rf "$debs" "$root"
    mv "$root.part" "$root"
fi

unset RUSTUP_TOOLCHAIN RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
export RUSTC=$root/usr/bin/rustc RUSTDOC=$root/usr/bin/rustdoc
export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu
case $("$RUSTC" --version) in
    "rustc $msrv."*) ;;
    *) fail "wanted Rust $msrv, got $("$RUSTC" --version)" ;;
esac

say "tests with $("$RUSTC" --version)"
"$root/usr/bin/cargo" test --locked --all-features "${packages[@]}"
