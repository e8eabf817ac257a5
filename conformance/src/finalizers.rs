//! Finalizers, at each kind of end.

use crate::Subject;
use cancelable_core::{CancellationToken, Reason, RuntimeHandle, Scope, Status, current};
use parking_lot::Mutex;
use std::fmt;
use std::future::{self, Future};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// A log of the finalizers that have run, in order.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<&'static str>>>);

impl Steps {
    fn add(&self, step: &'static str) {
        self.0.lock().push(step);
    }

    fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock())
    }

    /// Defers a finalizer that awaits a task, a thread and a timer of the runtime before its entry in the log.
    fn defer(&self, scope: &Scope, runtime: &RuntimeHandle, step: &'static str) {
        let (steps, runtime) = (self.clone(), runtime.clone());
        let name = scope.name().to_owned();
        let tidy = async move {
            assert_eq!(current().unwrap().name(), name);
            runtime.spawn(async {}).await.unwrap();
            runtime.spawn_blocking(|| ()).await.unwrap();
            runtime.sleep(MILLISECOND).await;
            steps.add(step);
        };
        scope.defer(tidy).unwrap();
    }
}

fn open(runtime: &RuntimeHandle) -> Scope {
    Scope::builder("work").runtime(runtime).build().unwrap()
}

/// The ways in which a body ends.
#[derive(Clone, Copy, Debug)]
enum Way {
    Value,
    Error,
    Cancel,
    Deadline,
}

pub fn r24_they_run_last_first_after_a_value_an_error_and_a_cancel<S: Subject>() {
    S::run(async |runtime| {
        let ways = [Way::Value, Way::Error, Way::Cancel, Way::Deadline];
        for way in ways {
            let (scope, steps) = (open(&runtime), Steps::default());
            let outcome = scope.try_run(async |op| {
                for step in ["first", "second", "third"] {
                    steps.defer(&op, &runtime, step);
                }
                match way {
                    Way::Value => return Ok(7),
                    Way::Error => return Err(fmt::Error),
                    Way::Cancel => op.cancel(),
                    Way::Deadline => op.set_timeout(MILLISECOND).unwrap(),
                }
                future::pending().await
            });
            let outcome = outcome.await;
            let expected = match way {
                Way::Value => Status::Completed,
                Way::Error => Status::Failed,
                Way::Cancel | Way::Deadline => Status::Cancelled,
            };
            assert_eq!(outcome.status(), expected, "{way:?}");
            assert_eq!(steps.taken(), ["third", "second", "first"], "{way:?}");
        }
    });
}

pub fn r24_they_run_before_a_panic_goes_on<S: Subject>() {
    S::run(async |runtime| {
        let (scope, steps) = (open(&runtime), Steps::default());
        let mut run = pin!(scope.run(async |op| {
            steps.defer(&op, &runtime, "tidy");
            panic!("boom");
        }));
        let panicked = future::poll_fn(|cx| {
            let poll = AssertUnwindSafe(|| run.as_mut().poll(cx).map(drop));
            match std::panic::catch_unwind(poll) {
                Ok(poll) => poll.map(|()| false),
                Err(_) => Poll::Ready(true),
            }
        });
        assert!(panicked.await);
        assert_eq!(steps.taken(), ["tidy"]);
        assert_eq!(scope.status(), Status::Failed);
    });
}

pub fn r24_those_of_a_dropped_run_are_run_by_the_runtime<S: Subject>() {
    S::run(async |runtime| {
        let (scope, steps) = (open(&runtime), Steps::default());
        let mut run = Box::pin(scope.run(async |op| {
            steps.defer(&op, &runtime, "first");
            steps.defer(&op, &runtime, "second");
            future::pending::<()>().await;
        }));
        let polled = future::poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx).is_ready()));
        assert!(!polled.await);
        drop(run);
        assert_eq!(*scope.cause().unwrap().reason(), Reason::RunDropped);
        scope.finished().await;
        assert_eq!(steps.taken(), ["second", "first"]);
    });
}

