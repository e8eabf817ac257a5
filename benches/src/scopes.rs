//! Scopes, compared with code that a user would write by hand on Tokio.

use crate::{Goal, Row, compare, each, nanos, scaling};
use cancelable_core::Scope;
use std::future::poll_fn;
use std::hint::black_box;
use std::task::Poll;
use std::time::{Duration, Instant};

const TIMES: u32 = 20_000;
const LIMIT: Duration = Duration::from_secs(60);

const TIMEOUT_NOTE: &str = "the scheduler's work for the yield is in both times. A scope adds an allocation (the record, since \
    a handle may outlive the scope), a second reading of the clock for its end (21 ns), and about 28 \
    atomic read-modify-writes of 5 to 8 ns each, which are most of the difference: handles of the \
    scope for the run, the body and the thread's current operation (7); the record's lock at entry and \
    end (4); its number, its waker and the mark that it waits (4); the runtime's handle (2); a spare \
    timer that is taken and returned without a waker of the task (10). Kept: a token that is made on \
    demand (0.2 of the ratio); on Tokio the system's clock, and timers that are moved instead of made, \
    unless the clock may be paused (0.25 on a runtime of one thread); rare options of a builder in a \
    box; an outcome that is written once; ends and deadlines that are small when they are moved (0.07: \
    a read that does not match the last write in size stalls the processor). Not done, because safe \
    code has no way to it: a current operation without a reference of its own, and handles that are \
    not counted while the scope is pending. Tried without gain: a record that is built in its final \
    memory.";

const SELF_WAKING_NOTE: &str = "as the first row, without the scheduler's check of its drivers, which a yield to Tokio adds to \
    both times. So this is the ratio of the scope alone. The goal is less than the time of the scope's \
    atomic operations.";

const TOKEN_NOTE: &str = "the goal is less than the time of the yield and of `tokio::time::timeout`, which are parts of both \
    times. A scope adds the costs of the first row, and here a child token, which is allocated. Tried: \
    to wait on the given token (0.1 of the ratio). The operation would keep that token and its waiters \
    alive for as long as a handle exists.";

/// Returns the table of scopes.
///
/// # Panics
///
/// If no runtime can be started.
#[must_use]
pub fn beside_tokio() -> Vec<Row> {
    let one = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime for the benchmark");
    let several = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime for the benchmark");
    let mut rows = Vec::new();
    for (runtime, with_timeout, with_token) in [
        (
            &one,
            "a scope with a timeout around a future that yields once",
            "the same with a token",
        ),
        (
            &several,
            "a scope with a timeout, in a task of a runtime of several threads",
            "the same with a token, there",
        ),
    ] {
        let names = [with_timeout, with_token];
        let notes = [TIMEOUT_NOTE, TOKEN_NOTE];
        rows.extend(around(runtime, tokio::task::yield_now, names, notes));
    }
    let names = [
        "a scope with a timeout around a future that wakes itself once",
        "the same with a token, around that",
    ];
    let notes = [SELF_WAKING_NOTE; 2];
    rows.extend(around(&one, wake_once, names, notes));
    rows.extend(nesting());
    rows
}

