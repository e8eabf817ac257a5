#!/usr/bin/env bash
# Builds small programs with the library and with tokio-util, and compares the time of a build from
# nothing, dependencies included, and the size of the binary.
#
#   benches/weight.sh [ROUNDS]            prints the tables; 5 rounds unless said otherwise
#   benches/weight.sh --write [ROUNDS]    also writes them into docs/performance.md
#
# A build is a release build, stripped, by one job. Its time is user and system time, which other work
# on the machine lengthens less than the clock's. Each round builds every program once, in turn, and a
# ratio is the median of the rounds' ratios.
cd "$(dirname "$0")/.."
. ci/stable.sh

write=
[ "${1:-}" != --write ] || { write=yes; shift; }
rounds=${1:-5}
page=docs/performance.md

# Flags of a desk would make other programs of them.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The version of a package in the workspace's Cargo.lock, with which the programs are built too.
locked() { awk -v name="\"$1\"" '/^name/ { found = $3 == name } /^version/ && found { gsub(/"/, "", $3); print $3 }' Cargo.lock; }

# program NAME DEPENDENCIES: a package of its own with the program benches/examples/NAME.rs.
program() {
    mkdir -p "$work/$1/src"
    cp "benches/examples/$1.rs" "$work/$1/src/main.rs"
    cp Cargo.lock "$work/$1/Cargo.lock"
    printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n\n[profile.release]\nstrip = true\n\n[workspace]\n\n[dependencies]\n%s\n' \
        "${1//_/-}" "$2" >"$work/$1/Cargo.toml"
    # Takes what the program does not need out of Cargo.lock, and fetches the rest.
    (cd "$work/$1" && cargo metadata --format-version 1 >/dev/null)
}

# build NAME: prints the seconds that it takes, and the bytes of the binary.
build() {
    local target=$work/target
    rm -rf "$target"
    (
        cd "$work/$1"
        TIMEFORMAT='%U %S'
        { time CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$target cargo build --quiet --locked --offline --release --jobs 1 2>"$work/log"; } 2>"$work/times"
    ) || { cat "$work/log"; fail "$1 does not build"; }
    awk -v size="$(stat -c %s "$target/release/${1//_/-}")" '{ print $1 + $2, size }' "$work/times"
}

core='path = "'$PWD'/cancelable-core", default-features = false'
tokio='{ version = "'$(locked tokio)'", default-features = false, features = ["rt", "rt-multi-thread", "time"] }'
util='tokio-util = { version = "'$(locked tokio-util)'", default-features = false }'
program hello "cancelable-core = { $core }"
program hello_tokio_util "$util"
program app "cancelable-core = { $core, features = [\"scope\"] }
cancelable-tokio = { path = \"$PWD/cancelable-tokio\" }"
program app_tokio_util "tokio = $tokio
$util"

for ((round = 1; round <= rounds; round++)); do
    for pair in hello app; do
        printf '%s %s %s\n' "$pair" "$(build "$pair")" "$(build "${pair}_tokio_util")" | tee -a "$work/measured" >&2
    done
done

# row WORK PAIR GOAL
row() {
    awk -v work="$1" -v pair="$2" -v goal="$3" '
        function median(list, count,    i, j, swap) {
            for (i = 1; i < count; i++) for (j = i + 1; j <= count; j++)
                if (list[j] < list[i]) { swap = list[i]; list[i] = list[j]; list[j] = swap }
            return list[int((count + 1) / 2)]
        }
        function verdict(ratio) { return ratio <= goal ? "reached" : "missed" }
        $1 == pair { n++; ours[n] = $2; theirs[n] = $4; ratio[n] = $2 / $4; size = $3; other = $5 }
        END {
            time = median(ratio, n)
            printf "| %s: seconds to build | %.1f | %.1f | %.2f | <= %s | %s |\n", work, median(ours, n), median(theirs, n), time, goal, verdict(time)
            printf "| %s: kilobytes | %.0f | %.0f | %.2f | <= %s | %s |\n", work, size / 1000, other / 1000, size / other, goal, verdict(size / other)
        }' "$work/measured"
}

cores=$(nproc)
{
    echo
    echo "Taken on $(date -u +%Y-%m-%d) with $cores cores, $(rustc --version), tokio $(locked tokio), tokio-util $(locked tokio-util), $rounds rounds."
    echo
    echo '| program | ours | tokio-util | ratio | goal | |'
    echo '|---|---|---|---|---|---|'
    row 'a hello with a token' hello 1.2
    row 'tasks with time limits, on Tokio' app 1.5
    echo
} >"$work/table"
cat "$work/table"

if [ -n "$write" ]; then
    grep -q '^<!-- weight -->$' "$page" || fail "$page has no place for the table"
    # What is between the two lines is written anew.
    awk -v table="$work/table" '
        /^<!-- end of weight -->$/ { inside = 0 }
        !inside { print }
        /^<!-- weight -->$/ { inside = 1; while ((getline line < table) > 0) print line }' "$page" >"$work/page"
    cp "$work/page" "$page"
fi