pub fn r24_what_a_run_inside_leaves_when_both_are_dropped_comes_before_them<S: Subject>() {
    S::run(async |runtime| {
        let (scope, steps) = (open(&runtime), Steps::default());
        let begun = CancellationToken::new();
        let (release, released) = mpsc::channel::<()>();
        let mut run = Box::pin(scope.run(async |op| {
            let undo = steps.clone();
            // The finalizer needs no time.
            op.defer(async move { undo.add("undo") }).unwrap();
            let inner = op.child("inner").build().unwrap();
            let run = inner.run(async |op| {
                steps.defer(&op, &runtime, "inner");
                let (steps, begun) = (steps.clone(), begun.clone());
                let call = op.spawn_blocking(move |_| {
                    begun.cancel();
                    // Ignores the token.
                    let _ = released.recv();
                    steps.add("thread");
                });
                drop(call.unwrap());
                future::pending::<()>().await;
            });
            drop(run.await);
        }));
        let polled = future::poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx).is_ready()));
        assert!(!polled.await);
        begun.cancelled().await;
        drop(run);
        // Enough turns for work that does not wait. No time passes: a manual runtime waits for the thread.
        for _ in 0..100 {
            runtime.spawn(async {}).await.unwrap();
        }
        assert!(steps.taken().is_empty(), "the thread is at work");
        assert_eq!(scope.status(), Status::Cancelled);
        drop(release);
        scope.finished().await;
        assert_eq!(steps.taken(), ["thread", "inner", "undo"]);
    });
}

pub fn r25_what_a_run_leaves_that_the_body_drops_is_joined<S: Subject>() {
    S::run(async |runtime| {
        let (scope, steps) = (open(&runtime), Steps::default());
        let outcome = scope.run(async |op| {
            steps.defer(&op, &runtime, "outer");
            let inner = op.child("inner").build().unwrap();
            let run = inner.run(async |op| {
                steps.defer(&op, &runtime, "inner");
                future::pending::<()>().await;
            });
            assert!(runtime.timeout(MILLISECOND, run).await.is_err());
            assert_eq!(*inner.cause().unwrap().reason(), Reason::RunDropped);
            7
        });
        assert_eq!(outcome.await.into_value(), Some(7));
        assert_eq!(steps.taken(), ["inner", "outer"]);
    });
}

pub fn r24_one_that_fails_or_panics_stops_no_other<S: Subject>() {
    S::run(async |runtime| {
        let (scope, steps) = (open(&runtime), Steps::default());
        let outcome = scope.run(async |op| {
            steps.defer(&op, &runtime, "last");
            op.defer(async { Err::<(), _>(fmt::Error) }).unwrap();
            let panics: fn() = || panic!("in a finalizer");
            op.defer(async move { panics() }).unwrap();
            steps.defer(&op, &runtime, "first");
            7
        });
        let outcome = outcome.await;
        let [panicked, failed] = outcome.cleanup_errors() else {
            panic!("two went wrong: {outcome:?}");
        };
        assert!(panicked.is_panic() && failed.inner().is_some());
        assert_eq!(steps.taken(), ["first", "last"]);
        assert_eq!(outcome.into_value(), Some(7));
    });
}

pub fn r24_one_that_is_over_the_budget_is_dropped_and_named<S: Subject>() {
    S::run(async |runtime| {
        let builder = Scope::builder("work").runtime(&runtime);
        let scope = builder.cleanup_budget(MILLISECOND).build().unwrap();
        let outcome = scope.run(async |op| {
            op.defer_named("stuck", future::pending::<()>()).unwrap();
        });
        let outcome = outcome.await;
        assert!(outcome.is_completed());
        assert!(outcome.cleanup_errors()[0].is_over_budget());
        assert_eq!(outcome.stragglers()[0].name(), "stuck");
    });
}
