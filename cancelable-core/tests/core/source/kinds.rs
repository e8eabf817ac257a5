//! Sources that cancel a scope: each built-in kind, and a type of the user.

use crate::support::SECOND;
use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use cancelable_core::error::InvalidArgument;
use cancelable_core::source::{self, Limit, SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cause, Reason, Scope, Source, Status};
use log::Level;
use std::borrow::Cow;
use std::future::{pending, poll_fn, ready};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

/// A scope on `manual` with one source.
fn watching(manual: &ManualRuntime, source: impl Source) -> Scope {
    let builder = Scope::builder("watching").runtime(&manual.handle());
    builder.source(source).build().expect("it has a runtime")
}

/// The cause for which `source` cancels a body that never ends, and after how long.
fn fires(source: impl Source) -> (Cause, Duration) {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let outcome = manual.block_on(watching(&manual, source).run(|_| pending::<()>()));
    assert_eq!(outcome.status(), Status::Cancelled);
    let cause = outcome.cause().expect("it is cancelled").clone();
    (cause, manual.now() - start)
}

/// A closure that counts its calls and answers by their number, from 1.
fn counted<A>(mut answer: impl FnMut(usize) -> A) -> (impl FnMut() -> A, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    (
        move || answer(counter.fetch_add(1, Ordering::SeqCst) + 1),
        calls,
    )
}

#[test]
fn r30_time_limits_are_the_scope_s_deadline() {
    let manual = ManualRuntime::new();
    let timeout = Limit::after(3 * SECOND);
    let scope = watching(&manual, timeout);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    assert_eq!(scope.deadline(), Some(manual.now() + 3 * SECOND));
    assert_eq!(manual.pending_timers(), 1);
    let point = manual.now() + SECOND;
    assert_eq!(watching(&manual, Limit::at(point)).deadline(), Some(point));
    let (cause, after) = fires(Limit::after(2 * SECOND));
    assert_eq!(
        (cause.reason(), after),
        (&Reason::TimedOut { limit: 2 * SECOND }, 2 * SECOND)
    );
}

#[test]
fn r30_a_token_keeps_its_cause_as_an_inherited_one() {
    let manual = ManualRuntime::new();
    let other = CancellationToken::new();
    let scope = watching(&manual, source::token(&other));
    let mut run = pin!(scope.run(|_| pending::<()>()));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    other.cancel_with("the other one");
    assert_eq!(probe.wakes(), 1);
    assert!(scope.is_cancelled(), "its handles say so at once");
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("its source has fired");
    };
    let (cause, first) = (
        outcome.cause().expect("it is cancelled"),
        other.cause().expect("so is it"),
    );
    assert!(cause.is_same(&first) && cause.is_inherited() && !first.is_inherited());

    let group = source::all_of(source::token(&other));
    let (cause, _) = fires(group);
    assert!(cause.is_same(&first), "also where it is one of several");
}

#[test]
fn r30_a_source_that_fires_at_entry_keeps_the_body_from_starting() {
    let manual = ManualRuntime::new();
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let sources: [Box<dyn Source>; 3] = [
        Box::new(source::token(&cancelled)),
        Box::new(source::future(ready(()))),
        Box::new(source::condition(SECOND, || true)),
    ];
    for source in sources {
        let name = source.name();
        let scope = watching(&manual, source);
        let mut run = pin!(scope.run(|_| async { panic!("the body was polled") }));
        let polled: Poll<cancelable_core::Outcome<()>> = Probe::new().poll(run.as_mut());
        assert!(polled.is_ready(), "{name}");
        assert_eq!(scope.status(), Status::Cancelled, "{name}");
    }
}

#[test]
fn r30_a_condition_is_asked_at_once_and_then_at_its_interval() {
    let (ask, calls) = counted(|call| call == 4);
    let line = line!() + 1;
    let condition = source::condition(2 * SECOND, ask)
        .expect("an interval")
        .named("disk full");
    assert_eq!(condition.name(), "disk full");
    let (cause, after) = fires(condition);
    assert_eq!((calls.load(Ordering::SeqCst), after), (4, 6 * SECOND));
    assert_eq!(
        (cause.reason(), cause.message()),
        (&Reason::Condition, Some("disk full"))
    );
    assert_eq!(
        (cause.location().file(), cause.location().line()),
        (file!(), line)
    );
}

