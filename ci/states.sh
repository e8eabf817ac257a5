#!/usr/bin/env bash
# Runs the suites that start programs, in unusual states of the starting process: with ignored
# signals, with a folder on PATH that is not readable, as a user who is not root. The suites are
# built once.
#
#   ci/states.sh             a daemon's state, and another user's
#   ci/states.sh ignored     this one only; see the names below
cd "$(dirname "$0")/.."
. ci/stable.sh

[ $# -gt 0 ] || set -- daemon unprivileged
apt_install jq >&2

say 'building the suites'
# The test binaries: lines of the folder of a package and a file.
cargo test --no-run --message-format=json -p examples-tokio -p examples-smol -p examples-async-std -p examples-thread \
    -p cancelable-process -p cancelable-signals --test suite --test process --test signals >target/states.json
built() {
    jq -r "select(.reason == \"compiler-artifact\" and .executable != null and $1)
        | \"\(.manifest_path | rtrimstr(\"/Cargo.toml\")) \(.executable)\"" target/states.json
}

# Runs suites one after the other, each with the command in "$@": lines of a folder and a test
# binary on standard input. A failure may be a hang, so each has a time limit.
run() {
    local folder suite failed=0
    while read -r folder suite; do
        printf '%s: %s\n' "$state" "${suite##*/}"
        (cd "$folder" && exec timeout --kill-after=10 400 "$@" "$suite" --quiet ${SKIP:-} </dev/null) 2>&1 || failed=1
    done
    return "$failed"
}
# Cargo runs each in the folder of its package.
suites() { built '(.target.kind == ["test"])'; }

failed=()
for state in "$@"; do
    say "$state"
    case $state in
    # A background job of a script ignores the first two signals, nohup the third.
    ignored)
        run sh -c "trap '' INT QUIT HUP; exec \"\$@\"" sh < <(suites) || failed+=("$state")
        ;;
    # Some daemons start their children so.
    children)
        run env --ignore-signal=CHLD < <(suites) || failed+=("$state")
        ;;
    # Both at once, in half the time.
    daemon)
        run env --ignore-signal=INT,QUIT,HUP,CHLD < <(suites) || failed+=("$state")
        ;;
    # With copies of the build, whose folder may not be readable for others; and with a folder on
    # PATH that is not readable, which no folder is for root.
    unprivileged)
        [ "$(id -u)" -eq 0 ] || fail 'only root becomes another user'
        place=$(mktemp -d)
        trap 'rm -rf "$place"' EXIT
        mkdir "$place/programs" "$place/closed"
        built '(.target.kind == ["bin"] and .profile.test == false)' | while read -r _ program; do cp "$program" "$place/programs"; done
        # What a user may do is the same on every runtime; two of them suffice.
        built '(.target.name == "suite" and (.manifest_path | test("/on-(tokio|thread)/")))' | while read -r _ suite; do cp "$suite" "$place"; done
        chmod -R a+rX "$place"
        chmod 700 "$place/closed"
        # These read the sources.
        export SKIP='--skip headers:: --skip manifests:: --skip readme:: --skip small::'
        export CANCELABLE_PROGRAMS=$place/programs
        run env "PATH=$place/closed:$PATH" HOME=/ setpriv --reuid=65534 --regid=65534 --clear-groups \
            < <(printf "$place %s\n" "$place"/suite-*) || failed+=("$state")
        unset SKIP CANCELABLE_PROGRAMS
        ;;
    *) fail "no state $state" ;;
    esac
done
[ ${#failed[@]} -eq 0 ] || fail "in these states: ${failed[*]}"
