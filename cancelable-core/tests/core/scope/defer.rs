//! Finalizers (R24): they run on every way out, in order and within a budget, and failures are reported. Also the
//! wait for the end of an operation (R25).

use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, builder_on, open_on};
use cancelable_core::operation::StragglerKind;
use cancelable_core::source::{SourceContext, SourceError, SourceFuture};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Operation, Reason, Scope, Source, Status, current};
use log::Level;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::fmt;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The events, in order.
#[derive(Clone, Debug, Default)]
struct Steps(Arc<Mutex<Vec<&'static str>>>);

impl Steps {
    fn add(&self, step: &'static str) {
        self.0.lock().push(step);
    }

    fn taken(&self) -> Vec<&'static str> {
        self.0.lock().clone()
    }

    /// Defers a finalizer that notes `name` after it has slept.
    fn defer(&self, op: &Operation, manual: &ManualRuntime, name: &'static str, span: Duration) {
        let (steps, runtime) = (self.clone(), manual.handle());
        let finalizer = async move {
            runtime.sleep(span).await;
            steps.add(name);
        };
        op.defer_named(name, finalizer)
            .expect("it takes finalizers");
    }
}

#[test]
fn r24_they_run_after_a_value_last_first_and_the_value_comes_then() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let outcome = manual.block_on(open_on(&manual, "s").run(|op| {
        steps.defer(&op, &manual, "first", SECOND);
        steps.defer(&op, &manual, "second", SECOND);
        steps.add("body");
        ready(7)
    }));
    assert_eq!(steps.taken(), ["body", "second", "first"]);
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
    assert!(outcome.cleanup_errors().is_empty());
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r24_they_run_after_an_error() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let outcome = manual.block_on(open_on(&manual, "s").try_run(|op| {
        steps.defer(&op, &manual, "tidy", SECOND);
        ready(Err::<(), _>(fmt::Error))
    }));
    assert_eq!(steps.taken(), ["tidy"]);
    assert_eq!(outcome.status(), Status::Failed);
    assert!(outcome.cause().is_none(), "nobody cancelled");
}

#[test]
fn r24_they_run_after_a_panic_which_goes_on_then() {
    let manual = ManualRuntime::new();
    let (steps, scope) = (Steps::default(), open_on(&manual, "s"));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let outcome = manual.block_on(scope.run(|op| {
            steps.defer(&op, &manual, "tidy", SECOND);
            async { panic!("on purpose") }
        }));
        drop(outcome);
    }));
    let panic = caught.expect_err("the panic goes on");
    assert_eq!(panic.downcast_ref(), Some(&"on purpose"), "as it was");
    assert_eq!(steps.taken(), ["tidy"]);
    assert_eq!(scope.status(), Status::Failed);
    assert_eq!(scope.elapsed(), Some(SECOND));
}

#[test]
fn r24_they_run_after_a_cancel_and_after_a_deadline() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let outcome = manual.block_on(open_on(&manual, "s").run(|op| {
        steps.defer(&op, &manual, "after a cancel", SECOND);
        op.cancel();
        pending::<()>()
    }));
    assert!(outcome.is_cancelled());
    let scope = builder_on(&manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(scope.run(|op| {
        steps.defer(&op, &manual, "after a deadline", 5 * SECOND);
        pending::<()>()
    }));
    assert_eq!(steps.taken(), ["after a cancel", "after a deadline"]);
    assert_eq!(
        outcome.elapsed(),
        Some(6 * SECOND),
        "the deadline is the body's"
    );
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().is_timeout()),
        Some(true)
    );
}

#[test]
fn r24_they_run_after_grace_and_after_the_last_shield() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let runtime = manual.handle();
    let scope = builder_on(&manual, "s")
        .grace(SECOND)
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(scope.run(|op| {
        steps.defer(&op, &manual, "tidy", SECOND);
        let (runtime, steps) = (&runtime, &steps);
        async move {
            op.cancel();
            op.shield(async {
                runtime.sleep(2 * SECOND).await;
                steps.add("shield");
            })
            .await;
            pending::<()>().await;
        }
    }));
    assert_eq!(steps.taken(), ["shield", "tidy"]);
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
}