#[test]
fn r30_async_and_blocking_conditions_keep_the_same_rhythm() {
    let (mut ask, calls) = counted(|call| call == 3);
    let condition = source::condition_async(SECOND, move || ready(ask())).expect("an interval");
    let (cause, after) = fires(condition);
    assert_eq!(
        (cause.reason(), calls.load(Ordering::SeqCst)),
        (&Reason::Condition, 3)
    );
    assert_eq!(after, 2 * SECOND);
    let (ask, calls) = counted(|call| call == 3);
    let condition = source::condition_blocking(SECOND, ask).expect("an interval");
    let (cause, after) = fires(condition);
    assert_eq!(
        (cause.reason(), calls.load(Ordering::SeqCst)),
        (&Reason::Condition, 3)
    );
    assert_eq!(after, 2 * SECOND);
}

#[test]
fn r30_any_future_is_a_source_and_says_why() {
    let line = line!() + 1;
    let (cause, _) = fires(source::future(ready(())));
    assert_eq!((cause.reason(), cause.message()), (&Reason::Source, None));
    assert_eq!(cause.location().line(), line);
    let (cause, _) = fires(source::future(ready("bell")));
    assert_eq!(
        (cause.reason(), cause.message()),
        (&Reason::Source, Some("bell"))
    );
    let (cause, _) = fires(source::future(ready(String::from("bell"))));
    assert_eq!(cause.message(), Some("bell"));
    let (cause, _) = fires(source::future(ready(Reason::ShuttingDown)).named("watcher"));
    assert_eq!(
        (cause.reason(), cause.message()),
        (&Reason::ShuttingDown, None)
    );
    let given = Cause::new(Reason::File).with_message("gone");
    let (cause, _) = fires(source::future(ready(given)).named("watcher"));
    assert_eq!(
        (cause.reason(), cause.message()),
        (&Reason::File, Some("gone"))
    );
}

#[test]
fn r30_a_future_without_words_fires_in_the_name_of_its_source() {
    let named = || source::future(ready(())).named("the client hung up");
    assert_eq!(named().name(), "the client hung up");
    let (cause, _) = fires(named());
    assert_eq!(cause.message(), Some("the client hung up"));
    let phrase = cause.to_string();
    let expected = "a source fired: the client hung up (set at ";
    assert!(phrase.starts_with(expected), "{phrase}");
    let group = source::any_of(named());
    assert_eq!(fires(group).0.message(), Some("the client hung up"));
    // What it resolves to says more.
    let (cause, _) = fires(source::future(ready("bell")).named("watcher"));
    assert_eq!(cause.message(), Some("bell"));
    let given = Cause::new(Reason::Source).with_error(Arc::new(io::Error::other("torn wire")));
    let (cause, _) = fires(source::future(ready(given)).named("watcher"));
    assert_eq!(cause.message(), None);
}

#[test]
fn r30_any_of_fires_with_its_first_and_counts_limits_towards_the_deadline() {
    let never = || source::future(pending::<()>());
    let inner = source::any_of(Limit::after(4 * SECOND)).or(never());
    let group = source::any_of(never()).or(inner);
    assert_eq!(group.name(), "any of (future, any of (timeout, future))");
    let manual = ManualRuntime::new();
    let scope = watching(&manual, group);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    assert_eq!(scope.remaining(), Some(4 * SECOND));
    manual.advance(4 * SECOND);
    let Poll::Ready(outcome) = Probe::new().poll(run.as_mut()) else {
        panic!("its time is up");
    };
    let cause = outcome.cause().expect("it is cancelled");
    assert_eq!(
        cause.operation(),
        Some(scope.label()),
        "it was the scope's own deadline"
    );

    let bell = source::future(ready("bell"));
    let (cause, _) = fires(source::any_of(never()).or(bell));
    assert_eq!(cause.message(), Some("bell"));
}

#[test]
fn r30_all_of_waits_for_every_one_and_has_the_cause_of_the_last() {
    let timeout = |seconds: u32| Limit::after(seconds * SECOND);
    let (ask, _) = counted(|call| call == 3);
    let condition = source::condition(SECOND, ask)
        .expect("an interval")
        .named("third");
    let (cause, after) = fires(source::all_of(timeout(5)).and(condition));
    assert_eq!(after, 5 * SECOND);
    assert_eq!(cause.reason(), &Reason::TimedOut { limit: 5 * SECOND });

    // Nested over every kind, time limits included: (1 s or 9 s) and (never or 3 s).
    let either = source::any_of(timeout(1)).or(timeout(9));
    let never = source::future(pending::<()>());
    let or_never = source::any_of(never).or(timeout(3));
    let (cause, after) = fires(source::all_of(either).and(or_never));
    assert_eq!(
        (cause.reason(), after),
        (&Reason::TimedOut { limit: 3 * SECOND }, 3 * SECOND)
    );

    let manual = ManualRuntime::new();
    let group = source::all_of(timeout(1));
    assert_eq!(
        watching(&manual, group).remaining(),
        None,
        "it does not decide alone"
    );
    let endless = source::all_of(Limit::after(Duration::MAX));
    let scope = watching(&manual, endless);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    manual.advance(SECOND);
    assert!(Probe::new().poll(run.as_mut()).is_pending());
}

