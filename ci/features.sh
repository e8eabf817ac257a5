#!/usr/bin/env bash
# Checks every published crate with no feature, with each feature alone and with all of them: first
# the library alone, then with its tests, whose dev-dependencies may turn features on.
cd "$(dirname "$0")/.."
. ci/stable.sh
apt_install jq

target_dir features
export RUSTFLAGS='-D warnings'

check() {
    say "$*"
    cargo check --quiet --lib "$@"
    cargo check --quiet --tests "$@"
}

metadata=$(cargo metadata --no-deps --format-version 1)
for package in $(published); do
    check -p "$package" --no-default-features
    for feature in $(jq -r --arg name "$package" \
        '.packages[] | select(.name == $name) | .features | keys[] | select(. != "default")' <<<"$metadata"); do
        check -p "$package" --no-default-features --features "$feature"
    done
    check -p "$package" --all-features
done

say 'the tests of the token alone'
RUSTFLAGS="$RUSTFLAGS --cfg cancelable_token_alone" \
    cargo test --quiet -p cancelable-core --no-default-features --lib --tests
