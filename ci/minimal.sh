#!/usr/bin/env bash
# Checks the published crates with the oldest version of each dependency that their manifests allow. They are
# copied without their dev-dependencies, which may be newer.
cd "$(dirname "$0")/.."
. ci/stable.sh
apt_install jq

target_dir minimal
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

root=$PWD
folders=()
while read -r folder; do folders+=("$folder"); done < <(
    cargo metadata --no-deps --format-version 1 |
        jq -r --arg root "$root/" '.packages[] | select(.publish != []) | .manifest_path | ltrimstr($root) | rtrimstr("/Cargo.toml")'
)
for folder in "${folders[@]}"; do
    mkdir -p "$copy/$folder"
    cp -rL "$folder/src" "$folder/README.md" "$copy/$folder/"
    # Removes the tables of dev-dependencies, each up to the next table.
    awk '/^\[/ { dev = ($0 ~ /dev-dependencies/) } !dev' "$folder/Cargo.toml" >"$copy/$folder/Cargo.toml"
done
members=$(printf '    "%s",\n' "${folders[@]}")
awk -v members="$members" '
    /^members = \[/ { print "members = [\n" members "\n]"; skipping = 1; next }
    skipping { if (/^\]/) skipping = 0; next }
    /^conformance = / { next }
    { print }' Cargo.toml >"$copy/Cargo.toml"

cd "$copy"
say 'the oldest versions that the manifests name'
RUSTC_BOOTSTRAP=1 cargo update --quiet -Z direct-minimal-versions
cargo check --quiet --workspace --all-features --lib
for package in "${folders[@]}"; do cargo check --quiet -p "${package##*/}" --no-default-features --lib; done
