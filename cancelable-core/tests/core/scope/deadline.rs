//! The effective deadline of a scope: its value, its moves, and the scope to which a timeout is attributed.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, Sleep, Task, Timer};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Outcome, Reason, RuntimeHandle, Scope, Status};
use cooked_waker::IntoWaker;
use std::future::{Future, pending, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

fn timed_out(seconds: u32) -> Reason {
    Reason::TimedOut {
        limit: seconds * SECOND,
    }
}

fn bounded(manual: &ManualRuntime, name: &'static str, seconds: u32) -> Scope {
    let builder = Scope::builder(name).runtime(&manual.handle());
    builder
        .timeout(seconds * SECOND)
        .build()
        .expect("it has a runtime")
}

fn unbounded(manual: &ManualRuntime, name: &'static str) -> Scope {
    Scope::builder(name)
        .runtime(&manual.handle())
        .build()
        .expect("it has a runtime")
}

fn ready_now<F: Future>(future: F) -> F::Output {
    match Probe::new().poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is still pending"),
    }
}

/// A body that must not be polled.
async fn untouched() {
    panic!("the body was polled");
}

#[test]
fn r20_a_timeout_counts_from_entry() {
    let manual = ManualRuntime::new();
    let scope = bounded(&manual, "s", 3);
    assert_eq!(scope.deadline(), None);
    assert_eq!(scope.remaining(), Some(3 * SECOND));
    manual.advance(10 * SECOND);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(scope.deadline(), Some(manual.now() + 3 * SECOND));
    manual.advance(3 * SECOND - Duration::from_nanos(1));
    assert_eq!(probe.wakes(), 0);
    assert_eq!(scope.remaining(), Some(Duration::from_nanos(1)));
    manual.advance(Duration::from_nanos(1));
    assert_eq!(probe.wakes(), 1);
    let outcome = ready_now(run);
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(timed_out(3))
    );
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
    assert_eq!(scope.remaining(), Some(Duration::ZERO));
}

#[test]
fn r20_a_deadline_is_a_point_and_the_earliest_limit_counts() {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let build = |point: u32, span: u32| {
        let builder = Scope::builder("s")
            .runtime(&manual.handle())
            .timeout(9 * SECOND);
        let builder = builder.deadline(start + 9 * SECOND).timeout(span * SECOND);
        builder
            .deadline(start + point * SECOND)
            .build()
            .expect("it has a runtime")
    };
    let point_first = build(4, 5);
    assert_eq!(point_first.deadline(), Some(start + 4 * SECOND));
    let outcome = manual.block_on(point_first.run(|_| pending::<()>()));
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(Reason::DeadlineReached)
    );
    assert_eq!(manual.now(), start + 4 * SECOND);
    let span_first = build(9, 1);
    let outcome = manual.block_on(span_first.run(|_| pending::<()>()));
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(timed_out(1))
    );
    assert_eq!(manual.now(), start + 5 * SECOND);
}

#[test]
fn r20_a_child_may_shorten_and_never_extend() {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let parent = bounded(&manual, "parent", 5);
    let outcome = manual.block_on(parent.run(|op| async move {
        let short = op
            .child("short")
            .timeout(2 * SECOND)
            .build()
            .expect("a runtime");
        let short_outcome = short
            .run(|op| async move {
                assert_eq!(op.remaining(), Some(2 * SECOND));
                pending::<()>().await;
            })
            .await;
        assert!(!op.is_cancelled(), "a child's time is its own");
        let long = op
            .child("long")
            .timeout(60 * SECOND)
            .build()
            .expect("a runtime");
        assert_eq!(long.remaining(), Some(3 * SECOND), "before entry, too");
        let long_outcome = long
            .run(|op| async move {
                assert_eq!(op.remaining(), Some(3 * SECOND));
                pending::<()>().await;
            })
            .await;
        (short_outcome, long_outcome)
    }));
    let (short, long) = outcome.into_value().expect("its last poll has the value");
    assert_eq!(
        short.cause().map(|cause| cause.reason().clone()),
        Some(timed_out(2))
    );
    assert_eq!(
        long.cause().map(|cause| cause.reason().clone()),
        Some(timed_out(5))
    );
    assert_eq!(manual.now(), start + 5 * SECOND);
}

