//! Children of a scope: their tasks, the waits for them, and the effect of a failure.

use crate::support::probe::Probe;
use crate::support::{SECOND, at_most, open_on};
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
use cancelable_core::scope::{ChildHandle, RunError};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cancelled, Reason, Scope, Status, current};
use std::future::{Future, pending, poll_fn, ready};
use std::io;
use std::panic::panic_any;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// Sets the flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::SeqCst)
}

#[test]
fn r25_a_run_returns_when_its_children_have_ended_and_not_before() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let sleep = manual.handle().sleep(SECOND);
    let done = Arc::new(AtomicBool::new(false));
    let flag = done.clone();
    let mut run = pin!(scope.run(|op| async move {
        op.spawn(async move {
            sleep.await;
            flag.store(true, Ordering::SeqCst);
        })
        .expect("the scope is running");
        "value"
    }));
    let probe = Probe::new();
    assert!(
        probe.poll(run.as_mut()).is_pending(),
        "the body is done, the child is not"
    );
    manual.advance(SECOND / 2);
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(
        (scope.live_children(), scope.status()),
        (1, Status::Running)
    );
    let wakes = probe.wakes();
    manual.advance(SECOND / 2);
    assert!(is_set(&done));
    assert_eq!(probe.wakes(), wakes + 1, "the last child wakes the run");
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("the child has ended");
    };
    assert_eq!(outcome.status(), Status::Completed);
    assert_eq!(outcome.into_value(), Some("value"));
    assert_eq!((scope.live_children(), manual.live_tasks()), (0, 0));
}

#[test]
fn r25_a_child_is_an_operation_of_its_own_below_the_scope() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let id = scope.id();
    let outcome = manual.block_on(scope.run(|op| async move {
        let child = op.spawn(async {
            let here = current().expect("a child is an operation");
            (here.id(), here.parent().map(|parent| parent.id()))
        });
        let child = child.expect("the scope is running");
        let (outside, operation) = (child.id(), child.operation().clone());
        let (inside, parent) = child.await.expect("it has a value");
        (inside == outside, parent, operation)
    }));
    let (same, parent, operation) = outcome.into_value().expect("it has a value");
    assert!(same);
    assert_eq!(parent, Some(id));
    assert_eq!(operation.status(), Status::Completed);
    assert!(
        operation.location().file().ends_with("children.rs"),
        "the caller's place"
    );
}

#[test]
fn r25_a_child_has_the_name_that_it_is_given_and_a_plain_one_is_called_child() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let name = || async { current().map(|operation| operation.name().to_owned()) };
    let outcome = manual.block_on(scope.run(|op| async move {
        let plain = op.spawn(name()).expect("the scope is running");
        let named = op.child("fetch").spawn(move |_| name());
        let named = named.expect("the scope is running");
        let result = async move { Ok::<_, io::Error>(name().await) };
        let tried = op.child(format!("part {}", 7)).try_spawn(move |_| result);
        let tried = tried.expect("the scope is running");
        for child in [&plain, &named, &tried] {
            let file = child.operation().location().file();
            assert!(file.ends_with("children.rs"), "{file}: the caller's place");
        }
        [plain.await, named.await, tried.await]
    }));
    let names = outcome.into_value().expect("it has a value");
    let names = names.map(|name| name.ok().flatten().expect("it is an operation"));
    assert_eq!(names, ["child", "fetch", "part 7"]);
    // After its end it takes none in, and the body comes back.
    let other = open_on(&manual, "other");
    let error = scope
        .child("late")
        .spawn(move |_| async { 7 })
        .expect_err("closed");
    assert!(error.is_ended());
    let late = error.into_inner();
    assert_eq!(manual.block_on(late(other.clone())), 7);
    let error = scope
        .child("late")
        .try_spawn(move |_| async { Ok::<_, io::Error>(8) })
        .expect_err("closed");
    let late = error.into_inner();
    assert_eq!(manual.block_on(late(other)).ok(), Some(8));
}

#[test]
fn r25_the_text_of_a_failed_child_has_its_name() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(|op| async move {
        let full = ready(Err::<(), _>(io::Error::other("disk full")));
        drop(op.child("fetch").try_spawn(move |_| full));
        pending::<()>().await;
    }));
    assert_eq!(
        scope.operation().error().as_deref(),
        Some("child fetch failed: disk full")
    );
    let error = outcome.into_result().expect_err("a child has failed");
    assert!(
        error.to_string().contains("child fetch failed: disk full"),
        "{error}"
    );
}

