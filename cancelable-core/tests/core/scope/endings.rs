//! Every way in which a scope ends, with every kind of open work: the table of `docs/semantics.md`, cell by cell.
//!
//! The body ends, or is cut, after one second.

use crate::support::SECOND;
use crate::support::clockwork::Clockwork;
use crate::support::probe::Probe;
use cancelable_core::scope::ScopeBuilder;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{RuntimeHandle, Scope, Status};
use parking_lot::Mutex;
use std::fmt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Return,
    Error,
    Panic,
    Cancel,
    Deadline,
    /// The `run` future is dropped.
    Drop,
    /// The task that polls it is aborted.
    Abort,
}

const WAYS: [Way; 7] = [
    Way::Return,
    Way::Error,
    Way::Panic,
    Way::Cancel,
    Way::Deadline,
    Way::Drop,
    Way::Abort,
];

impl Way {
    /// Returns whether the children are cancelled.
    fn cancels(self) -> bool {
        self != Self::Return
    }

    fn status(self) -> Status {
        match self {
            Self::Return => Status::Completed,
            Self::Error | Self::Panic => Status::Failed,
            Self::Cancel | Self::Deadline | Self::Drop | Self::Abort => Status::Cancelled,
        }
    }

    /// Returns whether the ending comes from outside the run, so that nothing can wait.
    fn is_from_outside(self) -> bool {
        matches!(self, Self::Drop | Self::Abort)
    }

    /// Ends a run that has been polled, from outside.
    fn give_up(self, run: Pin<Box<impl Future<Output: Send> + Send + 'static>>) {
        if self != Self::Abort {
            return drop(run);
        }
        let tokio = tokio::runtime::Builder::new_current_thread().build();
        tokio.expect("a thread is all it needs").block_on(async {
            let task = tokio::spawn(run);
            // It is polled by its new task before that is aborted.
            tokio::task::yield_now().await;
            task.abort();
            assert!(task.await.err().expect("aborted").is_cancelled());
        });
    }
}

/// The events, each with its time in seconds.
#[derive(Clone)]
struct Notes {
    runtime: RuntimeHandle,
    start: Instant,
    notes: Arc<Mutex<Vec<(&'static str, u64)>>>,
}

impl Notes {
    fn new(manual: &ManualRuntime) -> Self {
        Self {
            runtime: manual.handle(),
            start: manual.now(),
            notes: Arc::default(),
        }
    }

    fn add(&self, what: &'static str) {
        let after = self.runtime.now() - self.start;
        self.notes.lock().push((what, after.as_secs()));
    }

    fn taken(&self) -> Vec<(&'static str, u64)> {
        self.notes.lock().clone()
    }