/// A scope with a source that does not start.
fn open_failing(manual: &ManualRuntime) -> Scope {
    struct Broken;
    impl Source for Broken {
        fn name(&self) -> Cow<'static, str> {
            "broken".into()
        }
        fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
            Err(SourceError::new("it is broken"))
        }
    }
    builder_on(manual, "s")
        .source(Broken)
        .build()
        .expect("it is sound")
}

#[test]
fn r24_they_run_where_the_body_was_never_started() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let cancelled = open_on(&manual, "cancelled");
    steps.defer(&cancelled, &manual, "cancelled", SECOND);
    cancelled.cancel();
    assert!(
        manual
            .block_on(cancelled.run(|_| pending::<()>()))
            .is_cancelled()
    );
    let failing = open_failing(&manual);
    steps.defer(&failing, &manual, "unsourced", SECOND);
    let outcome = manual.block_on(failing.run(|_| pending::<()>()));
    assert_eq!(outcome.status(), Status::Failed);
    assert_eq!(steps.taken(), ["cancelled", "unsourced"]);
}

#[test]
fn r24_they_run_after_the_children_were_joined() {
    let manual = ManualRuntime::new();
    let (steps, runtime) = (Steps::default(), manual.handle());
    let outcome = manual.block_on(open_on(&manual, "s").run(|op| {
        steps.defer(&op, &manual, "tidy", SECOND);
        let (in_child, sleep) = (steps.clone(), runtime.sleep(2 * SECOND));
        let child = op.spawn(async move {
            sleep.await;
            in_child.add("child");
        });
        drop(child.expect("it is running"));
        ready(())
    }));
    assert_eq!(steps.taken(), ["child", "tidy"]);
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
}

#[test]
fn r24_a_body_that_failed_cancels_its_children_before_they_run() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let outcome = manual.block_on(open_on(&manual, "s").try_run(|op| {
        steps.defer(&op, &manual, "tidy", SECOND);
        drop(op.spawn(pending::<()>()).expect("it is running"));
        ready(Err::<(), _>(fmt::Error))
    }));
    assert_eq!(steps.taken(), ["tidy"]);
    assert_eq!(outcome.status(), Status::Failed);
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().clone()),
        Some(Reason::ChildFailed)
    );
}