#[test]
fn r25_a_child_built_by_hand_has_what_it_was_built_with() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let id = scope.id();
    let error = manual
        .block_on(scope.run(|op| async move {
            let fetch = op.child("fetch").timeout(SECOND);
            let fetch = fetch.spawn(move |op| async move {
                assert_eq!(op.parent().map(|parent| parent.id()), Some(id));
                pending::<()>().await;
            });
            let fetch = fetch.expect("the scope is running");
            let error = fetch.await.expect_err("it ran out of its time");
            // It was its own time: nothing has failed.
            assert!(!op.is_cancelled());
            error
        }))
        .into_value()
        .expect("it has a value");
    assert!(error.is_cancelled());
    assert_eq!(error.operation().name(), "fetch");
    assert!(error.cancellation().is_some_and(Cancelled::is_timeout));
    assert!(
        error
            .to_string()
            .starts_with("fetch cancelled after 1 s: timed out"),
        "{error}"
    );
}

#[test]
fn r25_children_are_cancelled_with_the_scope_and_gone_when_the_run_returns() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let gone = Arc::new(AtomicBool::new(false));
    let guard = Dropped(gone.clone());
    let mut child = None;
    {
        let mut run = pin!(scope.run(|op| {
            let spawned = op.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            child = spawned.ok();
            pending::<()>()
        }));
        let probe = Probe::new();
        assert!(probe.poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        scope.cancel_with("enough");
        assert!(
            probe.poll(run.as_mut()).is_pending(),
            "the child has not ended"
        );
        assert!(!is_set(&gone));
        manual.run_until_idle();
        assert!(is_set(&gone));
        let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
            panic!("the child has ended");
        };
        assert_eq!(outcome.status(), Status::Cancelled);
        assert!(
            outcome.child_failures().is_empty(),
            "to be cancelled is no failure"
        );
    }
    let error = manual
        .block_on(child.expect("it was spawned"))
        .expect_err("it was cancelled");
    let cancelled = error.cancellation().expect("it was cancelled");
    assert_eq!(cancelled.cause().message(), Some("enough"));
    assert!(cancelled.cause().is_inherited());
}

#[derive(Debug, PartialEq)]
struct DiskFull(u32);

impl std::fmt::Display for DiskFull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "disk {} is full", self.0)
    }
}

impl std::error::Error for DiskFull {}

#[test]
fn r25_the_first_failure_cancels_the_scope_and_the_siblings() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let (sender, handles) = mpsc::channel();
    let outcome = manual.block_on(scope.run(|op| async move {
        let sibling = op.spawn(pending::<()>()).expect("the scope is running");
        let failing = op.child("writer");
        let failing = failing.try_spawn(|_| ready(Err::<(), _>(DiskFull(7))));
        let later = op.try_spawn(ready(Err::<(), _>(DiskFull(8))));
        let failing = failing.expect("the scope is running");
        sender
            .send((sibling, failing, later.expect("the scope is running")))
            .expect("it is kept");
        pending::<()>().await;
    }));
    assert_eq!(outcome.status(), Status::Failed);
    let cause = outcome.cause().expect("it was cancelled").clone();
    assert_eq!(cause.reason(), &Reason::ChildFailed);
    assert_eq!(cause.operation().map(|label| label.name()), Some("writer"));
    assert!(
        cause
            .to_string()
            .contains("child writer failed: disk 7 is full"),
        "{cause}"
    );
    let Err(RunError::ChildFailed(failure)) = outcome.into_result() else {
        panic!("a child has failed");
    };
    assert_eq!(failure.to_string(), "child writer failed: disk 7 is full");
    let inner = failure.inner().expect("it failed by an error");
    assert_eq!(inner.downcast_ref::<DiskFull>(), Some(&DiskFull(7)));

    let (sibling, failing, later) = handles.recv().expect("they were sent");
    let sibling = manual.block_on(sibling).expect_err("it was cancelled");
    assert_eq!(
        sibling.cancellation().map(Cancelled::reason),
        Some(&Reason::ChildFailed)
    );
    let failing = manual.block_on(failing).expect_err("it failed");
    let inner = failing.failure().expect("it failed by an error");
    assert_eq!(inner.downcast_ref::<DiskFull>(), Some(&DiskFull(7)));
    // It was never begun, because the first was there before it.
    assert!(
        manual
            .block_on(later)
            .expect_err("it was cancelled")
            .is_cancelled()
    );
}

