//! Children of a scope: what their failures do, how many run at once, and who waits for them.

use crate::Subject;
use cancelable_core::scope::{RunError, ScopeBuilder};
use cancelable_core::{CancellationToken, Reason, RuntimeHandle, Scope, Status};
use std::fmt;
use std::future;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

fn scope(runtime: &RuntimeHandle) -> ScopeBuilder {
    Scope::builder("work").runtime(runtime)
}

/// Counts how many are under way at once.
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

pub fn r25_a_run_joins_all_children<S: Subject>() {
    S::run(async |runtime| {
        let ended = Arc::new(AtomicUsize::new(0));
        let scope = scope(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            for _ in 0..100 {
                let (ended, runtime) = (Arc::clone(&ended), runtime.clone());
                let child = op.spawn(async move {
                    runtime.sleep(MILLISECOND).await;
                    ended.fetch_add(1, Ordering::Relaxed);
                });
                drop(child.unwrap());
            }
        });
        assert!(outcome.await.is_completed());
        assert_eq!(ended.load(Ordering::Relaxed), 100);
        assert_eq!(scope.live_children(), 0);
    });
}

pub fn r25_the_first_failure_cancels_the_others<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).build().unwrap();
        let mut siblings = Vec::new();
        let outcome = scope.run(async |op| {
            for _ in 0..10 {
                siblings.push(op.spawn(future::pending::<()>()).unwrap());
            }
            let fails = op.try_spawn(async { Err::<(), _>(fmt::Error) });
            drop(fails.unwrap());
            future::pending::<()>().await;
        });
        let outcome = outcome.await;
        assert_eq!(outcome.status(), Status::Failed);
        assert_eq!(*outcome.cause().unwrap().reason(), Reason::ChildFailed);
        assert!(matches!(
            outcome.into_result(),
            Err(RunError::ChildFailed(failure)) if failure.inner().is_some()
        ));
        for sibling in siblings {
            assert_eq!(sibling.status(), Status::Cancelled);
            assert!(sibling.await.unwrap_err().is_cancelled());
        }
    });
}

pub fn r25_failures_are_collected_by_choice_and_cancel_nobody<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).collect_all().build().unwrap();
        let outcome = scope.run(async |op| {
            for _ in 0..3 {
                let fails = op.try_spawn(async { Err::<(), _>(fmt::Error) });
                assert!(fails.unwrap().await.unwrap_err().failure().is_some());
            }
            let runtime = runtime.clone();
            let late = op.spawn(async move {
                runtime.sleep(MILLISECOND).await;
                7
            });
            late.unwrap().await.unwrap()
        });
        let outcome = outcome.await;
        assert_eq!(outcome.child_failures().len(), 3);
        assert_eq!(outcome.into_value(), Some(7));
        assert!(!scope.is_cancelled());
    });
}

pub fn r25_a_panic_of_a_child_is_a_value<S: Subject>() {
    S::run(async |runtime| {
        let collecting = scope(&runtime).collect_all().build().unwrap();
        let outcome = collecting.run(async |op| {
            let child = op.spawn(async { panic_any(7_u8) }).unwrap();
            let error = child.await.unwrap_err();
            *error.into_panic().unwrap().downcast::<u8>().unwrap()
        });
        let outcome = outcome.await;
        assert!(outcome.child_failures()[0].is_panic());
        assert_eq!(outcome.into_value(), Some(7));

        let failing = scope(&runtime).build().unwrap();
        let outcome = failing.run(async |op| {
            drop(op.spawn(async { panic!("in a child") }).unwrap());
            future::pending::<()>().await;
        });
        assert!(matches!(
            outcome.await.into_result(),
            Err(RunError::ChildFailed(failure)) if failure.is_panic()
        ));
    });
}