#[test]
fn r20_zero_and_past_cancel_without_polling_the_body() {
    let manual = ManualRuntime::new();
    let zero = bounded(&manual, "zero", 0);
    let outcome = ready_now(zero.run(|_| untouched()));
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(timed_out(0))
    );
    assert_eq!(outcome.status(), Status::Cancelled);

    let start = manual.now();
    manual.advance(SECOND);
    for point in [start, manual.now()] {
        let past = Scope::builder("past")
            .runtime(&manual.handle())
            .deadline(point);
        let past = past.build().expect("it has a runtime");
        let outcome = ready_now(past.run(|_| untouched()));
        let reason = outcome.cause().map(|cause| cause.reason().clone());
        assert_eq!(reason, Some(Reason::DeadlineReached));
    }

    // The time of a parent that nobody polls is up as well.
    let parent = bounded(&manual, "parent", 1);
    let mut parent_run = pin!(parent.run(|_| pending::<()>()));
    assert!(Probe::new().poll(parent_run.as_mut()).is_pending());
    manual.advance(SECOND);
    let child = parent.child("child").build().expect("a runtime");
    assert!(ready_now(child.run(|_| untouched())).is_cancelled());
}

#[test]
fn r20_a_limit_beyond_the_clock_is_never() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("endless").runtime(&manual.handle());
    let scope = builder
        .timeout(Duration::MAX)
        .build()
        .expect("it has a runtime");
    assert_eq!(scope.remaining(), None);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    assert_eq!((scope.deadline(), scope.remaining()), (None, None));
    assert_eq!(manual.pending_timers(), 0);
    scope.set_timeout(SECOND).expect("it runs");
    scope.set_timeout(Duration::MAX).expect("it runs");
    manual.advance(1000 * SECOND);
    assert!(Probe::new().poll(run.as_mut()).is_pending());
}

#[test]
fn r20_a_deadline_moves_both_ways_after_entry_with_one_timer() {
    let manual = ManualRuntime::new();
    let scope = bounded(&manual, "s", 3);
    let probe = Probe::new();
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(probe.poll(run.as_mut()).is_pending());

    manual.advance(2 * SECOND);
    scope.set_timeout(10 * SECOND).expect("it runs");
    assert_eq!(scope.remaining(), Some(10 * SECOND));
    assert_eq!(probe.wakes(), 1, "the run is woken to move its timer");
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(manual.pending_timers(), 1);
    manual.advance(9 * SECOND);
    assert_eq!(probe.wakes(), 1, "the old time has passed without effect");

    let nearer = manual.now() + SECOND / 2;
    let line = line!() + 1;
    scope.set_deadline(nearer).expect("it runs");
    assert_eq!(probe.wakes(), 2);
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(manual.pending_timers(), 1);
    manual.advance(SECOND / 2);
    assert_eq!(probe.wakes(), 3);
    let outcome = ready_now(run);
    let cause = outcome.cause().expect("its time is up");
    assert_eq!(
        (cause.reason(), cause.location().line()),
        (&Reason::DeadlineReached, line)
    );
}

#[test]
fn r20_a_deadline_that_moves_between_the_timer_and_the_poll_holds() {
    let manual = ManualRuntime::new();
    let scope = bounded(&manual, "s", 3);
    let probe = Probe::new();
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.advance(3 * SECOND);
    scope
        .set_timeout(SECOND)
        .expect("nobody has noticed the old one");
    assert!(
        probe.poll(run.as_mut()).is_pending(),
        "it was moved in time"
    );
    manual.advance(SECOND);
    assert!(probe.poll(run.as_mut()).is_ready());
}

