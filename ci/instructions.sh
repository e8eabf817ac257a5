#!/usr/bin/env bash
# Counts the instructions of the hot paths of tokens and scopes under callgrind, and compares them
# with benches/instructions.txt: this finds a regression without measuring time.
#
#   ci/instructions.sh            fails if a path takes more than is written there
#   ci/instructions.sh --write    writes the counts there
#
# The counts are the same in each run, and depend on the compiler and on the C library. So they are
# compared only with counts of the same compiler, C library and architecture; otherwise they are
# printed, and the check passes. The C library selects its memcpy by the processor's features; here
# it is told to use the version for every processor.
cd "$(dirname "$0")/.."
. ci/stable.sh

kept=benches/instructions.txt
# The tolerance of a path: this many per cent, and one instruction.
tolerance=3

apt_install valgrind
# Flags of the developer's environment would change the program.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
CARGO_INCREMENTAL=0 cargo build --quiet --profile bench -p benches --bin instructions
binary=${CARGO_TARGET_DIR:-target}/release/instructions

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Counted only inside of `measured`, and written to a separate file after each call.
GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-AVX2_Usable,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM \
    valgrind --quiet --tool=callgrind --callgrind-out-file="$folder/counts" \
    --toggle-collect=instructions::measured --dump-after=instructions::measured \
    "$binary" >"$folder/names"

counted=$folder/table
with="# $(rustc --version), $(getconf GNU_LIBC_VERSION), $(uname -m)"
printf '%s\n' "$with" >"$counted"
number=0
while IFS= read -r name; do
    number=$((number + 1))
    total=$(sed -n 's/^totals: //p' "$folder/counts.$number")
    [ "$total" -gt 0 ] || fail "nothing was counted for: $name"
    # The program runs each path a thousand times.
    printf '%7d.%d  %s\n' $((total / 1000)) $((total % 1000 / 100)) "$name" >>"$counted"
done <"$folder/names"
[ "$number" -gt 0 ] || fail 'the program names no path'

if [ "${1:-}" = --write ]; then
    cp "$counted" "$kept"
    cat "$kept"
    exit
fi
if [ "$(head -1 "$kept")" != "$with" ]; then
    say "not compared: $kept has the counts of another compiler, C library or architecture"
    head -1 "$kept"
    cat "$counted"
    exit
fi
awk -v tolerance="$tolerance" '
    FNR == 1 { next }
    { count = $1; name = $0; sub(/^ *[0-9.]+ */, "", name) }
    NR == FNR { kept[name] = count; next }
    !(name in kept) { print "error: not in the file: " name; bad = 1; next }
    {
        verdict = ""
        if (count > kept[name] * (1 + tolerance / 100) + 1) { verdict = "  MORE"; bad = 1 }
        if (count < kept[name] * (1 - tolerance / 100) - 1) { verdict = "  less: write it with --write" }
        printf "%9.1f  (%9.1f)  %s%s\n", count, kept[name], name, verdict
        delete kept[name]
    }
    END {
        for (name in kept) { print "error: no longer counted: " name; bad = 1 }
        exit bad
    }' "$kept" "$counted" || fail 'a path takes more instructions than before; if it has to, run ci/instructions.sh --write'
