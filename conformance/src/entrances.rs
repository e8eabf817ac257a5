//! The two functions that bound work: a scope on the adapter's runtime, and a timeout.

use crate::Subject;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Reason, Scope, current};
use std::future::{pending, ready};
use std::panic::Location;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

pub fn r20_a_scope_of_the_adapter_keeps_its_time_and_is_run_in_one_chain<S: Subject>() {
    S::block_on(async {
        let run = S::scope("import")
            .timeout(MILLISECOND)
            .run(|_| pending::<()>());
        let (error, here) = (run.await.into_result().unwrap_err(), Location::caller());
        let cause = error.cause().unwrap();
        assert_eq!(cause.reason(), &Reason::TimedOut { limit: MILLISECOND });
        assert_eq!(cause.location().file(), here.file());
        let failed = S::scope("import")
            .timeout(HOUR)
            .try_run(|_| ready(Err::<(), _>("no")));
        assert_eq!(
            failed
                .await
                .into_result()
                .unwrap_err()
                .into_failed()
                .unwrap(),
            "no"
        );
    });
}

pub fn r20_a_scope_of_the_adapter_is_a_part_of_what_runs_and_on_its_runtime<S: Subject>() {
    S::block_on(async {
        let manual = ManualRuntime::new();
        let outer = Scope::builder("outer")
            .runtime(&manual.handle())
            .build()
            .unwrap();
        let run = outer.run(async |outer: Scope| {
            let inner = S::scope("inner").timeout(HOUR).build().unwrap();
            assert_eq!(inner.parent(), Some(outer.label()));
            assert_eq!(inner.remaining(), Some(HOUR));
            manual.advance(HOUR);
            assert_eq!(inner.started_at(), None);
            inner.run(async |_| ()).await.into_result().unwrap();
        });
        run.await.into_result().unwrap();
    });
}

pub fn r21_a_timeout_says_whose_limit_it_was_and_where_it_was_set<S: Subject>() {
    S::block_on(async {
        let timeout = S::timeout(MILLISECOND, pending::<()>());
        let here = Location::caller();
        let cancelled = timeout.await.unwrap_err();
        assert!(cancelled.is_timeout());
        assert_eq!(cancelled.cause().location().file(), here.file());
        assert_eq!(cancelled.cause().location().line() + 1, here.line());
        assert!(cancelled.elapsed().unwrap() >= MILLISECOND);
        let text = cancelled.to_string();
        assert!(text.contains("timed out (limit 1 ms, set at "), "{text}");
    });
}

pub fn r17_a_value_that_is_ready_beats_a_timeout_that_is_due<S: Subject>() {
    S::block_on(async {
        assert_eq!(S::timeout(Duration::ZERO, ready(7)).await.unwrap(), 7);
        assert_eq!(S::timeout(Duration::MAX, ready(7)).await.unwrap(), 7);
    });
}

pub fn r44_a_timeout_follows_the_clock_of_the_operation_that_runs<S: Subject>() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("outer")
        .runtime(&manual.handle())
        .build()
        .unwrap();
    let outcome = manual.block_on(scope.run(async |_| {
        let before = current().and_then(|op| op.elapsed()).unwrap();
        let cancelled = S::timeout(HOUR, pending::<()>()).await.unwrap_err();
        (cancelled, before)
    }));
    let (cancelled, before) = outcome.into_value().unwrap();
    assert_eq!((cancelled.elapsed(), before), (Some(HOUR), Duration::ZERO));
    assert_eq!(cancelled.cause().operation(), Some(scope.label()));
}

pub fn r14_a_timeout_outside_every_runtime_is_kept_too<S: Subject>() {
    let timeout = S::timeout(MILLISECOND, pending::<()>());
    assert!(futures_util::FutureExt::now_or_never(S::timeout(HOUR, pending::<()>())).is_none());
    assert!(S::block_on(timeout).unwrap_err().is_timeout());
}
