//! Requests of sources, which are recorded in the outcome in every phase of the run (R18, R45).

use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, builder_on};
use cancelable_core::source::{
    self, Limit, ScopeCancel, Source, SourceContext, SourceError, SourceFuture, all_of, any_of,
};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Cause, Reason, Scope, Status};
use log::Level;
use std::borrow::Cow;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

/// The outcome of a run that is ready at its first poll.
fn at_once<F: Future>(future: F) -> F::Output {
    match Probe::new().poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is pending"),
    }
}

/// A source that decides when its button is pressed, on the thread that presses it.
#[derive(Clone, Default)]
struct Button(Arc<OnceLock<ScopeCancel>>);

impl Button {
    fn press(&self, cause: &'static str) -> bool {
        let scope = self.0.get().expect("it was started by a scope");
        scope.cancel_with(cause)
    }

    fn is_deciding(&self) -> bool {
        self.0.get().is_some()
    }
}

impl Source for Button {
    fn name(&self) -> Cow<'static, str> {
        "button".into()
    }

    fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
        Ok(Box::pin(pending()))
    }

    fn start_with_cancel(
        self: Box<Self>,
        context: &SourceContext,
        cancel: ScopeCancel,
    ) -> Result<SourceFuture, SourceError> {
        self.0.set(cancel).expect("it is started once");
        self.start(context)
    }
}

fn message(cause: Option<&Cause>) -> Option<&str> {
    cause.and_then(Cause::message)
}

#[test]
fn r18_a_deadline_that_passes_in_the_last_poll_is_on_record() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = at_once(scope.run(async |_| {
        manual.advance(2 * SECOND);
        7
    }));
    assert_eq!(outcome.status(), Status::Completed);
    let cause = outcome.cause().expect("its time was up");
    assert_eq!(cause.reason(), &Reason::TimedOut { limit: SECOND });
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r18_a_deadline_that_is_set_and_passes_in_the_last_poll_is_on_record() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "s").build().expect("it is sound");
    let outcome = at_once(scope.run(async |op: Scope| {
        op.set_timeout(SECOND).expect("it is open");
        manual.advance(2 * SECOND);
    }));
    assert!(outcome.cause().is_some_and(Cause::is_timeout));
}

#[test]
fn r18_r21_a_deadline_above_that_passes_in_the_last_poll_is_put_down_to_its_scope() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = at_once(scope.run(async |op: Scope| {
        let inner = op.child("inner").build().expect("it is sound");
        let inside = inner.run(async |_| manual.advance(2 * SECOND)).await;
        inside.cause().and_then(|cause| cause.operation().cloned())
    }));
    assert!(outcome.cause().is_some_and(Cause::is_timeout));
    let named = outcome.into_value().flatten();
    assert_eq!(named.as_ref(), Some(scope.label()));
}

#[test]
fn r18_a_scope_whose_time_is_not_up_has_no_cause() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = at_once(scope.run(async |_| manual.advance(SECOND / 2)));
    assert!(outcome.cause().is_none());
}

#[test]
fn r21_a_deadline_that_passed_before_a_body_failed_is_the_cause() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(scope.try_run(async |op: Scope| {
        op.spawn(pending::<()>()).expect("the scope is running");
        manual.advance(2 * SECOND);
        Err::<(), _>("it failed")
    }));
    assert_eq!(outcome.status(), Status::Failed);
    assert!(outcome.cause().is_some_and(Cause::is_timeout));
}

#[test]
fn r18_r24_a_deadline_that_passes_while_a_finalizer_runs_is_on_record_and_does_not_stop_it() {
    let manual = ManualRuntime::new();
    let scope = builder_on(&manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let runtime = manual.handle();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let deferred = op.defer(async move { runtime.sleep(2 * SECOND).await });
        assert!(deferred.is_ok());
    }));
    assert_eq!(outcome.status(), Status::Completed);
    assert!(outcome.cause().is_some_and(Cause::is_timeout));
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
    assert!(outcome.cleanup_errors().is_empty());
}

/// A future that is ready from when the token is cancelled, and is not woken by it.
fn once(token: &CancellationToken, words: &'static str) -> impl Source {
    let token = token.clone();
    source::future(async move {
        token.cancelled().await;
        words
    })
}

