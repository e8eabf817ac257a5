//! Scopes beside what a user would write by hand on Tokio.

use crate::{Goal, Row, compare, nanos};
use cancelable_core::Scope;
use std::hint::black_box;
use std::time::{Duration, Instant};

const TIMES: u32 = 20_000;
const LIMIT: Duration = Duration::from_secs(60);

/// The table of scopes.
///
/// # Panics
///
/// If no runtime can be started.
#[must_use]
pub fn beside_tokio() -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime for the benchmark");
    vec![
        compare(
            "a scope with a timeout around a future that yields once",
            "`tokio::time::timeout`",
            Goal::AtMost(1.6),
            || runtime.block_on(ours()),
            || runtime.block_on(timeout()),
        ),
        compare(
            "the same with a token",
            "timeout, child token, `run_until_cancelled`",
            Goal::AtMost(0.6),
            || runtime.block_on(ours_with_token()),
            || runtime.block_on(composed()),
        ),
    ]
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
