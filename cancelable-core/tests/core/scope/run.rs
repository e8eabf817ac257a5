//! Running a body in a scope: ties of value and cancel, notifications, and the close on every way out.

use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, at_most, open};
use cancelable_core::scope::{BuildError, RunError, ScopeBuilder};
use cancelable_core::source::{self, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{
    CancellationToken, Cause, Operation, Outcome, Reason, Scope, Source, Status,
};
use cooked_waker::IntoWaker;
use log::Level;
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Returns the output of a future that is ready at its first poll.
fn now<F: Future>(future: F) -> F::Output {
    match Probe::new().poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is still pending"),
    }
}

/// The message of a panic that `code` raises.
fn panic_of(code: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(code)).expect_err("it panics");
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .unwrap_or_default()
}

/// Sets a flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Dropped {
    fn new() -> (Self, Arc<AtomicBool>) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self(flag.clone()), flag)
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("drop of the body");
    }
}

/// A source that does not start.
struct Broken;

impl Source for Broken {
    fn name(&self) -> Cow<'static, str> {
        "broken".into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        Err(SourceError::new("no such device"))
    }
}

#[test]
fn r16_a_body_need_be_neither_send_nor_static() {
    let text = String::from("on the stack");
    let count = Rc::new(Cell::new(0));
    let scope = open("local");
    let outcome = now(scope.run(|_| async {
        count.set(count.get() + text.len());
        &text
    }));
    assert_eq!(outcome.into_value(), Some(&text));
    assert_eq!(count.get(), text.len());
}

#[test]
fn r16_a_run_is_send_where_its_body_is() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let scope = send(open("sendable"));
    assert!(now(send(scope.run(|_| ready(())))).is_completed());
}

#[test]
fn r16_a_cancel_wakes_the_run_which_drops_the_body_before_it_returns() {
    let (guard, dropped) = Dropped::new();
    let scope = open("cancelled");
    let mut run = pin!(scope.run(|_| async move {
        let _guard = guard;
        pending::<()>().await;
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(probe.wakes(), 0);
    assert!(scope.cancel_with("stop"));
    assert_eq!(probe.wakes(), 1);
    assert!(
        !dropped.load(Ordering::SeqCst),
        "the canceller drops nothing of the run"
    );
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("a cancelled run is over");
    };
    assert!(dropped.load(Ordering::SeqCst));
    assert_eq!(
        (outcome.status(), scope.status()),
        (Status::Cancelled, Status::Cancelled)
    );
    assert_eq!(
        outcome.cause().and_then(|cause| cause.message()),
        Some("stop")
    );
    let error = outcome.into_result().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cancelled cancelled: cancel requested: stop"),
        "{error}"
    );
}

/// Nothing, an operation, a token, or more than one of them above the scope; with and without a runtime.
fn below_each(name: &'static str, check: impl Fn(Scope)) {
    let (parent, token) = (open("parent"), CancellationToken::new());
    let manual = ManualRuntime::new();
    let builder = || Scope::builder(name);
    for builder in [
        builder(),
        builder().parent(&parent),
        builder().token(&token),
        builder().parent(&parent).token(&token),
        builder().token(&token).token(&CancellationToken::new()),
        builder().token(&CancellationToken::never()),
        builder().runtime(&manual.handle()),
        builder().runtime(&manual.handle()).token(&token),
    ] {
        check(builder.build().expect("it is sound"));
    }
    assert!(now(parent.run(|_| ready(()))).is_completed());
}

#[test]
fn r16_a_token_that_is_asked_for_while_the_run_waits_cancels_it() {
    below_each("asked", |scope| {
        let probe = Probe::new();
        let mut run = pin!(scope.run(|_| pending::<()>()));
        assert!(probe.poll(run.as_mut()).is_pending());
        let token = scope.token().clone();
        // It may have been woken for that, and waits again.
        assert!(probe.poll(run.as_mut()).is_pending());
        let before = probe.wakes();
        assert!(token.try_cancel());
        assert_eq!(probe.wakes(), before + 1);
        let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
            panic!("a cancelled run is over");
        };
        assert!(outcome.is_cancelled());
        assert_eq!(scope.token(), &token);
    });
    below_each("asked and cancelled", |scope| {
        let probe = Probe::new();
        let mut run = pin!(scope.run(|_| pending::<()>()));
        assert!(probe.poll(run.as_mut()).is_pending());
        assert!(scope.cancel_with(Reason::Requested));
        assert!(probe.wakes() > 0);
        assert!(probe.poll(run.as_mut()).is_ready());
    });
}