#[test]
fn r25_a_scope_that_is_cancelled_for_a_failure_above_it_has_not_failed_by_its_own_child() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let (sender, handles) = mpsc::channel();
    let outcome = manual.block_on(scope.run(|op| async move {
        let begun = CancellationToken::new();
        let begins = begun.clone();
        let inner = op.child("inner").spawn(|inner| async move {
            let late = inner.child("late");
            // Stopped by the failure above, it fails on its way out.
            let late = late.try_spawn(|late| async move {
                begins.cancel();
                late.cancelled().await;
                Err::<(), _>(DiskFull(2))
            });
            drop(late.expect("it is running"));
            pending::<()>().await;
        });
        let inner = inner.expect("the scope is running");
        begun.cancelled().await;
        let failing = op.child("writer");
        let failing = failing.try_spawn(|_| ready(Err::<(), _>(DiskFull(1))));
        drop(failing.expect("the scope is running"));
        sender.send(inner).expect("it is kept");
        pending::<()>().await;
    }));
    let failure = outcome.into_result().expect_err("a child has failed");
    assert_eq!(failure.to_string(), "child writer failed: disk 1 is full");
    let inner = handles.recv().expect("it was sent");
    assert_eq!(inner.status(), Status::Cancelled);
    let error = manual.block_on(inner).expect_err("it was cancelled");
    let cause = error.cancellation().expect("it has not failed").cause();
    assert_eq!(cause.operation().map(|label| label.name()), Some("writer"));
}

#[test]
fn r25_a_panic_of_a_child_is_a_value() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let (sender, handles) = mpsc::channel();
    let outcome = manual.block_on(scope.run(|op| async move {
        let child = op
            .spawn(async { panic_any("boom 7".to_owned()) })
            .expect("the scope is running");
        sender.send(child).expect("it is kept");
        pending::<()>().await;
    }));
    let Err(RunError::ChildFailed(failure)) = outcome.into_result() else {
        panic!("a child has failed");
    };
    assert!(failure.is_panic());
    assert!(failure.to_string().ends_with(" panicked: boom 7"));
    let child: ChildHandle<()> = handles.recv().expect("it was sent");
    assert_eq!(child.status(), Status::Failed);
    let error = manual.block_on(child).expect_err("it panicked");
    assert!(error.is_panic() && !error.is_cancelled() && !error.is_lost());
    let payload = error.into_panic().expect("it panicked");
    assert_eq!(*payload.downcast::<String>().expect("a text"), "boom 7");
}

#[test]
fn r25_failures_are_collected_by_choice_and_cancel_nobody() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("import")
        .runtime(&manual.handle())
        .collect_all();
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(|op| async move {
        for number in 0..2 {
            let failing = op.try_spawn(ready(Err::<(), _>(DiskFull(number))));
            drop(failing.expect("a failure cancels nobody"));
        }
        drop(
            op.spawn(async { panic!("boom") })
                .expect("the scope is running"),
        );
        let sound = op.spawn(ready(7)).expect("the scope is running");
        sound.await.expect("it is sound")
    }));
    let failures: Vec<_> = outcome
        .child_failures()
        .iter()
        .map(|failure| {
            let text = failure.to_string();
            let (line, ending) = text
                .rsplit_once(".rs:")
                .expect("it has no name, and a place");
            assert!(line.starts_with("child opened at "), "{line}");
            let (_, ending) = ending
                .split_once(' ')
                .expect("there is more after the line");
            ending.to_owned()
        })
        .collect();
    assert_eq!(
        failures,
        [
            "failed: disk 0 is full",
            "failed: disk 1 is full",
            "panicked: boom",
        ]
    );
    assert_eq!(outcome.cause().map(ToString::to_string), None);
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r25_a_child_that_answers_its_cancel_has_not_failed() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let outcome = manual.block_on(open_on(&manual, "import").run(|op| async move {
        let builder = op.child("plain").grace(SECOND);
        let plain = builder.try_spawn(|op| async move {
            op.cancelled().await;
            op.check()
        });
        let builder = op.child("wrapped").grace(SECOND);
        let wrapped = builder.try_spawn(|op| async move {
            op.cancelled().await;
            op.check().map_err(io::Error::from)
        });
        let builder = op.child("other").grace(SECOND);
        let (plain, wrapped) = (plain.expect("it runs"), wrapped.expect("it runs"));
        let mut ends = Vec::new();
        for child in [plain, wrapped] {
            runtime.sleep(SECOND).await;
            assert_eq!(child.status(), Status::Running);
            child.cancel_with("enough");
            ends.push(child.await.expect_err("it was cancelled"));
        }
        assert!(!op.is_cancelled(), "{:?}", op.cause());
        // An error that is not a cancellation is a failure, also after a cancel.
        let other = builder.try_spawn(|op| async move {
            op.cancelled().await;
            Err::<(), _>(DiskFull(7))
        });
        let other = other.expect("it runs");
        runtime.sleep(SECOND).await;
        other.cancel();
        ends.push(other.await.expect_err("it failed"));
        ends
    }));
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(Reason::ChildFailed)
    );
    let ends = outcome.into_value().expect("the body came to its end");
    assert!(ends[0].is_cancelled() && ends[1].is_cancelled() && ends[2].failure().is_some());
    let cause = ends[1].cancellation().expect("it was cancelled").cause();
    assert_eq!(cause.message(), Some("enough"));
}

