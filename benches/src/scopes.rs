//! Scopes beside what a user would write by hand on Tokio.

use crate::{Goal, Row, compare, each, nanos, scaling};
use cancelable_core::Scope;
use std::hint::black_box;
use std::time::{Duration, Instant};

const TIMES: u32 = 20_000;
const LIMIT: Duration = Duration::from_secs(60);

const TIMEOUT_NOTE: &str = "\
the scheduler's own work for the yield is in both times. What a scope adds is two allocations (the record, \
and the token that its children hang below), a second reading of the clock for its end, about 25 atomic \
read-modify-writes (handles of the scope for the run, the body and the thread's current operation; the \
record's lock at entry and end; the wait for the token), and on a runtime of one thread entering that \
runtime for each reading, because its clock may be paused. Kept: a status that changes under the lock that \
is held anyway, no list for one token, a current operation of three words, and on several threads timers \
that are moved and not made (0.1 of the ratio). Not done: a token that is made when it is first asked for, \
and the record and its token in one allocation, which needs a token handle of two words or `unsafe`.";

const TOKEN_NOTE: &str = "\
the goal is below what the yield and `tokio::time::timeout` alone take, and both are parts of either time. \
What a scope adds is said above; the child token is one of its two allocations.";

/// The table of scopes.
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
        rows.push(
            compare(
                with_timeout,
                "`tokio::time::timeout`",
                Goal::AtMost(1.6),
                || in_a_task(runtime, ours()),
                || in_a_task(runtime, timeout()),
            )
            .noting(TIMEOUT_NOTE),
        );
        rows.push(
            compare(
                with_token,
                "timeout, child token, `run_until_cancelled`",
                Goal::AtMost(0.6),
                || in_a_task(runtime, ours_with_token()),
                || in_a_task(runtime, composed()),
            )
            .noting(TOKEN_NOTE),
        );
    }
    rows.extend(nesting());
    rows
}

/// The time that `work` says it took, as a task like those of a program.
fn in_a_task<F>(runtime: &tokio::runtime::Runtime, work: F) -> f64
where
    F: Future<Output = f64> + Send + 'static,
{
    let task = runtime.spawn(work);
    runtime.block_on(task).unwrap_or(f64::NAN)
}

/// What a level costs: the same near the top and far below it.
fn nesting() -> Vec<Row> {
    const DEEP: u32 = 1_000;
    let (shallow, deep) = (chain(1), chain(DEEP));
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
        .noting("the state of a thousand runs does not fit into the nearest cache."),
        compare(
            "`is_cancelled()` of a scope at depth 1,000",
            "ours, at depth 1",
            Goal::AtMost(1.2),
            || question(&deep),
            || question(&shallow),
        ),
    ]
}

/// A scope and those below it, each inside the last.
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

async fn ours() -> f64 {
    let handle = cancelable_tokio::current().expect("it runs on Tokio");
    timed(async {
        for _ in 0..TIMES {
            let scope = Scope::builder("bench")
                .runtime(&handle)
                .timeout(LIMIT)
                .build();
            let scope = scope.expect("it has a runtime");
            black_box(scope.run(|_| tokio::task::yield_now()).await.status());
        }
    })
    .await
}

async fn timeout() -> f64 {
    timed(async {
        for _ in 0..TIMES {
            let _ = black_box(tokio::time::timeout(LIMIT, tokio::task::yield_now()).await);
        }
    })
    .await
}

async fn ours_with_token() -> f64 {
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
            black_box(scope.run(|_| tokio::task::yield_now()).await.status());
        }
    })
    .await
}

async fn composed() -> f64 {
    let token = tokio_util::sync::CancellationToken::new();
    timed(async {
        for _ in 0..TIMES {
            let child = token.child_token();
            let work = child.run_until_cancelled(tokio::task::yield_now());
            let _ = black_box(tokio::time::timeout(LIMIT, work).await);
        }
    })
    .await
}
