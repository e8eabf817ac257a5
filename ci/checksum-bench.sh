#!/usr/bin/env bash
# Compares the example `checksum` with `find | xargs -P2` and the hash's own tool, on 100,000 small
# files, on one of 4 GiB, and on both; then measures the time from a signal to its end. Not a step
# of CI: on a busy machine the figures mean nothing. Run it on an idle one.
#
#   ci/checksum-bench.sh                     on Tokio
#   ci/checksum-bench.sh examples-async-std  on async-std; examples-smol: on smol; examples-thread: on threads
#   ROUNDS=5 DIR=/mnt/disk ci/checksum-bench.sh
#
# Each time is the best of the rounds, in which the two alternate; the files are in the page cache,
# for which the machine needs 5 GiB. "cpu" is user and system time together, which depends least on
# other work of the machine. Peak memory is that of the largest process.
cd "$(dirname "$0")/.."
. ci/lib.sh

package=${1:-examples-tokio}
rounds=${ROUNDS:-3}
jobs=2
program=checksum
[ "$package" = examples-tokio ] || program=checksum-${package#examples-}

apt_install time findutils coreutils
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
cargo build --release -q -p "$package" --bin "$program"
program=$target/release/$program
b3sum=$(command -v b3sum || true)
if [ -z "$b3sum" ]; then
    cargo install -q --locked --root "$target/tools" b3sum
    b3sum=$target/tools/bin/b3sum
fi

dir=$(mktemp -d "${DIR:-${TMPDIR:-/tmp}}/checksum-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
say "making 100,000 files and one of 4 GiB in $dir"
mkdir -p "$dir/both/small" "$dir/both/large" "$dir/endless"
for n in $(seq -w 0 99); do
    mkdir "$dir/both/small/$n"
    head -c $((1000 * 4096)) /dev/urandom | split -b 4096 -a 3 - "$dir/both/small/$n/file-"
done
truncate -s 4G "$dir/both/large/zeros"
truncate -s 1T "$dir/endless/zeros"
find "$dir/both" -type f -exec cat {} + >/dev/null

# Runs the command and prints "seconds cpu kilobytes".
measure() {
    command time -f '%e %U %S %M' -o "$dir/time" "$@" >"$dir/out" 2>"$dir/err"
    awk '{ printf "%.2f %.2f %d\n", $1, $2 + $3, $4 }' "$dir/time"
}
# The lower of two figures; the higher of two.
lower() { awk -v a="$1" -v b="$2" 'BEGIN { print (a == "" || b + 0 < a + 0) ? b : a }'; }
higher() { awk -v a="$1" -v b="$2" 'BEGIN { print (a == "" || b + 0 > a + 0) ? b : a }'; }

say "best of $rounds rounds, $jobs jobs, $package"
row='%-6s %-7s %8s %8s %6s %8s %8s %9s %9s\n'
printf "$row" '' '' checksum xargs ratio checksum xargs checksum xargs
printf "$row" files hash s s '' 'cpu s' 'cpu s' 'peak KiB' 'peak KiB'
for files in small large both; do
    tree=$dir/both
    [ $files = both ] || tree=$dir/both/$files
    for hash in blake3 sha256; do
        tool=sha256sum
        [ $hash = sha256 ] || tool=$b3sum
        ours='' theirs='' our_cpu='' their_cpu='' our_memory='' their_memory=''
        for _ in $(seq "$rounds"); do
            read -r seconds cpu memory < <(measure "$program" "$tree" -q -j $jobs -a $hash -o "$dir/ours")
            ours=$(lower "$ours" "$seconds") our_cpu=$(lower "$our_cpu" "$cpu") our_memory=$(higher "$our_memory" "$memory")
            read -r seconds cpu memory < <(measure bash -c "find '$tree' -type f -print0 | xargs -0 -P$jobs -n1000 '$tool'")
            theirs=$(lower "$theirs" "$seconds") their_cpu=$(lower "$their_cpu" "$cpu") their_memory=$(higher "$their_memory" "$memory")
        done
        # Without equal hashes the figures would say nothing.
        cmp -s <(sort "$dir/ours") <(sort "$dir/out") || fail "the lines of $tool differ: $files $hash"
        ratio=$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')
        printf "$row" $files $hash "$ours" "$theirs" "$ratio" "$our_cpu" "$their_cpu" "$our_memory" "$their_memory"
    done
done

say 'from the signal to the end, in the middle of a file, 10 times each'
printf '%-7s %10s %10s %6s\n' signal 'best ms' 'worst ms' code
for signal in INT TERM; do
    best='' worst=''
    for _ in $(seq 10); do
        mkfifo "$dir/said"
        # A shell starts background processes with SIGINT ignored, and the program would keep
        # ignoring it.
        env --default-signal=INT "$program" "$dir/endless" -a sha256 -o "$dir/ours" 2>"$dir/said" >/dev/null &
        pid=$!
        exec 3<"$dir/said"
        read -r _ <&3 # The first line of progress: it is under way.
        start=${EPOCHREALTIME/[.,]/}
        kill -$signal $pid
        code=0
        wait $pid || code=$?
        took=$(((${EPOCHREALTIME/[.,]/} - start)))
        exec 3<&-
        rm "$dir/said"
        took=$(awk -v us=$took 'BEGIN { printf "%.1f", us / 1000 }')
        best=$(lower "$best" "$took") worst=$(higher "$worst" "$took")
    done
    printf '%-7s %10s %10s %6s\n' $signal "$best" "$worst" "$code"
done
