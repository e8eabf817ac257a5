//! Grace periods (R23): the time that a cancelled body has, the cancels that shorten it, and the stragglers.

use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, builder_on};
use cancelable_core::operation::{Straggler, StragglerKind};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Outcome, Registry, Scope, Status, current};
use futures_util::future::join;
use log::Level;
use parking_lot::Mutex;
use std::cell::Cell;
use std::fmt;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

fn graceful(manual: &ManualRuntime, name: &'static str, grace: Duration) -> Scope {
    builder_on(manual, name)
        .grace(grace)
        .build()
        .expect("it is sound")
}

fn names<T, E>(outcome: &Outcome<T, E>) -> Vec<&str> {
    outcome.stragglers().iter().map(Straggler::name).collect()
}

#[test]
fn r23_without_grace_the_body_is_dropped_at_once() {
    let manual = ManualRuntime::new();
    for builder in [
        builder_on(&manual, "s"),
        builder_on(&manual, "s").grace(Duration::ZERO),
    ] {
        let scope = builder.build().expect("it is sound");
        let outcome = manual.block_on(scope.run(|op| async move {
            op.cancel();
            assert_eq!(op.grace_remaining(), Some(Duration::ZERO));
            pending::<()>().await;
        }));
        assert!(outcome.is_cancelled());
        assert_eq!(outcome.elapsed(), Some(Duration::ZERO));
        assert!(
            outcome.stragglers().is_empty(),
            "it was given no time to use"
        );
    }
}

#[test]
fn r23_the_body_goes_on_sees_the_request_and_its_value_counts() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "s", 3 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            assert_eq!(op.grace_remaining(), None);
            op.cancel_with("enough");
            op.cancelled().await;
            assert!(op.check().is_err());
            runtime.sleep(2 * SECOND).await;
            assert_eq!(op.grace_remaining(), Some(SECOND));
            7
        }
    }));
    assert_eq!(outcome.status(), Status::Completed);
    assert_eq!(
        outcome.cause().and_then(|cause| cause.message()),
        Some("enough")
    );
    assert!(outcome.stragglers().is_empty());
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r23_what_still_runs_at_its_end_is_dropped_and_named() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let line = line!() + 1;
    let scope = Scope::builder("slow")
        .runtime(&runtime)
        .grace(3 * SECOND)
        .build();
    let scope = scope.expect("it is sound");
    let mut outcome = None;
    let lines = lines_of(|| {
        outcome = Some(manual.block_on(scope.run(|op| {
            let runtime = &runtime;
            async move {
                runtime.sleep(SECOND).await;
                op.cancel();
                runtime.sleep(10 * SECOND).await;
            }
        })));
    });
    let outcome = outcome.expect("it ran");
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(4 * SECOND));
    let [straggler] = outcome.stragglers() else {
        panic!("one is named: {outcome:?}");
    };
    assert_eq!(straggler.kind(), StragglerKind::Operation);
    assert_eq!(straggler.operation(), scope.label());
    assert_eq!(straggler.location().line(), line);
    assert_eq!(straggler.cancelled_for(), Some(3 * SECOND));
    let warned = lines.iter().find(|line| line.level == Level::Warn);
    let warned = warned.expect("it is logged");
    assert!(
        warned.text.contains("operation slow, opened at"),
        "{}",
        warned.text
    );
    assert!(
        warned
            .text
            .contains("still runs 3 s after it was cancelled"),
        "{}",
        warned.text
    );
}

#[test]
fn r23_it_counts_from_the_cancel_also_of_a_token_with_another_clock() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let token = CancellationToken::new();
    // Ahead of the system's clock, by which the token stamps its cause.
    manual.advance(3600 * SECOND);
    let scope = builder_on(&manual, "s")
        .token(&token)
        .grace(2 * SECOND)
        .build()
        .expect("it is sound");
    let outcome = manual.block_on(scope.run(|_| {
        let runtime = &runtime;
        async move {
            runtime.sleep(SECOND).await;
            token.cancel();
            pending::<()>().await;
        }
    }));
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
    assert_eq!(outcome.stragglers()[0].cancelled_for(), Some(2 * SECOND));
}

