//! Deadlines of scopes: the end of the body, moves, and the attribution of the timeout.

use crate::Subject;
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::{CancellationToken, Reason, RuntimeHandle, Scope, Status};
use std::cell::Cell;
use std::future::{self, Future};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn scope(name: &'static str, runtime: &RuntimeHandle) -> ScopeBuilder {
    Scope::builder(name).runtime(runtime)
}

pub fn r20_a_time_limit_ends_the_body_at_its_time<S: Subject>() {
    S::run(async |runtime| {
        let start = runtime.now();
        let limit = 5 * MILLISECOND;
        let scope = scope("limited", &runtime).timeout(limit).build().unwrap();
        let outcome = scope.run(|_| future::pending::<()>()).await;
        assert!(runtime.now() - start >= limit);
        assert_eq!(outcome.status(), Status::Cancelled);
        assert_eq!(
            *outcome.cause().unwrap().reason(),
            Reason::TimedOut { limit }
        );
        assert!(outcome.elapsed().unwrap() >= limit);
    });
}

pub fn r20_a_limit_of_zero_does_not_poll_the_body<S: Subject>() {
    S::run(async |runtime| {
        for scope in [
            scope("zero", &runtime)
                .timeout(Duration::ZERO)
                .build()
                .unwrap(),
            scope("past", &runtime)
                .deadline(runtime.now())
                .build()
                .unwrap(),
        ] {
            let mut polled = false;
            let outcome = scope.run(async |_| polled = true).await;
            assert!(outcome.is_cancelled() && !polled);
        }
    });
}

pub fn r20_a_limit_beyond_the_clock_is_never<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("never", &runtime)
            .timeout(Duration::MAX)
            .build()
            .unwrap();
        let outcome = scope.run(async |op: Scope| {
            assert_eq!((op.deadline(), op.remaining()), (None, None));
            runtime.sleep(MILLISECOND).await;
            7
        });
        assert_eq!(outcome.await.into_value(), Some(7));
    });
}

pub fn r20_a_deadline_is_moved_earlier_from_inside<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("moved", &runtime).timeout(HOUR).build().unwrap();
        let outcome = scope.run(async |op: Scope| {
            runtime.sleep(MILLISECOND).await;
            op.set_timeout(2 * MILLISECOND).unwrap();
            assert!(op.remaining().unwrap() <= 2 * MILLISECOND);
            future::pending::<()>().await;
        });
        let limit = 2 * MILLISECOND;
        assert_eq!(
            *outcome.await.cause().unwrap().reason(),
            Reason::TimedOut { limit }
        );
    });
}

pub fn r20_a_deadline_is_moved_earlier_from_another_task<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("moved", &runtime).timeout(HOUR).build().unwrap();
        let (inside, task_scope) = (CancellationToken::new(), scope.clone());
        let entered = inside.clone();
        let mover = runtime.spawn(async move {
            entered.cancelled().await;
            task_scope.set_timeout(MILLISECOND)
        });
        let outcome = scope.run(async |_| {
            inside.cancel();
            future::pending::<()>().await;
        });
        assert!(outcome.await.is_cancelled());
        assert!(matches!(mover.await, Ok(Ok(()))));
    });
}

pub fn r20_a_deadline_is_moved_later<S: Subject>() {
    S::run(async |runtime| {
        let first = 20 * MILLISECOND;
        let scope = scope("extended", &runtime).timeout(first).build().unwrap();
        let was_moved = Cell::new(false);
        let outcome = scope.run(async |op: Scope| {
            was_moved.set(op.set_timeout(HOUR).is_ok());
            // Beyond the first deadline, which no longer applies.
            runtime.sleep(2 * first).await;
        });
        let outcome = outcome.await;
        // If the machine was suspended for the first 20 ms, the deadline expired before its move.
        assert!(if was_moved.get() {
            outcome.is_completed()
        } else {
            outcome.is_cancelled()
        });
    });
}