#[test]
fn r20_a_moved_deadline_stays_below_those_above() {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let parent = bounded(&manual, "parent", 5);
    let child = parent
        .child("child")
        .timeout(SECOND)
        .build()
        .expect("a runtime");
    let mut parent_run = pin!(parent.run(|_| pending::<()>()));
    assert!(Probe::new().poll(parent_run.as_mut()).is_pending());
    let probe = Probe::new();
    let mut run = pin!(child.run(|_| pending::<()>()));
    assert!(probe.poll(run.as_mut()).is_pending());
    child.set_timeout(60 * SECOND).expect("it runs");
    assert_eq!(child.deadline(), Some(start + 5 * SECOND));
    assert!(probe.poll(run.as_mut()).is_pending());

    // The parent's time, to which the child's timer is set, moves away: the child is not cancelled.
    parent.set_timeout(8 * SECOND).expect("it runs");
    assert_eq!(child.deadline(), Some(start + 8 * SECOND));
    manual.advance(5 * SECOND);
    let wakes = probe.wakes();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(probe.wakes(), wakes, "it does not spin");
    assert!(Probe::new().poll(parent_run.as_mut()).is_pending());
    manual.advance(3 * SECOND);
    let outcome = ready_now(run);
    let cause = outcome.cause().expect("its time is up");
    assert_eq!(
        (cause.reason(), cause.is_inherited()),
        (&timed_out(8), true)
    );
}

#[test]
fn r20_a_nearer_deadline_of_a_parent_reaches_a_child_that_waits_elsewhere() {
    let manual = ManualRuntime::new();
    let parent = bounded(&manual, "parent", 60);
    let child = parent.child("child").build().expect("a runtime");
    let runtime = manual.handle();
    let parent_task = runtime.spawn(parent.run(|_| pending::<()>()));
    let child_task = runtime.spawn(child.run(|_| pending::<()>()));
    manual.run_until_idle();
    parent.set_timeout(SECOND).expect("it runs");
    manual.advance(SECOND);
    for outcome in [manual.block_on(parent_task), manual.block_on(child_task)] {
        let outcome = outcome.expect("the runtime is there");
        assert_eq!(
            outcome.cause().map(|cause| cause.reason().clone()),
            Some(timed_out(1))
        );
    }
}

#[test]
fn r20_a_nearer_deadline_of_a_run_that_nobody_polls_is_seen_by_a_look_and_wakes_nobody() {
    let manual = ManualRuntime::new();
    for looks in [true, false] {
        let parent = bounded(&manual, "parent", 60);
        let child = parent.child("child").build().expect("a runtime");
        let mut held = Box::pin(parent.run(|_| pending::<()>()));
        assert!(Probe::new().poll(held.as_mut()).is_pending());
        let child_run = manual.handle().spawn(child.run(|_| pending::<()>()));
        manual.run_until_idle();
        let start = manual.now();
        parent.set_timeout(SECOND).expect("it runs");
        assert_eq!(child.deadline(), Some(start + SECOND));
        manual.advance(SECOND);
        assert!(!child.is_cancelled(), "its timer stands where it stood");
        if looks {
            assert!(child.check().is_err());
        }
        let outcome = manual.block_on(child_run).expect("the runtime is there");
        let took = SECOND * if looks { 1 } else { 60 };
        assert_eq!(manual.now() - start, took);
        let reason = outcome.cause().map(|cause| cause.reason().clone());
        assert_eq!(reason, Some(timed_out(1)));
    }
}

#[test]
fn r20_moving_to_zero_or_past_cancels_at_once() {
    let manual = ManualRuntime::new();
    for past in [false, true] {
        let scope = unbounded(&manual, "s");
        let probe = Probe::new();
        let mut run = pin!(scope.run(|_| pending::<()>()));
        assert!(probe.poll(run.as_mut()).is_pending());
        match past {
            true => scope.set_deadline(manual.now()).expect("it runs"),
            false => scope.set_timeout(Duration::ZERO).expect("it runs"),
        }
        assert!(scope.is_cancelled(), "without a poll");
        assert!(probe.wakes() > 0);
        assert!(probe.poll(run.as_mut()).is_ready());
    }
}

