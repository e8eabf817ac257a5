//! Blocking calls of a scope: the delivery of a cancel, and calls that ignore a cancel.

use crate::Subject;
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::{CancellationToken, Cancelled, RuntimeHandle, Scope, Status, current};
use std::future;
use std::sync::mpsc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn scope(runtime: &RuntimeHandle) -> ScopeBuilder {
    Scope::builder("work").runtime(runtime)
}

pub fn r26_a_thread_that_waits_is_woken_by_the_cancel_and_joined<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).build().unwrap();
        let (begun, ended) = (CancellationToken::new(), CancellationToken::new());
        let mut calls = Vec::new();
        let outcome = scope.run(async |op| {
            let (started, over) = (begun.clone(), ended.clone());
            let waits = op.spawn_blocking(move |token| {
                started.cancel();
                let in_time = token.wait_timeout(HOUR);
                over.cancel();
                in_time
            });
            calls.push(waits.unwrap());
            begun.cancelled().await;
            op.cancel();
            future::pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        assert!(ended.is_cancelled(), "the run waits for the thread");
        // The call has a value, and a value is never dropped.
        assert!(calls.remove(0).await.is_ok());
    });
}

pub fn r26_a_thread_that_asks_stops_in_its_loop<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).build().unwrap();
        let begun = CancellationToken::new();
        let mut calls = Vec::new();
        let outcome = scope.run(async |op| {
            let started = begun.clone();
            let asks = op.try_spawn_blocking(move |token| -> Result<(), Cancelled> {
                started.cancel();
                loop {
                    token.check()?;
                    std::thread::yield_now();
                }
            });
            calls.push(asks.unwrap());
            begun.cancelled().await;
            op.cancel();
            future::pending::<()>().await;
        });
        // The returned error is the call's cancel, not a failure.
        assert_eq!(outcome.await.status(), Status::Cancelled);
        assert!(calls.remove(0).await.unwrap_err().is_cancelled());
    });
}

pub fn r26_current_is_the_call_in_its_thread<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).build().unwrap();
        let outcome = scope.run(async |op| {
            let call = op.child("hash").spawn_blocking(|_| {
                let operation = current().unwrap();
                let parent = operation.parent().unwrap().name().to_owned();
                // A scope that is opened in the call is its child, and runs on that thread.
                let inner = Scope::builder("inner").build().unwrap();
                let above = inner.parent().unwrap().name().to_owned();
                let inner = inner.run_blocking(|_| current().unwrap().name().to_owned());
                let inner = inner.into_value().unwrap();
                (operation.name().to_owned(), parent, above, inner)
            });
            let seen = call.unwrap().await.unwrap();
            (seen, current().unwrap().name().to_owned())
        });
        let ((call, parent, above, inner), here) = outcome.await.into_value().unwrap();
        assert_eq!((call.as_str(), parent.as_str()), ("hash", "work"));
        assert_eq!((above.as_str(), inner.as_str()), ("hash", "inner"));
        assert_eq!(here, "work");
    });
}

pub fn r26_a_thread_that_does_not_end_is_abandoned_and_that_is_said<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).build().unwrap();
        let begun = CancellationToken::new();
        let (release, released) = mpsc::channel::<()>();
        let mut calls = Vec::new();
        let outcome = scope.run(async |op| {
            let started = begun.clone();
            let deaf = op
                .child("deaf")
                .grace(Duration::ZERO)
                .spawn_blocking(move |_| {
                    started.cancel();
                    let _ = released.recv();
                });
            calls.push(deaf.unwrap());
            begun.cancelled().await;
            op.cancel();
            future::pending::<()>().await;
        });
        let outcome = outcome.await;
        assert_eq!(outcome.status(), Status::Cancelled);
        assert!(outcome.stragglers()[0].is_abandoned());
        let deaf = calls.remove(0);
        assert_eq!((deaf.status(), scope.live_children()), (Status::Running, 1));
        let operation = deaf.operation().clone();
        let error = deaf.await.unwrap_err();
        assert!(error.is_abandoned() && !error.is_cancelled());
        // The thread of the call runs on until the call returns.
        drop(release);
        assert_eq!(operation.finished().await, Status::Completed);
    });
}

pub fn r26_a_panic_of_a_thread_is_a_value<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope(&runtime).collect_all().build().unwrap();
        let outcome = scope.run(async |op| {
            let call = op.spawn_blocking(|_| std::panic::panic_any(8_u8)).unwrap();
            let error = call.await.unwrap_err();
            *error.into_panic().unwrap().downcast::<u8>().unwrap()
        });
        let outcome = outcome.await;
        assert!(outcome.child_failures()[0].is_panic());
        assert_eq!(outcome.into_value(), Some(8));
    });
}
