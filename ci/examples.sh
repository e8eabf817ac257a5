#!/usr/bin/env bash
# Runs the example programs on every runtime, as a reader of the README would, and checks their
# output. Error cases are tested in examples/tests.
#
#   ci/examples.sh           every runtime
#   ci/examples.sh tokio     this one only
cd "$(dirname "$0")/.."
. ci/stable.sh

[ $# -gt 0 ] || set -- tokio async-std smol thread
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

# The lines of the README's first `text` block: the output of quickstart.
awk '/^```text$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' README.md >"$output/promised"
grep -q '^row 1$' "$output/promised" || fail 'README.md has no block with the output of quickstart'

# The elapsed time in a line depends on the machine. The example prints no location.
plain() { sed -E 's/after [0-9.]+ m?s:/after T:/; s/, set at [^ )]*//' "$1"; }

case " $* " in
    *' tokio '*)
        say 'tokio: database, with a server of PostgreSQL'
        apt_install postgresql
        CANCELABLE_POSTGRES=required cargo test -p examples-database
        ;;
esac

for runtime in "$@"; do
    package=examples-$runtime
    # All programs of the workspace are built into one folder, so their names differ there.
    suffix=-$runtime
    [ "$runtime" != tokio ] || suffix=
    run() { cargo run --quiet --release -p "$package" --bin "$1$suffix" "${@:2}"; }

    say "$runtime: quickstart"
    code=0
    run quickstart 2>&1 | grep -v '^error: process' | tee "$output/quickstart" || code=$?
    [ "$code" = 124 ] || fail "quickstart on $runtime exits with $code and not with 124"
    diff <(plain "$output/promised") <(plain "$output/quickstart") ||
        fail "quickstart on $runtime does not print what README.md says (<)"

    for program in library migration; do
        say "$runtime: $program"
        run "$program" | tee "$output/$program-$runtime"
        [ -s "$output/$program-$runtime" ] || fail "$program on $runtime printed nothing"
    done

    say "$runtime: checksum of this directory"
    # The README's command, on several lines.
    cargo run --release -p "$package" --bin "checksum$suffix" -- . >"$output/lines"
    tail -1 "$output/lines"

    say "$runtime: what checksum wrote is what sha256sum reads"
    run checksum -- --algorithm sha256 --json --output "$output/sums-$runtime" cancelable-core | tee "$output/report"
    sha256sum --quiet -c "$output/sums-$runtime" || fail "sha256sum does not agree with checksum on $runtime"
    printf '%s files agree\n' "$(wc -l <"$output/sums-$runtime")"

    say "$runtime: retry where nobody listens, for half a second"
    code=0
    # No server of this machine has the port; a pause of an hour is cancelled.
    run retry -- --pause 1h --timeout 500ms 127.0.0.1:1 2>&1 | tee "$output/retry" || code=$?
    [ "$code" = 124 ] || fail "retry on $runtime exits with $code and not with 124"
    grep -q '^waiting cancelled after .*: timed out' "$output/retry" || fail "retry on $runtime does not say why it ended"

    say "$runtime: transaction, in peace and in torment"
    run transaction -- "$output/books-$runtime.db" 20 | tail -1
    run transaction -- "$output/books-$runtime.db" 200 --torment 1 | tail -1

    say "$runtime: pipeline, stopped before its first line and resumed"
    awk 'BEGIN { for (n = 1; n <= 10000; n++) printf "{\"method\":\"get\",\"path\":\"/%d?q\",\"status\":200}\n", n }' >"$output/records"
    run pipeline -- "$output/records" -o "$output/whole-$runtime"
    code=0
    run pipeline -- "$output/records" -o "$output/parts-$runtime" --timeout 0s || code=$?
    [ "$code" = 124 ] || fail "pipeline on $runtime exits with $code and not with 124"
    run pipeline -- "$output/records" -o "$output/parts-$runtime" --resume
    cmp "$output/whole-$runtime" "$output/parts-$runtime" || fail "pipeline on $runtime has lost something"
    [ "$(wc -l <"$output/whole-$runtime")" = 10000 ] || fail "pipeline on $runtime has not written every record"

    say "$runtime: monitor of a thousand operations, without a terminal"
    run monitor -- --once >"$output/monitor-$runtime"
    sed -n '1,3p' "$output/monitor-$runtime"
    grep -q '^1,000 operations: ' "$output/monitor-$runtime" || fail "monitor on $runtime does not see them all"

    say "$runtime: supervise and init"
    for wanted in 0 7; do
        code=0
        run supervise -- 1h sh -c "exit $wanted" || code=$?
        [ "$code" = "$wanted" ] || fail "supervise on $runtime exits with $code and not with $wanted"
        code=0
        run init -- sh -c "exit $wanted" || code=$?
        [ "$code" = "$wanted" ] || fail "init on $runtime exits with $code and not with $wanted"
    done
    code=0
    run supervise -- -v 0.1 sleep 1000 || code=$?
    [ "$code" = 124 ] || fail "supervise on $runtime exits with $code and not with 124"
done