#[test]
fn r20_a_scope_that_is_not_entered_is_cancelled_at_once_by_a_limit_that_is_over() {
    let manual = ManualRuntime::new();
    manual.advance(SECOND);
    let limits = [
        (Some(manual.now()), Reason::DeadlineReached),
        (Some(manual.now() - SECOND), Reason::DeadlineReached),
        (None, timed_out(0)),
    ];
    for (point, reason) in limits {
        let scope = unbounded(&manual, "s");
        let inner = scope.child("inner").build().expect("it is sound");
        let line = line!() + 3;
        match point {
            None => scope.set_timeout(Duration::ZERO).expect("it is open"),
            Some(point) => scope.set_deadline(point).expect("it is open"),
        }
        assert!(scope.is_cancelled() && inner.is_cancelled());
        assert_eq!(scope.status(), Status::Pending);
        let cause = scope.cause().expect("it is cancelled");
        assert_eq!(cause.reason(), &reason);
        assert!((line - 1..=line).contains(&cause.location().line()));
        assert_eq!(cause.operation(), Some(scope.label()));
        let again = scope.set_timeout(SECOND).expect_err("it is cancelled");
        assert!(again.is_cancelled(), "{again}");
        let outcome = manual.block_on(scope.run(|_| untouched()));
        assert!(outcome.is_cancelled());
    }
    // One that is not over, of its own or above, cancels nothing.
    let scope = bounded(&manual, "s", 1);
    let inner = scope.child("inner").build().expect("it is sound");
    let later = manual.now() + SECOND;
    inner.set_deadline(later).expect("it is open");
    inner.set_timeout(SECOND).expect("it is open");
    assert!(!inner.is_cancelled() && !scope.is_cancelled());
}

#[test]
fn r20_a_limit_set_before_entry_replaces_the_built_one() {
    let manual = ManualRuntime::new();
    let scope = bounded(&manual, "s", 1);
    scope.set_timeout(4 * SECOND).expect("it is open");
    manual.advance(2 * SECOND);
    let start = manual.now();
    let outcome = manual.block_on(scope.run(|_| pending::<()>()));
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(timed_out(4))
    );
    assert_eq!(manual.now(), start + 4 * SECOND);
}

#[test]
fn r20_work_that_never_yields_notices_its_deadline_by_check() {
    let manual = ManualRuntime::new();
    let scope = bounded(&manual, "busy", 3);
    let outcome = ready_now(scope.run(|op| {
        let mut rounds = 0;
        let ended = loop {
            if let Err(cancelled) = op.check() {
                break cancelled;
            }
            rounds += 1;
            manual.advance(SECOND);
        };
        assert_eq!(rounds, 3);
        ready(ended)
    }));
    let cancelled = outcome.into_value().expect("the body returned");
    assert_eq!(cancelled.cause().reason(), &timed_out(3));
    let place = scope
        .cause()
        .expect("it is cancelled")
        .location()
        .to_string();
    let place = place.rsplit_once(':').expect("a column").0.to_owned();
    assert_eq!(
        cancelled.to_string(),
        format!("busy cancelled after 3 s: timed out (limit 3 s, set at {place})")
    );
}

#[test]
fn r29_a_deadline_that_can_not_move_is_an_error_that_names_the_scope() {
    let manual = ManualRuntime::new();
    let closed = unbounded(&manual, "closed");
    assert!(ready_now(closed.run(|_| ready(()))).is_completed());
    let error = closed.set_timeout(SECOND).expect_err("it has ended");
    assert!(error.is_ended() && !error.is_cancelled());
    assert_eq!(error.operation(), closed.label());
    assert_eq!(
        error.to_string(),
        "scope closed rejected a new deadline: it has ended (completed)"
    );

    let cancelled = unbounded(&manual, "cancelled");
    cancelled.cancel();
    let error = cancelled
        .set_deadline(manual.now())
        .expect_err("it is cancelled");
    assert!(error.is_cancelled() && error.to_string().contains("scope cancelled"));

    let timeless = Scope::builder("timeless")
        .build()
        .expect("it needs no runtime");
    let error = timeless.set_timeout(SECOND).expect_err("it has no clock");
    assert!(error.is_without_runtime() && error.to_string().contains("scope timeless"));
}