#[test]
fn r23_it_counts_from_the_cancel_and_not_from_the_end_of_a_shield() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let sleep_under_shield = |shielded: Duration| {
        let scope = graceful(&manual, "s", 3 * SECOND);
        let runtime = &runtime;
        let outcome = manual.block_on(scope.run(|op| async move {
            op.cancel();
            op.shield(runtime.sleep(shielded)).await;
            pending::<()>().await;
        }));
        outcome.elapsed()
    };
    assert_eq!(sleep_under_shield(SECOND), Some(3 * SECOND));
    assert_eq!(
        sleep_under_shield(5 * SECOND),
        Some(5 * SECOND),
        "dropped as the shield ends"
    );
}

#[test]
fn r22_in_the_grace_period_a_shield_hands_its_value_out() {
    let manual = ManualRuntime::new();
    let scope = graceful(&manual, "s", SECOND);
    let outcome = manual.block_on(scope.run(|op| async move {
        op.cancel();
        op.shield(ready(7)).await
    }));
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r23_an_inner_one_cannot_outlast_what_an_outer_one_leaves() {
    let manual = ManualRuntime::new();
    let run = |outer: Duration, inner: Duration| {
        let scope = graceful(&manual, "outer", outer);
        manual.block_on(scope.run(|op| async move {
            let nested = op.child("inner").grace(inner).build().expect("it is sound");
            op.cancel();
            let left = nested.grace_remaining();
            let outcome = nested.run(|_| pending::<()>()).await;
            assert_eq!(outcome.elapsed(), Some(Duration::ZERO), "it is not started");
            left
        }))
    };
    let left = |outer, inner| run(outer, inner).into_value().flatten();
    assert_eq!(left(2 * SECOND, 5 * SECOND), Some(2 * SECOND));
    assert_eq!(left(5 * SECOND, 2 * SECOND), Some(2 * SECOND));
    assert_eq!(left(2 * SECOND, Duration::ZERO), Some(Duration::ZERO));
}

/// Cancels `outer` after a second, with `inner` running inside it, and returns the time for which each ran.
fn nested(
    manual: &ManualRuntime,
    outer: Duration,
    inner: Duration,
) -> (Option<Duration>, Option<Duration>) {
    let runtime = manual.handle();
    let scope = graceful(manual, "outer", outer);
    let inner_ran = Cell::new(None);
    let outcome = manual.block_on(scope.run(|op| {
        let (runtime, inner_ran) = (&runtime, &inner_ran);
        async move {
            let nested = op.child("inner").grace(inner).build().expect("it is sound");
            let cancel = async {
                runtime.sleep(SECOND).await;
                op.cancel();
            };
            let (ended, ()) = join(nested.run(|_| pending::<()>()), cancel).await;
            inner_ran.set(ended.elapsed());
            pending::<()>().await;
        }
    }));
    (outcome.elapsed(), inner_ran.get())
}

#[test]
fn r23_nested_windows_end_one_by_one() {
    let manual = ManualRuntime::new();
    let inner_first = nested(&manual, 5 * SECOND, 2 * SECOND);
    assert_eq!(inner_first, (Some(6 * SECOND), Some(3 * SECOND)));
    let clamped = nested(&manual, 2 * SECOND, 5 * SECOND);
    assert_eq!(
        clamped.0,
        Some(3 * SECOND),
        "the inner one does not hold up the outer one"
    );
    let none_above = nested(&manual, Duration::ZERO, 5 * SECOND);
    assert_eq!(
        none_above.0,
        Some(SECOND),
        "an outer scope without grace leaves none"
    );
}

#[test]
fn r23_an_ancestor_that_is_cancelled_later_shortens_a_window_that_is_open() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "outer", SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            // A child, because it runs in a task that nobody above polls.
            let child = op.child("child").grace(10 * SECOND);
            let child = child.spawn(|op| async move {
                op.cancel();
                pending::<()>().await;
            });
            let child = child.expect("it is running");
            runtime.sleep(3 * SECOND).await;
            op.cancel();
            assert!(child.await.is_err());
            op.elapsed()
        }
    }));
    // Both windows end at four seconds, and which of the two tasks is first does not matter.
    assert_eq!(outcome.elapsed(), Some(4 * SECOND));
}

