//! The final poll: what a body may do in the poll between the cancel and its drop (R16, R17).

use crate::support::{SECOND, builder_on};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Reason, Scope, Status, source};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

/// A scope whose own timer, looked at after its body, cancels it.
fn timed(manual: &ManualRuntime) -> Scope {
    builder_on(manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound")
}

/// Pending and without a waker until it is polled and finds the cancel, which is at the final poll.
fn seen(op: &Scope) -> impl Future<Output = ()> {
    let op = op.clone();
    poll_fn(move |_| match op.is_cancelled() {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
}

#[test]
fn r17_r18_r21_a_value_of_the_last_look_counts_and_the_cause_is_on_record() {
    let manual = ManualRuntime::new();
    let outcome = manual.block_on(timed(&manual).run(async |op: Scope| {
        seen(&op).await;
        7
    }));
    assert_eq!(outcome.status(), Status::Completed);
    let reason = outcome.cause().map(|cause| cause.reason().clone());
    assert_eq!(reason, Some(Reason::TimedOut { limit: SECOND }));
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r16_it_is_one_poll_also_of_a_body_that_wakes_itself_in_it() {
    let manual = ManualRuntime::new();
    let polls = Cell::new(0);
    let outcome = manual.block_on(timed(&manual).run(async |op: Scope| {
        poll_fn(|cx| {
            polls.set(polls.get() + 1);
            if op.is_cancelled() {
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })
        .await;
    }));
    assert!(outcome.is_cancelled());
    // At entry, with the timer that has rung, and the final poll.
    assert_eq!(polls.get(), 3);
}

#[test]
fn r17_r23_a_body_that_ends_at_the_last_look_is_no_straggler() {
    let manual = ManualRuntime::new();
    let scope_of_source = Arc::new(OnceLock::<Scope>::new());
    let insists = {
        let scope = Arc::clone(&scope_of_source);
        // Set by the body, so that it fires only behind a poll of that.
        poll_fn(move |_| match scope.get() {
            Some(scope) => {
                scope.cancel_now("at once");
                Poll::Ready(())
            }
            None => Poll::Pending,
        })
    };
    let builder = builder_on(&manual, "s")
        .grace(SECOND)
        .source(source::future(insists));
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        assert!(scope_of_source.set(op.clone()).is_ok());
        seen(&op).await;
        7
    }));
    assert_eq!(outcome.status(), Status::Completed);
    assert!(
        outcome.stragglers().is_empty(),
        "{:?}",
        outcome.stragglers()
    );
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r24_r28_a_panic_in_it_is_the_bodys_and_what_was_deferred_runs() {
    let manual = ManualRuntime::new();
    let scope = timed(&manual);
    let finalized = Arc::new(AtomicUsize::new(0));
    let run = scope.run(async |op: Scope| {
        seen(&op).await;
        let finalized = Arc::clone(&finalized);
        op.defer(async move {
            finalized.fetch_add(1, Ordering::SeqCst);
        })
        .expect("a cancelled scope takes finalizers");
        panic!("in the last look");
    });
    let panic = catch_unwind(AssertUnwindSafe(|| manual.block_on(run))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"in the last look"));
    assert_eq!(scope.status(), Status::Failed);
    assert_eq!(finalized.load(Ordering::SeqCst), 1);
}

#[test]
fn r19_r25_nothing_new_is_started_in_it() {
    let manual = ManualRuntime::new();
    let outcome = manual.block_on(timed(&manual).run(async |op: Scope| {
        seen(&op).await;
        let spawned = op.spawn(async { 7 });
        assert!(spawned.is_err());
        let child = op.child("child").build().expect("it is sound");
        let outcome = child.run(async |_| unreachable!("it is not polled")).await;
        outcome.is_cancelled()
    }));
    assert_eq!(outcome.into_value(), Some(true));
}

#[test]
fn r22_a_shield_of_a_scope_inside_that_is_opened_in_it_is_waited_for() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let saved = Cell::new(false);
    let outcome = manual.block_on(timed(&manual).run(async |op: Scope| {
        let inner = op.child("inner").build().expect("it is sound");
        let outcome = inner.run(async |inner: Scope| {
            seen(&inner).await;
            let save = async {
                runtime.sleep(SECOND).await;
                saved.set(true);
            };
            inner.shield(save).await;
            pending::<()>().await;
        });
        outcome.await.is_cancelled()
    }));
    assert!(saved.get());
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
}
