//! Tries of a retry loop that knows nothing of operations.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::scope::RunError;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Scope, current};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::pin::pin;
use std::task::Poll;

/// A loop as libraries have them: pauses that grow, and a question whether to go on.
async fn retry<T, E, Fut: Future<Output = Result<T, E>>>(
    manual: &ManualRuntime,
    mut attempt: impl FnMut() -> Fut,
    again: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let mut pause = SECOND;
    loop {
        match attempt().await {
            Err(error) if again(&error) => manual.handle().sleep(pause).await,
            result => return result,
        }
        pause *= 2;
    }
}

fn scope(manual: &ManualRuntime) -> Scope {
    let builder = Scope::builder("try").runtime(&manual.handle());
    builder.build().expect("it has a runtime")
}

#[test]
fn r16_each_try_runs_inside_the_operation() {
    let manual = ManualRuntime::new();
    let scope = scope(&manual);
    let count = Cell::new(0);
    let attempt = || {
        count.set(count.get() + 1);
        let turn = count.get();
        scope.try_run_until_cancelled(async move {
            let inside = current().expect("it runs inside");
            assert_eq!(inside.name(), "try");
            if turn == 4 { Ok(turn) } else { Err("refused") }
        })
    };
    let start = manual.now();
    // Outside of any run: the operation is the current one all the same.
    let found = manual.block_on(retry(&manual, attempt, |error| !error.is_cancelled()));
    assert_eq!(found.expect("the fourth one"), 4);
    assert_eq!(manual.now() - start, 7 * SECOND);
    assert!(current().is_none());
}

/// An operation inside it stays the current one, and one beside it does not.
#[test]
fn r27_what_runs_inside_of_it_stays_the_innermost() {
    let manual = ManualRuntime::new();
    let (outer, other) = (scope(&manual), scope(&manual));
    let inner = outer.child("inner").build().expect("built");
    let names = manual.block_on(outer.run(async |outer| {
        inner
            .run(async |_| {
                let name = || async { Ok::<_, Infallible>(current().expect("one runs").id()) };
                let above = outer.try_run_until_cancelled(name());
                let beside = other.try_run_until_cancelled(name());
                (above.await, beside.await)
            })
            .await
    }));
    let names = names
        .into_value()
        .and_then(cancelable_core::Outcome::into_value);
    let (above, beside) = names.expect("both ended");
    assert_eq!(above.expect("it ran"), inner.id());
    assert_eq!(beside.expect("it ran"), other.id());
}

#[test]
fn r19_after_a_cancel_nothing_is_tried() {
    let manual = ManualRuntime::new();
    let scope = scope(&manual);
    scope.cancel_with("deploy");
    for _ in 0..2 {
        let unpolled = async { unreachable!("it is not polled") as Result<(), ()> };
        let attempt = scope.try_run_until_cancelled(unpolled);
        let error = manual.block_on(attempt).expect_err("it is cancelled");
        let cause = error.cancellation().expect("by the cancel").cause();
        assert_eq!(cause.message(), Some("deploy"));
    }
}

/// Made before the cancel and polled after it: not polled.
#[test]
fn r19_a_try_that_was_made_before_is_not_polled_after() {
    let manual = ManualRuntime::new();
    let scope = scope(&manual);
    let unpolled = async { unreachable!("it is not polled") as Result<(), ()> };
    let made = scope.try_run_until_cancelled(unpolled);
    scope.cancel();
    assert!(
        manual
            .block_on(made)
            .expect_err("it is cancelled")
            .is_cancelled()
    );
}

#[test]
fn r16_a_cancel_drops_the_try_and_wakes_its_task() {
    let manual = ManualRuntime::new();
    let scope = scope(&manual);
    let held = std::rc::Rc::new(());
    let inside = held.clone();
    let mut attempt = pin!(scope.try_run_until_cancelled(async move {
        let _held = inside;
        pending::<Result<(), ()>>().await
    }));
    let probe = Probe::new();
    assert!(probe.poll(attempt.as_mut()).is_pending());
    scope.cancel();
    assert_eq!(probe.wakes(), 1);
    let Poll::Ready(Err(RunError::Cancelled(cancelled))) = probe.poll(attempt.as_mut()) else {
        panic!("it is cancelled");
    };
    assert_eq!(cancelled.operation(), Some(scope.label()));
    assert_eq!(
        std::rc::Rc::strong_count(&held),
        1,
        "dropped with the cancel"
    );
}

#[test]
fn r17_a_value_beats_a_cancel_in_the_same_poll() {
    let manual = ManualRuntime::new();
    let scope = scope(&manual);
    let attempt = scope.try_run_until_cancelled(async {
        scope.cancel();
        Ok::<_, Infallible>(7)
    });
    assert_eq!(manual.block_on(attempt).expect("the value"), 7);
}

/// Its scope has a period of grace, so that the body goes on and sees how the try has ended.
#[test]
fn r22_a_shield_in_a_try_is_left_to_finish() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("try").runtime(&manual.handle());
    let scope = builder.grace(60 * SECOND).build().expect("built");
    let finished = Cell::new(false);
    let outcome = manual.block_on(scope.run(async |op| {
        let attempt = op.try_run_until_cancelled(async {
            let shielded = async {
                op.cancel();
                manual.handle().sleep(SECOND).await;
                finished.set(true);
            };
            op.shield(shielded).await;
            pending::<Result<(), ()>>().await
        });
        attempt.await
    }));
    assert!(finished.get());
    assert_eq!(
        outcome.elapsed(),
        Some(SECOND),
        "it ends as the shield does"
    );
    let result = outcome.into_value().expect("the body has its value");
    assert!(result.expect_err("the try was cancelled").is_cancelled());
}

/// A shield of the body is none of a try that another task makes: nobody would wake that.
#[test]
fn r22_a_try_in_another_task_is_held_up_by_no_shield() {
    let manual = ManualRuntime::new();
    let scope = scope(&manual);
    let mut run = pin!(scope.run(async |op| op.shield(pending::<()>()).await));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    let mut attempt = pin!(scope.try_run_until_cancelled(pending::<Result<(), ()>>()));
    let probe = Probe::new();
    assert!(probe.poll(attempt.as_mut()).is_pending());
    scope.cancel();
    assert_eq!(probe.wakes(), 1);
    assert!(probe.poll(attempt.as_mut()).is_ready());
}

/// The pause between two tries is a part of the body, and is dropped with it.
#[test]
fn r16_a_cancel_in_the_middle_of_a_pause_ends_it_at_once() {
    let manual = ManualRuntime::new();
    let scope = scope(&manual);
    let tries = Cell::new(0);
    let mut run = pin!(scope.run(async |op| {
        let attempt = || {
            tries.set(tries.get() + 1);
            op.try_run_until_cancelled(ready(Err::<(), _>("refused")))
        };
        retry(&manual, attempt, |error| !error.is_cancelled()).await
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.advance(SECOND);
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(
        (tries.get(), manual.pending_timers()),
        (2, 1),
        "in the second pause"
    );
    scope.cancel_with("no more");
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("it ends at once");
    };
    assert_eq!(
        outcome.cause().expect("cancelled").message(),
        Some("no more")
    );
    assert_eq!((tries.get(), manual.pending_timers()), (2, 0));
}