#[test]
fn r16_a_cancel_from_above_wakes_a_run_that_waits() {
    for asked in [false, true] {
        let (parent, token) = (open("parent"), CancellationToken::new());
        let scope = Scope::builder("below").parent(&parent).token(&token);
        let scope = scope.build().expect("it is sound");
        let beside = parent.child("beside").build().expect("it is sound");
        let [one, two] = [Probe::new(), Probe::new()];
        let mut first = pin!(scope.run(|_| pending::<()>()));
        let mut second = pin!(beside.run(|_| pending::<()>()));
        assert!(one.poll(first.as_mut()).is_pending() && two.poll(second.as_mut()).is_pending());
        if asked {
            let _ = (scope.token(), beside.token());
            assert!(one.poll(first.as_mut()).is_pending());
            assert!(two.poll(second.as_mut()).is_pending());
        }
        let before = [one.wakes(), two.wakes()];
        assert!(token.try_cancel());
        assert_eq!([one.wakes(), two.wakes()], [before[0] + 1, before[1]]);
        assert!(one.poll(first.as_mut()).is_ready());
        assert!(parent.cancel_with(Reason::Requested));
        assert_eq!(two.wakes(), before[1] + 1);
        assert!(two.poll(second.as_mut()).is_ready());
        assert!(now(parent.run(|_| ready(()))).is_cancelled());
    }
}

#[test]
fn r16_a_body_that_asks_for_the_token_wakes_nobody() {
    below_each("asks", |scope| {
        let probe = Probe::new();
        let mut run = pin!(scope.run(async |op| {
            let mut first = true;
            poll_fn(|_| match std::mem::take(&mut first) {
                true => Poll::Pending,
                false => Poll::Ready(op.token().clone()),
            })
            .await;
            pending::<()>().await;
        }));
        for _ in 0..3 {
            assert!(probe.poll(run.as_mut()).is_pending());
            assert_eq!(probe.wakes(), 0);
        }
        assert!(scope.cancel_with(Reason::Requested));
        assert_eq!(probe.wakes(), 1);
        assert!(probe.poll(run.as_mut()).is_ready());
    });
}

#[test]
fn r16_r29_a_run_that_is_refused_leaves_the_one_that_waits_alone() {
    below_each("run twice", |scope| {
        let [one, two] = [Probe::new(), Probe::new()];
        let mut run = pin!(scope.run(|_| pending::<()>()));
        assert!(one.poll(run.as_mut()).is_pending());
        let mut second = pin!(scope.run(|_| pending::<()>()));
        assert!(two.poll(second.as_mut()).is_ready(), "it is refused");
        assert_eq!((one.wakes(), two.wakes()), (0, 0));
        assert!(scope.cancel_with(Reason::Requested));
        assert_eq!((one.wakes(), two.wakes()), (1, 0));
        assert!(one.poll(run.as_mut()).is_ready());
    });
}

#[test]
fn r16_a_run_that_waits_is_woken_where_it_was_polled_last() {
    below_each("moved", |scope| {
        let probes = [Probe::new(), Probe::new()];
        let wakes = || probes.each_ref().map(Probe::wakes);
        let mut run = pin!(scope.run(|_| pending::<()>()));
        for probe in &probes {
            assert!(probe.poll(run.as_mut()).is_pending());
        }
        let _ = scope.token();
        let [before, to_wait_on_it] = wakes();
        assert_eq!(before, 0, "it has moved away from there");
        for probe in probes.iter().rev() {
            assert!(probe.poll(run.as_mut()).is_pending());
        }
        assert!(scope.cancel_with(Reason::Requested));
        assert_eq!(wakes(), [1, to_wait_on_it]);
        assert!(probes[0].poll(run.as_mut()).is_ready());
    });
}

#[test]
fn r16_a_run_that_moved_is_woken_from_above_where_it_was_polled_last() {
    let [one, two] = [Probe::new(), Probe::new()];
    let above = CancellationToken::new();
    let scope = Scope::builder("moved").token(&above).build();
    let scope = scope.expect("it is sound");
    let mut run = pin!(scope.run(|_| pending::<()>()));
    for probe in [&one, &two] {
        assert!(probe.poll(run.as_mut()).is_pending());
    }
    assert!(above.try_cancel());
    assert_eq!((one.wakes(), two.wakes()), (0, 1));
    assert!(two.poll(run.as_mut()).is_ready());
}

#[test]
fn r13_each_of_several_tokens_cancels_a_scope() {
    for which in 0..3 {
        let tokens = [(); 3].map(|()| CancellationToken::new());
        let builder = Scope::builder("below");
        let builder = tokens
            .iter()
            .fold(builder, |builder, token| builder.token(token));
        let scope = builder.build().expect("it is sound");
        let probe = Probe::new();
        let mut run = pin!(scope.run(|_| pending::<()>()));
        assert!(probe.poll(run.as_mut()).is_pending());
        assert!(tokens[which].try_cancel());
        assert_eq!(probe.wakes(), 1);
        assert!(probe.poll(run.as_mut()).is_ready());
        let cause = scope.cause().expect("it is cancelled");
        assert!(cause.is_same(&tokens[which].cause().expect("likewise")));
    }
}

#[test]
fn r25_the_last_limit_on_children_counts() {
    let limits = |first, last| {
        let builder = Scope::builder("limited").concurrency(at_most(first));
        builder.concurrency(at_most(last)).build()
    };
    let scope = limits(1, 2).expect("two at once");
    assert!(now(scope.run(|_| ready(()))).is_completed());
}