#[test]
fn r21_a_timeout_is_attributed_to_the_scope_whose_deadline_it_was() {
    let manual = ManualRuntime::new();
    let parent = Scope::builder("parent").runtime(&manual.handle());
    let line = line!() + 1;
    let parent = parent.timeout(2 * SECOND);
    let parent = parent.build().expect("it has a runtime");
    let child = parent
        .child("child")
        .timeout(5 * SECOND)
        .build()
        .expect("a runtime");
    let mut parent_run = pin!(parent.run(|_| pending::<()>()));
    assert!(Probe::new().poll(parent_run.as_mut()).is_pending());
    // Only the child is driven: its own timer stands at the parent's deadline.
    let outcome = manual.block_on(child.run(|_| pending::<()>()));
    let cause = outcome.cause().expect("the time of its parent is up");
    assert_eq!(cause.reason(), &timed_out(2));
    assert_eq!(cause.operation(), Some(parent.label()));
    assert_eq!(
        (cause.location().file(), cause.location().line()),
        (file!(), line)
    );
    assert_eq!(cause.time(), Some(manual.now()));
    assert!(cause.is_inherited());
    let own = parent.cause().expect("it is cancelled itself");
    assert!(own.is_same(cause) && !own.is_inherited());
}

#[test]
fn r21_of_several_that_expire_together_the_outermost_wins() {
    let manual = ManualRuntime::new();
    let outer = bounded(&manual, "outer", 3);
    let middle = outer
        .child("middle")
        .timeout(3 * SECOND)
        .build()
        .expect("a runtime");
    let inner = middle
        .child("inner")
        .timeout(3 * SECOND)
        .build()
        .expect("a runtime");
    let (middle_copy, inner_copy) = (middle.clone(), inner.clone());
    let outcome = manual.block_on(outer.run(|_| async move {
        middle_copy
            .run(|_| async move { inner_copy.run(|_| pending::<()>()).await })
            .await
    }));
    let inner_outcome = outcome
        .into_value()
        .and_then(Outcome::into_value)
        .expect("polled once more");
    for cause in [
        outer.cause(),
        middle.cause(),
        inner.cause(),
        inner_outcome.cause().cloned(),
    ] {
        let cause = cause.expect("all three are cancelled");
        assert_eq!(cause.operation(), Some(outer.label()));
    }
}

#[test]
fn r21_a_child_whose_own_time_is_up_leaves_its_parent_alone() {
    let manual = ManualRuntime::new();
    let parent = bounded(&manual, "parent", 5);
    let outcome = manual.block_on(parent.run(|op| async move {
        let child = op
            .child("child")
            .timeout(2 * SECOND)
            .build()
            .expect("a runtime");
        let outcome = child.run(|_| pending::<()>()).await;
        (
            outcome.cause().and_then(|cause| cause.operation().cloned()),
            child.label().clone(),
        )
    }));
    assert!(outcome.is_completed() && outcome.cause().is_none());
    let (blamed, child) = outcome.into_value().expect("it is completed");
    assert_eq!(blamed, Some(child));
}

#[test]
fn r21_an_earlier_cancel_is_never_relabelled_as_a_timeout() {
    let manual = ManualRuntime::new();
    let scope = bounded(&manual, "s", 3);
    let probe = Probe::new();
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.advance(SECOND);
    scope.cancel_with("by hand");
    manual.advance(10 * SECOND);
    let outcome = ready_now(run);
    assert_eq!(
        outcome.cause().and_then(|cause| cause.message()),
        Some("by hand")
    );
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(Reason::Requested)
    );

    // Nor before entry, whatever the clock says then.
    let scope = bounded(&manual, "s", 0);
    scope.cancel_with("before");
    let outcome = ready_now(scope.run(|_| untouched()));
    assert_eq!(
        outcome.cause().and_then(|cause| cause.message()),
        Some("before")
    );
}

