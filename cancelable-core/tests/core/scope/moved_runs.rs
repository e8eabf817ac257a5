//! Runs of owned bodies: `'static` and `Send`, and polled by one task and then by another (R14, R16).

use crate::support::probe::Probe;
use crate::support::{SECOND, builder_on, open_on};
use cancelable_core::scope::{Run, TryRun};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Outcome, RuntimeHandle, Scope, Status};
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::thread;

type Owned<T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'static>>;

fn owned<T>(run: impl Future<Output = Outcome<T>> + Send + 'static) -> Owned<T> {
    Box::pin(run)
}

/// Polls on another thread, whose task has this probe.
fn poll_elsewhere<T: Send + 'static>(
    run: Owned<T>,
    probe: Probe,
) -> (Owned<T>, Probe, Poll<Outcome<T>>) {
    let thread = thread::spawn(move || {
        let mut run = run;
        let poll = probe.poll(run.as_mut());
        (run, probe, poll)
    });
    thread.join().expect("it does not panic")
}

fn value<T>(poll: Poll<Outcome<T>>) -> Outcome<T> {
    match poll {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the run has not ended"),
    }
}

#[test]
fn r16_runs_of_owned_bodies_are_send_and_static() {
    fn is_owned<T: Send + 'static>(value: T) -> T {
        value
    }
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let run: Run<_, _> = is_owned(scope.run(|_| async { 7 }));
    assert_eq!(manual.block_on(run).into_value(), Some(7));
    let tried: TryRun<_, _> =
        is_owned(builder_on(&manual, "t").try_run(|_| async { Ok::<_, io::Error>(8) }));
    assert_eq!(manual.block_on(tried).into_value(), Some(8));
    let run = is_owned(builder_on(&manual, "u").run(async |op: Scope| op.name().len()));
    assert_eq!(manual.block_on(run).into_value(), Some(1));
}

#[test]
fn r14_a_cancel_wakes_the_task_that_polled_last() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let mut run = owned(scope.run(|_| pending::<()>()));
    let first = Probe::new();
    assert!(first.poll(run.as_mut()).is_pending());
    let (mut run, second, poll) = poll_elsewhere(run, Probe::new());
    assert!(poll.is_pending());
    scope.cancel();
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    // The woken task may give the run away before it polls.
    let third = Probe::new();
    assert!(value(third.poll(run.as_mut())).is_cancelled());
}

#[test]
fn r14_timers_of_the_run_and_of_the_body_follow() {
    let manual = ManualRuntime::new();
    let sleeper = |runtime: RuntimeHandle| async move { runtime.sleep(2 * SECOND).await };
    for (limit, status) in [(SECOND, Status::Cancelled), (3 * SECOND, Status::Completed)] {
        let scope = builder_on(&manual, "s").timeout(limit);
        let scope = scope.build().expect("it is sound");
        let (runtime, first) = (manual.handle(), Probe::new());
        let mut run = owned(scope.run(move |_| sleeper(runtime)));
        assert!(first.poll(run.as_mut()).is_pending());
        let (run, second, poll) = poll_elsewhere(run, Probe::new());
        assert!(poll.is_pending());
        manual.advance(limit.min(2 * SECOND));
        assert_eq!(first.wakes(), 0, "{limit:?}");
        assert!(second.wakes() >= 1, "{limit:?}");
        let (_run, _, poll) = poll_elsewhere(run, second);
        assert_eq!(value(poll).status(), status);
    }
    assert_eq!(manual.pending_timers(), 0);
}

#[test]
fn r14_a_run_moves_in_its_grace_period() {
    let manual = ManualRuntime::new();
    for cleanup in [1, 5] {
        let scope = builder_on(&manual, "s").grace(3 * SECOND);
        let scope = scope.build().expect("it is sound");
        let (runtime, first) = (manual.handle(), Probe::new());
        let mut run = owned(scope.run(move |op| async move {
            op.cancelled().await;
            runtime.sleep(cleanup * SECOND).await;
        }));
        assert!(first.poll(run.as_mut()).is_pending());
        scope.cancel();
        assert!(first.poll(run.as_mut()).is_pending());
        let before = first.wakes();
        let (run, second, poll) = poll_elsewhere(run, Probe::new());
        assert!(poll.is_pending());
        manual.advance(3 * SECOND);
        assert_eq!(first.wakes(), before);
        assert!(second.wakes() >= 1);
        let (_run, _, poll) = poll_elsewhere(run, second);
        let is_in_time = cleanup < 3;
        assert_eq!(value(poll).is_completed(), is_in_time);
    }
}

#[test]
fn r14_a_run_moves_while_it_joins_its_children() {
    let manual = ManualRuntime::new();
    for is_cancelled in [false, true] {
        let scope = open_on(&manual, "s");
        let (runtime, first) = (manual.handle(), Probe::new());
        let mut run = owned(scope.run(move |op| async move {
            let child = op.child("c").grace(SECOND);
            let child = child.spawn(move |op| async move {
                op.shield(runtime.sleep(2 * SECOND)).await;
            });
            child.map(drop).map_err(drop)
        }));
        assert!(first.poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        let (mut run, mut second, mut poll) = poll_elsewhere(run, Probe::new());
        assert!(poll.is_pending());
        if is_cancelled {
            scope.cancel();
            manual.run_until_idle();
            (run, second, poll) = poll_elsewhere(run, second);
            assert!(poll.is_pending(), "the shield of the child holds");
        }
        let before = first.wakes();
        manual.advance(2 * SECOND);
        manual.run_until_idle();
        assert_eq!(first.wakes(), before);
        assert!(second.wakes() >= 1);
        let (_run, _, poll) = poll_elsewhere(run, second);
        assert_eq!(value(poll).into_value(), Some(Ok(())));
        assert_eq!(manual.live_tasks(), 0);
    }
}

#[test]
fn r16_a_run_that_was_polled_here_ends_in_a_task_of_a_runtime() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let runtime = manual.handle();
    let mut run = owned(scope.run(move |_| async move {
        runtime.sleep(SECOND).await;
        7
    }));
    let here = Probe::new();
    assert!(here.poll(run.as_mut()).is_pending());
    let outer = open_on(&manual, "outer");
    let outcome = manual.block_on(outer.run(|op| async move {
        let child = op.spawn(run).map_err(drop)?;
        child.await.map_err(drop)
    }));
    let inner = outcome
        .into_value()
        .expect("it completed")
        .expect("it was spawned");
    assert_eq!(inner.into_value(), Some(7));
    assert_eq!(here.wakes(), 0);
}
