//! Failures inside a child, which are on its handle and in the outcome of the parent (R50).

use crate::support::{SECOND, open_on};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Outcome, Scope};
use std::future::{Future, pending};
use std::pin::{Pin, pin};

fn spoil(op: &Scope, name: &'static str) {
    op.defer_named(name, async { Err("the disk is full") })
        .expect("it is running");
}

fn names<T, E>(outcome: &Outcome<T, E>) -> Vec<&str> {
    let errors = outcome.cleanup_errors().iter();
    errors.map(|error| error.name()).collect()
}

#[test]
fn r50_what_goes_wrong_in_a_child_is_in_the_scope_above_after_its_own() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        spoil(&op, "own");
        let body = async |op: Scope| {
            spoil(&op, "the child's");
            let body = async |op: Scope| spoil(&op, "the grandchild's");
            let grandchild = op.child("grandchild").spawn(body);
            drop(grandchild.expect("it is running"));
        };
        let child = op.child("child").spawn(body).expect("it is running");
        child.await.expect("it has a value");
    }));
    assert_eq!(names(&outcome), ["own", "the child's", "the grandchild's"]);
    assert!(outcome.complete().is_err(), "what went wrong below counts");
}

#[test]
fn r50_what_goes_wrong_in_a_child_is_on_its_handle_and_above() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let body = async |op: Scope| spoil(&op, "the child's");
        let mut child = op.child("child").spawn(body).expect("it is running");
        assert!(child.cleanup_errors().is_empty(), "it has not begun");
        (&mut child).await.expect("it has a value");
        assert_eq!(child.cleanup_errors().len(), 1);
        assert_eq!(child.cleanup_errors()[0].name(), "the child's");
    }));
    assert_eq!(outcome.cleanup_errors().len(), 1);
}

#[test]
fn r50_a_child_that_panics_or_is_cancelled_loses_nothing_of_its_report() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("import").runtime(&manual.handle());
    let scope = builder.collect_all().build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let panics = op.child("panics").spawn(async |op: Scope| {
            spoil(&op, "after a panic");
            panic!("the child of the test's");
        });
        let stops = op.child("stops").spawn(async |op: Scope| {
            spoil(&op, "after a cancel");
            op.cancel();
            pending::<()>().await;
        });
        assert!(panics.expect("it is running").await.is_err());
        assert!(stops.expect("it is running").await.is_err());
    }));
    assert_eq!(names(&outcome), ["after a panic", "after a cancel"]);
    assert_eq!(outcome.child_failures().len(), 1);
}

#[test]
fn r50_collected_failures_and_stragglers_of_a_child_are_on_its_handle_and_above() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let builder = op
            .child("child")
            .collect_all()
            .grace(SECOND)
            .timeout(SECOND);
        let body = async |op: Scope| {
            let bad = op
                .child("bad")
                .try_spawn(move |_| async { Err::<(), _>("no such file") });
            drop(bad.expect("it is running"));
            pending::<()>().await;
        };
        let mut child = builder.spawn(body).expect("it is running");
        assert!(
            (&mut child)
                .await
                .expect_err("its time is up")
                .is_cancelled()
        );
        assert_eq!(child.child_failures()[0].operation().name(), "bad");
        assert_eq!(child.stragglers()[0].name(), "child");
    }));
    assert!(outcome.is_completed() && outcome.cause().is_none());
    let above = (outcome.child_failures().len(), outcome.stragglers().len());
    assert_eq!(above, (1, 1));
}

#[test]
fn r50_what_the_finalizers_of_a_blocking_call_do_wrong_is_in_the_scope_above() {
    let manual = ManualRuntime::with_threads();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let call = op.spawn_blocking(|_| {
            let call = cancelable_core::current().expect("it runs here");
            let spoiled = call.defer_named("of a call", async { Err("the disk is full") });
            spoiled.expect("it is running");
        });
        call.expect("it is running").await.expect("it has a value");
    }));
    assert_eq!(names(&outcome), ["of a call"]);
}

/// Each level would pass on all that is below it.
#[test]
fn r12_r50_a_deep_line_keeps_a_bounded_part_of_what_goes_wrong_at_each_level() {
    fn level(op: Scope, left: u32) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            spoil(&op, "a level's");
            if left > 0 {
                let child = op.child("child").spawn(move |op| level(op, left - 1));
                child.expect("it is running").await.expect("it has a value");
            }
        })
    }
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(|op| level(op, 1000)));
    // Its own, and as many from the level below it.
    assert_eq!(outcome.cleanup_errors().len(), 257);
}

#[test]
fn r12_r50_a_scope_that_runs_for_long_keeps_a_bounded_part_of_what_went_wrong_below() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        for _ in 0..1000 {
            let body = async |op: Scope| spoil(&op, "the child's");
            let child = op.child("child").spawn(body).expect("it is running");
            let mut child = pin!(child);
            child.as_mut().await.expect("it has a value");
        }
    }));
    assert_eq!(outcome.cleanup_errors().len(), 256);
}