#[test]
fn r23_the_report_names_what_ran_inside_with_its_place() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "outer", 2 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            let nested = op
                .child("nested")
                .grace(9 * SECOND)
                .build()
                .expect("it is sound");
            let child = op.child("child").grace(9 * SECOND);
            let child = child.spawn(|_| pending::<()>());
            drop(child.expect("it is running"));
            let cancel = async {
                runtime.sleep(SECOND).await;
                op.cancel();
            };
            let (ended, ()) = join(nested.run(|_| pending::<()>()), cancel).await;
            assert_eq!(names(&ended), ["nested"]);
            pending::<()>().await;
        }
    }));
    assert_eq!(names(&outcome), ["outer", "nested", "child"]);
    let kinds: Vec<_> = outcome.stragglers().iter().map(Straggler::kind).collect();
    use StragglerKind::{Child, Operation};
    assert_eq!(kinds, [Operation, Operation, Child]);
    assert!(
        outcome
            .stragglers()
            .iter()
            .all(|late| late.cancelled_for() == Some(2 * SECOND))
    );
    assert!(
        outcome
            .stragglers()
            .iter()
            .all(|late| late.location().file() == file!())
    );
}

#[test]
fn r23_a_scope_that_goes_on_is_not_told_who_was_late_below_it() {
    let manual = ManualRuntime::new();
    let scope = graceful(&manual, "server", SECOND);
    let outcome = manual.block_on(scope.run(|op| async move {
        let request = op
            .child("request")
            .grace(SECOND)
            .build()
            .expect("it is sound");
        let ended = request.run(|op| async move {
            op.cancel();
            pending::<()>().await;
        });
        assert_eq!(names(&ended.await), ["request"]);
    }));
    assert!(
        outcome.stragglers().is_empty(),
        "it would collect them for ever"
    );
}

#[test]
fn r23_a_child_that_is_cut_is_named_by_its_scope_although_the_body_ended_in_time() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "s", 3 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            let child = op.child("child").grace(2 * SECOND);
            let child = child.spawn(|_| pending::<()>());
            drop(child.expect("it is running"));
            runtime.sleep(SECOND).await;
            op.cancel();
            7
        }
    }));
    assert_eq!(outcome.value(), Some(&7));
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
    assert_eq!(names(&outcome), ["child"]);
    assert_eq!(outcome.stragglers()[0].kind(), StragglerKind::Child);
}

#[test]
fn r23_a_hard_cancel_ends_it_at_once_here_and_below() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "s", 60 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            let child = op.child("child").grace(60 * SECOND);
            let child = child.spawn(|_| pending::<()>());
            drop(child.expect("it is running"));
            runtime.sleep(SECOND).await;
            assert!(op.cancel_with("please"));
            runtime.sleep(SECOND).await;
            assert!(!op.cancel_now("at once"), "it was cancelled before");
            assert_eq!(op.grace_remaining(), Some(Duration::ZERO));
            pending::<()>().await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
    assert_eq!(
        outcome.cause().and_then(|cause| cause.message()),
        Some("please")
    );
    assert_eq!(names(&outcome), ["s", "child"]);
}