#[test]
fn r24_the_body_is_gone_before_the_first_runs() {
    struct Noted(Steps);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.add("body dropped");
        }
    }
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let noted = Noted(steps.clone());
    let outcome = manual.block_on(open_on(&manual, "s").run(|op| {
        steps.defer(&op, &manual, "tidy", Duration::ZERO);
        op.cancel();
        async move {
            let _noted = noted;
            pending::<()>().await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(steps.taken(), ["body dropped", "tidy"]);
}

#[test]
fn r24_they_are_shielded_and_run_as_the_operation() {
    let manual = ManualRuntime::new();
    let (steps, runtime) = (Steps::default(), manual.handle());
    let scope = builder_on(&manual, "s")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let (seen, limit) = (steps.clone(), runtime);
    let outcome = manual.block_on(scope.run(|op| {
        let deferred = op.clone();
        let finalizer = async move {
            let here = current().map(|here| here.id());
            assert_eq!(here, Some(deferred.id()));
            assert!(deferred.is_cancelled(), "nothing is hidden from handles");
            let inside = Scope::builder("inside").build().expect("it is sound");
            assert!(inside.run(|_| limit.sleep(SECOND)).await.is_completed());
            seen.add("ran a scope");
        };
        op.defer(finalizer).expect("it is running");
        pending::<()>()
    }));
    assert_eq!(outcome.cleanup_errors().len(), 0, "{outcome:?}");
    assert_eq!(steps.taken(), ["ran a scope"]);
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
}

#[test]
fn r24_a_cancel_that_comes_while_they_run_is_on_record_and_stops_none() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let scope = open_on(&manual, "s");
    let mut run = pin!(scope.run(|op| {
        steps.defer(&op, &manual, "tidy", SECOND);
        ready(7)
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    assert_eq!(scope.status(), Status::Running);
    assert!(scope.cancel_with(Reason::Requested));
    manual.advance(SECOND);
    let Poll::Ready(outcome) = Probe::new().poll(run.as_mut()) else {
        panic!("the finalizer is done");
    };
    assert_eq!(steps.taken(), ["tidy"]);
    assert_eq!(outcome.status(), Status::Completed);
    assert!(outcome.cause().is_some());
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r24_those_of_a_scope_inside_finish_before_a_cancelled_scope_above_is_dropped() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let outer = builder_on(&manual, "outer")
        .timeout(SECOND)
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(outer.run(|outer| {
        let (steps, manual) = (&steps, &manual);
        async move {
            let inner = outer.child("inner").build().expect("it is sound");
            let ended = inner.run(|inner| {
                steps.defer(&inner, manual, "inner", 2 * SECOND);
                drop(inner.spawn(pending::<()>()).expect("it is running"));
                pending::<()>()
            });
            assert!(ended.await.is_cancelled());
            steps.add("outer goes on to its next await");
            pending::<()>().await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(steps.taken(), ["inner", "outer goes on to its next await"]);
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
}

#[test]
fn r24_one_that_fails_or_panics_does_not_stop_the_rest_and_each_is_told() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let mut outcome = None;
    let line = line!() + 5;
    let lines = lines_of(|| {
        outcome = Some(manual.block_on(open_on(&manual, "s").run(|op| {
            steps.defer(&op, &manual, "last", SECOND);
            let panicking = async { assert!(steps_are_few(), "on purpose") };
            op.defer_named("panics", panicking).expect("it is running");
            op.defer_named("fails", ready(Err::<(), _>(fmt::Error)))
                .expect("it is running");
            op.defer_named("says why", ready(Err::<(), _>("disk full")))
                .expect("it is running");
            ready(7)
        })));
    });
    let outcome = outcome.expect("it ran");
    assert_eq!(steps.taken(), ["last"]);
    let errors = outcome.cleanup_errors();
    let names: Vec<_> = errors.iter().map(|error| error.name()).collect();
    assert_eq!(names, ["says why", "fails", "panics"]);
    assert!(errors[2].is_panic() && !errors[1].is_panic());
    assert_eq!(
        errors[1].inner().map(|error| error.is::<fmt::Error>()),
        Some(true)
    );
    let text = errors[2].to_string();
    assert!(
        text.ends_with("panicked: on purpose") && text.contains(&format!(":{line}, ")),
        "{text}"
    );
    assert!(errors[0].to_string().ends_with("failed: disk full"));
    let warned = lines
        .iter()
        .filter(|line| line.level == Level::Warn)
        .count();
    assert_eq!(warned, 3, "{lines:?}");
    assert_eq!(
        outcome.status(),
        Status::Completed,
        "the value is not taken back"
    );
}

#[test]
fn r24_over_budget_the_pending_one_is_dropped_and_each_other_is_polled_once() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let scope = builder_on(&manual, "s")
        .cleanup_budget(3 * SECOND)
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(scope.run(|op| {
        steps.defer(&op, &manual, "not begun", SECOND);
        let quick = steps.clone();
        op.defer(async move { quick.add("quick") })
            .expect("it is running");
        steps.defer(&op, &manual, "slow", 9 * SECOND);
        steps.defer(&op, &manual, "in time", 2 * SECOND);
        op.cancel();
        pending::<()>()
    }));
    assert_eq!(steps.taken(), ["in time", "quick"]);
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
    let late = outcome.stragglers();
    assert_eq!(late.len(), 2, "{late:?}");
    assert!(
        late.iter()
            .all(|late| late.kind() == StragglerKind::Finalizer)
    );
    assert_eq!((late[0].name(), late[1].name()), ("slow", "not begun"));
    assert_eq!(late[0].operation(), scope.label());
    assert_eq!(late[0].location().file(), file!());
    assert_eq!(late[0].cancelled_for(), Some(3 * SECOND));
    let errors = outcome.cleanup_errors();
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(|error| error.is_over_budget()));
    assert_eq!(manual.pending_timers(), 0);
}

#[test]
fn r24_one_that_is_deferred_by_another_one_runs_next() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let outcome = manual.block_on(open_on(&manual, "s").run(|op| {
        steps.defer(&op, &manual, "first", Duration::ZERO);
        let (inside, deferring) = (steps.clone(), op.clone());
        let finalizer = async move {
            inside.add("deferring");
            let deferred = inside.clone();
            deferring
                .defer(async move { deferred.add("deferred") })
                .expect("it takes more");
        };
        op.defer(finalizer).expect("it is running");
        ready(())
    }));
    assert!(outcome.is_completed());
    assert_eq!(steps.taken(), ["deferring", "deferred", "first"]);
}

#[test]
fn r24_r29_after_the_end_it_is_an_error_that_names_the_scope_and_the_future_comes_back() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "over");
    assert!(manual.block_on(scope.run(|_| ready(()))).is_completed());
    let error = scope
        .defer(async { std::future::ready(()).await })
        .expect_err("it has ended");
    assert_eq!(error.operation(), scope.label());
    assert!(
        error.to_string() == "scope over rejected a finalizer: it has ended (completed)",
        "{error}"
    );
    manual.block_on(error.into_inner());
}

#[test]
fn r24_where_the_run_is_dropped_the_runtime_runs_them_in_the_same_order_and_budget() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let scope = builder_on(&manual, "s")
        .cleanup_budget(3 * SECOND)
        .build()
        .expect("it is sound");
    {
        let mut run = pin!(scope.run(|op| {
            steps.defer(&op, &manual, "slow", 9 * SECOND);
            steps.defer(&op, &manual, "second", SECOND);
            steps.defer(&op, &manual, "first", SECOND);
            let in_child = steps.clone();
            let child = op.spawn(async move {
                let _noted = scopeguard(move || in_child.add("child"));
                pending::<()>().await;
            });
            drop(child.expect("it is running"));
            pending::<()>()
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.run_until_idle();
    }
    assert_eq!(
        scope.status(),
        Status::Cancelled,
        "the operation is closed at once"
    );
    assert!(steps.taken().is_empty());
    let closed = scope.finished();
    let ended = manual.block_on(closed);
    assert_eq!(ended, Status::Cancelled);
    assert_eq!(steps.taken(), ["child", "first", "second"]);
    assert_eq!(manual.live_tasks(), 0);
}

/// False, which the compiler does not see.
fn steps_are_few() -> bool {
    Steps::default().taken().len() > 3
}

/// Runs `act` when it is dropped.
fn scopeguard(act: impl FnOnce() + Send) -> impl Send {
    struct Guard<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(act) = self.0.take() {
                act();
            }
        }
    }
    Guard(Some(act))
}

#[test]
fn r24_where_the_run_is_dropped_while_they_run_the_current_one_goes_on() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let scope = open_on(&manual, "s");
    {
        let mut run = pin!(scope.run(|op| {
            steps.defer(&op, &manual, "second", SECOND);
            steps.defer(&op, &manual, "first", 2 * SECOND);
            ready(())
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.advance(SECOND);
    }
    manual.advance(SECOND);
    assert_eq!(steps.taken(), ["first"]);
    manual.advance(SECOND);
    assert_eq!(steps.taken(), ["first", "second"]);
}

#[test]
fn r24_without_a_runtime_or_on_one_that_is_gone_each_is_named_as_lost() {
    let manual = ManualRuntime::new();
    let gone = open_on(&manual, "gone");
    let without = Scope::builder("without").build().expect("it is sound");
    for (scope, shut_down) in [(without, false), (gone, true)] {
        let lines = lines_of(|| {
            let mut run = Box::pin(scope.run(|op| {
                op.defer_named("one", pending::<()>())
                    .expect("it is running");
                op.defer_named("two", pending::<()>())
                    .expect("it is running");
                pending::<()>()
            }));
            assert!(Probe::new().poll(run.as_mut()).is_pending());
            if shut_down {
                manual.shut_down();
            }
            drop(run);
        });
        let lost: Vec<_> = lines
            .iter()
            .filter(|line| line.text.contains("is lost"))
            .collect();
        assert_eq!(lost.len(), 2, "{lines:?}");
        assert!(lost.iter().all(|line| line.level == Level::Warn));
        assert!(
            lost[0].text.starts_with("finalizer two of "),
            "{}",
            lost[0].text
        );
        assert!(
            lost[1].text.starts_with("finalizer one of "),
            "{}",
            lost[1].text
        );
        let mut closed = pin!(scope.finished());
        assert!(
            Probe::new().poll(closed.as_mut()).is_ready(),
            "whoever waits is told"
        );
    }
}

#[test]
fn r24_a_runtime_that_goes_away_half_way_names_them_too() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let lines = lines_of(|| {
        let mut run = Box::pin(scope.run(|op| {
            op.defer_named("waiting", pending::<()>())
                .expect("it is running");
            op.defer_named("running", pending::<()>())
                .expect("it is running");
            pending::<()>()
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        drop(run);
        manual.run_until_idle();
        manual.shut_down();
    });
    let lost = lines
        .iter()
        .filter(|line| line.text.contains("is lost"))
        .count();
    assert_eq!(lost, 2, "{lines:?}");
}

#[test]
fn r24_those_of_a_scope_never_run_run_too() {
    let manual = ManualRuntime::new();
    let steps = Steps::default();
    let scope = open_on(&manual, "s");
    steps.defer(&scope, &manual, "tidy", SECOND);
    let operation = scope.operation().clone();
    drop(scope);
    assert_eq!(operation.status(), Status::NeverRun);
    assert_eq!(manual.block_on(operation.finished()), Status::NeverRun);
    assert_eq!(steps.taken(), ["tidy"]);
}

#[test]
fn r25_finished_waits_for_body_children_and_finalizers_for_every_caller() {
    let manual = ManualRuntime::new();
    let (steps, runtime) = (Steps::default(), manual.handle());
    let scope = open_on(&manual, "s");
    let mut run = pin!(scope.run(|op| {
        steps.defer(&op, &manual, "tidy", SECOND);
        let sleep = runtime.sleep(2 * SECOND);
        let child = op.child("child");
        let child = child.spawn(|op| async move { op.shield(sleep).await });
        drop(child.expect("it is running"));
        pending::<()>()
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    manual.run_until_idle();
    let early = scope.finished();
    scope.cancel();
    let second = scope.finished();
    let (mut early, mut second) = (pin!(early), pin!(second));
    let mut is_closed = |run: bool| {
        let waits = [probe.poll(early.as_mut()), probe.poll(second.as_mut())];
        let mut late = pin!(scope.finished());
        let late = probe.poll(late.as_mut());
        assert!(
            waits.iter().all(|wait| *wait == late),
            "{waits:?} {late:?} {run}"
        );
        late.is_ready()
    };
    manual.run_until_idle();
    assert!(probe.poll(run.as_mut()).is_pending(), "the child goes on");
    assert!(!is_closed(true));
    manual.advance(2 * SECOND);
    assert!(
        probe.poll(run.as_mut()).is_pending(),
        "the finalizer goes on"
    );
    assert!(!is_closed(true));
    manual.advance(SECOND);
    assert!(!is_closed(true), "nobody has polled the run");
    assert!(probe.poll(run.as_mut()).is_ready());
    assert!(is_closed(false));
    assert_eq!(steps.taken(), ["tidy"]);
}

#[test]
fn r25_who_waits_for_the_end_is_woken_by_it() {
    let manual = ManualRuntime::new();
    let (steps, scope) = (Steps::default(), open_on(&manual, "s"));
    let waiting = manual.handle().spawn(scope.finished());
    let outcome = manual.block_on(scope.run(|op| {
        steps.defer(&op, &manual, "tidy", SECOND);
        ready(())
    }));
    assert!(outcome.is_completed());
    let status = manual.block_on(waiting).expect("the task ends");
    assert_eq!(status, Status::Completed);
}

#[test]
fn r25_a_body_may_wait_for_its_own_end_and_is_dropped_by_it() {
    let manual = ManualRuntime::new();
    let outcome = manual.block_on(open_on(&manual, "s").run(|op| async move {
        op.cancel();
        op.finished().await;
    }));
    assert!(outcome.is_cancelled());
}

#[test]
fn r25_a_scope_that_is_never_run_is_finished() {
    let scope = Scope::builder("s").build().expect("it is sound");
    let mut closed = pin!(scope.operation().finished());
    let probe = Probe::new();
    assert!(probe.poll(closed.as_mut()).is_pending());
    drop(scope);
    assert_eq!(probe.wakes(), 1);
    assert_eq!(probe.poll(closed.as_mut()), Poll::Ready(Status::NeverRun));
}