#[test]
fn r21_the_deadline_of_a_parent_that_has_ended_still_binds_what_it_left_running() {
    let manual = ManualRuntime::new();
    let parent = bounded(&manual, "parent", 2);
    let child = parent.child("child").build().expect("a runtime");
    assert!(ready_now(parent.run(|_| ready(()))).is_completed());
    let outcome = manual.block_on(child.run(|_| pending::<()>()));
    let cause = outcome.cause().expect("it is bound");
    assert_eq!(
        (cause.reason(), cause.operation()),
        (&timed_out(2), Some(parent.label()))
    );
    assert!(
        parent.cause().is_none(),
        "what had ended is not cancelled afterwards"
    );
}

#[test]
fn r20_a_move_wakes_the_task_that_polled_last() {
    let manual = ManualRuntime::new();
    let scope = unbounded(&manual, "s");
    let mut run = pin!(scope.run(|_| pending::<()>()));
    let (first, second) = (Probe::new(), Probe::new());
    assert!(first.poll(run.as_mut()).is_pending());
    assert!(second.poll(run.as_mut()).is_pending());
    scope.set_timeout(SECOND).expect("it runs");
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    assert!(first.poll(run.as_mut()).is_pending());
    scope.set_timeout(2 * SECOND).expect("it runs");
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
}

/// A waker whose clones lie elsewhere, so that what it was cloned from may go and another task's may
/// come to lie there.
#[derive(Clone)]
struct Boxed(Arc<AtomicUsize>);

impl cooked_waker::WakeRef for Boxed {
    fn wake_by_ref(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl cooked_waker::Wake for Boxed {}

#[test]
fn r20_a_moved_deadline_wakes_the_task_that_polled_last_wherever_its_waker_lies() {
    let manual = ManualRuntime::new();
    let scope = bounded(&manual, "s", 60);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    let tasks = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    let waker = |task: usize| Box::new(Boxed(Arc::clone(&tasks[task]))).into_waker();
    let first = waker(0);
    let place = first.data();
    let polled = run.as_mut().poll(&mut Context::from_waker(&first));
    assert!(polled.is_pending());
    drop(first);
    // The next ones of that size come to lie there, on most allocators the first.
    let others: Vec<_> = (0..1000).map(|_| waker(1)).collect();
    let same = others.iter().find(|waker| waker.data() == place);
    let second = same.unwrap_or(&others[0]);
    let polled = run.as_mut().poll(&mut Context::from_waker(second));
    assert!(polled.is_pending());
    scope.set_timeout(SECOND).expect("it is open");
    assert_eq!(tasks[1].load(Ordering::SeqCst), 1);
}

/// The time of a runtime that is moved by hand, with timers that have to be moved before they are
/// polled again.
struct Strict(RuntimeHandle);

struct StrictTimer {
    sleep: Sleep,
    has_rung: bool,
}

impl Future for StrictTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.has_rung, "polled after it has rung");
        let polled = Pin::new(&mut self.sleep).poll(cx);
        self.has_rung = polled.is_ready();
        polled
    }
}

impl Timer for StrictTimer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.sleep.reset(at);
        self.has_rung = false;
    }
}

impl RuntimeAdapter for Strict {
    fn name(&self) -> &'static str {
        "strict"
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(StrictTimer {
            sleep: self.0.sleep_until(at),
            has_rung: false,
        })
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        self.0.spawn(task).detach();
        Ok(())
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

#[test]
fn r20_a_timer_that_has_rung_is_moved_before_it_is_polled_again() {
    let manual = ManualRuntime::new();
    let runtime = RuntimeHandle::new(Strict(manual.handle()));
    let scope = Scope::builder("s").runtime(&runtime);
    let scope = scope.timeout(SECOND).grace(5 * SECOND).build();
    let scope = scope.expect("it has a runtime");
    let probe = Probe::new();
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.advance(SECOND);
    assert_eq!(probe.wakes(), 1);
    for _ in 0..3 {
        assert!(probe.poll(run.as_mut()).is_pending(), "in its grace");
    }
    manual.advance(5 * SECOND);
    assert!(probe.poll(run.as_mut()).is_ready());
}
