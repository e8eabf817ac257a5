//! A stream that a cancel ends, compared with the bare stream.
//!
//! The cost of a bare stream is close to zero, so a ratio would mean little. The result is the additional time
//! for an item, in nanoseconds.

use crate::{Goal, Row, compare_by, once};
use cancelable_core::stream::{CancelStreamExt, CancellableStream};
use cancelable_core::{CancellationToken, Scope};
use futures_util::{Stream, StreamExt, stream};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const ITEMS: u32 = 1_000_000;
const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();
const HUNDRED: NonZeroUsize = NonZeroUsize::new(100).unwrap();
const HOUR: Duration = Duration::from_secs(3600);

/// Returns nanoseconds for an item of `stream`.
fn item(stream: impl Stream<Item = u32>) -> f64 {
    let mut stream = pin!(stream);
    let mut cx = Context::from_waker(Waker::noop());
    once(ITEMS, || {
        while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut cx) {
            black_box(item);
        }
    })
}

fn numbers() -> impl Stream<Item = u32> {
    // Neither is visible to the optimizer of the other.
    stream::iter(0..ITEMS).map(black_box)
}

/// Returns the table of streams: additional nanoseconds for each item.
///
/// # Panics
///
/// If no scope can be built.
#[must_use]
pub fn beside_the_bare_stream() -> Vec<Row> {
    let token = CancellationToken::new();
    let child = token.child_token();
    let scope = Scope::builder("bench").build().expect("it is sound");
    let below = scope.child("below").build().expect("it is sound");
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let tokio = tokio.expect("a runtime for the benchmark");
    let _inside = tokio.enter();
    let handle = cancelable_tokio::current().expect("it is entered");
    let timed = scope
        .child("timed")
        .runtime(&handle)
        .deadline(handle.now() + HOUR);
    let timed = timed.build().expect("it has a runtime");
    let on_top = |work: &str, goal, wrapped: &dyn Fn() -> f64| {
        let (peer, goal) = ("the bare stream", Goal::AtMost(goal));
        let difference = |ours, theirs| ours - theirs;
        compare_by(difference, work, peer, goal, wrapped, || item(numbers()))
    };
    let by_root = || item(numbers().until_cancelled(&token));
    let by_child = || item(numbers().until_cancelled(&child));
    let of_scope = || item(below.stream(numbers()));
    let of_timed = || item(timed.stream(numbers()));
    let reported = || {
        let stream = below.stream(numbers());
        item(stream.report_every(HUNDRED, below.progress()))
    };
    let kept = || item(below.stream(numbers()).keep_last(TEN));
    let rows = vec![
        on_top("`until_cancelled`, a root's token", 5.0, &by_root),
        on_top("`until_cancelled`, a child's token", 5.0, &by_child),
        on_top("`op.stream`", 5.0, &of_scope),
        on_top("`op.stream`, with a deadline", 5.0, &of_timed),
        on_top("`report_every(100)` on it, nobody listens", 5.0, &reported),
        on_top("`keep_last(10)` on it", 50.0, &kept),
    ];
    for scope in [&below, &timed, &scope] {
        scope.cancel();
    }
    rows
}