/// Counts who is inside.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn r25_no_more_children_run_at_once_than_the_scope_allows_and_they_begin_in_order() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("crawl")
        .runtime(&manual.handle())
        .concurrency(at_most(3));
    let scope = builder.build().expect("it is sound");
    let gauge = Arc::new(Gauge::default());
    let (sender, order) = mpsc::channel();
    let (runtime, inside) = (manual.handle(), gauge.clone());
    let start = manual.now();
    let outcome = manual.block_on(scope.run(|op| async move {
        for number in 0..10 {
            let (runtime, gauge, order) = (runtime.clone(), inside.clone(), sender.clone());
            op.spawn(async move {
                order.send(number).expect("it is kept");
                gauge.enter();
                runtime.sleep(SECOND).await;
                gauge.leave();
            })
            .expect("the scope is running");
        }
    }));
    assert!(outcome.is_completed());
    assert_eq!(
        order.try_iter().collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
    assert_eq!(gauge.most.load(Ordering::SeqCst), 3);
    assert_eq!(
        manual.now() - start,
        SECOND * 4,
        "ten of them, three at once"
    );
}

#[test]
fn r25_a_child_that_is_cancelled_in_the_queue_leaves_it_and_was_never_polled() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("crawl")
        .runtime(&manual.handle())
        .concurrency(at_most(1));
    let scope = builder.build().expect("it is sound");
    let runtime = manual.handle();
    let polled = Arc::new(AtomicBool::new(false));
    let flag = polled.clone();
    let start = manual.now();
    let outcome = manual.block_on(scope.run(|op| async move {
        let first = runtime.sleep(SECOND);
        drop(op.spawn(first).expect("the scope is running"));
        let second = op.spawn(async move { flag.store(true, Ordering::SeqCst) });
        let second = second.expect("the scope is running");
        let third = op.spawn(ready(3)).expect("the scope is running");
        second.cancel_with("not needed");
        let error = second.await.expect_err("it was cancelled");
        assert_eq!(runtime.now(), start, "it did not wait for its turn");
        assert_eq!(op.live_children(), 2);
        (
            error.is_cancelled(),
            third.await.expect("its turn came"),
            runtime.now() - start,
        )
    }));
    assert_eq!(outcome.into_value(), Some((true, 3, SECOND)));
    assert!(!is_set(&polled));
}

#[test]
fn r25_a_place_is_free_again_after_a_panic() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("crawl")
        .runtime(&manual.handle())
        .concurrency(at_most(1))
        .collect_all();
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(|op| async move {
        drop(
            op.spawn(async { panic!("boom") })
                .expect("the scope is running"),
        );
        op.spawn(ready(7)).expect("the scope is running").await.ok()
    }));
    assert_eq!(outcome.into_value().flatten(), Some(7));
}

