//! Blocking work in a scope: how the work sees a cancel, which runs wait for it, and when it is abandoned.

use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, builder_on, open_on};
use cancelable_core::operation::{Straggler, StragglerKind};
use cancelable_core::scope::{ChildError, ChildHandle, RunError};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{
    CancellationToken, Cancelled, Operation, Reason, Registry, Scope, Status, current, source,
};
use log::Level;
use std::future::{pending, ready};
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
            .child("hash")
            .spawn_blocking(work)
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

/// A thread that reports when it has begun, and ends when the sender is dropped.
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
    let scope = open_on(&manual, "import");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let mut handle = None;
    let mut run = Box::pin(scope.run(|op| {
        let call = op
            .child("hash")
            .grace(SECOND * 3)
            .spawn_blocking(stubborn(begin, ending));
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
        "blocking call hash was abandoned: it has not ended 3 s after its cancel; let it check its \
         token"
    );
    drop(end);
    manual.block_on(operation.finished());
    assert_eq!(operation.status(), Status::Completed);
}

#[test]
fn r26_a_thread_that_ends_in_time_is_not_abandoned() {
    let manual = ManualRuntime::with_threads();
    let scope = open_on(&manual, "import");
    let (begin, begun) = mpsc::channel();
    let mut handle = None;
    let mut run = Box::pin(scope.run(|op| {
        let call = op.child("hash").grace(SECOND).spawn_blocking(move |token| {
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
    let scope = open_on(&manual, "import");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let pause = manual.handle().sleep(SECOND);
    let mut run = Box::pin(scope.run(|op| async move {
        let call = op
            .child("hash")
            .grace(SECOND)
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
    let scope = open_on(&manual, "import");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let mut run = Box::pin(scope.run(|op| {
        drop(
            op.child("hash")
                .grace(Duration::ZERO)
                .spawn_blocking(stubborn(begin, ending)),
        );
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

// Calls with limits of their own.

/// Runs a scope whose body awaits the call that `start` makes. `act` is called once the tasks have started.
fn awaited<T: Send + 'static>(
    manual: &ManualRuntime,
    start: impl FnOnce(&Scope) -> ChildHandle<T>,
    act: impl FnOnce(),
) -> (Result<T, ChildError>, Operation) {
    let scope = open_on(manual, "import");
    let mut run = Box::pin(scope.run(async |op: Scope| {
        let call = start(&op);
        let operation = call.operation().clone();
        (call.await, operation)
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    manual.run_until_idle();
    act();
    let outcome = manual.block_on(run);
    assert!(
        outcome.cause().is_none(),
        "the scope itself is not cancelled"
    );
    outcome.into_value().expect("it has a value")
}

/// Work that reports when it has begun, and waits for its cancel.
fn waiting(begun: mpsc::Sender<()>) -> impl FnOnce(CancellationToken) -> Result<(), Cancelled> {
    move |token| {
        begun.send(()).expect("it is kept");
        token.wait();
        token.check()
    }
}

#[test]
fn r20_r26_a_time_limit_of_a_call_wakes_its_thread() {
    let manual = ManualRuntime::with_threads();
    let passed = |begun: mpsc::Receiver<()>| {
        begun.recv().expect("it begins");
        manual.advance(SECOND * 2);
    };
    let (begin, begun) = mpsc::channel();
    let start = |op: &Scope| {
        let call = op.child("hash").timeout(SECOND * 2);
        call.spawn_blocking(waiting(begin)).expect("it is running")
    };
    let (ended, operation) = awaited(&manual, start, || passed(begun));
    // A value is never thrown away.
    assert!(
        ended
            .expect("it has a value")
            .is_err_and(|error| error.is_timeout())
    );
    assert_eq!(operation.status(), Status::Completed);
    assert_eq!(manual.pending_timers(), 0);

    let (begin, begun) = mpsc::channel();
    let start = |op: &Scope| {
        let call = op.child("hash").timeout(SECOND * 2);
        call.try_spawn_blocking(waiting(begin))
            .expect("it is running")
    };
    let (ended, operation) = awaited(&manual, start, || passed(begun));
    let error = ended.expect_err("it says that it was cancelled");
    assert!(error.cancellation().is_some_and(Cancelled::is_timeout));
    assert_eq!(operation.status(), Status::Cancelled);
    assert_eq!(operation.elapsed(), Some(SECOND * 2));
}

#[test]
fn r26_r30_a_source_of_a_call_cancels_it_and_one_that_fires_at_once_keeps_it_from_starting() {
    let manual = ManualRuntime::with_threads();
    let ((begin, begun), gone) = (mpsc::channel(), CancellationToken::new());
    let fires = gone.clone().cancelled_owned();
    let start = |op: &Scope| {
        let call = op
            .child("hash")
            .source(source::future(fires).named("the disk"));
        call.spawn_blocking(waiting(begin)).expect("it is running")
    };
    let (ended, _) = awaited(&manual, start, || {
        begun.recv().expect("it begins");
        gone.cancel();
    });
    let cancelled = ended
        .expect("it has a value")
        .expect_err("it was cancelled");
    assert_eq!(cancelled.cause().message(), Some("the disk"));

    let start = |op: &Scope| {
        let call = op.child("hash").source(source::future(ready(())));
        let work = |_| -> () { panic!("it was cancelled") };
        call.spawn_blocking(work).expect("it is running")
    };
    let (ended, operation) = awaited(&manual, start, || {});
    assert!(ended.expect_err("it did not start").is_cancelled());
    assert_eq!(operation.status(), Status::Cancelled);
}

#[test]
fn r26_a_call_with_a_limit_is_an_operation_on_its_thread_that_fails_and_panics_as_any() {
    let manual = ManualRuntime::with_threads();
    let start = |op: &Scope| {
        let call = op.child("hash").timeout(SECOND);
        call.spawn_blocking(|_| current()).expect("it is running")
    };
    let (inside, operation) = awaited(&manual, start, || {});
    let inside = inside.expect("it has a value").expect("it is an operation");
    assert_eq!(inside.id(), operation.id());
    for panics in [false, true] {
        let scope = open_on(&manual, "import");
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            let work = move |_| match panics {
                true => panic!("boom"),
                false => Err::<(), _>("no space"),
            };
            let call = op.child("hash").timeout(SECOND).try_spawn_blocking(work);
            drop(call.expect("the scope is running"));
            pending::<()>().await;
        }));
        let Err(RunError::ChildFailed(failure)) = outcome.into_result() else {
            panic!("a call has failed");
        };
        let expected = match panics {
            true => "child hash panicked: boom",
            false => "child hash failed: no space",
        };
        assert_eq!(failure.is_panic(), panics);
        assert_eq!(failure.to_string(), expected);
    }
}

#[test]
fn r20_r26_a_call_that_does_not_end_in_the_grace_after_its_time_limit_is_abandoned() {
    let manual = ManualRuntime::with_threads();
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let start = |op: &Scope| {
        let call = op.child("hash").timeout(SECOND).grace(SECOND * 3);
        call.spawn_blocking(stubborn(begin, ending))
            .expect("it is running")
    };
    let begin = manual.now();
    let (ended, operation) = awaited(&manual, start, || {
        begun.recv().expect("it begins");
        manual.advance(SECOND * 2);
        // No more than the grace is left.
        manual.advance(SECOND * 2);
    });
    let error = ended.expect_err("it was abandoned");
    assert!(error.is_abandoned());
    let text = error.to_string();
    assert!(
        text.contains("has not ended 3 s after its cancel"),
        "{text}"
    );
    assert_eq!(manual.now(), begin + SECOND * 4);
    assert_eq!(operation.status(), Status::Running);
    drop(end);
    manual.block_on(operation.finished());
}

#[test]
fn r26_r48_a_scope_with_an_abandoned_call_is_not_complete() {
    for is_awaited in [true, false] {
        let manual = ManualRuntime::with_threads();
        let scope = open_on(&manual, "import");
        let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
        let mut run = Box::pin(scope.run(async |op: Scope| {
            let call = op.child("hash").timeout(SECOND).grace(SECOND * 3);
            let call = call
                .spawn_blocking(stubborn(begin, ending))
                .expect("it is running");
            if is_awaited {
                assert!(call.await.expect_err("it was abandoned").is_abandoned());
            }
            7
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        begun.recv().expect("it begins");
        manual.advance(SECOND * 2);
        manual.advance(SECOND * 3);
        let outcome = manual.block_on(run);
        assert_eq!(
            (outcome.status(), outcome.value()),
            (Status::Completed, Some(&7))
        );
        let [straggler] = outcome.stragglers() else {
            panic!("{:?}", outcome.stragglers());
        };
        assert_eq!(
            (straggler.kind(), straggler.name()),
            (StragglerKind::Blocking, "hash")
        );
        assert!(straggler.is_abandoned());
        assert!(matches!(
            outcome.complete(),
            Err(RunError::Unfinished(left)) if left.name() == "hash"
        ));
        drop(end);
    }
}

#[test]
fn r26_r50_an_abandoned_call_is_in_the_outcome_once() {
    // The body is dropped at the end of its grace, and the call is abandoned then or later.
    for grace in [Duration::ZERO, SECOND, SECOND * 3] {
        let manual = ManualRuntime::with_threads();
        let scope = builder_on(&manual, "import").grace(SECOND).build();
        let scope = scope.expect("it has a runtime");
        let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
        let mut run = Box::pin(scope.run(async |op: Scope| {
            let call = op.child("hash").grace(grace);
            drop(call.spawn_blocking(stubborn(begin, ending)));
            pending::<()>().await;
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        begun.recv().expect("it begins");
        scope.cancel();
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.advance(SECOND);
        manual.advance(SECOND * 3);
        let outcome = manual.block_on(run);
        let names: Vec<_> = outcome.stragglers().iter().map(Straggler::name).collect();
        assert_eq!(names, ["import", "hash"], "{grace:?}");
        drop(end);
    }
}

#[test]
fn r23_r26_a_hard_cancel_ends_the_grace_of_a_call() {
    for limit in [None, Some(SECOND * 3600)] {
        let manual = ManualRuntime::with_threads();
        let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
        let (tell, told) = mpsc::channel();
        let start = |op: &Scope| {
            let mut call = op.child("hash").grace(SECOND * 3);
            if let Some(limit) = limit {
                call = call.timeout(limit);
            }
            let call = call.spawn_blocking(stubborn(begin, ending));
            let call = call.expect("it is running");
            tell.send(call.operation().clone()).expect("it is kept");
            call
        };
        let scope = open_on(&manual, "import");
        let mut run = Box::pin(scope.run(async |op: Scope| start(&op).await));
        let probe = Probe::new();
        assert!(probe.poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        begun.recv().expect("it begins");
        let operation = told.recv().expect("it was spawned");
        operation.cancel();
        assert!(probe.poll(run.as_mut()).is_pending());
        assert_eq!(operation.grace_remaining(), Some(SECOND * 3));
        manual.advance(SECOND);
        assert_eq!(operation.grace_remaining(), Some(SECOND * 2));
        let wakes = probe.wakes();
        operation.cancel_now("at once");
        assert!(probe.wakes() > wakes, "it is woken");
        assert_eq!(operation.grace_remaining(), Some(Duration::ZERO));
        let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
            panic!("it is abandoned");
        };
        let ended = outcome.into_value().expect("it has a value");
        let error = ended.expect_err("it was abandoned");
        assert!(error.is_abandoned());
        assert!(
            error.to_string().contains("1 s after its cancel"),
            "{error}"
        );
        drop(end);
        manual.block_on(operation.finished());
    }
}

#[test]
fn r26_a_call_with_a_limit_that_is_lost_with_its_runtime_is_lost() {
    let manual = ManualRuntime::new();
    let here = ManualRuntime::new();
    let scope = open_on(&manual, "import");
    let shut_down = &manual;
    let outcome = here.block_on(scope.run(|op| {
        let call = op.child("hash").timeout(SECOND).spawn_blocking(|_| ());
        drop(call.expect("the scope is running"));
        shut_down.shut_down();
        pending::<()>()
    }));
    assert!(
        matches!(outcome.into_result(), Err(RunError::ChildFailed(failure)) if failure.is_lost())
    );
    assert_eq!(scope.live_children(), 0);
}

#[test]
fn r26_r46_a_thread_that_asks_sees_its_own_time_limit_though_nobody_polls() {
    let manual = ManualRuntime::with_threads();
    let scope = open_on(&manual, "import");
    let (begun, (ask, asking), (tell, told)) =
        (CancellationToken::new(), mpsc::channel(), mpsc::channel());
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let (begin, call) = (begun.clone(), op.child("hash").timeout(SECOND));
        let call = call.spawn_blocking(move |token| {
            begin.cancel();
            asking.recv().expect("it is kept");
            tell.send(token.check()).expect("it is kept");
        });
        begun.cancelled().await;
        // Nothing is polled until this body yields.
        manual.advance(SECOND);
        ask.send(()).expect("it is kept");
        assert!(
            told.recv()
                .expect("it answers")
                .is_err_and(|error| error.is_timeout())
        );
        call.expect("the scope is running")
            .await
            .expect("it has a value");
    }));
    assert!(outcome.is_completed());
}

#[test]
fn r23_r26_a_call_with_a_limit_is_named_once_by_a_report_and_by_a_dump() {
    let manual = ManualRuntime::with_threads();
    let mut counts = Vec::new();
    for limit in [None, Some(SECOND * 3600)] {
        let registry = Registry::new();
        let builder = builder_on(&manual, "import").register_in(&registry);
        let scope = builder.build().expect("it is sound");
        let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
        let mut run = Box::pin(scope.run(|op| {
            let mut call = op.child("hash").grace(SECOND * 5);
            if let Some(limit) = limit {
                call = call.timeout(limit);
            }
            drop(call.spawn_blocking(stubborn(begin, ending)));
            pending::<()>()
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        begun.recv().expect("it begins");
        scope.cancel();
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        let stragglers = scope.unfinished();
        assert!(registry.dump().to_string().contains("on a blocking thread"));
        counts.push(stragglers.len());
        drop(end);
        assert!(manual.block_on(run).is_cancelled());
    }
    assert_eq!(counts, [1, 1]);
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