#[test]
fn r12_a_run_leaves_no_waker_at_what_is_above_when_it_ends_moves_or_is_dropped() {
    struct Idle;
    impl Wake for Idle {
        fn wake(self: Arc<Self>) {}
    }
    for way in [
        "ends",
        "is dropped",
        "has a token",
        "has a token and is dropped",
        "moves",
    ] {
        let (parent, token) = (open("parent"), CancellationToken::new());
        let builders = [
            Scope::builder("below").token(&token),
            Scope::builder("below").parent(&parent),
            Scope::builder("below").parent(&parent).token(&token),
        ];
        for builder in builders {
            let scope = builder.build().expect("it is sound");
            let task = Arc::new(Idle);
            let waker = Waker::from(task.clone());
            let mut context = Context::from_waker(&waker);
            let mut first = true;
            let body = poll_fn(|_| match std::mem::take(&mut first) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            });
            let mut run = Box::pin(scope.run(|_| body));
            assert!(run.as_mut().poll(&mut context).is_pending());
            assert!(Arc::strong_count(&task) > 2, "it waits");
            if way.starts_with("has a token") {
                let _ = scope.token();
            }
            match way {
                "moves" => assert!(now(run.as_mut()).is_completed()),
                way if way.ends_with("is dropped") => drop(run),
                _ => assert!(run.as_mut().poll(&mut context).is_ready()),
            }
            drop(waker);
            assert_eq!(Arc::strong_count(&task), 1, "one that {way}");
        }
        assert!(now(parent.run(|_| ready(()))).is_completed());
    }
}

/// A waker all of whose parts are a user's code.
struct Acts {
    act: Arc<dyn Fn() + Send + Sync>,
    wakes: Arc<AtomicUsize>,
}

impl Clone for Acts {
    fn clone(&self) -> Self {
        (self.act)();
        let (act, wakes) = (self.act.clone(), self.wakes.clone());
        Self { act, wakes }
    }
}

impl cooked_waker::WakeRef for Acts {
    fn wake_by_ref(&self) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        (self.act)();
    }
}

impl cooked_waker::Wake for Acts {}

impl Drop for Acts {
    fn drop(&mut self) {
        (self.act)();
    }
}

/// In the step `at` of the waker, everything that one may do with an operation but to cancel it, and
/// that too if `cancels`.
fn waker_that_acts(operation: Operation, at: usize, cancels: bool) -> (Waker, Arc<AtomicUsize>) {
    let wakes = Arc::new(AtomicUsize::new(0));
    let step = AtomicUsize::new(0);
    let act = Arc::new(move || {
        if step.fetch_add(1, Ordering::SeqCst) == at {
            let _ = (
                operation.is_cancelled(),
                operation.cause(),
                operation.remaining(),
            );
            drop(operation.token().child_token());
            drop(operation.snapshot());
            if cancels {
                operation.cancel();
            }
        }
    });
    let acts = Box::new(Acts {
        act,
        wakes: wakes.clone(),
    });
    (acts.into_waker(), wakes)
}

#[test]
fn r09_the_waker_of_a_run_may_use_the_operation_and_no_cancel_is_lost() {
    for (at, cancels) in (0..8).flat_map(|at| [(at, false), (at, true)]) {
        below_each("watched by its waker", |scope| {
            let (waker, wakes) = waker_that_acts(scope.operation().clone(), at, cancels);
            let wakes = || wakes.load(Ordering::SeqCst);
            let mut context = Context::from_waker(&waker);
            let mut run = pin!(scope.run(|_| pending::<()>()));
            // As an executor does: until nobody has woken it since.
            let mut until_it_sleeps = || {
                loop {
                    let before = wakes();
                    let polled = run.as_mut().poll(&mut context);
                    if polled.is_ready() || wakes() == before {
                        return polled.is_ready();
                    }
                }
            };
            let over = until_it_sleeps();
            assert_eq!(over, scope.is_cancelled());
            if !over {
                let before = wakes();
                // The waker may be first, when it is called for the token.
                assert!(scope.cancel_with(Reason::Requested) || cancels);
                assert!(wakes() > before, "step {at}");
                assert!(until_it_sleeps());
            }
        });
    }
}

#[test]
fn r16_a_run_that_is_dropped_while_it_waits_wakes_nobody() {
    below_each("dropped", |scope| {
        let probe = Probe::new();
        let mut run = Box::pin(scope.run(|_| pending::<()>()));
        assert!(probe.poll(run.as_mut()).is_pending());
        drop(run);
        assert!(scope.is_cancelled());
        assert_eq!(probe.wakes(), 0);
        assert!(scope.token().is_cancelled());
        assert_eq!(probe.wakes(), 0);
    });
}

#[test]
fn r28_what_was_left_at_a_token_goes_with_its_last_handle_though_it_holds_what_hangs_below() {
    for more in [false, true] {
        let (guard, dropped) = Dropped::new();
        let (token, other) = (CancellationToken::new(), CancellationToken::new());
        let builder = Scope::builder("below").token(&token);
        let builder = match more {
            true => builder.token(&other),
            false => builder,
        };
        let scope = builder.build().expect("it is sound");
        let operation = scope.operation().clone();
        let callback = token.on_cancel(move |_| drop((operation, guard)));
        callback.detach();
        assert!(now(scope.run(|_| ready(()))).is_completed());
        let weak = token.downgrade();
        drop(token);
        assert!(weak.upgrade().is_none());
        assert!(dropped.load(Ordering::SeqCst));
    }
}