#[test]
fn r25_what_a_scope_does_not_take_comes_back_with_an_error_that_names_it() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let early = scope.spawn(ready(1)).expect_err("it was not entered");
    assert!(early.is_pending() && !early.is_ended() && !early.is_cancelled());
    assert_eq!(early.operation().name(), "import");
    assert_eq!(
        early.to_string(),
        "scope import rejected a child: it has not started; call this inside its run"
    );
    assert_eq!(manual.block_on(early.into_inner()), 1);

    let handle = scope.clone();
    assert!(manual.block_on(scope.run(|_| ready(()))).is_completed());
    let late = handle.spawn(ready(2)).expect_err("it has ended");
    assert!(late.is_ended() && !late.is_pending());
    assert_eq!(
        late.to_string(),
        "scope import rejected a child: it has ended (completed)"
    );
    assert_eq!(manual.block_on(late.into_inner()), 2);
    let late = handle.spawn_blocking(|_| 3).expect_err("it has ended");
    assert!(late.is_ended());

    let homeless = Scope::builder("homeless")
        .build()
        .expect("it needs no runtime");
    let error = manual
        .block_on(homeless.run(|op| async move { op.spawn(ready(4)) }))
        .into_value()
        .expect("it has a value")
        .expect_err("it has no runtime");
    assert!(error.is_without_runtime());
    assert_eq!(
        error.to_string(),
        "scope homeless rejected a child: it has no runtime; build it with one"
    );
}

#[test]
fn r19_a_cancelled_scope_takes_no_child_and_says_so_every_time() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("import")
        .runtime(&manual.handle())
        .grace(SECOND);
    let scope = builder.build().expect("it is sound");
    let errors = manual
        .block_on(scope.run(|op| async move {
            op.cancel_with("enough");
            [op.spawn(ready(1)).map(drop), op.spawn(ready(2)).map(drop)]
        }))
        .into_value()
        .expect("a value counts after a cancel");
    for error in errors {
        let error = error.expect_err("it is cancelled");
        assert!(error.is_cancelled() && !error.is_ended());
        assert_eq!(
            error.cancellation().and_then(|it| it.cause().message()),
            Some("enough")
        );
    }
    assert_eq!(scope.live_children(), 0);
}

#[test]
fn r25_a_child_may_bring_siblings_when_the_body_is_done_and_nobody_comes_after_the_last() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let done = Arc::new(AtomicBool::new(false));
    let flag = done.clone();
    let outcome = manual.block_on(scope.run(|op| async move {
        let handle = op.clone();
        op.spawn(async move {
            let sibling = async move { flag.store(true, Ordering::SeqCst) };
            handle.spawn(sibling).expect("a child is still there");
        })
        .expect("the scope is running");
    }));
    assert!(outcome.is_completed());
    assert!(is_set(&done));

    // Between the last child and the end of the run there is time only where finalizers run.
    let scope = open_on(&manual, "import");
    let handle = scope.clone();
    let (sender, errors) = mpsc::channel();
    let outcome = manual.block_on(scope.run(|op| async move {
        let late = async move {
            let error = handle
                .spawn(ready(7))
                .expect_err("the children were joined");
            sender.send(error.to_string()).expect("it is kept");
        };
        assert!(op.defer(late).is_ok(), "the scope is running");
    }));
    assert!(outcome.is_completed());
    assert_eq!(
        errors.recv().as_deref(),
        Ok("scope import rejected a child: its body and its children have ended")
    );
}

#[test]
fn r25_a_child_that_its_runtime_loses_has_failed_and_nobody_hangs() {
    let manual = ManualRuntime::new();
    let here = ManualRuntime::new();
    let (sender, handles) = mpsc::channel();
    let scope = open_on(&manual, "import");
    let shut_down = &manual;
    let outcome = here.block_on(scope.run(|op| {
        let before = op.spawn(pending::<()>()).expect("the scope is running");
        shut_down.shut_down();
        sender.send(before).expect("it is kept");
        pending::<()>()
    }));
    let Err(RunError::ChildFailed(failure)) = outcome.into_result() else {
        panic!("a child was lost");
    };
    assert!(failure.is_lost());
    let error = here
        .block_on(handles.recv().expect("it was sent"))
        .expect_err("it was lost");
    assert!(error.is_lost());

    // One that was gone before is the same.
    let scope = open_on(&manual, "import");
    let outcome = here.block_on(scope.run(|op| {
        assert!(
            op.spawn(pending::<()>()).is_ok(),
            "what is lost is told by the handle"
        );
        pending::<()>()
    }));
    assert!(
        matches!(outcome.into_result(), Err(RunError::ChildFailed(failure)) if failure.is_lost())
    );
    assert_eq!(scope.live_children(), 0);
}

