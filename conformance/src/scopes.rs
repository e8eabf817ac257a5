//! Scopes: the end of a body, its outcome, and the ambient scope.

use crate::Subject;
use cancelable_core::scope::{RunError, ScopeBuilder};
use cancelable_core::{CancellationToken, Reason, RuntimeHandle, Scope, Status, current};
use futures_util::future::join;
use std::cell::{Cell, RefCell};
use std::future::{self, Future};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn scope(name: &'static str, runtime: &RuntimeHandle) -> ScopeBuilder {
    Scope::builder(name).runtime(runtime)
}

/// A value that sets a flag when it is dropped. Not `Send`, because a body need not be `Send`.
struct Dropped(Rc<Cell<bool>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

pub fn r16_a_body_is_polled_in_place<S: Subject>() {
    S::run(async |runtime| {
        let (text, seen) = (String::from("borrowed"), RefCell::new(Rc::new(0)));
        let here = std::thread::current().id();
        let scope = scope("in place", &runtime).timeout(HOUR).build().unwrap();
        let outcome = scope.run(async |_| {
            runtime.sleep(MILLISECOND).await;
            *seen.borrow_mut() = Rc::new(text.len());
            std::thread::current().id()
        });
        assert_eq!(outcome.await.into_value(), Some(here));
        assert_eq!(**seen.borrow(), text.len());
    });
}

pub fn r16_a_cancelled_body_is_dropped<S: Subject>() {
    S::run(async |runtime| {
        let gone = Rc::new(Cell::new(false));
        let token = CancellationToken::new();
        let scope = scope("dropped", &runtime).token(&token).build().unwrap();
        let held = Dropped(Rc::clone(&gone));
        // Another task cancels while the body waits.
        runtime
            .spawn(async move { token.cancel_with("stop") })
            .detach();
        let outcome = scope.run(|_| async move {
            let _held = held;
            future::pending::<()>().await;
        });
        let outcome = outcome.await;
        assert!(gone.get());
        assert_eq!(outcome.status(), Status::Cancelled);
        let cause = outcome.cause().unwrap();
        assert_eq!(
            (cause.message(), cause.is_inherited()),
            (Some("stop"), true)
        );
    });
}

pub fn r17_a_value_is_kept_when_the_cancel_comes_with_it<S: Subject>() {
    S::run(async |runtime| {
        let token = CancellationToken::new();
        let scope = scope("value", &runtime).token(&token).build().unwrap();
        let outcome = scope.run(|_| async move {
            runtime.sleep(MILLISECOND).await;
            token.cancel();
            7
        });
        assert_eq!(outcome.await.into_value(), Some(7));
    });
}

pub fn r18_a_body_that_finished_is_completed_with_the_request_on_record<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("finished", &runtime).build().unwrap();
        let outcome = scope
            .run(|op| async move { op.cancel_with("too late") })
            .await;
        assert_eq!(
            (outcome.status(), outcome.value()),
            (Status::Completed, Some(&true))
        );
        assert_eq!(outcome.cause().unwrap().message(), Some("too late"));
        assert_eq!(scope.status(), Status::Completed);
    });
}

pub fn r19_a_cancelled_scope_says_so_again_and_again<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("level", &runtime).build().unwrap();
        let body = scope.run(|op| async move {
            op.cancel();
            let mut polled = false;
            for _ in 0..3 {
                assert!(op.check().is_err());
                let child = op.child("below").build().unwrap();
                assert!(child.run(async |_| polled = true).await.is_cancelled());
            }
            polled
        });
        assert_eq!(body.await.into_value(), Some(false));
    });
}

pub fn r27_current_is_the_innermost_scope_across_awaits<S: Subject>() {
    S::run(async |runtime| {
        let name = || current().map(|operation| operation.name().to_owned());
        assert_eq!(name(), None);
        let outer = scope("outer", &runtime).build().unwrap();
        let outcome = outer.run(async |_| {
            runtime.sleep(MILLISECOND).await;
            assert_eq!(name().as_deref(), Some("outer"));
            // The current scope becomes the parent, and its runtime the runtime.
            let inner = Scope::builder("inner").timeout(HOUR).build().unwrap();
            assert_eq!(inner.parent().unwrap().name(), "outer");
            let found = inner.run(async |_| {
                runtime.sleep(MILLISECOND).await;
                name()
            });
            assert_eq!(found.await.into_value().unwrap().as_deref(), Some("inner"));
            name()
        });
        assert_eq!(
            outcome.await.into_value().unwrap().as_deref(),
            Some("outer")
        );
        assert_eq!(name(), None);
    });
}

