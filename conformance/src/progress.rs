//! Progress and partial results: reports of tasks and threads are summed, delivered and stored.

use crate::Subject;
use cancelable_core::{RuntimeHandle, Scope};
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

fn scope(name: &'static str, runtime: &RuntimeHandle) -> Scope {
    Scope::builder(name).runtime(runtime).build().unwrap()
}

pub fn r38_what_tasks_and_threads_do_is_added_up_and_told<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("crawl", &runtime);
        let told = Arc::new(AtomicU64::new(0));
        let registration = scope.on_progress({
            let told = Arc::clone(&told);
            move |update| told.store(update.snapshot().overall().position(), SeqCst)
        });
        registration.detach();
        let outcome = scope.run(async |op| {
            for _ in 0..10 {
                let page = op.child("page").spawn(async |op| {
                    for _ in 0..100 {
                        op.progress().advance(1);
                    }
                });
                drop(page.unwrap());
                let counted = op.operation().clone();
                let call = op.spawn_blocking(move |_| {
                    for _ in 0..100 {
                        counted.progress().advance(1);
                    }
                });
                drop(call.unwrap());
            }
        });
        assert!(outcome.await.is_completed());
        let snapshot = scope.progress().snapshot();
        assert_eq!(snapshot.position(), 1000, "its own");
        assert_eq!(snapshot.overall().position(), 2000, "with its children's");
        assert_eq!(told.load(SeqCst), 2000, "the last call has all");
    });
}

pub fn r38_a_rate_comes_from_the_clock_of_the_runtime<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("copy", &runtime);
        scope.progress().set_total(1000);
        scope.progress().advance(1);
        runtime.sleep(MILLISECOND).await;
        let snapshot = scope.progress().snapshot();
        // A sleep may take longer than its duration.
        assert!(
            snapshot
                .rate()
                .is_some_and(|rate| rate > 0.0 && rate <= 1000.0)
        );
        assert!(snapshot.eta().is_some_and(|eta| eta >= 999 * MILLISECOND));
    });
}

pub fn r38_an_interval_bounds_the_calls_and_the_end_is_told<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("copy", &runtime);
        let (calls, last) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let hour = Duration::from_secs(3600);
        let registration = scope.on_progress_every(hour, {
            let (calls, last) = (Arc::clone(&calls), Arc::clone(&last));
            move |update| {
                calls.fetch_add(1, SeqCst);
                last.store(update.snapshot().position(), SeqCst);
            }
        });
        registration.unwrap().detach();
        let outcome = scope.run(async |op| {
            for _ in 0..100 {
                op.progress().advance(1);
                runtime.spawn(future::ready(())).await.unwrap();
            }
        });
        assert!(outcome.await.is_completed());
        assert_eq!((calls.load(SeqCst), last.load(SeqCst)), (2, 100));
    });
}

pub fn r38_a_partial_result_outlives_the_body_that_was_cancelled<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("import", &runtime);
        let outcome = scope.run(async |op| {
            for row in 0_u32.. {
                op.partial()
                    .update(|rows: &mut Vec<u32>| rows.push(row))
                    .unwrap();
                if row == 9 {
                    op.cancel();
                }
                runtime.sleep(Duration::ZERO).await;
                if op.is_cancelled() {
                    future::pending::<()>().await;
                }
            }
        });
        let outcome = outcome.await;
        assert!(outcome.is_cancelled());
        let done: Vec<u32> = (0..=9).collect();
        assert_eq!(outcome.partial(), Some(&done));
    });
}