#[test]
fn r25_what_a_child_owns_and_answers_is_gone_when_the_run_returns() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let (held, value) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (guard, answer) = (Dropped(held.clone()), Dropped(value.clone()));
    let mut run = pin!(scope.run(|op| async move {
        let mut guard = Some(guard);
        let mut answer = Some(answer);
        let child = poll_fn(move |_| {
            // It is dropped with the future, not when that is done.
            let _ = guard.as_mut();
            answer.take().map_or(Poll::Pending, Poll::Ready)
        });
        drop(op.spawn(child).expect("the scope is running"));
    }));
    let seen = Arc::new(AtomicBool::new(false));
    let waker = Waker::from(Arc::new(Looks {
        at: [held, value],
        both: seen.clone(),
    }));
    assert!(
        run.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    manual.run_until_idle();
    assert!(is_set(&seen), "when the run is woken both are gone");
}

/// Looks, when it wakes, whether both flags are set.
struct Looks {
    at: [Arc<AtomicBool>; 2],
    both: Arc<AtomicBool>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let both = self.at.iter().all(|flag| is_set(flag));
        self.both.store(both, Ordering::SeqCst);
    }
}

#[test]
fn r25_a_run_that_is_dropped_cancels_its_children_which_end_by_themselves() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let gone = Arc::new(AtomicBool::new(false));
    let guard = Dropped(gone.clone());
    let mut run = Box::pin(scope.run(|op| {
        let child = async move {
            let _guard = guard;
            pending::<()>().await;
        };
        drop(op.spawn(child).expect("the scope is running"));
        pending::<()>()
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    manual.run_until_idle();
    drop(run);
    assert!(!is_set(&gone), "nobody waits in a drop");
    manual.run_until_idle();
    assert!(is_set(&gone));
    assert_eq!((scope.live_children(), manual.live_tasks()), (0, 0));
    assert_eq!(
        scope.cause().map(|cause| cause.reason().clone()),
        Some(Reason::RunDropped)
    );
    assert!(scope.spawn(ready(())).expect_err("it has ended").is_ended());
}

#[test]
fn r25_children_of_children_are_joined_before_their_parent() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let runtime = manual.handle();
    let start = manual.now();
    let outcome = manual.block_on(scope.run(|op| async move {
        let clock = runtime.clone();
        let child = op.child("outer").spawn(move |op| async move {
            let sleep = clock.sleep(SECOND);
            drop(op.spawn(sleep).expect("the child is running"));
        });
        child
            .expect("the scope is running")
            .await
            .expect("it has a value");
        runtime.now() - start
    }));
    assert_eq!(outcome.into_value(), Some(SECOND));
}

#[test]
fn r25_a_scope_inside_a_cancelled_one_joins_its_children_too() {
    let manual = ManualRuntime::new();
    let outer = open_on(&manual, "outer");
    let gone = Arc::new(AtomicBool::new(false));
    let guard = Dropped(gone.clone());
    let mut run = pin!(outer.run(|op| async move {
        let inner = op.child("inner").build().expect("it is sound");
        let _ = inner
            .run(|op| {
                let child = async move {
                    let _guard = guard;
                    pending::<()>().await;
                };
                drop(op.spawn(child).expect("the scope is running"));
                pending::<()>()
            })
            .await;
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.run_until_idle();
    outer.cancel();
    assert!(
        probe.poll(run.as_mut()).is_pending(),
        "a child below has not ended"
    );
    manual.run_until_idle();
    assert!(is_set(&gone));
    assert!(probe.poll(run.as_mut()).is_ready());
}

/// Keeps tasks for the test to poll.
struct Keeping {
    manual: RuntimeHandle,
    tasks: mpsc::SyncSender<Task>,
}

impl RuntimeAdapter for Keeping {
    fn name(&self) -> &'static str {
        "keeping"
    }
    fn now(&self) -> Instant {
        self.manual.now()
    }
    fn timer(&self, _at: Instant) -> Pin<Box<dyn Timer>> {
        panic!("no test here waits for a time")
    }
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        self.tasks.send(task).map_err(|error| Refused::new(error.0))
    }
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        job();
        Ok(())
    }
}

/// A waker that uses the scope whenever it is woken or dropped.
struct Meddling(Scope);

impl Meddling {
    fn meddle(&self) {
        assert!(self.0.live_children() < 10);
        drop(self.0.spawn(ready(())));
    }
}

impl Wake for Meddling {
    fn wake(self: Arc<Self>) {
        self.meddle();
    }
}

impl Drop for Meddling {
    fn drop(&mut self) {
        self.meddle();
    }
}

#[test]
fn r09_no_lock_is_held_while_a_waker_of_a_child_or_of_the_run_is_used() {
    let manual = ManualRuntime::new();
    let (tasks, kept) = mpsc::sync_channel(64);
    let keeping = RuntimeHandle::new(Keeping {
        manual: manual.handle(),
        tasks,
    });
    let builder = Scope::builder("crawl")
        .runtime(&keeping)
        .concurrency(at_most(1));
    let scope = builder.build().expect("it is sound");
    let mut run = pin!(scope.run(|op| async move {
        drop(op.spawn(ready(())).expect("the scope is running"));
        drop(op.spawn(ready(())).expect("the scope is running"));
    }));
    let meddling = || Waker::from(Arc::new(Meddling(scope.clone())));
    assert!(
        run.as_mut()
            .poll(&mut Context::from_waker(&meddling()))
            .is_pending()
    );
    let (mut first, mut second) = (kept.recv().unwrap(), kept.recv().unwrap());
    // Twice, so that a waker is replaced.
    for _ in 0..2 {
        assert!(
            second
                .as_mut()
                .poll(&mut Context::from_waker(&meddling()))
                .is_pending()
        );
    }
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&meddling()))
            .is_ready()
    );
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&meddling()))
            .is_ready()
    );
    // The children that the wakers have spawned so far.
    drop(kept.try_iter().collect::<Vec<_>>());
}

