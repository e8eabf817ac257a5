#!/usr/bin/env bash
# Builds for Windows, runs the tests there under Wine, and sends a program there a real Ctrl+C.
#
#   ci/windows.sh                       every library crate of the workspace
#   ci/windows.sh cancelable-signals    these only
#
# Debian 12 or later; installs what it needs. It has a build folder and a Wine prefix of its own
# under target/windows (CARGO_TARGET_DIR and WINEPREFIX move them), and can be run again at any time.

cd "$(dirname "$0")/.."
. ci/lib.sh

target=x86_64-pc-windows-gnu
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/windows}
export WINEPREFIX=${WINEPREFIX:-$CARGO_TARGET_DIR/wine}
export WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml= RUST_BACKTRACE=0

packages=("$@")
if [ ${#packages[@]} -eq 0 ]; then
    for manifest in cancelable-*/Cargo.toml; do packages+=("$(dirname "$manifest")"); done
fi

debian_rust
apt_install gcc-mingw-w64-x86-64-win32 wine64
wine=$(dpkg -L wine64 | grep '/wine64$' | head -1)
[ -x "$wine" ] || fail 'the package wine64 has no wine64'

say 'Wine prefix'
# The wineserver is the only process of Wine that outlives a program; its own command ends it.
trap '"${wine%wine64}wineserver64" -k 2>/dev/null || true' EXIT
mkdir -p "$CARGO_TARGET_DIR"
if [ ! -e "$WINEPREFIX/system.reg" ]; then
    "$wine" wineboot -i >/dev/null 2>&1 || fail "wineboot could not make $WINEPREFIX"
    "${wine%wine64}wineserver64" -w
fi
# Rust's std imports ProcessPrng from a library that Wine has from version 9 on.
system32=$WINEPREFIX/drive_c/windows/system32
if [ ! -e "$system32/bcryptprimitives.dll" ]; then
    stub=$(mktemp --suffix=.c)
    cat >"$stub" <<'C'
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    return SystemFunction036(buffer, (ULONG)length);
}
C
    x86_64-w64-mingw32-gcc -shared -o "$system32/bcryptprimitives.dll" "$stub" -ladvapi32
    rm -f "$stub"
fi

say "tests on $target: ${packages[*]}"
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$wine
args=()
for package in "${packages[@]}"; do args+=(-p "$package"); done
# Limits of Wine 8: its files have no creation time of their own (the time moves with every change,
# so a folder seems to be another one), and its counters of processors and volumes never answer.
skips=(--skip r30_lost_events_have_everything_looked_at_and_watched_anew)
skips+=(--skip files::r30_a_file_that_changes_is_told_of)
skips+=(--skip resources_real::r30_the_cpu_is_known --skip resources_real::r30_the_disk_of_a_path_is_known)
debian_cargo test --quiet --no-fail-fast --target "$target" --all-features "${args[@]}" --lib --bins --tests -- "${skips[@]}"

# Ctrl+C: the test binary of cancelable-signals is also the program that is signalled. Wine turns
# a SIGINT to its process into CTRL_C_EVENT.
case " ${packages[*]} " in *' cancelable-signals '*) ;; *) exit 0 ;; esac
say 'Ctrl+C'
binary=$(debian_cargo test --quiet --target "$target" --all-features -p cancelable-signals --test signals --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\.exe\)".*/\1/p' | tail -1)
[ -n "$binary" ] || fail 'no test binary of cancelable-signals'

# ctrl_c SCENARIO WANTED: starts the program, presses Ctrl+C after each line "ready" that it prints,
# and compares what else it says, and the low byte of its exit status, with WANTED.
ctrl_c() {
    local scenario=$1 wanted=$2 line said='' status=0
    coproc CHILD { CANCELABLE_SIGNALS_CHILD=$scenario exec "$wine" "$binary" --exact child::child --nocapture 2>/dev/null; }
    # Bash forgets both as soon as the process has ended.
    local pid=$CHILD_PID out
    exec {out}<&"${CHILD[0]}"
    # The limit only bounds a failing run.
    while IFS= read -r -t 120 line <&"$out"; do
        line=${line%$'\r'}
        case $line in
            *'child: ready'*) kill -INT "$pid" ;;
            *'child: '*) said="$said ${line##*child: }" ;;
        esac
    done
    wait "$pid" || status=$?
    exec {out}<&-
    said="${said# }, $status"
    [ "$said" = "$wanted" ] || fail "$scenario: wanted '$wanted', got '$said'"
    printf 'ok    %s\n' "$scenario"
}
# 58 is the low byte of STATUS_CONTROL_C_EXIT, by which Windows ends a program on Ctrl+C.
ctrl_c ctrl_c 'SIGINT, 0'
ctrl_c second_kills 'asked, 58'
ctrl_c escalation 'asked-SIGINT insisted-SIGINT, 58'
ctrl_c hung 'hanging insisted, 58'
ctrl_c restored ', 58'
ctrl_c scope 'SIGINT, 58'
ctrl_c scope_ended ', 58'