#[test]
fn r23_a_hard_cancel_as_the_first_one_leaves_no_window_and_shields_still_finish() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "s", 60 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            assert!(op.cancel_now("at once"));
            op.shield(runtime.sleep(SECOND)).await;
            pending::<()>().await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(SECOND));
}

#[test]
fn r23_a_hard_cancel_does_not_reach_up_or_aside() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "s", 5 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            let inner = op
                .child("inner")
                .grace(5 * SECOND)
                .build()
                .expect("it is sound");
            inner.cancel_now("only this");
            assert!(inner.run(|_| pending::<()>()).await.is_cancelled());
            op.cancel();
            runtime.sleep(4 * SECOND).await;
        }
    }));
    assert!(outcome.is_completed());
}

#[test]
fn r23_one_too_long_for_the_clock_never_ends() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "s", Duration::MAX);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            op.cancel();
            assert_eq!(op.grace_remaining(), Some(Duration::MAX));
            runtime.sleep(3600 * SECOND).await;
        }
    }));
    assert!(outcome.is_completed());
}

#[test]
fn r23_an_error_and_a_panic_in_the_window_are_what_they_are() {
    let manual = ManualRuntime::new();
    let scope = graceful(&manual, "s", SECOND);
    let outcome = manual.block_on(scope.try_run(|op| async move {
        op.cancel();
        op.cancelled().await;
        Err::<(), _>(fmt::Error)
    }));
    assert_eq!(outcome.status(), Status::Failed);
    let scope = graceful(&manual, "s", SECOND);
    let panicking = scope.run(|op| async move {
        op.cancel();
        panic!("on purpose");
    });
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = manual.block_on(panicking);
    }));
    assert!(caught.is_err());
    assert_eq!(scope.status(), Status::Failed);
}

#[test]
fn r23_dropping_the_run_from_outside_gives_no_grace() {
    let manual = ManualRuntime::new();
    let scope = graceful(&manual, "s", SECOND);
    {
        let mut run = pin!(scope.run(|_| pending::<()>()));
        let probe = Probe::new();
        assert!(probe.poll(run.as_mut()).is_pending());
        scope.cancel();
        assert!(probe.poll(run.as_mut()).is_pending());
    }
    assert_eq!(scope.status(), Status::Cancelled);
    assert_eq!(manual.pending_timers(), 0);
}

