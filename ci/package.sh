#!/usr/bin/env bash
# Packs the published crates as crates.io would, builds each from its package, and checks that the
# files of its page are included. On a developer's machine uncommitted changes are allowed; CI has
# none.
cd "$(dirname "$0")/.."
. ci/stable.sh
apt_install jq

names=$(published)
packages=()
for name in $names; do packages+=(-p "$name"); done

say 'manifests'
cargo metadata --no-deps --format-version 1 | jq -r '
    .packages[] | select(.publish != []) | . as $package
    | def lacks(what): "\($package.name): \(what)";
    (if (.description // "") | length < 20 then lacks("no description") else empty end),
    (if (.description // "") | test("placeholder"; "i") then lacks("a placeholder for a description") else empty end),
    (if .keywords | length < 1 or length > 5 then lacks("wants one to five keywords") else empty end),
    (if .categories == [] then lacks("no categories") else empty end),
    (if .license != "MIT OR Apache-2.0" then lacks("license is not MIT OR Apache-2.0") else empty end),
    (if .readme == null then lacks("no readme") else empty end),
    (if .repository == null then lacks("no repository") else empty end),
    (if .rust_version == null then lacks("no rust-version") else empty end),
    (if .metadata.docs.rs == null then lacks("no [package.metadata.docs.rs]") else empty end)
    ' | { ! grep . ; } || fail 'manifests lack something (above)'

# Cargo builds each package against the others from a registry of its own, and assumes that a
# version in a registry never changes: an unpacked or compiled package of the same name and version
# is not checked again. So both are removed first; of the unpacked sources those of every registry,
# which costs a download for a real one.
target_dir package
rm -rf "$CARGO_TARGET_DIR"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
for name in $names; do
    rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$name-$version"
done

say 'packages'
dirty=()
[ -n "${CI:-}" ] || dirty=(--allow-dirty)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
pack() { cargo package --locked --all-features "${dirty[@]}" "${packages[@]}" 2>&1 | tee "$log"; }
# Once in a dozen runs Cargo did not find a package in its own registry that it had packed just
# before.
pack || pack
! grep -q '^warning' "$log" || fail 'cargo package has warnings (above)'

say 'contents'
for name in $names; do
    crate=$CARGO_TARGET_DIR/package/$name-$version.crate
    listing=$(tar -tvzf "$crate")
    for file in Cargo.toml README.md LICENSE-MIT LICENSE-APACHE; do
        # A regular file that is not empty: a symbolic link would dangle there.
        awk -v path="$name-$version/$file" '$6 == path && /^-/ && $3 > 0 { found = 1 } END { exit !found }' <<<"$listing" ||
            fail "$name: $file is not in the package"
    done
    printf '%-22s %s files, %s bytes\n' "$name" "$(wc -l <<<"$listing")" "$(stat -c %s "$crate")"
done
