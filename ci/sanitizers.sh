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

# The sanitizers' own handlers of crashes would stand before the tests' signals of the same kind.
options=handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_sigtrap=0:handle_abort=0

# A million tokens are a matter of the stack and of time, of which a sanitizer takes tenfold; the
# same code runs with fewer of them in other tests.
skip=(--skip token::depth::)
# Nor does the model of scopes race: one thread, 100,000 cases, each of which is checked for leaks.
skip+=(--skip random_trees_of_scopes)

for sanitizer in "$@"; do
    say "$sanitizer sanitizer"
    target_dir "sanitizer-$sanitizer"
    case $sanitizer in
        address)
            # The leak checker finds threads by /proc, which in a test's PID namespace is another's: it
            # would miss what they hold.
            leaks=(--skip r33_process_1_exits_with_128_and_the_number)
            # The std that comes with the compiler will do: what it allocates goes through the same
            # allocator, and it has no bug of its own to find.
            mkdir -p "$CARGO_TARGET_DIR"
            # Kept on purpose: the payload of a panic that was raised while another was dealt with.
            # To drop it would be to call the code that has just panicked.
            printf 'leak:sync::isolate::catch\n' >"$CARGO_TARGET_DIR/leaks"
            RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=$options:detect_leaks=1 \
                LSAN_OPTIONS=suppressions=$CARGO_TARGET_DIR/leaks:print_suppressions=0 \
                cargo test --target "$target" --all-features "${packages[@]}" --lib --tests -- "${skip[@]}" "${leaks[@]}"
            ;;
        thread)
            # Every atomic in std must be seen, or correct programs are reported: std is built too.
            # Debian's compiler has the source of std but no runtime of the sanitizer; rustup's has.
            runtime=$(find "$(rustc --print target-libdir)" -name 'librustc-*_rt.tsan.a' | head -1)
            [ -n "$runtime" ] || fail "no thread sanitizer runtime in $(rustc --print target-libdir)"
            (
                debian_rust
                link=$("$RUSTC" --print target-libdir)/librustc-stable_rt.tsan.a
                root=()
                [ "$(id -u)" -eq 0 ] || root=(sudo)
                [ "$(readlink -f "$link")" = "$(readlink -f "$runtime")" ] || "${root[@]}" ln -sf "$runtime" "$link"
                # It holds back a signal that arrives while a handler runs until the thread calls into
                # libc again, which one that waits in the kernel never does: so the programs that are sent
                # signals one after the other hang, and of that crate the tests inside run alone.
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
