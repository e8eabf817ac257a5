//! The time from a cancel to the end of a scope with many operations: children that all run, children that wait for
//! a permit, and items that the body works on. `docs/troubleshooting.md` has the result.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use cancelable_core::{Outcome, Scope, stream};
use cancelable_tokio as rt;
use std::error::Error;
use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::yield_now;

type Failure = Box<dyn Error + Send + Sync>;

const AT_ONCE: NonZeroUsize = NonZeroUsize::new(64).unwrap();
const ROUNDS: usize = 15;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Children,
    Permits,
    Body,
}

/// A job that never ends.
async fn job(started: &AtomicUsize) {
    started.fetch_add(1, Ordering::Relaxed);
    pending::<()>().await;
}

async fn body(op: Scope, way: Way, jobs: usize, started: Arc<AtomicUsize>) -> Result<(), Failure> {
    if way == Way::Body {
        let work = op.for_each_concurrent(AT_ONCE, stream::iter(0..jobs), async |_| {
            job(&started).await;
        });
        return Ok(work.await?);
    }
    for _ in 0..jobs {
        let started = started.clone();
        drop(op.spawn(async move { job(&started).await })?);
    }
    // All are there.
    started.fetch_add(1, Ordering::Relaxed);
    pending().await
}

/// Returns the times of `cancel()`, and from then to the end of the run.
async fn stop(way: Way, jobs: usize) -> Result<(Duration, Duration), Failure> {
    let started = Arc::new(AtomicUsize::new(0));
    let scope = match way {
        Way::Permits => rt::scope("jobs").concurrency(AT_ONCE),
        Way::Children | Way::Body => rt::scope("jobs"),
    };
    let scope = scope.build()?;
    let op = scope.operation().clone();
    let counted = started.clone();
    let run = tokio::spawn(scope.try_run(async move |op| body(op, way, jobs, counted).await));
    let running = match way {
        Way::Children => jobs + 1,
        Way::Permits => AT_ONCE.get() + 1,
        Way::Body => AT_ONCE.get(),
    };
    while started.load(Ordering::Relaxed) < running {
        yield_now().await;
    }
    let start = Instant::now();
    op.cancel();
    let called = start.elapsed();
    let outcome: Outcome<(), Failure> = run.await?;
    assert!(outcome.is_cancelled());
    Ok((called, start.elapsed()))
}

fn main() -> Result<(), Failure> {
    rt::block_on(async {
        for jobs in [100, 1000, 10_000, 100_000] {
            for way in [Way::Children, Way::Permits, Way::Body] {
                let mut times = Vec::new();
                for _ in 0..ROUNDS {
                    times.push(stop(way, jobs).await?);
                }
                times.sort_by_key(|(_, end)| *end);
                let ((_, least), (called, end)) = (times[0], times[ROUNDS / 2]);
                println!("{jobs} {way:?}: cancel() {called:.1?}; end {end:.1?}, least {least:.1?}");
            }
        }
        Ok(())
    })
}
