#!/usr/bin/env bash
# Runs the tests of the token, the scopes and the signals under the address sanitizer, which also
# looks for leaks, and under the thread sanitizer.
#
#   ci/sanitizers.sh            both
#   ci/sanitizers.sh address    one: address, thread
cd "$(dirname "$0")/.."
. ci/stable.sh

target=x86_64-unknown-linux-gnu
packages=(-p cancelable-core -p cancelable-signals)
[ $# -gt 0 ] || set -- address thread

# The sanitizers' own handlers of crashes would precede the tests' handlers of the same signals.
options=handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_sigtrap=0:handle_abort=0

# A million tokens take a sanitizer ten times the stack and the time; the same code runs with fewer
# tokens in other tests.
skip=(--skip token::depth::)
# The model of scopes has no races: one thread, and 100,000 cases, each of which is checked for
# leaks.
skip+=(--skip random_trees_of_scopes)

for sanitizer in "$@"; do
    say "$sanitizer sanitizer"
    target_dir "sanitizer-$sanitizer"
    case $sanitizer in
        address)
            # The leak checker finds threads by /proc, which in a test's PID namespace belongs to
            # another: it would miss the memory of those threads.
            leaks=(--skip r33_process_1_exits_with_128_and_the_number)
            # The precompiled std suffices: its allocations go through the same allocator.
            mkdir -p "$CARGO_TARGET_DIR"
            # Leaked on purpose: the payload of a panic that was raised during another panic. Its
            # drop would call the code that has just panicked.
            printf 'leak:sync::isolate::catch\n' >"$CARGO_TARGET_DIR/leaks"
            RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=$options:detect_leaks=1 \
                LSAN_OPTIONS=suppressions=$CARGO_TARGET_DIR/leaks:print_suppressions=0 \
                cargo test --target "$target" --all-features "${packages[@]}" --lib --tests -- "${skip[@]}" "${leaks[@]}"
            ;;
        thread)
            # Every atomic in std must be instrumented, or correct programs are reported: so std is
            # built too. Debian's compiler has the source of std but no runtime of the sanitizer;
            # rustup's has.
            runtime=$(find "$(rustc --print target-libdir)" -name 'librustc-*_rt.tsan.a' | head -1)
            [ -n "$runtime" ] || fail "no thread sanitizer runtime in $(rustc --print target-libdir)"
            (
                debian_rust
                link=$("$RUSTC" --print target-libdir)/librustc-stable_rt.tsan.a
                root=()
                [ "$(id -u)" -eq 0 ] || root=(sudo)
                [ "$(readlink -f "$link")" = "$(readlink -f "$runtime")" ] || "${root[@]}" ln -sf "$runtime" "$link"
                # The sanitizer delays a signal that arrives while a handler runs until the thread
                # calls into libc again, which a thread that waits in the kernel never does. So
                # programs that receive several signals hang, and only the unit tests of that crate
                # run.
                tsan() {
                    RUSTFLAGS=-Zsanitizer=thread TSAN_OPTIONS=$options \
                        debian_cargo test --target "$target" --all-features "$@" -- "${skip[@]}"
                }
                tsan -p cancelable-core --lib --tests
                tsan -p cancelable-signals --lib
            )
            ;;
        *) fail "no sanitizer '$sanitizer' here: address, thread" ;;
    esac
done
