//! Holds, for which the end of a scope waits, and the current operation of a thread that polls nothing.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::operation::StragglerKind;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, Status, current};
use std::cell::RefCell;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Poll;
use std::thread;

#[test]
fn r25_a_run_waits_for_each_hold_and_then_for_its_finalizers() {
    let scope = Scope::builder("import").build().expect("it is sound");
    let early = scope.hold().expect("it is open");
    let tidied = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&tidied);
    let late = Rc::new(RefCell::new(None));
    let probe = Probe::new();
    let mut run = pin!(scope.run(async |op: Scope| {
        *late.borrow_mut() = Some(op.hold().expect("it is running"));
        op.defer(async move { told.store(true, SeqCst) })
            .expect("it is running");
        7
    }));
    assert!(probe.poll(run.as_mut()).is_pending());
    let again = early.clone();
    drop(early);
    drop(late.borrow_mut().take());
    assert_eq!(probe.wakes(), 0, "one is held still");
    assert_eq!(
        (scope.status(), tidied.load(SeqCst)),
        (Status::Running, false)
    );
    drop(again);
    assert_eq!(probe.wakes(), 1);
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("nothing holds it any more");
    };
    assert_eq!((outcome.into_value(), tidied.load(SeqCst)), (Some(7), true));
    let error = scope.hold().expect_err("it has ended");
    assert_eq!(
        error.to_string(),
        format!(
            "scope {} rejected a hold: it has ended (completed)",
            scope.label()
        )
    );
}

#[test]
fn r23_r25_a_cancel_does_not_end_a_hold_and_reports_name_it_by_its_place() {
    let (manual, registry) = (ManualRuntime::new(), Registry::new());
    let runtime = manual.handle();
    let scope = Scope::builder("import")
        .runtime(&runtime)
        .register_in(&registry)
        .build();
    let scope = scope.expect("it is sound");
    let probe = Probe::new();
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(probe.poll(run.as_mut()).is_pending());
    scope.cancel_with("enough");
    let (hold, line) = (scope.hold().expect("it waits still"), line!());
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.advance(3 * SECOND);
    let left = scope.unfinished();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].kind(), StragglerKind::Hold);
    assert_eq!(
        (left[0].location().file(), left[0].location().line()),
        (file!(), line)
    );
    let text = left[0].to_string();
    let begin = format!("hold of {}, taken at {}:{line}, ", scope.label(), file!());
    assert_eq!(
        text,
        format!("{begin}is still held 3 s after it was cancelled")
    );
    let dump = registry.dump();
    assert!(
        dump.contains("done with its body, kept open by 1 hold; cancelled 3 s ago"),
        "{dump}"
    );
    drop(hold);
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("nothing holds it any more");
    };
    assert!(outcome.is_cancelled());
}

#[test]
fn r25_a_body_that_fails_tells_who_holds_the_scope() {
    let scope = Scope::builder("import").build().expect("it is sound");
    let hold = scope.hold().expect("it is open");
    let probe = Probe::new();
    let mut run = pin!(scope.try_run(|_| ready(Err::<(), _>("no"))));
    assert!(probe.poll(run.as_mut()).is_pending());
    assert!(hold.operation().is_cancelled());
    drop(hold);
    assert!(probe.poll(run.as_mut()).is_ready());
    assert_eq!(scope.status(), Status::Failed);
}

#[test]
fn r24_r25_where_the_run_is_dropped_the_runtime_and_the_scope_above_wait_for_the_hold() {
    let manual = ManualRuntime::new();
    let outer = Scope::builder("outer")
        .runtime(&manual.handle())
        .build()
        .expect("it is sound");
    let (held, probe) = (RefCell::new(None), Probe::new());
    let mut run = pin!(outer.run(async |op: Scope| {
        let inner = op.child("inner").build().expect("it is sound");
        *held.borrow_mut() = Some(inner.hold().expect("it is open"));
        let mut inner = Box::pin(inner.run(|_| pending::<()>()));
        assert!(Probe::new().poll(inner.as_mut()).is_pending());
        drop(inner);
    }));
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.run_until_idle();
    assert!(probe.poll(run.as_mut()).is_pending(), "the hold goes on");
    drop(held.borrow_mut().take());
    manual.run_until_idle();
    assert!(probe.poll(run.as_mut()).is_ready());
}

#[test]
fn r25_a_hold_keeps_a_body_above_from_being_dropped_as_a_child_does() {
    let outer = Scope::builder("outer").build().expect("it is sound");
    let inner = outer.child("inner").build().expect("it is sound");
    let hold = inner.hold().expect("it is open");
    let probe = Probe::new();
    let mut run =
        pin!(outer.run(|_| async { inner.run(|_| pending::<()>()).await.is_cancelled() }));
    assert!(probe.poll(run.as_mut()).is_pending());
    outer.cancel();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(inner.status(), Status::Running, "it is not left behind");
    drop(hold);
    assert!(probe.poll(run.as_mut()).is_ready());
    assert_eq!(inner.status(), Status::Cancelled);
}

#[test]
fn r27_in_scope_makes_it_the_current_one_of_a_thread_and_puts_back_what_was() {
    let scope = Scope::builder("import").build().expect("it is sound");
    let other = Scope::builder("other").build().expect("it is sound");
    let name = || current().map(|op| op.name().to_owned());
    thread::scope(|threads| {
        threads.spawn(|| {
            assert_eq!(name(), None);
            let below = scope.in_scope(|| {
                assert_eq!(name().as_deref(), Some("import"));
                other.in_scope(|| assert_eq!(name().as_deref(), Some("other")));
                assert_eq!(name().as_deref(), Some("import"));
                Scope::builder("below").build().expect("it is sound")
            });
            assert_eq!(below.parent(), Some(scope.label()));
            let panicked = catch_unwind(AssertUnwindSafe(|| scope.in_scope(|| panic!("boom"))));
            assert!(panicked.is_err());
            assert_eq!(name(), None, "also after a panic");
        });
    });
}

#[test]
fn r22_r27_in_scope_inside_a_shield_is_in_the_shield_still() {
    let scope = Scope::builder("import").build().expect("it is sound");
    let probe = Probe::new();
    let mut run = pin!(scope.run(async |op: Scope| {
        op.cancel();
        let commit = async {
            let commit = op.in_scope(|| Scope::builder("commit").build());
            let done = commit
                .expect("it is sound")
                .run(async |_| ())
                .await
                .is_completed();
            assert!(done, "a cancel of what is shielded does not reach it");
            let unrelated = Scope::builder("unrelated")
                .detached()
                .build()
                .expect("it is sound");
            let below = unrelated
                .in_scope(|| Scope::builder("below").build())
                .expect("it is sound");
            unrelated.cancel();
            assert!(below.is_cancelled(), "the shield is not of this one");
        };
        op.shield(commit).await;
    }));
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("nothing is waited for");
    };
    assert!(outcome.is_cancelled());
}
