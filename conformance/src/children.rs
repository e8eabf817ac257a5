//! Children of a scope: their joins and their failures.

use crate::Subject;
use cancelable_core::scope::{RunError, ScopeBuilder};
use cancelable_core::{CancellationToken, Reason, RuntimeHandle, Scope, Status, current};
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

pub fn r25_a_child_has_the_name_that_it_is_given<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let name = || async { current().unwrap().name().to_owned() };
            let named = op.child("fetch").spawn(move |_| name()).unwrap();
            let tried = async move { Ok::<_, fmt::Error>(name().await) };
            let tried = op.child("store").try_spawn(move |_| tried).unwrap();
            [named.await.unwrap(), tried.await.unwrap()]
        });
        assert_eq!(outcome.await.into_value().unwrap(), ["fetch", "store"]);
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
            let shielded = op.child("shielded").spawn(|child| async move {
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
