//! A scope that is built and run in one chain, and the outcome of a refused scope.

use crate::support::SECOND;
use cancelable_core::runtime::NoRuntime;
use cancelable_core::scope::RunError;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Reason, Registry, Scope, Status};
use futures_util::FutureExt;
use std::cell::Cell;
use std::future::{pending, ready};
use std::io;

#[test]
fn r20_a_step_is_bounded_by_its_own_limit_and_by_those_above() {
    let manual = ManualRuntime::new();
    let outer = Scope::builder("import")
        .runtime(&manual.handle())
        .timeout(3 * SECOND);
    let outcome = manual.block_on(outer.try_run(async |op: Scope| {
        let step = op.child("fetch").timeout(SECOND).run(|_| pending::<()>());
        let error = step.await.into_result().expect_err("it is pending");
        assert!(
            error
                .to_string()
                .starts_with("fetch cancelled after 1 s: timed out (limit 1 s")
        );
        let step = op
            .child("store")
            .timeout(60 * SECOND)
            .run(|_| pending::<()>());
        step.await.into_result()
    }));
    let cause = outcome.cause().expect("the limit above was reached");
    assert_eq!(cause.reason(), &Reason::TimedOut { limit: 3 * SECOND });
}

#[test]
fn r29_the_run_of_a_refused_scope_says_so_and_starts_no_body() {
    let started = Cell::new(0);
    let refused = || Scope::builder("import").timeout(SECOND);
    let mut run = refused().run(|_| {
        started.set(started.get() + 1);
        ready(())
    });
    for _ in 0..2 {
        let outcome = (&mut run)
            .now_or_never()
            .expect("there is nothing to wait for");
        assert_eq!(outcome.status(), Status::Failed);
        assert!(outcome.cause().is_none() && outcome.elapsed().is_none());
        let error = outcome.into_result().expect_err("it has no runtime");
        assert!(matches!(&error, RunError::NotBuilt(error) if error.scope() == "import"));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
    }
    let tried = refused()
        .try_run(|_| ready(Err::<(), _>("no")))
        .with_error_text();
    let tried = tried.now_or_never().expect("there is nothing to wait for");
    assert!(matches!(tried.error(), Some(RunError::NotBuilt(_))));
    let on_thread = refused().run_blocking(|_| started.set(started.get() + 1));
    assert!(matches!(on_thread.error(), Some(RunError::NotBuilt(_))));
    let on_thread = refused().try_run_blocking(|_| {
        started.set(started.get() + 1);
        Err::<(), _>("it was started")
    });
    assert!(matches!(on_thread.error(), Some(RunError::NotBuilt(_))));
    assert_eq!(started.get(), 0);
}

#[test]
fn r29_a_refused_scope_says_why_its_default_runtime_is_none() {
    let none = || Err(NoRuntime::new("tokio"));
    let refused = Scope::builder("import")
        .default_runtime(none)
        .timeout(SECOND)
        .build();
    let error = refused.expect_err("it has no runtime");
    assert_eq!(
        error.to_string(),
        "scope import has no runtime for its time limit: no tokio runtime on this thread; call this \
         from a task of the runtime or inside `block_on`"
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn r28_a_run_that_is_dropped_unpolled_leaves_a_never_run_scope_as_after_build() {
    let registry = Registry::new();
    let run = Scope::builder("import")
        .register_in(&registry)
        .run(async |_| ());
    assert_eq!(registry.len(), 1, "the scope is opened by the call");
    drop(run);
    assert!(registry.is_empty());
    let past = registry.history(&cancelable_core::registry::Filter::new());
    assert_eq!(past[0].status(), Status::NeverRun);
}

/// One question has one name, whatever is asked.
#[test]
fn r18_the_cause_is_had_by_one_name_from_an_outcome_and_from_each_error() {
    let manual = ManualRuntime::with_threads();
    let outer = Scope::builder("import")
        .runtime(&manual.handle())
        .grace(SECOND);
    let asked = Cell::new(false);
    let outcome = manual.block_on(outer.run(async |op: Scope| {
        let waiting = op.spawn(pending::<()>()).expect("it is running");
        op.cancel_with("enough");
        let error = waiting.await.expect_err("it is pending");
        let text = |cause: Option<&cancelable_core::Cause>| {
            cause.and_then(|cause| cause.message()).map(str::to_owned)
        };
        assert_eq!(text(error.cause()).as_deref(), Some("enough"));
        let cancelled = op.check().expect_err("it is cancelled");
        assert_eq!(text(Some(cancelled.cause())).as_deref(), Some("enough"));
        asked.set(true);
        pending::<()>().await;
    }));
    assert!(asked.get(), "the body went on in its grace");
    assert_eq!(
        outcome.cause().and_then(|cause| cause.message()),
        Some("enough")
    );
    let error = outcome.into_result().expect_err("it was cancelled");
    assert_eq!(
        error.cause().and_then(|cause| cause.message()),
        Some("enough")
    );
    assert!(RunError::Failed(io::ErrorKind::Other).cause().is_none());
}