/// Counts the polls of a future.
struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Arc<AtomicUsize>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.future.as_mut().poll(cx)
    }
}

#[test]
fn r25_a_hundred_thousand_children_leave_nothing_and_cost_each_the_same() {
    const CHILDREN: usize = 100_000;
    let manual = ManualRuntime::new();
    let builder = Scope::builder("crawl")
        .runtime(&manual.handle())
        .concurrency(at_most(1000));
    let scope = builder.build().expect("it is sound");
    let (polls, runs) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, runtime) = (polls.clone(), manual.handle());
    let (sender, weak) = mpsc::channel();
    let run = scope.run(|op| async move {
        let kept = Arc::new(());
        for _ in 0..CHILDREN {
            let (runtime, kept) = (runtime.clone(), kept.clone());
            let child = Counted {
                future: Box::pin(async move {
                    runtime.sleep(SECOND).await;
                    drop(kept);
                }),
                polls: counter.clone(),
            };
            let child = op.spawn(child).expect("the scope is running");
            sender.send(child.token().downgrade()).expect("it is kept");
        }
        assert_eq!(op.live_children(), CHILDREN);
        kept
    });
    let run = Counted {
        future: Box::pin(run),
        polls: runs.clone(),
    };
    let kept = manual.block_on(run).into_value().expect("it has a value");
    assert_eq!(Arc::strong_count(&kept), 1);
    assert_eq!(
        (
            scope.live_children(),
            manual.live_tasks(),
            manual.pending_timers()
        ),
        (0, 0, 0)
    );
    // A record owns its token, so with the token the whole child is gone, while the scope is not.
    assert_eq!(
        weak.try_iter()
            .filter(|token| token.upgrade().is_some())
            .count(),
        0
    );
    // Each child is polled when it begins and when its timer fires, and the run is woken once, by
    // the last of them.
    assert_eq!(polls.load(Ordering::Relaxed), 2 * CHILDREN);
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[test]
fn r28_a_run_that_is_over_keeps_no_waker() {
    struct Unused;
    impl Wake for Unused {
        fn wake(self: Arc<Self>) {}
    }
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let task = Arc::new(Unused);
    let waker = Waker::from(task.clone());
    let mut run = pin!(scope.run(|op| async move {
        drop(op.spawn(ready(())).expect("the scope is running"));
    }));
    assert!(
        run.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    manual.run_until_idle();
    assert!(
        run.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    );
    drop(waker);
    assert_eq!(Arc::strong_count(&task), 1);
}