pub fn r20_a_child_does_not_outlast_its_parent<S: Subject>() {
    S::run(async |runtime| {
        let limit = 5 * MILLISECOND;
        let parent = scope("parent", &runtime).timeout(limit).build().unwrap();
        let outcome = parent.run(async |op: Scope| {
            let child = op.child("child").timeout(HOUR).build().unwrap();
            assert_eq!(child.deadline(), op.deadline());
            let outcome = child.run(|_| future::pending::<()>()).await;
            let cause = outcome.cause().unwrap();
            assert_eq!(*cause.reason(), Reason::TimedOut { limit });
            assert_eq!(cause.operation().unwrap().name(), "parent");
            outcome.is_cancelled()
        });
        // The body completed in the poll that found the expired deadline.
        assert_eq!(outcome.await.into_value(), Some(true));
    });
}

pub fn r21_a_timeout_is_put_down_to_the_scope_whose_it_was<S: Subject>() {
    S::run(async |runtime| {
        let outer = scope("outer", &runtime).timeout(HOUR).build().unwrap();
        let outcome = outer.run(async |op: Scope| {
            let inner = op.child("inner").timeout(2 * MILLISECOND).build().unwrap();
            let outcome = inner.run(|_| future::pending::<()>()).await;
            let cause = outcome.cause().unwrap();
            assert_eq!(cause.operation().unwrap().name(), "inner");
            assert!(!cause.is_inherited());
            assert!(!op.is_cancelled());
        });
        assert!(outcome.await.is_completed());

        // Both deadlines expire together: the timeout is the outermost scope's.
        let both = runtime.now() + 2 * MILLISECOND;
        let outer = scope("outer", &runtime).deadline(both).build().unwrap();
        let inner = outer.child("inner").deadline(both).build().unwrap();
        let outcome = outer.run(async |_| inner.run(|_| future::pending::<()>()).await);
        let outcome = outcome.await;
        assert_eq!(
            outcome.cause().unwrap().operation().unwrap().name(),
            "outer"
        );
        let inner = inner.cause().unwrap();
        assert_eq!(
            (inner.operation().unwrap().name(), inner.is_inherited()),
            ("outer", true)
        );
    });
}

pub fn r21_an_earlier_cancel_is_not_called_a_timeout<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("asked", &runtime).timeout(HOUR).build().unwrap();
        let outcome = scope.run(async |op: Scope| {
            op.cancel_with("asked first");
            // The deadline expires too, before the next poll of the scope.
            assert!(op.set_timeout(Duration::ZERO).unwrap_err().is_cancelled());
            future::pending::<()>().await;
        });
        assert_eq!(*outcome.await.cause().unwrap().reason(), Reason::Requested);
    });
}

/// The run is not polled at its deadline, as during a computation of its body.
pub fn r46_who_asks_inline_is_told_though_nobody_polls_the_run<S: Subject>() {
    S::run(async |runtime| {
        let limit = 5 * MILLISECOND;
        let scope = scope("held", &runtime).timeout(limit).build().unwrap();
        let token = scope.token().child_token();
        let mut run = pin!(scope.run(|_| future::pending::<()>()));
        let polled = future::poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx).is_pending()));
        assert!(polled.await);
        runtime.sleep(2 * limit).await;
        assert!(!token.is_cancelled(), "that looks at no clock");
        // Of calls in quick succession one in 64 checks the deadline.
        let told = (0..64).any(|_| token.check().is_err());
        assert!(told && scope.is_cancelled());
        assert!(token.reason().is_some_and(|reason| reason.is_timeout()));
        assert!(run.await.is_timeout());
    });
}

pub fn r18_a_deadline_in_the_last_poll_is_on_record<S: Subject>() {
    S::run(async |runtime| {
        let limit = 5 * MILLISECOND;
        let scope = scope("held", &runtime).timeout(limit).build().unwrap();
        let mut polled = false;
        let mut run = pin!(scope.run(|_| {
            future::poll_fn(move |_| match std::mem::replace(&mut polled, true) {
                false => Poll::Pending,
                true => Poll::Ready(7),
            })
        }));
        let polled = future::poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx).is_pending()));
        assert!(polled.await);
        runtime.sleep(2 * limit).await;
        let outcome = run.await;
        assert_eq!(outcome.value(), Some(&7));
        let cause = outcome.cause().expect("its time was up");
        assert_eq!(*cause.reason(), Reason::TimedOut { limit });
    });
}