pub fn r27_scopes_in_one_task_do_not_see_each_other<S: Subject>() {
    S::run(async |runtime| {
        let watch = async |name: &'static str| {
            let scope = scope(name, &runtime).build().unwrap();
            let body = scope.run(async |_| {
                for _ in 0..3 {
                    runtime.sleep(MILLISECOND).await;
                    assert_eq!(current().unwrap().name(), name);
                }
            });
            assert!(body.await.is_completed());
        };
        join(watch("left"), watch("right")).await;
    });
}

pub fn r27_current_is_not_found_by_other_tasks<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("mine", &runtime).build().unwrap();
        let outcome = scope.run(async |_| {
            let elsewhere = runtime.spawn(async { current().is_none() });
            let blocking = runtime.spawn_blocking(|| current().is_none());
            (elsewhere.await.unwrap(), blocking.await.unwrap())
        });
        assert_eq!(outcome.await.into_value(), Some((true, true)));
    });
}

pub fn r28_every_way_out_closes_the_operation<S: Subject>() {
    S::run(async |runtime| {
        let open = |name| scope(name, &runtime).build().unwrap();

        let scope = open("returned");
        assert!(scope.run(async |_| ()).await.is_completed());
        assert_eq!(scope.status(), Status::Completed);

        let scope = open("failed");
        let outcome = scope.try_run(async |_| Err::<(), _>("no luck")).await;
        assert_eq!(
            outcome.into_result().unwrap_err().into_failed().unwrap(),
            "no luck"
        );
        assert_eq!(scope.status(), Status::Failed);

        let scope = open("cancelled");
        scope.cancel();
        assert!(scope.run(async |_| ()).await.is_cancelled());
        assert_eq!(scope.status(), Status::Cancelled);

        let scope = open("dropped");
        let mut run = Box::pin(scope.run(|_| future::pending::<()>()));
        assert!(poll_once(run.as_mut()).await.is_pending());
        assert_eq!(scope.status(), Status::Running);
        drop(run);
        assert!(scope.status().is_terminal());
        assert_eq!(*scope.cause().unwrap().reason(), Reason::RunDropped);

        let scope = open("panicked");
        let mut run = pin!(scope.run(async |_| panic!("boom")));
        let caught = future::poll_fn(|cx| {
            let poll = AssertUnwindSafe(|| run.as_mut().poll(cx).map(drop));
            Poll::Ready(std::panic::catch_unwind(poll))
        });
        assert!(caught.await.is_err());
        assert_eq!(scope.status(), Status::Failed);
        assert!(current().is_none());

        let scope = open("abandoned");
        let operation = scope.operation().clone();
        drop(scope);
        assert_eq!(operation.status(), Status::NeverRun);
    });
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

pub fn r29_a_second_run_is_refused<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("once", &runtime).build().unwrap();
        assert!(scope.run(async |_| ()).await.is_completed());
        match scope.run(async |_| ()).await.into_result() {
            Err(RunError::AlreadyRun(refused)) => assert_eq!(refused.operation().name(), "once"),
            other => panic!("not refused: {other:?}"),
        }
        assert!(scope.set_timeout(MILLISECOND).unwrap_err().is_ended());
    });
}

pub fn r14_a_scope_is_cancelled_from_another_thread<S: Subject>() {
    S::run(async |runtime| {
        let scope = scope("far", &runtime).build().unwrap();
        let operation = scope.operation().clone();
        // Blocking work, because a manual runtime waits for it.
        let canceller = runtime.spawn_blocking(move || operation.cancel_with("from afar"));
        let outcome = scope.run(|_| future::pending::<()>()).await;
        assert_eq!(outcome.cause().unwrap().message(), Some("from afar"));
        assert!(canceller.await.unwrap());
    });
}