#[test]
fn r18_a_source_that_fires_in_the_last_poll_is_on_record() {
    let (manual, fired) = (ManualRuntime::new(), CancellationToken::new());
    let builder = builder_on(&manual, "s").source(once(&fired, "it fired"));
    let scope = builder.build().expect("it is sound");
    let outcome = at_once(scope.run(async |_| fired.cancel()));
    assert_eq!(outcome.status(), Status::Completed);
    assert_eq!(message(outcome.cause()), Some("it fired"));
}

#[test]
fn r18_r24_sources_are_watched_while_children_and_finalizers_end() {
    let (manual, fired) = (ManualRuntime::new(), CancellationToken::new());
    let builder = builder_on(&manual, "s").source(once(&fired, "it fired"));
    let scope = builder.build().expect("it is sound");
    let (seen, token) = (scope.token().clone(), fired);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let deferred = op.defer(async move {
            token.cancel();
            // The run hears of it while the finalizer goes on.
            seen.cancelled().await;
        });
        assert!(deferred.is_ok());
    }));
    assert_eq!(outcome.status(), Status::Completed);
    assert_eq!(message(outcome.cause()), Some("it fired"));
}

#[test]
fn r45_a_source_that_decides_is_on_record_while_nobody_polls() {
    let (manual, button) = (ManualRuntime::new(), Button::default());
    let builder = builder_on(&manual, "s").source(button.clone());
    let scope = builder.build().expect("it is sound");
    let outcome = at_once(scope.run(async |op: Scope| {
        assert!(op.check().is_ok());
        assert!(button.press("pressed"));
        assert!(!button.press("again"), "that is not the cause");
        op.check().is_err()
    }));
    assert_eq!(message(outcome.cause()), Some("pressed"));
    assert_eq!(outcome.into_value(), Some(true));
    assert!(!button.press("too late"), "the scope has ended");
}

/// Drops the run in the poll in which the request comes, as a `select!` does.
#[test]
fn r45_a_request_to_a_run_that_is_dropped_before_its_next_poll_is_in_the_log() {
    for is_polled in [false, true] {
        let (manual, button) = (ManualRuntime::new(), Button::default());
        let lines = lines_of(|| {
            let builder = builder_on(&manual, "s")
                .grace(SECOND)
                .source(button.clone());
            let mut run = Box::pin(builder.run(|_| pending::<()>()));
            assert!(Probe::new().poll(run.as_mut()).is_pending());
            assert!(button.press("pressed"));
            if is_polled {
                // In its grace. Its task has seen the request.
                assert!(Probe::new().poll(run.as_mut()).is_pending());
            }
        });
        let warned: Vec<_> = lines
            .iter()
            .filter(|line| line.level == Level::Warn)
            .collect();
        assert_eq!(warned.len(), usize::from(!is_polled), "{lines:?}");
        for line in warned {
            assert!(line.text.contains("pressed"), "{line:?}");
        }
    }
}

#[test]
fn r45_a_source_that_decides_is_told_that_its_scope_cannot_have_the_request() {
    let (manual, button) = (ManualRuntime::new(), Button::default());
    let builder = builder_on(&manual, "s").source(button.clone());
    let scope = builder.build().expect("it is sound");
    let outcome = at_once(scope.run(async |op: Scope| {
        op.cancel();
        button.press("pressed")
    }));
    assert_eq!(outcome.cause().map(Cause::reason), Some(&Reason::Requested));
    assert_eq!(outcome.into_value(), Some(false));
    assert!(!button.press("too late"));
}

#[test]
fn r45_a_request_to_a_scope_that_has_ended_changes_nothing_and_says_so() {
    let (manual, button) = (ManualRuntime::new(), Button::default());
    let builder = builder_on(&manual, "s").source(button.clone());
    let scope = builder.build().expect("it is sound");
    let token = scope.token().clone();
    assert!(at_once(scope.run(|_| ready(()))).cause().is_none());
    assert!(!button.press("too late"));
    assert_ne!(message(token.cause().as_ref()), Some("too late"));
}