pub fn r25_children_are_cancelled_with_the_scope_and_joined<S: Subject>() {
    S::run(async |runtime| {
        let (ended, finishing) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let scope = scope(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let (counted, runtime, begun) =
                (Arc::clone(&ended), runtime.clone(), finishing.clone());
            let shielded = op.spawn_with(op.child("shielded"), |child| async move {
                let finish = async {
                    begun.cancel();
                    child.cancelled().await;
                    runtime.sleep(MILLISECOND).await;
                    counted.fetch_add(1, Ordering::Relaxed);
                };
                child.shield(finish).await;
            });
            drop(shielded.unwrap());
            finishing.cancelled().await;
            op.cancel();
            future::pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        assert_eq!(ended.load(Ordering::Relaxed), 1);
        assert_eq!(scope.live_children(), 0);
    });
}

pub fn r25_no_more_children_run_at_once_than_the_scope_allows<S: Subject>() {
    S::run(async |runtime| {
        let under_way = UnderWay::default();
        let scope = scope(&runtime).concurrency(2).build().unwrap();
        let outcome = scope.run(async |op| {
            // Each of the first two ends when the other has begun, so two do run at once.
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
        let scope = scope(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let second = CancellationToken::new();
            let map = op.map_concurrent(2, 0..20, |n| {
                let (under_way, second, runtime) =
                    (under_way.clone(), second.clone(), runtime.clone());
                async move {
                    under_way.begin();
                    match n {
                        // The first result is there after the second.
                        0 => second.cancelled().await,
                        1 => drop(second.cancel()),
                        _ => runtime.sleep(MILLISECOND).await,
                    }
                    under_way.end();
                    n
                }
            });
            map.unwrap().into_vec().await
        });
        assert_eq!(outcome.await.into_value(), Some((0..20).collect()));
        assert_eq!(under_way.most(), 2);
    });
}

pub fn r25_something_is_done_for_each_item_a_bounded_number_at_once<S: Subject>() {
    S::run(async |runtime| {
        let (under_way, sum) = (UnderWay::default(), AtomicUsize::new(0));
        let scope = scope(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let each = op.for_each_concurrent(3, 1..=20, |n| {
                under_way.begin();
                let (under_way, sum, runtime) = (&under_way, &sum, &runtime);
                async move {
                    runtime.sleep(MILLISECOND).await;
                    sum.fetch_add(n, Ordering::Relaxed);
                    under_way.end();
                }
            });
            each.unwrap().await
        });
        assert!(outcome.await.into_value().unwrap().is_ok());
        assert_eq!(sum.into_inner(), 210);
        assert!(under_way.most() <= 3);

        let scope = Scope::builder("cut").runtime(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            op.cancel();
            op.shield(async {
                let each = op.for_each_concurrent(3, 1..=20, |_| future::pending());
                assert!(each.unwrap().await.is_err());
            })
            .await;
        });
        assert!(outcome.await.is_cancelled());
    });
}

pub fn r25_who_cancels_and_waits_is_told_when_everything_has_ended<S: Subject>() {
    S::run(async |runtime| {
        let (scope, tidied) = (scope(&runtime).build().unwrap(), CancellationToken::new());
        let (begun, release) = (CancellationToken::new(), CancellationToken::new());
        let run = {
            let (scope, runtime) = (scope.clone(), runtime.clone());
            let (begun, release, tidied) = (begun.clone(), release.clone(), tidied.clone());
            async move {
                let run = scope.run(|op| async move {
                    let tidy = async move {
                        runtime.sleep(MILLISECOND).await;
                        tidied.cancel();
                    };
                    op.defer(tidy).unwrap();
                    let child = op.spawn_with(op.child("child"), |child| async move {
                        let held = async move {
                            begun.cancel();
                            release.cancelled().await;
                        };
                        child.shield(held).await;
                    });
                    drop(child.unwrap());
                    future::pending::<()>().await;
                });
                run.await.status()
            }
        };
        let run = runtime.spawn(run);
        begun.cancelled().await;
        let callers: Vec<_> = (0..5)
            .map(|_| {
                let (operation, tidied) = (scope.operation().clone(), tidied.clone());
                runtime.spawn(async move {
                    let status = operation.cancel_and_wait().await;
                    (status, tidied.is_cancelled())
                })
            })
            .collect();
        let (here, seen) = (scope.cancel_and_wait(), tidied.is_cancelled());
        assert!(scope.is_cancelled() && !seen);
        release.cancel();
        assert_eq!(here.await, Status::Cancelled);
        assert!(tidied.is_cancelled());
        for caller in callers {
            assert_eq!(caller.await.unwrap(), (Status::Cancelled, true));
        }
        assert_eq!(run.await.unwrap(), Status::Cancelled);
        // And who comes later.
        assert_eq!(scope.cancel_and_wait().await, Status::Cancelled);
    });
}
