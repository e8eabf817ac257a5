#!/usr/bin/env bash
# Runs the tests of the server crates with curl and nghttp as clients: other implementations of HTTP
# notice what ours might not. Without the two, `cargo test` skips these tests.
cd "$(dirname "$0")/.."
. ci/stable.sh

apt_install curl nghttp2-client
cargo test -p web-tests "$@" -- --nocapture