#[test]
fn r30_r45_members_of_any_of_decide_and_those_of_a_source_of_a_user_report() {
    struct Wrapped(Box<dyn Source>);

    impl Source for Wrapped {
        fn name(&self) -> Cow<'static, str> {
            "wrapped".into()
        }

        fn start(self: Box<Self>, context: &SourceContext) -> Result<SourceFuture, SourceError> {
            self.0.start(context)
        }
    }

    let manual = ManualRuntime::new();
    let [plain, nested, fallible, wrapped] = [(); 4].map(|()| Button::default());
    let inner = any_of(nested.clone()).or(Limit::after(SECOND));
    let group = any_of(plain.clone()).or(inner);
    let scope = builder_on(&manual, "s")
        .source(group)
        .source(Ok::<_, std::io::Error>(fallible.clone()))
        .source(Wrapped(Box::new(wrapped.clone())))
        .build()
        .expect("it is sound");
    let outcome = at_once(scope.run(async |_| {
        assert!(plain.is_deciding() && fallible.is_deciding());
        assert!(!wrapped.is_deciding());
        nested.press("the nested one")
    }));
    assert_eq!(message(outcome.cause()), Some("the nested one"));
    assert_eq!(outcome.into_value(), Some(true));
}

#[test]
fn r30_r45_no_member_of_all_of_decides_alone_and_the_last_one_does_at_once() {
    let manual = ManualRuntime::new();
    let [first, last] = [(); 2].map(|()| Button::default());
    let other = CancellationToken::new();
    let either = any_of(last.clone()).or(once(&other, "it fired"));
    let group = all_of(first.clone()).and(either);
    let builder = builder_on(&manual, "s").source(group);
    let scope = builder.build().expect("it is sound");
    let outcome = at_once(scope.run(async |op: Scope| {
        assert!(!first.press("first"), "it counts, and the other is missing");
        assert!(!op.is_cancelled());
        assert!(last.press("last"));
        assert!(op.is_cancelled());
        assert!(first.press("first"), "the group is on record");
    }));
    assert_eq!(message(outcome.cause()), Some("last"));
}

#[test]
fn r30_r45_a_group_whose_last_member_only_reports_answers_those_that_decided() {
    let (manual, fired) = (ManualRuntime::new(), CancellationToken::new());
    let button = Button::default();
    let group = all_of(button.clone()).and(once(&fired, "it fired"));
    let builder = builder_on(&manual, "s").source(group);
    let scope = builder.build().expect("it is sound");
    let mut run = pin!(scope.run(|_| pending::<()>()));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert!(!button.press("pressed"));
    fired.cancel();
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("the group has fired");
    };
    assert_eq!(message(outcome.cause()), Some("it fired"));
}

#[test]
fn r45_a_source_that_has_fired_is_kept_until_its_scope_has_ended() {
    struct Holds(Arc<()>);

    impl Source for Holds {
        fn name(&self) -> Cow<'static, str> {
            "holds".into()
        }

        fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
            Ok(Box::pin(poll_fn(move |_| {
                let _held = &self.0;
                Poll::Ready(Cause::new(Reason::Source))
            })))
        }
    }

    let (manual, held) = (ManualRuntime::new(), Arc::new(()));
    let source = || Holds(Arc::clone(&held));
    let either = any_of(source()).or(source::future(pending::<()>()));
    let group = all_of(either).and(source());
    let scope = builder_on(&manual, "s")
        .source(group)
        .build()
        .expect("it is sound");
    let seen = Arc::clone(&held);
    let deferred = scope.defer(async move { assert_eq!(Arc::strong_count(&seen), 4) });
    assert!(deferred.is_ok());
    let outcome = at_once(scope.run(|_| pending::<()>()));
    assert!(outcome.is_cancelled());
    assert!(outcome.cleanup_errors().is_empty());
    assert_eq!(Arc::strong_count(&held), 1);
}

/// The last of a group cancels the scope, and what runs then may ask for the others: the run may end there.
#[test]
fn r45_the_members_of_a_group_are_on_record_while_the_last_of_them_cancels_the_scope() {
    let manual = ManualRuntime::new();
    let (first, last) = (Button::default(), Button::default());
    let group = all_of(first.clone()).and(last.clone());
    let scope = builder_on(&manual, "s").source(group);
    let scope = scope.build().expect("it is sound");
    let asked = Arc::new(OnceLock::new());
    let answer = Arc::clone(&asked);
    let outcome = at_once(scope.run(async |op: Scope| {
        assert!(!first.press("first"));
        let member = first.clone();
        let asks = move |_: &Cause| answer.set(member.press("first, again")).expect("once");
        op.token().on_cancel(asks).detach();
        assert!(last.press("last"));
    }));
    assert_eq!(asked.get(), Some(&true));
    assert_eq!(message(outcome.cause()), Some("last"));
}
