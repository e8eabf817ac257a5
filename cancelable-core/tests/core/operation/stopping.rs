//! The time from the cancel request to the end (R18, R35).

use crate::support::{SECOND, builder_on};
use cancelable_core::registry::Filter;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Reason, Registry, Scope};
use std::future::pending;
use std::time::Duration;

#[test]
fn r18_the_time_counts_from_the_request_to_the_end() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let scope = builder_on(&manual, "s")
        .grace(9 * SECOND)
        .register_in(&registry);
    let scope = scope.build().expect("it is sound");
    let runtime = manual.handle();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        runtime.sleep(5 * SECOND).await;
        assert_eq!(
            (op.stopping_for(), op.snapshot().stopping_for()),
            (None, None)
        );
        op.cancel_with(Reason::ShuttingDown);
        assert_eq!(op.stopping_for(), Some(Duration::ZERO));
        runtime.sleep(3 * SECOND).await;
        assert_eq!(op.stopping_for(), Some(3 * SECOND));
        assert_eq!(op.snapshot().stopping_for(), Some(3 * SECOND));
        op.child("late").build().expect("it is sound")
    }));
    manual.advance(50 * SECOND);
    assert!(outcome.is_completed());
    assert_eq!(scope.stopping_for(), Some(3 * SECOND));
    assert_eq!(scope.snapshot().stopping_for(), Some(3 * SECOND));
    let ended = registry.history(&Filter::new().name("s"));
    assert_eq!(ended[0].stopping_for(), Some(3 * SECOND));
}

#[test]
fn r18_without_a_cancel_or_a_runtime_there_is_no_time() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "s").build().expect("it is sound");
    assert!(manual.block_on(scope.run(|_| async {})).is_completed());
    // The token is cancelled by the end, which is no cancel of the operation.
    assert!(scope.token().is_cancelled());
    scope.cancel();
    assert_eq!(scope.stopping_for(), None);
    let bare = Scope::builder("bare").build().expect("it needs no runtime");
    bare.cancel();
    assert_eq!(
        (bare.stopping_for(), bare.snapshot().stopping_for()),
        (None, None)
    );
}

#[test]
fn r18_an_operation_that_was_opened_after_the_request_counts_from_its_opening() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let outer = builder_on(&manual, "outer").register_in(&registry);
    let outer = outer.build().expect("it is sound");
    outer.cancel();
    manual.advance(30 * SECOND);
    let inner = outer.child("inner").build().expect("it is sound");
    manual.advance(SECOND);
    assert_eq!(outer.stopping_for(), Some(31 * SECOND));
    assert_eq!(inner.stopping_for(), Some(SECOND));
    assert!(
        manual
            .block_on(inner.run(|_| pending::<()>()))
            .is_cancelled()
    );
    let statistics = registry.statistics();
    let stopping = statistics.stopping("requested").expect("one has ended");
    assert_eq!((stopping.count(), stopping.max()), (1, SECOND));
}

#[test]
fn r18_a_request_by_the_systems_clock_counts_on_the_clock_of_the_operation() {
    let manual = ManualRuntime::new();
    manual.advance(1000 * SECOND);
    let token = CancellationToken::new();
    let scope = builder_on(&manual, "s").token(&token).grace(9 * SECOND);
    let scope = scope.build().expect("it is sound");
    let runtime = manual.handle();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        token.cancel();
        op.cancelled().await;
        runtime.sleep(2 * SECOND).await;
    }));
    assert!(outcome.is_completed());
    manual.advance(7 * SECOND);
    assert_eq!(scope.stopping_for(), Some(2 * SECOND));
}

#[test]
fn r35_statistics_have_the_times_by_reason() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let runtime = manual.handle();
    let run = |reason: Option<Reason>, seconds: u32| {
        let scope = builder_on(&manual, "s")
            .grace(900 * SECOND)
            .register_in(&registry);
        let runtime = &runtime;
        let run = scope.run(async move |op: Scope| {
            if let Some(reason) = reason {
                op.cancel_with(reason);
            }
            runtime.sleep(seconds * SECOND).await;
        });
        assert!(manual.block_on(run).is_completed());
    };
    assert_eq!(registry.statistics().stopping_reasons().count(), 0);
    for seconds in 1..=100 {
        run(Some(Reason::ShuttingDown), seconds);
    }
    run(Some(Reason::Disconnected), 7);
    run(None, 500);
    // Never run: it counts in no reason.
    let scope = builder_on(&manual, "s")
        .register_in(&registry)
        .build()
        .expect("it is sound");
    scope.cancel_with(Reason::Remote);
    drop(scope);

    let statistics = registry.statistics();
    let reasons: Vec<_> = statistics.stopping_reasons().collect();
    assert_eq!(reasons, ["disconnected", "shutting_down"]);
    assert!(statistics.stopping("remote").is_none());
    let shutdown = statistics
        .stopping("shutting_down")
        .expect("there were 100");
    assert_eq!((shutdown.count(), shutdown.max()), (100, 100 * SECOND));
    let near = |found: Duration, seconds: u32| {
        let expected = seconds * SECOND;
        assert!(found.abs_diff(expected) <= expected / 16, "{found:?}");
    };
    near(shutdown.p50(), 50);
    near(shutdown.p99(), 99);
    assert_eq!(
        statistics.stopping("disconnected").map(|one| one.mean()),
        Some(7 * SECOND)
    );
    registry.clear();
    assert_eq!(registry.statistics().stopping_reasons().count(), 0);
}
