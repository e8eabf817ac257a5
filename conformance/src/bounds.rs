//! Bounds on the concurrent work of a scope.

use crate::Subject;
use cancelable_core::{CancellationToken, RuntimeHandle, Scope, stream};
use std::future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const fn at_most(limit: usize) -> NonZeroUsize {
    NonZeroUsize::new(limit).expect("a limit is not zero")
}

const MILLISECOND: Duration = Duration::from_millis(1);

fn open(runtime: &RuntimeHandle) -> Scope {
    Scope::builder("work").runtime(runtime).build().unwrap()
}

/// Counts concurrent work.
#[derive(Clone, Default)]
struct UnderWay {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl UnderWay {
    fn begin(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
    }

    fn end(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

pub fn r25_no_more_children_run_at_once_than_the_scope_allows<S: Subject>() {
    S::run(async |runtime| {
        let under_way = UnderWay::default();
        let builder = Scope::builder("work").runtime(&runtime);
        let scope = builder.concurrency(at_most(2)).build().unwrap();
        let outcome = scope.run(async |op| {
            // Each of the first two ends after the start of the other, so both run at once.
            let met = [CancellationToken::new(), CancellationToken::new()];
            for n in 0..20 {
                let (under_way, met, runtime) = (under_way.clone(), met.clone(), runtime.clone());
                let child = op.spawn(async move {
                    under_way.begin();
                    if n < 2 {
                        met[n].cancel();
                        met[1 - n].cancelled().await;
                    }
                    runtime.sleep(MILLISECOND).await;
                    under_way.end();
                });
                drop(child.unwrap());
            }
        });
        assert!(outcome.await.is_completed());
        assert_eq!(under_way.most(), 2);
    });
}

pub fn r25_items_are_mapped_in_order_a_bounded_number_at_once<S: Subject>() {
    S::run(async |runtime| {
        let under_way = UnderWay::default();
        let scope = open(&runtime);
        let outcome = scope.run(async |op| {
            let second = CancellationToken::new();
            let map = op.map_concurrent(at_most(2), stream::iter(0..20), |n| {
                let (under_way, second, runtime) =
                    (under_way.clone(), second.clone(), runtime.clone());
                async move {
                    under_way.begin();
                    match n {
                        // The first result follows the second result.
                        0 => second.cancelled().await,
                        1 => second.cancel(),
                        _ => runtime.sleep(MILLISECOND).await,
                    }
                    under_way.end();
                    n
                }
            });
            map.into_vec().await
        });
        let results = outcome.await.complete().unwrap();
        assert_eq!(results.unwrap(), (0..20).collect::<Vec<_>>());
        assert_eq!(under_way.most(), 2);
    });
}

pub fn r25_something_is_done_for_each_item_a_bounded_number_at_once<S: Subject>() {
    S::run(async |runtime| {
        let (under_way, sum) = (UnderWay::default(), AtomicUsize::new(0));
        let scope = open(&runtime);
        let outcome = scope.run(async |op| {
            let each = op.for_each_concurrent(at_most(3), stream::iter(1..=20), |n| {
                under_way.begin();
                let (under_way, sum, runtime) = (&under_way, &sum, &runtime);
                async move {
                    runtime.sleep(MILLISECOND).await;
                    sum.fetch_add(n, Ordering::Relaxed);
                    under_way.end();
                }
            });
            each.await
        });
        assert!(outcome.await.complete().unwrap().is_ok());
        assert_eq!(sum.into_inner(), 210);
        assert!(under_way.most() <= 3);

        let scope = open(&runtime);
        let outcome = scope.run(async |op| {
            op.cancel();
            op.shield(async {
                let each =
                    op.for_each_concurrent(at_most(3), stream::iter(1..=20), |_| future::pending());
                assert!(each.await.is_err());
            })
            .await;
        });
        assert!(outcome.await.is_cancelled());
    });
}