#[test]
fn r23_what_needs_a_clock_needs_a_runtime() {
    let needy = [
        ("grace period", Scope::builder("s").grace(SECOND)),
        ("cleanup budget", Scope::builder("s").cleanup_budget(SECOND)),
        ("watchdog", Scope::builder("s").watchdog(SECOND)),
    ];
    for (part, builder) in needy {
        let error = builder
            .build()
            .expect_err("there is no runtime")
            .to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// The stragglers that a watchdog's hook has received, call by call.
type Reports = Arc<Mutex<Vec<Vec<Straggler>>>>;

fn watched(manual: &ManualRuntime, after: Duration) -> (Scope, Reports) {
    let reports = Reports::default();
    let told = reports.clone();
    let builder = builder_on(manual, "watched").watchdog_with(after, move |late| {
        told.lock().push(late.to_vec());
    });
    (builder.build().expect("it is sound"), reports)
}

#[test]
fn r23_the_watchdog_says_what_has_not_ended_since_when_and_under_which_shield() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let (scope, reports) = watched(&manual, 3 * SECOND);
    let line = line!() + 6;
    let lines = lines_of(|| {
        let outcome = manual.block_on(scope.run(|op| {
            let runtime = &runtime;
            async move {
                op.cancel();
                op.shield(async {
                    runtime.sleep(SECOND).await;
                    assert!(op.check().is_err());
                    runtime.sleep(SECOND).await;
                    runtime.sleep(10 * SECOND).await;
                })
                .await;
            }
        }));
        assert_eq!(outcome.elapsed(), Some(12 * SECOND));
    });
    let reports = reports.lock();
    assert_eq!(reports.len(), 1, "it reports once");
    let [late] = &*reports[0] else {
        panic!("one is late: {reports:?}");
    };
    assert_eq!(
        (late.name(), late.kind()),
        ("watched", StragglerKind::Operation)
    );
    assert_eq!(late.cancelled_for(), Some(3 * SECOND));
    assert_eq!(late.polled_ago(), Some(SECOND));
    assert_eq!(late.checked_ago(), Some(2 * SECOND));
    let shield = late.shield().expect("it is under one");
    assert_eq!(
        (shield.location().file(), shield.location().line()),
        (file!(), line)
    );
    assert_eq!(shield.open_for(), Some(3 * SECOND));
    let warned = lines
        .iter()
        .find(|line| line.text.contains("has not stopped"));
    let warned = warned.expect("it is logged");
    let expected = "still runs 3 s after it was cancelled; last polled 1 s ago; last checked 2 s \
                    ago; under the shield opened at";
    assert!(warned.text.contains(expected), "{}", warned.text);
}

/// Two shields side by side and one of a run inside, each opened at another second.
#[test]
fn r22_r23_of_several_open_shields_the_one_that_was_opened_last_is_named() {
    for seconds in [
        [1, 2, 3],
        [1, 3, 2],
        [2, 1, 3],
        [2, 3, 1],
        [3, 1, 2],
        [3, 2, 1],
    ] {
        let manual = ManualRuntime::new();
        let runtime = manual.handle();
        let (scope, reports) = watched(&manual, 3 * SECOND);
        let [one, two, inside] = seconds;
        let long = || runtime.sleep(20 * SECOND);
        let lines = [line!() + 5, line!() + 9, line!() + 14];
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            let op = &op;
            let first = async {
                runtime.sleep(one * SECOND).await;
                op.shield(long()).await;
            };
            let second = async {
                runtime.sleep(two * SECOND).await;
                op.shield(long()).await;
            };
            let inner = op.child("inside").build().expect("it is sound");
            let third = inner.run(async |op: Scope| {
                runtime.sleep(inside * SECOND).await;
                op.shield(long()).await;
            });
            let cancel = async {
                runtime.sleep(4 * SECOND).await;
                op.cancel();
            };
            drop(join(join(first, second), join(third, cancel)).await);
        }));
        assert_eq!(outcome.elapsed(), Some(23 * SECOND));
        let reports = reports.lock();
        let mut late = reports[0].iter();
        let late = late.find(|late| late.name() == "watched");
        let late = late.expect("its body is held");
        let shield = late.shield().expect("it is under three");
        let last = seconds.iter().position(|second| *second == 3);
        assert_eq!(
            (shield.location().line(), shield.open_for()),
            (lines[last.expect("it is one of them")], Some(4 * SECOND)),
            "{seconds:?}"
        );
    }
}

#[test]
fn r23_the_watchdog_is_quiet_when_everything_ends_in_time_and_leaves_nothing() {
    let manual = ManualRuntime::new();
    let (scope, reports) = watched(&manual, SECOND);
    let outcome = manual.block_on(scope.run(|op| async move {
        op.cancel();
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    manual.run_until_idle();
    assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
    manual.advance(10 * SECOND);
    assert!(reports.lock().is_empty());
}

#[test]
fn r23_the_watchdog_sees_finalizers_children_and_scopes_inside() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let (scope, reports) = watched(&manual, 2 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            let sleep = runtime.sleep(5 * SECOND);
            let child = op.child("child");
            let child = child.spawn(|op| async move { op.shield(sleep).await });
            drop(child.expect("it is running"));
            let nested = op.child("nested").build().expect("it is sound");
            let sleep = runtime.sleep(9 * SECOND);
            let ended = nested.run(|nested| async move {
                nested.defer_named("tidy", sleep).expect("it is running");
                let sheltered = nested.child("sheltered").build().expect("it is sound");
                let running = sheltered.run(|op| async move {
                    runtime.sleep(SECOND).await;
                    op.shield(runtime.sleep(4 * SECOND)).await;
                });
                let cancel = async {
                    runtime.sleep(SECOND).await;
                    op.cancel();
                };
                join(running, cancel).await.0.is_cancelled()
            });
            assert_eq!(ended.await.into_value(), Some(true));
        }
    }));
    assert_eq!(outcome.elapsed(), Some(9 * SECOND));
    let reports = reports.lock();
    let late: Vec<_> = reports[0]
        .iter()
        .map(|late| (late.name(), late.kind()))
        .collect();
    use StragglerKind::{Child, Operation};
    let expected = ["watched", "child", "nested", "sheltered"];
    let kinds = [Operation, Child, Operation, Operation];
    assert_eq!(late, expected.into_iter().zip(kinds).collect::<Vec<_>>());
    assert!(
        reports[0].iter().all(|late| late.shield().is_some()),
        "{reports:?}"
    );
}