#[test]
fn r30_bad_input_is_an_error_at_construction() {
    const ZERO: Duration = Duration::ZERO;
    let errors: [Option<InvalidArgument>; 3] = [
        source::condition(ZERO, || true).err(),
        source::condition_async(ZERO, || ready(true)).err(),
        source::condition_blocking(ZERO, || true).err(),
    ];
    for error in errors {
        let text = error.expect("zero is refused").to_string();
        assert_eq!(
            text,
            "the argument `interval` is zero: give the time between two checks"
        );
    }
}

#[test]
fn r30_a_group_needs_a_runtime_if_a_member_does() {
    let condition = || source::condition(SECOND, || true);
    let never = || source::future(pending::<()>());
    let group = source::all_of(never()).and(condition());
    assert!(Scope::builder("s").source(group).build().is_err());
    let group = source::any_of(never()).or(condition());
    assert!(Scope::builder("s").source(group).build().is_err());
    let group = source::any_of(never()).or(never());
    let scope = Scope::builder("s")
        .source(group)
        .build()
        .expect("it needs none");
    drop(scope.run(|_| ready(())));
}

#[test]
fn r31_a_condition_that_fails_or_panics_is_logged_and_asked_again() {
    fn answer(call: usize) -> Result<bool, String> {
        match call {
            1 => Err("no connection".into()),
            2 => panic!("on purpose"),
            3 => Ok(false),
            _ => Ok(true),
        }
    }
    fn check(kind: &str, source: impl Source, calls: &AtomicUsize) {
        let mut after = Duration::ZERO;
        let lines = lines_of(|| after = fires(source).1);
        assert_eq!(
            (calls.load(Ordering::SeqCst), after),
            (4, 3 * SECOND),
            "{kind}"
        );
        let loud: Vec<_> = lines
            .iter()
            .filter(|line| line.level <= Level::Warn)
            .collect();
        assert_eq!(loud.len(), 2, "{kind}: {lines:?}");
        assert!(
            loud[0]
                .text
                .contains("queue failed and will be checked again: no connection")
        );
        assert!(
            loud[1].text.contains("queue panicked: on purpose"),
            "{kind}: {loud:?}"
        );
    }
    let (ask, calls) = counted(answer);
    let plain = source::condition(SECOND, ask)
        .expect("an interval")
        .named("queue");
    check("plain", plain, &calls);
    let (mut ask, calls) = counted(answer);
    let asynchronous = source::condition_async(SECOND, move || ready(ask())).expect("an interval");
    check("async, in the closure", asynchronous.named("queue"), &calls);
    let (mut count, calls) = counted(|call| call);
    let asynchronous = source::condition_async(SECOND, move || {
        let call = count();
        async move { answer(call) }
    });
    check(
        "async, in the future",
        asynchronous.expect("an interval").named("queue"),
        &calls,
    );
    let (ask, calls) = counted(answer);
    let blocking = source::condition_blocking(SECOND, ask)
        .expect("an interval")
        .named("queue");
    check("blocking", blocking, &calls);
}

#[test]
fn r31_an_async_condition_that_never_answers_delays_nobody() {
    let (ask, calls) = counted(|_| pending::<bool>());
    let condition = source::condition_async(SECOND, ask).expect("an interval");
    let manual = ManualRuntime::new();
    let scope = watching(&manual, condition);
    let runtime = manual.handle();
    let outcome = manual.block_on(scope.run(|_| async move { runtime.sleep(5 * SECOND).await }));
    assert!(outcome.is_completed());
    assert_eq!(outcome.elapsed(), Some(5 * SECOND));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "one question at a time");
    assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
}

#[test]
fn r31_a_blocking_condition_that_never_returns_delays_nobody() {
    let (release, gate) = mpsc::channel::<()>();
    let (entered, entry) = mpsc::channel();
    let (left, leaving) = mpsc::channel();
    let condition = source::condition_blocking(SECOND, move || {
        entered.send(()).expect("the test listens");
        let released = gate.recv();
        left.send(()).expect("the test listens");
        released.is_ok()
    });
    let manual = ManualRuntime::with_threads();
    let scope = watching(&manual, condition.expect("an interval"));
    let mut run = Box::pin(scope.run(|_| pending::<()>()));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.run_until_idle();
    entry.recv().expect("the thread asks");
    scope.cancel();
    let polled = probe.poll(run.as_mut());
    assert!(polled.is_ready(), "the thread is still in its call");
    assert!(entry.try_recv().is_err() && leaving.try_recv().is_err());
    // It ends by itself once it may.
    release.send(()).expect("the thread waits");
    leaving.recv().expect("the thread ends its call");
}

