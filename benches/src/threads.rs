//! The same work on one token by one thread and by two at once.

use crate::{Goal, Row, compare, once};
use std::future::{Future, pending};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;
use swansong::Swansong;

const TIMES: u32 = 200_000;

/// Returns nanoseconds for one call of `work` while `threads` threads do it: for the slowest thread
/// by its own measurement, so that start and join do not count.
pub(crate) fn with_threads(threads: u32, work: impl Fn() + Sync) -> f64 {
    let start = Barrier::new(threads as usize);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    once(TIMES, || (0..TIMES).for_each(|_| work()))
                })
            })
            .collect();
        let times = running.into_iter().map(|thread| thread.join());
        times.fold(0.0, |slowest, time| {
            time.map_or(f64::NAN, |time| slowest.max(time))
        })
    })
}

/// Keeps the result from being optimised away.
fn is(answer: bool) {
    let _ = black_box(answer);
}

fn wait_once<F: Future<Output = ()>>(future: F) {
    let _ = black_box(pin!(future).poll(&mut Context::from_waker(Waker::noop())));
}

/// A wait of swansong that is polled and dropped.
fn interrupt_once(swansong: &Swansong) {
    let mut wait = pin!(swansong.interrupt(pending::<()>()));
    let _ = black_box(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())));
}

/// Returns the table of two threads that use one token.
#[must_use]
pub fn shared_by_two() -> Vec<Row> {
    use cancelable_core::CancellationToken as Ours;
    use tokio_util::sync::CancellationToken as Theirs;
    let (ours, theirs) = (Ours::new(), Theirs::new());
    let swansong = Swansong::new();
    let peer = "tokio-util";
    vec![
        compare(
            "`is_cancelled()`, 2 threads on one token",
            peer,
            Goal::AtMost(0.02),
            || with_threads(2, || is(black_box(&ours).is_cancelled())),
            || with_threads(2, || is(black_box(&theirs).is_cancelled())),
        )
        .noting("ours is one load, 0.4 ns. The ratio shows how often the peer's threads contended."),
        compare(
            "child + drop, 2 threads on one parent",
            peer,
            Goal::AtMost(0.25),
            || with_threads(2, || drop(black_box(ours.child_token()))),
            || with_threads(2, || drop(black_box(theirs.child_token()))),
        )
        .noting("the two threads share one reference count, that of the parent's branch."),
        compare(
            "waits on one token: the rate of 2 threads over that of 1",
            "ours, 1 thread",
            Goal::AtLeast(1.3),
            || 2.0 / with_threads(2, || wait_once(ours.cancelled())),
            || 1.0 / with_threads(1, || wait_once(ours.cancelled())),
        )
        .noting(
            "the threads write to no common cache line. On two idle cores the rate was 1.8 to 2.0. Beside other \
    work the threads wait for a core.",
        ),
        compare(
            "`cancelled()` created, polled pending, dropped, 2 threads on one token",
            peer,
            Goal::AtMost(0.6),
            || with_threads(2, || wait_once(ours.cancelled())),
            || with_threads(2, || wait_once(theirs.cancelled())),
        ),
        compare(
            "the same",
            "swansong",
            Goal::AtMost(1.0),
            || with_threads(2, || wait_once(ours.cancelled())),
            || with_threads(2, || interrupt_once(&swansong)),
        ),
    ]
}