    /// Notes `what` when it is dropped.
    fn at_drop(&self, what: &'static str) -> AtDrop {
        AtDrop(self.clone(), what)
    }
}

struct AtDrop(Notes, &'static str);

impl Drop for AtDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// Runs a scope that has what `open` opens in its body, ends it in that way, and notes the end of
/// the run and the end of everything.
fn end<Fut: Future<Output = ()> + Send + 'static>(
    way: Way,
    manual: &ManualRuntime,
    build: impl FnOnce(ScopeBuilder) -> ScopeBuilder,
    open: impl FnOnce(Scope, Notes) -> Fut + Send + 'static,
) -> Vec<(&'static str, u64)> {
    let notes = Notes::new(manual);
    let runtime = manual.handle();
    let mut builder = build(Scope::builder("s").runtime(&runtime));
    if way == Way::Deadline {
        builder = builder.timeout(SECOND);
    }
    let scope = builder.build().expect("it is sound");
    let in_body = notes.clone();
    let run = scope.try_run(move |op| {
        let inside = open(op.clone(), in_body);
        async move {
            let ending = async {
                runtime.sleep(SECOND).await;
                match way {
                    Way::Return => Ok(()),
                    Way::Error => Err(fmt::Error),
                    Way::Panic => panic!("on purpose"),
                    Way::Cancel => {
                        op.cancel();
                        pending().await
                    }
                    Way::Deadline | Way::Drop | Way::Abort => pending().await,
                }
            };
            let ending = std::pin::pin!(ending);
            let inside = std::pin::pin!(async {
                inside.await;
                pending::<()>().await;
            });
            match futures_util::future::select(ending, inside).await {
                futures_util::future::Either::Left((ended, _)) => ended,
                futures_util::future::Either::Right(_) => Ok(()),
            }
        }
    });
    if way.is_from_outside() {
        let mut run = Box::pin(run);
        let limited = manual.handle().timeout(SECOND, run.as_mut());
        assert!(manual.block_on(limited).is_err(), "it has not ended");
        way.give_up(run);
    } else {
        let ended = catch_unwind(AssertUnwindSafe(|| manual.block_on(run).status()));
        assert_eq!(ended.is_err(), way == Way::Panic);
    }
    notes.add("run");
    assert_eq!(manual.block_on(scope.finished()), way.status(), "{way:?}");
    notes.add("closed");
    assert_eq!(scope.status(), way.status(), "{way:?}");
    manual.run_until_idle();
    assert_eq!(
        (manual.live_tasks(), manual.pending_timers()),
        (0, 0),
        "{way:?}"
    );
    notes.taken()
}

#[test]
fn r25_every_ending_with_a_child_open() {
    let manual = ManualRuntime::new();
    for way in WAYS {
        let notes = end(
            way,
            &manual,
            |builder| builder,
            |op, notes| async move {
                let runtime = notes.runtime.clone();
                let child = op.spawn(async move {
                    let _noted = notes.at_drop("child");
                    runtime.sleep(3 * SECOND).await;
                });
                drop(child.expect("it is running"));
            },
        );
        let expected = match way {
            Way::Drop | Way::Abort => vec![("run", 1), ("child", 1), ("closed", 1)],
            _ if way.cancels() => vec![("child", 1), ("run", 1), ("closed", 1)],
            _ => vec![("child", 3), ("run", 3), ("closed", 3)],
        };
        assert_eq!(notes, expected, "{way:?}");
    }
}

#[test]
fn r24_every_ending_with_a_finalizer_open() {
    let manual = ManualRuntime::new();
    for way in WAYS {
        let notes = end(
            way,
            &manual,
            |builder| builder,
            |op, notes| async move {
                let runtime = notes.runtime.clone();
                let tidy = async move {
                    runtime.sleep(SECOND).await;
                    notes.add("tidy");
                };
                op.defer(tidy).expect("it is running");
            },
        );
        let expected = match way {
            Way::Drop | Way::Abort => [("run", 1), ("tidy", 2), ("closed", 2)],
            _ => [("tidy", 2), ("run", 2), ("closed", 2)],
        };
        assert_eq!(notes, expected, "{way:?}");
    }
}

#[test]
fn r24_every_ending_with_a_child_and_a_finalizer_open() {
    let manual = ManualRuntime::new();
    for way in WAYS {
        let notes = end(
            way,
            &manual,
            |builder| builder,
            |op, notes| async move {
                let (runtime, in_child) = (notes.runtime.clone(), notes.clone());
                let child = op.child("child");
                let child = child.spawn(|op| async move {
                    op.shield(runtime.sleep(3 * SECOND)).await;
                    in_child.add("child");
                });
                drop(child.expect("it is running"));
                op.defer(async move { notes.add("tidy") })
                    .expect("it is running");
            },
        );
        // A child that is cancelled ends with its shield and not after it.
        let expected = match way {
            Way::Drop | Way::Abort => vec![("run", 1), ("tidy", 3), ("closed", 3)],
            _ if way.cancels() => vec![("tidy", 3), ("run", 3), ("closed", 3)],
            _ => vec![("child", 3), ("tidy", 3), ("run", 3), ("closed", 3)],
        };
        assert_eq!(notes, expected, "{way:?}");
    }
}

#[test]
fn r25_every_ending_with_something_left_inside() {
    let manual = ManualRuntime::new();
    for way in WAYS {
        let notes = end(
            way,
            &manual,
            |builder| builder,
            |op, notes| async move {
                let tidy = notes.clone();
                op.defer(async move { tidy.add("tidy") })
                    .expect("it is running");
                let inner = op.child("inner").build().expect("it is sound");
                let mut run = Box::pin(inner.run(|op| {
                    let inside = async move {
                        notes.runtime.sleep(3 * SECOND).await;
                        notes.add("inside");
                    };
                    op.defer(inside).expect("it is running");
                    pending::<()>()
                }));
                assert!(Probe::new().poll(run.as_mut()).is_pending());
            },
        );
        let expected = match way {
            Way::Drop | Way::Abort => [("run", 1), ("inside", 3), ("tidy", 3), ("closed", 3)],
            _ => [("inside", 3), ("tidy", 3), ("run", 3), ("closed", 3)],
        };
        assert_eq!(notes, expected, "{way:?}");
    }
}

#[test]
fn r22_every_ending_with_a_shield_open() {
    let manual = ManualRuntime::new();
    for way in WAYS {
        let notes = end(
            way,
            &manual,
            |builder| builder,
            |op, notes| async move {
                let runtime = notes.runtime.clone();
                op.shield(async move {
                    let _noted = notes.at_drop("shield dropped");
                    runtime.sleep(3 * SECOND).await;
                    notes.add("shield");
                })
                .await;
            },
        );
        let expected = match way {
            Way::Cancel | Way::Deadline => {
                vec![
                    ("shield", 3),
                    ("shield dropped", 3),
                    ("run", 3),
                    ("closed", 3),
                ]
            }
            // Whoever drops a shield ends it: the body itself, or the one who drops the run.
            _ => vec![("shield dropped", 1), ("run", 1), ("closed", 1)],
        };
        assert_eq!(notes, expected, "{way:?}");
    }
}

#[test]
fn r23_every_ending_with_a_grace_period() {
    let manual = ManualRuntime::new();
    for way in WAYS {
        let graceful = |builder: ScopeBuilder| builder.grace(2 * SECOND);
        let notes = end(way, &manual, graceful, |_, notes| async move {
            let _noted = notes.at_drop("body dropped");
            pending::<()>().await;
        });
        let after = match way {
            Way::Cancel | Way::Deadline => 3,
            _ => 1,
        };
        let expected = [("body dropped", after), ("run", after), ("closed", after)];
        assert_eq!(notes, expected, "{way:?}");
    }
}

#[test]
fn r26_every_ending_with_a_blocking_call_open() {
    for way in WAYS {
        let manual = ManualRuntime::with_threads();
        let notes = Notes::new(&manual);
        let runtime = manual.handle();
        let scope = Scope::builder("s")
            .runtime(&runtime)
            .build()
            .expect("it is sound");
        // The time stands still as long as the thread runs, so the ending does not wait for it.
        let in_thread = notes.clone();
        let run = scope.try_run(move |op| {
            let (begun, began) = mpsc::channel();
            let call = op.spawn_blocking(move |token| {
                begun.send(()).expect("the body waits for it");
                if way.cancels() {
                    token.wait();
                }
                in_thread.add("thread");
            });
            drop(call.expect("it is running"));
            // One that is cancelled before it begins is not run.
            began.recv().expect("the thread begins");
            async move {
                match way {
                    Way::Return => Ok(()),
                    Way::Error => Err(fmt::Error),
                    Way::Panic => panic!("on purpose"),
                    Way::Cancel => {
                        op.cancel();
                        pending().await
                    }
                    Way::Deadline => {
                        op.set_timeout(Duration::ZERO).expect("it is running");
                        pending().await
                    }
                    Way::Drop | Way::Abort => pending().await,
                }
            }
        });
        if way.is_from_outside() {
            let mut run = Box::pin(run);
            assert!(Probe::new().poll(run.as_mut()).is_pending());
            way.give_up(run);
        } else {
            let ended = catch_unwind(AssertUnwindSafe(|| manual.block_on(run).status()));
            assert_eq!(ended.is_err(), way == Way::Panic);
            assert_eq!(notes.taken(), [("thread", 0)], "{way:?}: it was waited for");
        }
        assert_eq!(manual.block_on(scope.finished()), way.status(), "{way:?}");
        assert_eq!(notes.taken(), [("thread", 0)], "{way:?}");
    }
}

#[test]
fn r25_a_child_that_comes_at_the_last_moment_is_joined_and_one_after_it_is_refused() {
    let runtime = Clockwork::new();
    let handle = RuntimeHandle::new(runtime.clone());
    let scope = Scope::builder("s").runtime(&handle).build();
    let scope = scope.expect("it is sound");
    let mut run = pin!(scope.run(|op| {
        let at_next_look = runtime.at_next_look.clone();
        async move {
            // Between the end of the body and the end of the scope there is a look at the clock.
            *at_next_look.lock() = Some(Box::new(move || {
                drop(op.spawn(async {}).expect("the scope has not ended"));
            }));
        }
    }));
    let probe = Probe::new();
    assert!(
        probe.poll(run.as_mut()).is_pending(),
        "the child has not ended"
    );
    assert_eq!(scope.status(), Status::Running);
    let task = runtime.tasks.lock().pop();
    let mut task = task.expect("the child is on the runtime");
    assert!(probe.poll(task.as_mut()).is_ready());
    assert!(probe.poll(run.as_mut()).is_ready());
    assert!(scope.spawn(async {}).is_err(), "it has ended");
}