/// Runs `future` in a scope with a timeout, and in one with a token too.
fn around<F>(
    runtime: &tokio::runtime::Runtime,
    future: fn() -> F,
    names: [&'static str; 2],
    notes: [&'static str; 2],
) -> [Row; 2]
where
    F: Future<Output = ()> + Send + 'static,
{
    [
        compare(
            names[0],
            "`tokio::time::timeout`",
            Goal::AtMost(1.6),
            || in_a_task(runtime, ours(future)),
            || in_a_task(runtime, timeout(future)),
        )
        .noting(notes[0]),
        compare(
            names[1],
            "timeout, child token, `run_until_cancelled`",
            Goal::AtMost(0.6),
            || in_a_task(runtime, ours_with_token(future)),
            || in_a_task(runtime, composed(future)),
        )
        .noting(notes[1]),
    ]
}

/// Pending once, with its task woken at once: the task is polled again before the runtime polls its
/// drivers.
fn wake_once() -> impl Future<Output = ()> {
    let mut has_waited = false;
    poll_fn(move |cx| match std::mem::replace(&mut has_waited, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
}

/// Returns the time that `work` measures, as a task like those of a program.
fn in_a_task<F>(runtime: &tokio::runtime::Runtime, work: F) -> f64
where
    F: Future<Output = f64> + Send + 'static,
{
    let task = runtime.spawn(work);
    runtime.block_on(task).unwrap_or(f64::NAN)
}

/// The cost of a level: the same near the root and far below it.
fn nesting() -> Vec<Row> {
    const DEEP: u32 = 1_000;
    // Two levels: the root has one flag less to read, and no deeper level has more.
    let (shallow, deep) = (chain(2), chain(DEEP));
    let question = |chain: &[Scope]| {
        let scope = &chain[chain.len() - 1];
        each(50 * TIMES, || {
            let _ = black_box(black_box(scope).is_cancelled());
        })
    };
    vec![
        compare(
            "a poll at depth 1,000, for each level",
            "ours, at depth 1",
            Goal::AtMost(1.5),
            || scaling::poll_per_level(DEEP),
            || scaling::poll_per_level(1),
        )
        .noting("the state of a thousand runs does not fit into the first-level cache."),
        compare(
            "`is_cancelled()` of a scope at depth 1,000",
            "ours, at depth 2",
            Goal::AtMost(1.2),
            || question(&deep),
            || question(&shallow),
        )
        .noting("both make the same two loads: 0.6 to 1 ns, depending on the compiler's layout of the loop."),
    ]
}

/// Builds nested scopes.
fn chain(depth: u32) -> Vec<Scope> {
    let root = Scope::builder("root").build();
    let mut chain = vec![root.expect("it is sound")];
    for level in 0..depth as usize {
        let below = chain[level].child("level").build();
        chain.push(below.expect("it is sound"));
    }
    chain
}

async fn timed<F: Future<Output = ()>>(work: F) -> f64 {
    let start = Instant::now();
    work.await;
    nanos(start.elapsed()) / f64::from(TIMES)
}

async fn ours<F: Future<Output = ()>>(future: fn() -> F) -> f64 {
    let handle = cancelable_tokio::current().expect("it runs on Tokio");
    timed(async {
        for _ in 0..TIMES {
            let scope = Scope::builder("bench")
                .runtime(&handle)
                .timeout(LIMIT)
                .build();
            let scope = scope.expect("it has a runtime");
            black_box(scope.run(|_| future()).await.status());
        }
    })
    .await
}

async fn timeout<F: Future<Output = ()>>(future: fn() -> F) -> f64 {
    timed(async {
        for _ in 0..TIMES {
            let _ = black_box(tokio::time::timeout(LIMIT, future()).await);
        }
    })
    .await
}

async fn ours_with_token<F: Future<Output = ()>>(future: fn() -> F) -> f64 {
    let handle = cancelable_tokio::current().expect("it runs on Tokio");
    let token = cancelable_core::CancellationToken::new();
    timed(async {
        for _ in 0..TIMES {
            let scope = Scope::builder("bench")
                .runtime(&handle)
                .timeout(LIMIT)
                .token(&token)
                .build();
            let scope = scope.expect("it has a runtime");
            black_box(scope.run(|_| future()).await.status());
        }
    })
    .await
}

async fn composed<F: Future<Output = ()>>(future: fn() -> F) -> f64 {
    let token = tokio_util::sync::CancellationToken::new();
    timed(async {
        for _ in 0..TIMES {
            let child = token.child_token();
            let work = child.run_until_cancelled(future());
            let _ = black_box(tokio::time::timeout(LIMIT, work).await);
        }
    })
    .await
}
