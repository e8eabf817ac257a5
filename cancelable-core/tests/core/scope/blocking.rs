//! Blocking work in a scope: how it hears of the cancel, who waits for it, and who gives it up.

use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, open_on};
use cancelable_core::scope::RunError;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cancelled, Reason, Scope, Status, current};
use log::Level;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

#[test]
fn r26_blocking_work_gives_its_value_and_is_an_operation_on_its_thread() {
    let manual = ManualRuntime::with_threads();
    let scope = open_on(&manual, "import");
    let id = scope.id();
    let here = thread::current().id();
    let outcome = manual.block_on(scope.run(|op| async move {
        let work = move |token: CancellationToken| {
            let inside = current().expect("it is an operation");
            assert_ne!(thread::current().id(), here);
            assert_eq!(inside.parent().map(|parent| parent.id()), Some(id));
            assert_eq!(inside.token(), &token);
            assert_eq!(inside.status(), Status::Running);
            inside
        };
        let call = op
            .spawn_blocking_named("hash", work)
            .expect("the scope is running");
        let outside = call.operation().clone();
        (outside, call.await.expect("it has a value"))
    }));
    let (outside, inside) = outcome.into_value().expect("it has a value");
    assert_eq!((outside.id(), outside.name()), (inside.id(), "hash"));
    assert_eq!(outside.status(), Status::Completed);
}