/// The shortest source of one's own.
struct Countdown(u32);

impl Source for Countdown {
    fn name(&self) -> Cow<'static, str> {
        "countdown".into()
    }

    fn start(mut self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
        let token = context.token().clone();
        Ok(Box::pin(poll_fn(move |cx| {
            assert!(
                !token.is_cancelled(),
                "it watches for a scope that is not cancelled"
            );
            cx.waker().wake_by_ref();
            match self.0.checked_sub(1) {
                Some(rest) => {
                    self.0 = rest;
                    Poll::Pending
                }
                None => Poll::Ready(Cause::new(Reason::Source).with_message("lift-off")),
            }
        })))
    }
}

#[test]
fn r32_a_type_of_ones_own_is_a_source_with_two_methods() {
    let (cause, _) = fires(Countdown(5));
    assert_eq!(
        (cause.reason(), cause.message()),
        (&Reason::Source, Some("lift-off"))
    );
    assert_eq!(
        cause.operation().map(|label| label.name()),
        Some("watching")
    );
    let group = source::all_of(Countdown(2)).and(Countdown(3));
    assert_eq!(fires(group).0.message(), Some("lift-off"));
}

#[test]
fn r32_a_source_that_panics_stops_no_other() {
    let bomb = || source::future(poll_fn(|_| -> Poll<()> { panic!("on purpose") })).named("bomb");
    let manual = ManualRuntime::new();
    let before = cancelable_core::token::isolated_panics();
    let lines = lines_of(|| {
        let scope = Scope::builder("s").runtime(&manual.handle()).source(bomb());
        let scope = scope
            .source(Countdown(2))
            .build()
            .expect("it has a runtime");
        let outcome = manual.block_on(scope.run(|_| pending::<()>()));
        assert_eq!(
            outcome.cause().and_then(|cause| cause.message()),
            Some("lift-off")
        );
    });
    assert!(cancelable_core::token::isolated_panics() > before);
    let errors: Vec<_> = lines
        .iter()
        .filter(|line| line.level == Level::Error)
        .collect();
    assert_eq!(
        errors.len(),
        1,
        "it is dropped, not polled again: {errors:?}"
    );
    assert!(errors[0].text.contains("bomb panicked: on purpose"));

    let group = source::any_of(bomb()).or(Countdown(2));
    let group = source::all_of(group);
    assert_eq!(
        fires(group).0.message(),
        Some("lift-off"),
        "in a group, too"
    );
}

#[test]
fn r28_a_source_that_panics_when_started_or_in_a_group_fails_the_scope() {
    struct Mine;
    impl Source for Mine {
        fn name(&self) -> Cow<'static, str> {
            "mine".into()
        }
        fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
            panic!("on purpose")
        }
    }
    let manual = ManualRuntime::new();
    let scope = watching(&manual, Mine);
    let error = manual
        .block_on(scope.run(|_| ready(())))
        .into_result()
        .unwrap_err();
    assert_eq!(scope.status(), Status::Failed);
    assert!(
        error
            .to_string()
            .ends_with("its source mine failed to start: the source panicked at its start")
    );
    let group = source::all_of(Countdown(1)).and(Mine);
    let error = manual
        .block_on(watching(&manual, group).run(|_| ready(())))
        .into_result();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("all of (countdown, mine)") && error.contains("mine did not start"),
        "{error}"
    );
}

/// A source that could not be made does not start, and the run returns the reason.
#[test]
fn r30_a_result_of_a_source_is_one() {
    let (cause, after) = fires(source::condition(SECOND, || true));
    assert_eq!(
        (cause.reason(), after),
        (&Reason::Condition, Duration::ZERO)
    );
    // A time limit in it is a part of the deadline as any other.
    let limit = Ok::<_, InvalidArgument>(Limit::after(2 * SECOND));
    assert_eq!(fires(limit).1, 2 * SECOND);
    let manual = ManualRuntime::new();
    let scope = watching(&manual, source::condition(Duration::ZERO, || true));
    let error = manual
        .block_on(scope.run(|_| pending::<()>()))
        .into_result();
    assert!(error.unwrap_err().to_string().ends_with(
        "its source failed to start: the argument `interval` is zero: give the time \
         between two checks"
    ));
    assert_eq!(scope.status(), Status::Failed);
}
