//! The grace period, in which a cancelled body may complete.

use crate::Subject;
use cancelable_core::operation::StragglerKind;
use cancelable_core::{RuntimeHandle, Scope, Status};
use std::cell::Cell;
use std::future;
use std::sync::mpsc;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn scope(name: &'static str, grace: Duration, runtime: &RuntimeHandle) -> Scope {
    let builder = Scope::builder(name).runtime(runtime);
    builder.grace(grace).build().unwrap()
}

pub fn r23_a_cancelled_body_goes_on_and_its_value_counts<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("winding down", HOUR, &runtime);
        let outcome = scope.run(async |op| {
            let operation = op.operation().clone();
            let cancel = async move { operation.cancel_with("wind down") };
            runtime.spawn(cancel).detach();
            op.cancelled().await;
            assert!(op.check().is_err());
            runtime.spawn(async {}).await.unwrap();
            runtime.sleep(MILLISECOND).await;
            7
        });
        let outcome = outcome.await;
        assert_eq!(outcome.cause().unwrap().message(), Some("wind down"));
        assert!(outcome.stragglers().is_empty());
        assert_eq!(
            (outcome.status(), outcome.into_value()),
            (Status::Completed, Some(7))
        );
    });
}

pub fn r23_what_outlasts_it_is_dropped_and_named<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("slow", MILLISECOND, &runtime);
        let outcome = scope.run(async |op| {
            op.cancel();
            future::pending::<()>().await;
        });
        let outcome = outcome.await;
        assert!(outcome.is_cancelled());
        let [straggler] = outcome.stragglers() else {
            panic!("one is named: {outcome:?}");
        };
        assert_eq!(straggler.kind(), StragglerKind::Operation);
        assert_eq!(straggler.operation(), scope.label());
        assert!(straggler.cancelled_for().unwrap() >= MILLISECOND);
    });
}

pub fn r23_a_child_has_no_more_than_its_scope_leaves<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("with a child", MILLISECOND, &runtime);
        let (left, told) = mpsc::channel();
        let outcome = scope.run(async |op| {
            let (above, stubborn) = (op.clone(), op.child("stubborn").grace(HOUR));
            let child = stubborn.spawn(|child| async move {
                above.cancel();
                left.send(child.grace_remaining()).unwrap();
                future::pending::<()>().await;
            });
            drop(child.unwrap());
            future::pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        assert!(told.recv().unwrap().unwrap() <= MILLISECOND);
        assert_eq!(scope.live_children(), 0);
    });
}

pub fn r23_an_inner_one_has_no_more_than_the_outer_leaves<S: Subject>() {
    S::run(async |runtime| {
        let outer = scope("outer", MILLISECOND, &runtime);
        let left = Cell::new(None);
        let outcome = outer.run(async |outer| {
            let inner = outer.child("inner").grace(HOUR).build().unwrap();
            let inner = inner.run(async |inner| {
                outer.cancel();
                left.set(inner.grace_remaining());
                future::pending::<()>().await;
            });
            let _ = inner.await;
            future::pending::<()>().await;
        });
        let outcome = outcome.await;
        assert!(outcome.is_cancelled());
        assert!(left.get().unwrap() <= MILLISECOND);
        let named = |name| outcome.stragglers().iter().any(|it| it.name() == name);
        assert!(named("outer") && named("inner"), "{outcome:?}");
    });
}

pub fn r23_a_hard_cancel_ends_it<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("insisted", HOUR, &runtime);
        let begun = runtime.now();
        let operation = scope.operation().clone();
        let outcome = scope.run(async |op| {
            op.cancel();
            let insist = runtime.spawn_blocking(move || operation.cancel_now("now"));
            insist.await.unwrap();
            future::pending::<()>().await;
        });
        let outcome = outcome.await;
        assert!(outcome.is_cancelled());
        assert_eq!(outcome.stragglers()[0].name(), "insisted");
        // An hour is longer than everything here.
        assert!(runtime.now() - begun < HOUR);
    });
}