#[test]
fn r03_r06_a_scope_has_the_cause_from_above_whether_or_not_its_token_was_asked_for() {
    for asked in [false, true] {
        let above = CancellationToken::new();
        let scope = Scope::builder("below").token(&above).build();
        let scope = scope.expect("it is sound");
        if asked {
            assert!(!scope.token().is_cancelled());
        }
        let inner = scope.child("inner").build().expect("it is sound");
        assert!(!scope.is_cancelled() && scope.cause().is_none());
        assert!(above.cancel_with("from above"));
        for scope in [&inner, &scope] {
            assert!(scope.is_cancelled());
            let cause = scope.cause().expect("it is cancelled");
            assert!(cause.is_inherited() && cause.is_same(&above.cause().expect("likewise")));
            assert!(
                !scope.cancel_with(Reason::Requested),
                "it was cancelled before"
            );
            assert!(now(scope.run(|_| ready(()))).is_cancelled());
        }
    }
}

#[test]
fn r16_nothing_is_spawned_and_no_source_outlives_the_run() {
    let manual = ManualRuntime::new();
    let (guard, dropped) = Dropped::new();
    let watch = async move {
        let _guard = guard;
        pending::<()>().await;
    };
    let scope = Scope::builder("watched").runtime(&manual.handle());
    let scope = scope
        .timeout(SECOND)
        .source(source::future(watch))
        .build()
        .expect("it is sound");
    let body_runtime = manual.handle();
    let mut run = pin!(scope.run(|_| async move { body_runtime.sleep(SECOND / 2).await }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 2));
    manual.advance(SECOND / 2);
    assert!(probe.poll(run.as_mut()).is_ready());
    assert!(
        dropped.load(Ordering::SeqCst),
        "although the run itself is not dropped yet"
    );
    assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
}

#[test]
fn r17_a_value_wins_over_a_cancel_in_the_same_poll() {
    let scope = open("tie");
    let outcome = now(scope.run(|op| async move {
        op.cancel_with("too late");
        7
    }));
    assert_eq!(outcome.value(), Some(&7));
    assert_eq!(outcome.status(), Status::Completed);
}

#[test]
fn r17_a_value_that_is_ready_when_the_time_is_up_wins() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = Scope::builder("tie")
        .runtime(&runtime)
        .timeout(SECOND)
        .build()
        .expect("sound");
    let outcome = manual.block_on(scope.run(|_| async move {
        runtime.sleep(SECOND).await;
        7
    }));
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r17_a_finished_body_whose_drop_panics_keeps_its_value() {
    let scope = open("tie");
    let mut grenade = Some(Grenade);
    let body = poll_fn(move |_| {
        // The closure owns the grenade until it is dropped.
        let _ = &mut grenade;
        Poll::Ready(7)
    });
    assert_eq!(now(scope.run(|_| body)).into_value(), Some(7));
    assert_eq!(scope.status(), Status::Completed);
}