#[test]
fn r23_the_watchdog_sees_a_finalizer() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let (scope, reports) = watched(&manual, 2 * SECOND);
    let outcome = manual.block_on(scope.run(|op| {
        let sleep = runtime.sleep(9 * SECOND);
        op.defer_named("tidy", sleep).expect("it is running");
        op.cancel();
        pending::<()>()
    }));
    assert!(outcome.is_cancelled());
    let reports = reports.lock();
    let late: Vec<_> = reports[0]
        .iter()
        .map(|late| (late.name(), late.kind()))
        .collect();
    assert_eq!(late, [("tidy", StragglerKind::Finalizer)]);
}

#[test]
fn r23_a_hook_that_panics_harms_nobody() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let builder = builder_on(&manual, "s").watchdog_with(SECOND, |_| panic!("on purpose"));
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            op.cancel();
            op.shield(runtime.sleep(2 * SECOND)).await;
        }
    }));
    assert!(outcome.is_cancelled());
}

#[test]
fn r23_why_it_has_not_stopped_has_an_answer_at_any_moment() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = builder_on(&manual, "s").build().expect("it is sound");
    assert!(scope.unfinished().is_empty(), "it is not running");
    let seen = Mutex::new(Vec::new());
    let look = |scope: &Scope| {
        let late = scope.unfinished();
        let late = late
            .iter()
            .map(|late| (late.name().to_owned(), late.cancelled_for()));
        seen.lock().extend(late);
    };
    let outcome = manual.block_on(scope.run(|op| {
        let (runtime, look) = (&runtime, &look);
        async move {
            look(&op);
            op.cancel();
            let sleep = runtime.sleep(2 * SECOND);
            op.defer_named("tidy", sleep).expect("it is running");
            op.shield(runtime.sleep(SECOND)).await;
        }
    }));
    drop(outcome);
    assert!(scope.unfinished().is_empty(), "it has ended");
    assert_eq!(*seen.lock(), [("s".to_owned(), None)]);

    let scope = builder_on(&manual, "s").build().expect("it is sound");
    let mut run = Box::pin(scope.run(|op| {
        let sleep = runtime.sleep(5 * SECOND);
        async move {
            op.defer_named("tidy", sleep).expect("it is running");
            op.cancel();
            pending::<()>().await;
        }
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    manual.advance(SECOND);
    let late = scope.unfinished();
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!(
        (late[0].name(), late[0].kind()),
        ("tidy", StragglerKind::Finalizer)
    );
    assert_eq!(late[0].cancelled_for(), Some(SECOND));
    assert_eq!(late[0].polled_ago(), Some(SECOND));
    manual.advance(5 * SECOND);
    let Poll::Ready(outcome) = Probe::new().poll(run.as_mut()) else {
        panic!("the finalizer is done");
    };
    assert!(outcome.is_cancelled());
}

/// The token that is cancelled has another clock than the scope.
#[test]
fn r23_r44_how_long_ago_is_told_by_the_scopes_own_clock() {
    let manual = ManualRuntime::new();
    let (registry, token) = (Registry::new(), CancellationToken::new());
    let open = || {
        let builder = builder_on(&manual, "s")
            .token(&token)
            .register_in(&registry);
        builder.build().expect("it is sound")
    };
    let ago = |scope: &Scope| scope.unfinished()[0].cancelled_for();
    let in_dump = |ago: &str| {
        let dump = registry.dump();
        assert!(dump.contains(&format!("; cancelled {ago} ago")), "{dump}");
    };
    let body = async |op: Scope| op.shield(pending::<()>()).await;
    let (polled, unpolled) = (open(), open());
    manual.advance(7200 * SECOND);
    let (mut first, mut second) = (pin!(polled.run(body)), pin!(unpolled.run(body)));
    assert!(Probe::new().poll(first.as_mut()).is_pending());
    assert!(Probe::new().poll(second.as_mut()).is_pending());
    token.cancel();

    // A poll of its run has seen it, or else the first who asks.
    assert!(Probe::new().poll(first.as_mut()).is_pending());
    manual.advance(10 * SECOND);
    assert_eq!(ago(&polled), Some(10 * SECOND));
    assert_eq!(ago(&unpolled), Some(Duration::ZERO));
    manual.advance(SECOND);
    in_dump("11 s");
    assert_eq!(ago(&unpolled), Some(SECOND));
    in_dump("1 s");
}

#[test]
fn r23_r44_a_run_that_winds_up_notes_by_its_own_clock_when_it_was_cancelled() {
    for joins in [true, false] {
        let manual = ManualRuntime::new();
        let (registry, token) = (Registry::new(), CancellationToken::new());
        let scope = builder_on(&manual, "s")
            .token(&token)
            .register_in(&registry);
        let scope = scope.build().expect("it is sound");
        manual.advance(7200 * SECOND);
        let mut run = pin!(scope.run(async |op: Scope| match joins {
            true => drop(op.spawn(async {
                let child = current().expect("it runs");
                child.shield(pending::<()>()).await;
            })),
            false => op.defer(pending::<()>()).expect("it is running"),
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        token.cancel();
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        manual.run_until_idle();
        manual.advance(10 * SECOND);
        let dump = registry.dump();
        let waits = match joins {
            true => "joins 1 child; cancelled 10 s ago",
            false => "in finalizer finalizer; cancelled 10 s ago",
        };
        assert!(dump.contains(waits), "{dump}");
    }
}

#[test]
fn r23_r44_a_token_that_is_cancelled_inside_a_run_is_so_by_its_clock() {
    let manual = ManualRuntime::new();
    let token = CancellationToken::new();
    let scope = builder_on(&manual, "s").token(&token);
    let scope = scope.build().expect("it is sound");
    manual.advance(7200 * SECOND);
    let mut run = pin!(scope.run(async |op: Scope| {
        token.cancel();
        assert_eq!(token.cancelled_at(), Some(manual.now()));
        op.shield(pending::<()>()).await;
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    manual.advance(SECOND);
    assert_eq!(scope.unfinished()[0].cancelled_for(), Some(SECOND));
}

#[test]
fn r23_what_did_not_stop_is_reported_once_by_each_above_it() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = graceful(&manual, "s", SECOND);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        for number in 0..100 {
            let child = op.child(format!("child {number}")).grace(SECOND);
            drop(child.spawn(|_| pending::<()>()).expect("it is running"));
        }
        runtime.sleep(SECOND).await;
        op.cancel();
        pending::<()>().await;
    }));
    let mut ids: Vec<_> = outcome.stragglers().iter().collect();
    assert_eq!(ids.len(), 101, "the children and the body");
    ids.dedup_by_key(|straggler| straggler.operation().id());
    assert_eq!(ids.len(), 101);
}