#[test]
fn r26_a_thread_is_told_of_the_cancel_and_waited_for() {
    let manual = ManualRuntime::with_threads();
    let scope = open_on(&manual, "import");
    let begun = Arc::new(Barrier::new(2));
    let ended = Arc::new(AtomicBool::new(false));
    let (barrier, flag) = (begun.clone(), ended.clone());
    let mut handle = None;
    {
        let mut run = pin!(scope.run(|op| {
            let call = op.try_spawn_blocking(move |token| {
                barrier.wait();
                token.wait();
                flag.store(true, Ordering::SeqCst);
                token.check()
            });
            handle = call.ok();
            pending::<()>()
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        begun.wait();
        scope.cancel_with("enough");
        let outcome = manual.block_on(run);
        assert!(
            ended.load(Ordering::SeqCst),
            "the run has waited for the thread"
        );
        assert_eq!(outcome.status(), Status::Cancelled);
        assert!(
            outcome.child_failures().is_empty(),
            "to answer the cancel is no failure"
        );
    }
    let handle = handle.expect("it was spawned");
    assert_eq!(handle.status(), Status::Cancelled);
    let error = manual.block_on(handle).expect_err("it was cancelled");
    assert!(error.is_cancelled() && !error.is_abandoned());
    let message = error
        .cancellation()
        .and_then(|cancelled| cancelled.cause().message());
    assert_eq!(message, Some("enough"));
}

#[test]
fn r26_work_that_is_cancelled_before_its_thread_begins_is_not_run() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let outcome = manual.block_on(scope.run(|op| async move {
        let call = op
            .spawn_blocking(|_| panic!("it was cancelled"))
            .expect("the scope is running");
        call.cancel();
        let error = call.await.expect_err("it was cancelled");
        (error.is_cancelled(), op.is_cancelled())
    }));
    assert_eq!(outcome.into_value(), Some((true, false)));
}

#[test]
fn r26_a_failure_or_a_panic_of_a_thread_fails_the_scope() {
    let manual = ManualRuntime::new();
    for panics in [false, true] {
        let scope = open_on(&manual, "import");
        let outcome = manual.block_on(scope.run(|op| async move {
            let work = move |_| match panics {
                true => panic!("boom"),
                false => Err::<(), _>("no space"),
            };
            drop(op.try_spawn_blocking(work).expect("the scope is running"));
            pending::<()>().await;
        }));
        assert_eq!(
            outcome.cause().map(|cause| cause.reason().clone()),
            Some(Reason::ChildFailed)
        );
        let Err(RunError::ChildFailed(failure)) = outcome.into_result() else {
            panic!("a call has failed");
        };
        assert_eq!(failure.is_panic(), panics);
        let text = failure.to_string();
        assert!(text.starts_with("blocking call opened at "), "{text}");
        assert!(text.ends_with(match panics {
            true => " panicked: boom",
            false => " failed: no space",
        }));
    }
}

/// A thread that ends when the sender is dropped, and says when it has begun.
fn stubborn(begun: mpsc::Sender<()>, end: mpsc::Receiver<()>) -> impl FnOnce(CancellationToken) {
    move |_| {
        begun.send(()).expect("it is kept");
        // Looks at no token.
        let _ = end.recv();
    }
}

#[test]
fn r26_a_wait_that_is_limited_ends_without_the_thread_and_says_so() {
    let manual = ManualRuntime::with_threads();
    let builder = Scope::builder("import").runtime(&manual.handle());
    let scope = builder
        .abandon_blocking_after(SECOND * 3)
        .build()
        .expect("it is sound");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let mut handle = None;
    let mut run = Box::pin(scope.run(|op| {
        let call = op.spawn_blocking_named("hash", stubborn(begin, ending));
        handle = call.ok();
        pending::<()>()
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    begun.recv().expect("it begins");
    manual.advance(SECOND * 100);
    scope.cancel();
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.advance(SECOND * 3 - Duration::from_millis(1));
    assert!(probe.poll(run.as_mut()).is_pending(), "its time is not up");
    let wakes = probe.wakes();
    manual.advance(Duration::from_millis(1));
    assert!(probe.wakes() > wakes, "it is woken when its time is up");
    let mut polled = Poll::Pending;
    let lines = lines_of(|| polled = probe.poll(run.as_mut()));
    let Poll::Ready(outcome) = polled else {
        panic!("the wait is over");
    };
    assert_eq!(outcome.status(), Status::Cancelled);
    let warning = lines
        .iter()
        .find(|line| line.level == Level::Warn)
        .expect("it is reported");
    assert!(
        warning.text.starts_with("hash was abandoned"),
        "{}",
        warning.text
    );
    assert!(warning.text.contains("blocking.rs:"), "{}", warning.text);
    assert_eq!(manual.pending_timers(), 0);
    drop(run);

    let handle = handle.expect("it was spawned");
    assert!(!handle.is_finished(), "the thread goes on");
    assert_eq!(
        (handle.status(), scope.live_children()),
        (Status::Running, 1)
    );
    let operation = handle.operation().clone();
    let error = manual.block_on(handle).expect_err("it was abandoned");
    assert!(error.is_abandoned() && !error.is_cancelled());
    assert_eq!(
        error.to_string(),
        "blocking call hash was abandoned: it has not ended 3 s after its cancel, let it look at its \
         token"
    );
    drop(end);
    manual.block_on(operation.finished());
    assert_eq!(operation.status(), Status::Completed);
}

#[test]
fn r26_a_thread_that_ends_in_time_is_not_abandoned() {
    let manual = ManualRuntime::with_threads();
    let builder = Scope::builder("import").runtime(&manual.handle());
    let scope = builder
        .abandon_blocking_after(SECOND)
        .build()
        .expect("it is sound");
    let (begin, begun) = mpsc::channel();
    let mut handle = None;
    let mut run = Box::pin(scope.run(|op| {
        let call = op.spawn_blocking(move |token| {
            begin.send(()).expect("it is kept");
            token.wait();
            7
        });
        handle = call.ok();
        pending::<()>()
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    begun.recv().expect("it begins");
    scope.cancel();
    let start = manual.now();
    let outcome = manual.block_on(run);
    assert!(outcome.is_cancelled());
    assert_eq!((manual.now(), manual.pending_timers()), (start, 0));
    // It has produced a value, and a value is never thrown away.
    assert_eq!(
        manual.block_on(handle.expect("it was spawned")).ok(),
        Some(7)
    );
}

#[test]
fn r26_a_handle_gives_its_call_up_while_the_body_still_runs() {
    let manual = ManualRuntime::with_threads();
    let builder = Scope::builder("import").runtime(&manual.handle());
    let scope = builder
        .abandon_blocking_after(SECOND)
        .build()
        .expect("it is sound");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let pause = manual.handle().sleep(SECOND);
    let mut run = Box::pin(scope.run(|op| async move {
        let call = op
            .spawn_blocking(stubborn(begin, ending))
            .expect("the scope is running");
        pause.await;
        call.cancel();
        let error = call.await.expect_err("it was abandoned");
        (error.is_abandoned(), op.is_cancelled())
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    begun.recv().expect("it begins");
    manual.advance(SECOND);
    assert!(
        probe.poll(run.as_mut()).is_pending(),
        "it was cancelled just now"
    );
    let wakes = probe.wakes();
    manual.advance(SECOND);
    assert!(
        probe.wakes() > wakes,
        "it is woken when the time of the call is up"
    );
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("its time is up");
    };
    assert_eq!(outcome.into_value(), Some((true, false)));
    drop(end);
}

#[test]
fn r26_an_abandoned_call_is_a_straggler_until_its_thread_ends() {
    let manual = ManualRuntime::with_threads();
    let builder = Scope::builder("import").runtime(&manual.handle());
    let scope = builder
        .abandon_blocking_after(Duration::ZERO)
        .build()
        .expect("it is sound");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let mut run = Box::pin(scope.run(|op| {
        drop(op.spawn_blocking_named("hash", stubborn(begin, ending)));
        pending::<()>()
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    begun.recv().expect("it begins");
    scope.cancel();
    assert!(probe.poll(run.as_mut()).is_ready(), "no time was given");
    let stragglers = scope.unfinished();
    assert_eq!(stragglers.len(), 1, "{stragglers:?}");
    assert_eq!(stragglers[0].operation().name(), "hash");
    drop(end);
    while scope.live_children() > 0 {
        thread::yield_now();
    }
    assert!(scope.unfinished().is_empty());
}

#[test]
fn r26_a_blocking_call_that_its_runtime_drops_is_lost_and_nobody_hangs() {
    let manual = ManualRuntime::new();
    let here = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let shut_down = &manual;
    let outcome = here.block_on(scope.run(|op| {
        drop(op.spawn_blocking(|_| ()).expect("the scope is running"));
        shut_down.shut_down();
        pending::<()>()
    }));
    assert!(
        matches!(outcome.into_result(), Err(RunError::ChildFailed(failure)) if failure.is_lost())
    );
    assert_eq!(scope.live_children(), 0);
}

// Plain threads.

#[test]
fn r26_a_plain_thread_runs_a_closure_in_a_scope() {
    let scope = Scope::builder("crunch")
        .build()
        .expect("it needs no runtime");
    let id = scope.id();
    let here = thread::current().id();
    // Neither `Send` nor `'static`.
    let base = Rc::new(3);
    let outcome = scope.run_blocking(|op| {
        assert_eq!(current().map(|operation| operation.id()), Some(id));
        assert_eq!(
            (op.status(), thread::current().id()),
            (Status::Running, here)
        );
        Rc::new(*base + 4)
    });
    assert!(current().is_none());
    assert_eq!(outcome.status(), Status::Completed);
    assert_eq!(outcome.into_value().as_deref(), Some(&7));
    let again = scope.run_blocking(|_| ());
    assert!(matches!(again.error(), Some(RunError::AlreadyRun(_))));
}

#[test]
fn r26_a_closure_that_fails_or_panics_closes_the_scope_as_failed() {
    let scope = Scope::builder("crunch")
        .build()
        .expect("it needs no runtime");
    let outcome = scope.try_run_blocking(|_| Err::<(), _>("no space"));
    assert_eq!(outcome.status(), Status::Failed);
    let error = outcome.into_result().expect_err("it failed");
    assert_eq!(error.into_failed().ok(), Some("no space"));

    let scope = Scope::builder("crunch")
        .build()
        .expect("it needs no runtime");
    let caught = catch_unwind(AssertUnwindSafe(|| {
        scope.run_blocking(|_| -> () { panic!("boom") })
    }));
    let panic = caught.expect_err("the panic goes on to the caller");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"boom"));
    assert_eq!(scope.status(), Status::Failed);
    assert!(current().is_none());
}

#[test]
fn r26_a_cancelled_scope_does_not_run_its_closure() {
    let scope = Scope::builder("crunch")
        .build()
        .expect("it needs no runtime");
    scope.cancel_with("enough");
    let outcome = scope.run_blocking(|_| panic!("it is cancelled"));
    assert_eq!(outcome.status(), Status::Cancelled);
    let error = outcome.into_result().expect_err("it was cancelled");
    let cancelled: Option<&Cancelled> = error.cancellation();
    assert_eq!(
        cancelled.and_then(|it| it.cause().message()),
        Some("enough")
    );
}
