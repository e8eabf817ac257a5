#!/usr/bin/env bash
# Builds the guide as a book, and checks that its links lead somewhere and that its search, and that of the API
# documentation, find the page that answers each of a table of questions, in a browser without a window.
#
#   ci/book.sh            builds target/book and runs the tests
#   ci/book.sh --build    builds target/book only
#
# mdBook is built once, into a folder that outlives this clone: XDG_CACHE_HOME or ~/.cache.
cd "$(dirname "$0")/.."
. ci/stable.sh

mdbook_version=0.5.4
tools=${XDG_CACHE_HOME:-$HOME/.cache}/cancelable/mdbook-$mdbook_version
if [ ! -x "$tools/bin/mdbook" ]; then
    say "building mdBook $mdbook_version into $tools"
    # Speed matters little for forty pages: it is built without the work that makes it fast.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_TARGET_DIR=$target_root/ci/mdbook cargo install --quiet --locked \
        --root "$tools" --no-default-features --features search --version "=$mdbook_version" mdbook
    rm -rf "$target_root/ci/mdbook"
fi

say 'the book'
# A copy of the pages: what lies outside of docs/ is not in the book, so links to that lead to the repository.
repository=$(sed -n 's/^repository = "\(.*\)"$/\1/p' Cargo.toml)
source=$target_root/ci/book
rm -rf "$source" "$target_root/book"
mkdir -p "$source"
cp -r docs/book.* docs/*.md docs/performance "$source"
sed -i -E "s#(\]: |\]\()\.\./#\1$repository/blob/main/#g" "$source"/*.md
log=$("$tools/bin/mdbook" build --dest-dir "$target_root/book" "$source" 2>&1) || { printf '%s\n' "$log"; fail 'mdbook build'; }
# mdBook goes on after a warning.
! grep -E 'WARN|ERROR' <<<"$log" || fail 'mdbook has warnings'
printf '%s pages in %s\n' "$(find "$target_root/book" -name '*.html' | wc -l)" "$target_root/book"
[ "${1:-}" != --build ] || exit 0

say 'the API documentation'
RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --workspace --no-deps --all-features

apt_install chromium
say 'links, and questions'
CANCELABLE_BOOK=$target_root/book CANCELABLE_API=$target_root/doc \
    cargo test --quiet -p conformance --test book -- --nocapture