#[test]
fn r18_a_completed_outcome_keeps_the_cause_of_the_request() {
    let scope = open("asked");
    let go = CancellationToken::new();
    let body_go = go.clone();
    let mut run = pin!(scope.run(|_| async move {
        body_go.cancelled().await;
        "value"
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    go.cancel();
    scope.cancel_with("please");
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("the body is ready");
    };
    assert_eq!(outcome.status(), Status::Completed);
    assert_eq!(
        outcome.cause().and_then(|cause| cause.message()),
        Some("please")
    );
    assert_eq!(outcome.into_value(), Some("value"));
    let unasked = now(open("unasked").run(|_| ready(())));
    assert!(unasked.is_completed() && unasked.cause().is_none());
}

#[test]
fn r19_once_cancelled_every_later_look_says_so() {
    let scope = open("done for");
    scope.cancel();
    for _ in 0..2 {
        assert!(scope.is_cancelled());
        assert!(scope.check().is_err());
        now(scope.cancelled());
        let child = scope.child("child").build().expect("it needs no runtime");
        let outcome: Outcome<()> = now(child.run(|_| async { panic!("it must not start") }));
        assert!(outcome.is_cancelled());
        assert!(outcome.cause().expect("it was cancelled").is_inherited());
    }
    let outcome: Outcome<()> = now(scope.run(|_| async { panic!("it must not start") }));
    assert!(outcome.is_cancelled());
    assert!(scope.check().is_err(), "also after its end");
}

#[test]
fn r19_a_body_that_catches_a_cancelled_child_is_told_again() {
    let outer = open("outer");
    let outcome = now(outer.run(|op| async move {
        op.cancel();
        let mut refusals = 0;
        for _ in 0..3 {
            let step = op.child("step").build().expect("it needs no runtime");
            refusals += usize::from(step.run(|_| ready(())).await.is_cancelled());
        }
        refusals
    }));
    assert_eq!(outcome.into_value(), Some(3));
}

#[test]
fn r06_a_scope_hears_its_token_and_its_parent_and_cancels_neither() {
    let (one, two) = (CancellationToken::new(), CancellationToken::new());
    let parent = open("parent");
    for canceller in [&one, &two, parent.token()] {
        let child = parent
            .child("child")
            .token(&one)
            .token(&two)
            .build()
            .expect("it is sound");
        assert!(child.cancel_with(Reason::Requested));
        assert!(!canceller.is_cancelled());
    }
    let child = || {
        parent
            .child("child")
            .token(&one)
            .token(&two)
            .build()
            .expect("it is sound")
    };
    let early = child();
    two.cancel_with("by two");
    let cause = early.cause().expect("a handle hears it at once");
    assert_eq!(
        (cause.message(), cause.is_inherited()),
        (Some("by two"), true)
    );
    let single = Scope::builder("single")
        .token(&two)
        .build()
        .expect("it is sound");
    assert_eq!(
        single
            .cause()
            .and_then(|cause| cause.message().map(str::to_owned)),
        Some("by two".into())
    );
    let third = parent
        .child("third")
        .token(&one)
        .build()
        .expect("it is sound");
    parent.cancel_with("by parent");
    assert_eq!(third.token().message().as_deref(), Some("by parent"));
    assert!(
        child().is_cancelled(),
        "a child of the cancelled is cancelled from the start"
    );
}

#[test]
fn r28_a_value_an_error_and_a_cancel_close() {
    let scope = open("value");
    assert_eq!(now(scope.run(|_| ready(1))).status(), Status::Completed);
    assert_eq!(scope.status(), Status::Completed);

    let scope = open("error");
    let outcome = now(scope.try_run(|_| ready(Err::<(), _>(fmt::Error))));
    assert_eq!(
        (outcome.status(), scope.status()),
        (Status::Failed, Status::Failed)
    );
    assert_eq!(
        outcome.into_result().unwrap_err().into_failed().ok(),
        Some(fmt::Error)
    );

    let scope = open("fine");
    assert_eq!(
        now(scope.try_run(|_| ready(Ok::<_, fmt::Error>(2)))).into_value(),
        Some(2)
    );
    assert_eq!(scope.status(), Status::Completed);
}

#[test]
fn r28_a_panic_closes_as_failed_and_goes_on() {
    let scope = open("panics");
    let mut run = pin!(scope.run(|_| async { panic!("of the body") }));
    let text = panic_of(|| assert!(Probe::new().poll(run.as_mut()).is_pending()));
    assert_eq!(text, "of the body");
    assert_eq!(scope.status(), Status::Failed);

    let scope = open("panics at once");
    let mut run = pin!(scope.run(|_| -> std::future::Ready<()> { panic!("of the closure") }));
    let text = panic_of(|| assert!(Probe::new().poll(run.as_mut()).is_pending()));
    assert_eq!(text, "of the closure");
    assert_eq!(scope.status(), Status::Failed);
}

#[test]
fn r28_a_panic_in_the_drop_of_a_cancelled_body_closes_too() {
    let scope = open("grenade");
    let mut run = pin!(scope.run(|_| async {
        let _grenade = Grenade;
        pending::<()>().await;
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    scope.cancel();
    let text = panic_of(|| assert!(probe.poll(run.as_mut()).is_pending()));
    assert_eq!(text, "drop of the body");
    assert_eq!(scope.status(), Status::Failed);
    let again = now(run).into_result();
    assert!(
        matches!(again, Err(RunError::AlreadyRun(_))),
        "it is over, not stuck"
    );
}

#[test]
fn r28_dropping_the_run_cancels_for_the_body_and_its_children() {
    let scope = open("dropped");
    let child = scope.child("child").build().expect("it needs no runtime");
    let (guard, dropped) = Dropped::new();
    let seen_at_drop = Arc::new(AtomicBool::new(false));
    let probe = Probe::new();
    {
        let seen = seen_at_drop.clone();
        let mut run = Box::pin(scope.run(|op| async move {
            struct Look(Scope, Arc<AtomicBool>);
            impl Drop for Look {
                fn drop(&mut self) {
                    self.1.store(self.0.is_cancelled(), Ordering::SeqCst);
                }
            }
            let _look = Look(op, seen);
            let _guard = guard;
            pending::<()>().await;
        }));
        assert!(probe.poll(run.as_mut()).is_pending());
        drop(run);
    }
    assert!(dropped.load(Ordering::SeqCst) && seen_at_drop.load(Ordering::SeqCst));
    assert_eq!(scope.status(), Status::Cancelled);
    let cause = child.cause().expect("it is cancelled with its parent");
    assert_eq!(cause.reason(), &Reason::RunDropped);
    assert_eq!(cause.operation(), Some(scope.label()));
    assert_eq!(cause.location(), scope.location());
    assert_eq!(probe.wakes(), 0, "nobody is woken for a run that is gone");
    assert!(now(child.run(|_| ready(()))).is_cancelled());
}

#[test]
fn r28_dropping_a_run_whose_body_panics_then_closes_and_goes_on() {
    let scope = open("grenade");
    let mut run = Box::pin(scope.run(|_| async {
        let _grenade = Grenade;
        pending::<()>().await;
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    assert_eq!(panic_of(|| drop(run)), "drop of the body");
    assert_eq!(scope.status(), Status::Failed);

    // The same while another panic unwinds: the process lives on.
    let scope = open("grenade in a fire");
    let text = panic_of(|| {
        let mut run = Box::pin(scope.run(|_| async {
            let _grenade = Grenade;
            pending::<()>().await;
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        panic!("fire");
    });
    assert_eq!(text, "fire");
    assert_eq!(scope.status(), Status::Failed);
}

#[test]
fn r28_a_source_that_does_not_start_closes_as_failed() {
    let (guard, dropped) = Dropped::new();
    let watch = async move {
        let _guard = guard;
        pending::<()>().await;
    };
    let scope = Scope::builder("s")
        .source(source::future(watch))
        .source(Broken);
    let scope = scope.build().expect("it needs no runtime");
    let outcome: Outcome<()> = now(scope.run(|_| async { panic!("it must not start") }));
    assert_eq!(
        (outcome.status(), scope.status()),
        (Status::Failed, Status::Failed)
    );
    assert!(
        dropped.load(Ordering::SeqCst),
        "the source that did start is gone"
    );
    let error = outcome.into_result().unwrap_err();
    let text = "scope s did not start, because its source broken failed to start: no such device";
    assert_eq!(error.to_string(), text);
    assert!(matches!(&error, RunError::SourceFailed(failed) if failed.source_name() == "broken"));
}

#[test]
fn r28_a_scope_that_is_never_run_is_reported_with_a_warning() {
    let (guard, dropped) = Dropped::new();
    let mut operation = None;
    let lines = lines_of(|| {
        let watch = async move {
            let _guard = guard;
            pending::<()>().await;
        };
        let scope = Scope::builder("forgotten").source(source::future(watch));
        let scope = scope.build().expect("it needs no runtime");
        operation = Some(scope.operation().clone());
        let clone = scope.clone();
        drop(scope);
        // A run that was not polled yet keeps the scope as good as a handle does.
        let run = clone.run(|_| ready(()));
        drop(clone);
        assert_eq!(
            operation.as_ref().map(|operation| operation.status()),
            Some(Status::Pending)
        );
        drop(run);
    });
    let operation = operation.expect("it was opened");
    assert_eq!(operation.status(), Status::NeverRun);
    assert!(
        dropped.load(Ordering::SeqCst),
        "its sources are gone although a handle is left"
    );
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line.level <= Level::Warn)
        .collect();
    assert_eq!(warnings.len(), 1, "{lines:?}");
    assert_eq!(warnings[0].operation.as_deref(), Some("forgotten"));
    assert!(
        warnings[0].text.contains(&operation.location().to_string()),
        "{warnings:?}"
    );
}

#[test]
fn r28_a_run_in_one_expression_is_not_reported_as_never_run() {
    let lines = lines_of(|| {
        let run = open("temporary").run(|op| ready(op.status()));
        assert_eq!(now(run).into_value(), Some(Status::Running));
    });
    assert!(
        lines.iter().all(|line| line.level == Level::Debug),
        "{lines:?}"
    );
}

#[test]
fn r28_nothing_is_left_on_any_way_out() {
    type Way = fn(Scope);
    let ways: [(&str, Way); 7] = [
        ("value", |scope| drop(now(scope.run(ready)))),
        ("error", |scope| {
            drop(now(scope.try_run(|op| ready(Err::<(), _>(op)))));
        }),
        ("cancel", |scope| {
            let mut run = pin!(scope.run(|op| async move {
                let _op = op;
                pending::<()>().await;
            }));
            assert!(Probe::new().poll(run.as_mut()).is_pending());
            scope.cancel();
            assert!(Probe::new().poll(run.as_mut()).is_ready());
        }),
        ("drop", |scope| {
            let mut run = Box::pin(scope.run(|op| async move {
                let _op = op;
                pending::<()>().await;
            }));
            assert!(Probe::new().poll(run.as_mut()).is_pending());
        }),
        ("panic", |scope| {
            let mut run = pin!(scope.run(|op| async move {
                let _op = op;
                panic!("on purpose")
            }));
            panic_of(|| assert!(Probe::new().poll(run.as_mut()).is_pending()));
        }),
        ("unpolled", |scope| drop(scope.run(ready))),
        ("abandoned", drop),
    ];
    for (name, way) in ways {
        let marker = Arc::new(());
        let (watch, probe) = (marker.clone(), marker.clone());
        let manual = ManualRuntime::new();
        let watch = poll_fn(move |_| {
            let _ = &watch;
            Poll::<()>::Pending
        });
        let scope = Scope::builder(name)
            .runtime(&manual.handle())
            .timeout(SECOND);
        let scope = scope
            .source(source::future(watch))
            .build()
            .expect("it has a runtime");
        let token = scope.token().downgrade();
        way(scope);
        drop(probe);
        assert_eq!(Arc::strong_count(&marker), 1, "{name}: a source is left");
        assert!(token.upgrade().is_none(), "{name}: the record is left");
        assert_eq!(manual.pending_timers(), 0, "{name}: a timer is left");
    }
}

#[test]
fn r29_a_second_run_is_refused_and_harms_nothing() {
    let scope = open("once");
    let probe = Probe::new();
    let go = CancellationToken::new();
    let wait = go.clone();
    let mut first = pin!(scope.run(|_| async move { wait.cancelled().await }));
    assert!(probe.poll(first.as_mut()).is_pending());

    let second: Outcome<()> = now(scope.run(|_| async { panic!("it must not start") }));
    assert_eq!(second.status(), Status::Running);
    let error = second.into_result().unwrap_err();
    assert_eq!(
        error.to_string(),
        "scope once has already run (running): a scope runs once, build a new one for each run"
    );
    assert!(
        matches!(&error, RunError::AlreadyRun(refused) if refused.operation() == scope.label())
    );

    // Not even a refused closure whose drop panics ends the run that goes on.
    let grenade = Grenade;
    let text = panic_of(|| {
        drop(now(scope.run(|_| {
            let _grenade = grenade;
            ready(())
        })));
    });
    assert_eq!(text, "drop of the body");
    assert_eq!(scope.status(), Status::Running);
    assert!(!scope.is_cancelled());

    go.cancel();
    assert!(probe.poll(first.as_mut()).is_ready());
    let third = now(scope.run(|_| ready(())));
    assert_eq!(third.status(), Status::Completed);
    assert!(matches!(third.error(), Some(RunError::AlreadyRun(_))));
}

#[test]
fn r29_a_time_limit_without_a_runtime_is_an_error_that_names_the_scope() {
    fn error(builder: cancelable_core::scope::ScopeBuilder) -> BuildError {
        builder.build().expect_err("there is no runtime")
    }
    let timeout = error(Scope::builder("import").timeout(SECOND));
    assert_eq!(timeout.scope(), "import");
    assert_eq!(
        timeout.to_string(),
        "scope import has no runtime for its time limit: set one by `runtime(&handle)`"
    );
    let condition = source::condition(SECOND, || true)
        .expect("an interval")
        .named("queue empty");
    let condition = error(Scope::builder("import").source(condition));
    assert_eq!(
        condition.to_string(),
        "scope import has no runtime for the source queue empty: set one by `runtime(&handle)`"
    );
    struct Mine;
    impl Source for Mine {
        fn name(&self) -> std::borrow::Cow<'static, str> {
            "mine".into()
        }
        fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
            Ok(Box::pin(pending()))
        }
        fn needs_runtime(&self) -> bool {
            true
        }
    }
    assert_eq!(
        error(Scope::builder("import").source(Mine)).to_string(),
        "scope import has no runtime for the source mine: set one by `runtime(&handle)`"
    );
}

#[test]
fn a_child_takes_the_runtime_of_its_parent() {
    let manual = ManualRuntime::new();
    let parent = Scope::builder("parent")
        .runtime(&manual.handle())
        .build()
        .expect("it is sound");
    let child = parent
        .child("child")
        .timeout(SECOND)
        .build()
        .expect("its parent has a runtime");
    assert!(child.runtime().is_some());
    assert!(
        manual
            .block_on(child.run(|_| pending::<()>()))
            .is_cancelled()
    );
    assert!(
        now(parent.run(|_| ready(()))).is_completed(),
        "a child's end is not its parent's"
    );
}

/// The body's own error comes as it is, and whatever else as that type makes of it.
#[test]
fn r18_a_flat_outcome_has_one_error() {
    #[derive(Debug)]
    enum Error {
        Own,
        Run(RunError),
    }
    impl From<RunError> for Error {
        fn from(error: RunError) -> Self {
            Self::Run(error)
        }
    }
    let manual = ManualRuntime::new();
    let scope = || Scope::builder("flat").build().expect("built");
    let value = manual.block_on(scope().try_run(async |_| Ok::<_, Error>(7)));
    assert!(matches!(
        value.into_result().map_err(RunError::flatten),
        Ok(7)
    ));
    let own = manual.block_on(scope().try_run(async |_| Err::<(), _>(Error::Own)));
    assert!(matches!(
        own.into_result().map_err(RunError::flatten),
        Err(Error::Own)
    ));
    let cancelled = scope();
    cancelled.cancel();
    let outcome = manual.block_on(cancelled.try_run(async |_| Ok::<_, Error>(7)));
    let Err(Error::Run(error)) = outcome.into_result().map_err(RunError::flatten) else {
        panic!("it was cancelled");
    };
    assert_eq!(
        std::io::Error::from(error).kind(),
        std::io::ErrorKind::Other
    );
    let refused = manual.block_on(cancelled.try_run(async |_| Ok::<_, Error>(7)));
    let refused = refused.into_result().map_err(RunError::flatten);
    assert!(matches!(refused, Err(Error::Run(RunError::AlreadyRun(_)))));
}

/// Asked last, and only where nothing else is known.
#[test]
fn r44_the_default_runtime_is_asked_where_there_is_no_other() {
    use cancelable_core::runtime::NoRuntime;
    let none = || Err(NoRuntime::new("none"));
    let another = || Ok(ManualRuntime::new().handle());
    let manual = ManualRuntime::new();
    let name = |scope: &Scope| scope.runtime().map(cancelable_core::RuntimeHandle::name);

    let plain = Scope::builder("plain").default_runtime(another);
    let plain = plain.build().expect("built");
    assert_eq!(name(&plain), Some("manual"));
    let given = Scope::builder("given").default_runtime(|| unreachable!("it has one"));
    let given = given.runtime(&manual.handle()).build().expect("built");
    assert_eq!(name(&given), Some("manual"));
    let part = given
        .child("part")
        .default_runtime(|| unreachable!("it inherits one"));
    assert_eq!(name(&part.build().expect("built")), Some("manual"));
    let without = Scope::builder("without").default_runtime(none);
    assert_eq!(
        name(&without.build().expect("nothing of it needs one")),
        None
    );
    let needs = Scope::builder("needs")
        .default_runtime(none)
        .timeout(Duration::ZERO);
    assert!(needs.build().is_err());
}

#[test]
fn r18_an_outcome_says_whether_time_ran_out_before_there_was_a_value() {
    let manual = ManualRuntime::new();
    let bounded = || {
        let builder = Scope::builder("s").runtime(&manual.handle());
        builder.timeout(SECOND).build().expect("it is sound")
    };
    let outcome = manual.block_on(bounded().run(|_| pending::<()>()));
    assert!(outcome.is_timeout() && outcome.is_cancelled());
    let outcome = manual.block_on(bounded().run(async |op: Scope| {
        op.cancel();
        pending::<()>().await;
    }));
    assert!(!outcome.is_timeout() && outcome.is_cancelled());
    // The cancel was requested for that reason, and the body was done.
    let outcome = manual.block_on(bounded().run(async |op: Scope| {
        let _ = op.set_timeout(Duration::ZERO);
        7
    }));
    assert!(outcome.cause().is_some_and(Cause::is_timeout));
    assert!(!outcome.is_timeout() && outcome.is_completed());
}

#[test]
fn r40_the_debug_form_of_a_runs_error_is_its_sentence_and_the_alternate_one_its_parts() {
    let scope = Scope::builder("import").build().expect("it is sound");
    scope.cancel();
    let error = now(scope.run(|_| ready(()))).into_result().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
    let parts = format!("{error:#?}");
    assert!(
        parts.starts_with("Cancelled(\n    Cancelled {\n"),
        "{parts}"
    );
    let refused = now(scope.run(|_| ready(()))).into_result().unwrap_err();
    assert_eq!(format!("{refused:?}"), refused.to_string());
    assert!(format!("{refused:#?}").starts_with("AlreadyRun(\n    AlreadyRun {\n"));

    // The error of a body has a form of its own.
    let scope = Scope::builder("import").build().expect("it is sound");
    let failed = now(scope.try_run(|_| ready(Err::<(), _>("torn wire"))));
    let failed = failed.into_result().unwrap_err();
    assert_eq!(format!("{failed:?}"), "\"torn wire\"");
    assert_eq!(format!("{failed:#?}"), "Failed(\n    \"torn wire\",\n)");
}

#[test]
fn r48_what_was_asked_to_stop_is_not_complete_and_its_value_stays_within_reach() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let open = || Scope::builder("import").runtime(&runtime);
    let build = |builder: ScopeBuilder| builder.build().expect("it is sound");
    // Nobody asked.
    let scope = build(open());
    let outcome = manual.block_on(scope.run(async |_| 7));
    assert_eq!(outcome.complete().expect("it is whole"), 7);
    // Asked, and done all the same.
    let scope = build(open());
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        runtime.sleep(Duration::from_secs(2)).await;
        op.cancel_with("enough");
        7
    }));
    assert_eq!(
        (outcome.status(), outcome.value()),
        (Status::Completed, Some(&7))
    );
    let text = outcome.complete().expect_err("it was asked").to_string();
    let start = "import cancelled after 2 s: cancel requested: enough (at ";
    assert!(text.starts_with(start), "{text}");
    // A body that only joins children that were cut.
    let scope = build(open().timeout(Duration::from_secs(1)));
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let child = op.spawn(pending::<()>()).expect("it is running");
        let _ = child.await;
    }));
    assert!(outcome.complete().is_err_and(|error| error.is_cancelled()));
    // A child that failed where failures are collected.
    let scope = build(open().collect_all());
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let child = op.try_spawn(async { Err::<(), _>("torn") });
        let _ = child.expect("it is running").await;
    }));
    assert!(outcome.is_completed());
    let error = outcome.complete().expect_err("a child failed");
    assert!(matches!(error, RunError::ChildFailed(_)), "{error}");
    // A finalizer that failed, and one that was cut.
    for cut in [false, true] {
        let scope = build(open().cleanup_budget(Duration::from_secs(1)));
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            let deferred = match cut {
                true => op.defer(pending::<()>()).is_ok(),
                false => op.defer(async { Err("torn") }).is_ok(),
            };
            assert!(deferred);
        }));
        assert!(outcome.is_completed());
        let error = outcome
            .complete()
            .expect_err("the finalizer did not do its work");
        assert!(matches!(&error, RunError::CleanupFailed(error) if error.is_over_budget() == cut));
    }
    // A body that failed has its own error.
    let scope = build(open());
    let outcome = manual.block_on(scope.try_run(async |_| Err::<(), _>("torn")));
    let error = outcome.complete().expect_err("the body failed");
    assert_eq!(error.into_failed().ok(), Some("torn"));
}
