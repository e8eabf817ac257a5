//! Orphans of dropped runs: which ancestor waits for them, before which step, and for how long (R24, R25).

use crate::support::clockwork::Clockwork;
use crate::support::log_lines::lines_of;
use crate::support::probe::Probe;
use crate::support::{SECOND, at_most, builder_on, open_on};
use cancelable_core::runtime::RuntimeHandle;
use cancelable_core::scope::RunError;
use cancelable_core::testing::{ManualRuntime, cancel_in};
use cancelable_core::{Operation, Outcome, Registry, Scope, Status, current};
use parking_lot::Mutex;
use std::fmt;
use std::future::{Future, pending, ready};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// The events, each with its time in seconds.
#[derive(Clone)]
struct Notes {
    runtime: RuntimeHandle,
    start: Instant,
    notes: Arc<Mutex<Vec<(&'static str, u64)>>>,
}

impl Notes {
    fn new(manual: &ManualRuntime) -> Self {
        Self {
            runtime: manual.handle(),
            start: manual.now(),
            notes: Arc::default(),
        }
    }

    fn add(&self, what: &'static str) {
        let after = self.runtime.now() - self.start;
        self.notes.lock().push((what, after.as_secs()));
    }

    fn taken(&self) -> Vec<(&'static str, u64)> {
        std::mem::take(&mut self.notes.lock())
    }

    /// Defers a finalizer that is noted when it has slept.
    fn defer(&self, op: &Operation, name: &'static str, span: Duration) {
        let notes = self.clone();
        let finalizer = async move {
            notes.runtime.sleep(span).await;
            notes.add(name);
        };
        op.defer_named(name, finalizer).expect("it has not ended");
    }

    /// Notes the end of an operation.
    fn note_end(&self, op: &Operation, what: &'static str) {
        let (notes, closed) = (self.clone(), op.finished());
        let wait = async move {
            closed.await;
            notes.add(what);
        };
        self.runtime.spawn(wait).detach();
    }
}

fn inside(op: &Operation, name: &'static str) -> Scope {
    let builder = Scope::builder(name).parent(op);
    builder.build().expect("it is sound")
}

/// A run that has something deferred, and does not end.
fn held(
    scope: &Scope,
    notes: &Notes,
    name: &'static str,
    span: Duration,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let notes = notes.clone();
    let run = scope.run(move |op| async move {
        notes.defer(&op, name, span);
        pending::<()>().await;
    });
    let mut run: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async { drop(run.await) });
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    run
}

#[test]
fn r24_at_any_depth_it_is_joined_before_the_finalizers_of_the_scope_above_and_before_its_end() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "outer");
    let mut run = Box::pin(scope.run(async |op: Scope| {
        notes.defer(&op, "outer", SECOND);
        let middle = inside(&op, "middle");
        notes.note_end(&middle, "middle has ended");
        let middle = middle.run(async |op: Scope| {
            notes.defer(&op, "middle", 2 * SECOND);
            let inner = inside(&op, "inner");
            notes.note_end(&inner, "inner has ended");
            let inner = inner.run(async |op: Scope| {
                notes.defer(&op, "inner", 3 * SECOND);
                let child = op.child("child").spawn({
                    let notes = notes.clone();
                    |op: Scope| async move {
                        let runtime = notes.runtime.clone();
                        op.shield(runtime.sleep(2 * SECOND)).await;
                    }
                });
                drop(child.expect("it is running"));
                pending::<()>().await;
            });
            drop(inner.await);
        });
        drop(middle.await);
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    manual.run_until_idle();
    notes.note_end(&scope, "outer has ended");
    drop(run);
    assert_eq!(scope.status(), Status::Cancelled, "it is closed at once");
    manual.advance(60 * SECOND);
    let expected = [
        ("inner", 5),
        ("inner has ended", 5),
        ("middle", 7),
        ("middle has ended", 7),
        ("outer", 8),
        ("outer has ended", 8),
    ];
    assert_eq!(notes.taken(), expected);
    assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
}

#[test]
fn r24_r26_what_is_undone_by_a_finalizer_is_not_worked_on_by_a_thread_inside_any_more() {
    let manual = ManualRuntime::with_threads();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "transfer");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let mut run = Box::pin(scope.run(async |op: Scope| {
        notes.defer(&op, "undo", Duration::ZERO);
        let inner = inside(&op, "commit");
        let run = inner.run(async |op: Scope| {
            let notes = notes.clone();
            let call = op.spawn_blocking(move |_| {
                begin.send(()).expect("it is kept");
                // Looks at no token.
                let _ = ending.recv();
                notes.add("thread");
            });
            drop(call.expect("it is running"));
            pending::<()>().await;
        });
        drop(run.await);
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    begun.recv().expect("it begins");
    drop(run);
    manual.advance(60 * SECOND);
    assert!(notes.taken().is_empty(), "the thread works");
    let waiting = scope.unfinished();
    let waiting: Vec<_> = waiting.iter().map(|one| one.operation().name()).collect();
    assert_eq!(waiting, ["blocking call"]);
    drop(end);
    assert_eq!(manual.block_on(scope.finished()), Status::Cancelled);
    assert_eq!(notes.taken(), [("thread", 60), ("undo", 60)]);
}

#[test]
fn r25_a_run_waits_for_what_a_run_has_left_that_its_body_dropped() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = builder_on(&manual, "outer").concurrency(at_most(1)).build();
    let scope = scope.expect("it is sound");
    let outcome = manual.block_on(scope.try_run(async |op: Scope| {
        notes.defer(&op, "outer", SECOND);
        drop(held(&inside(&op, "inner"), &notes, "inner", 3 * SECOND));
        // It takes no place.
        let in_child = notes.clone();
        let child = op.spawn(async move { in_child.add("child") });
        child.expect("it is running").await.expect("it ends");
        notes.add("body");
        Err::<(), _>(fmt::Error)
    }));
    let expected = [("child", 0), ("body", 0), ("inner", 3), ("outer", 4)];
    assert_eq!(notes.taken(), expected);
    assert_eq!(outcome.status(), Status::Failed);
    assert!(outcome.cause().is_none(), "there was nobody to cancel");
    assert!(outcome.child_failures().is_empty());
}

#[test]
fn r25_a_cancelled_scope_above_is_not_dropped_around_the_wait() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let outer = open_on(&manual, "outer");
    cancel_in(&manual, outer.token(), SECOND);
    let outcome = manual.block_on(outer.run(async |op: Scope| {
        let middle = inside(&op, "middle");
        let ended = middle.run(async |op: Scope| {
            drop(held(&inside(&op, "inner"), &notes, "inner", 3 * SECOND));
            pending::<()>().await;
        });
        assert!(ended.await.is_cancelled());
        notes.add("middle");
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(notes.taken(), [("inner", 3), ("middle", 3)]);
}

#[test]
fn r25_r50_what_fails_in_it_cancels_nobody_and_is_in_the_outcome_of_the_scope_above() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let run = inside(&op, "inner").run(async |op: Scope| {
            op.defer_named("undo", async { Err::<(), _>(fmt::Error) })
                .expect("it is running");
            let runtime = notes.runtime.clone();
            let child = op.child("child").spawn(|op: Scope| async move {
                let shielded = async move {
                    runtime.sleep(3 * SECOND).await;
                    resume_unwind(Box::new("in a child"));
                };
                op.shield(shielded).await;
            });
            drop(child.expect("it is running"));
            pending::<()>().await;
        });
        assert!(notes.runtime.timeout(SECOND, run).await.is_err());
        let sibling = op.spawn(notes.runtime.sleep(3 * SECOND));
        sibling
            .expect("it is running")
            .await
            .expect("nobody cancels it");
        7
    }));
    assert_eq!(outcome.elapsed(), Some(4 * SECOND));
    assert!(outcome.cause().is_none() && outcome.is_completed());
    assert_eq!(wrong(&outcome), ["child panicked", "undo failed"]);
    assert_eq!(outcome.value(), Some(&7));
    let error = outcome.complete().expect_err("it is not whole");
    assert!(matches!(error, RunError::ChildFailed(_)), "{error}");
}

/// The failures of descendants, a word for each.
fn wrong<T, E>(outcome: &Outcome<T, E>) -> Vec<String> {
    let failures = outcome.child_failures().iter().map(|failure| {
        let how = match failure.is_panic() {
            true => "panicked",
            false => "failed",
        };
        format!("{} {how}", failure.operation().name())
    });
    let errors = outcome.cleanup_errors().iter().map(|error| {
        let how = match (error.is_lost(), error.is_over_budget()) {
            (true, _) => "lost",
            (_, true) => "over budget",
            _ => "failed",
        };
        format!("{} {how}", error.name())
    });
    let stragglers = outcome.stragglers().iter();
    let stragglers = stragglers.map(|straggler| format!("{} straggles", straggler.name()));
    failures.chain(errors).chain(stragglers).collect()
}

fn spoil(op: &Operation, name: &'static str) {
    op.defer_named(name, async { Err("the disk is full") })
        .expect("it is running");
}

#[test]
fn r50_runs_that_were_dropped_in_each_other_report_to_the_first_scope_that_was_not() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let middle = inside(&op, "middle").run(async |op: Scope| {
            spoil(&op, "middle");
            let inner = inside(&op, "inner").run(async |op: Scope| {
                spoil(&op, "inner");
                let child = op.child("child").spawn(async |op: Scope| {
                    spoil(&op, "child");
                    pending::<()>().await;
                });
                drop(child.expect("it is running"));
                pending::<()>().await;
            });
            drop(inner.await);
        });
        let timed_out = manual.handle().timeout(SECOND, middle).await;
        assert!(timed_out.is_err());
        spoil(&op, "own");
    }));
    let expected = [
        "own failed",
        // Failures of descendants are reported after the run's own.
        "middle failed",
        "inner failed",
        "child failed",
    ];
    assert_eq!(wrong(&outcome), expected);
    assert!(outcome.complete().is_err());
}

#[test]
fn r50_a_dropped_run_in_a_child_is_on_the_handle_of_the_child() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let manual = manual.handle();
        let child = op.child("child").spawn(|op: Scope| async move {
            let inner = inside(&op, "inner").run(async |op: Scope| {
                spoil(&op, "inner");
                pending::<()>().await;
            });
            assert!(manual.timeout(SECOND, inner).await.is_err());
        });
        let mut child = child.expect("it is running");
        (&mut child).await.expect("it has a value");
        assert_eq!(child.cleanup_errors()[0].name(), "inner");
    }));
    assert_eq!(wrong(&outcome), ["inner failed"]);
}

#[test]
fn r50_a_run_that_was_dropped_idle_and_one_that_never_ran_report_too() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let idle = inside(&op, "idle").run(async |op: Scope| {
            let child = op
                .child("child")
                .try_spawn(move |_| ready(Err::<(), _>(fmt::Error)));
            assert!(child.expect("it is running").await.is_err());
            // Its run is cancelled for it, and is dropped in here.
            op.shield(pending::<()>()).await;
        });
        assert!(manual.handle().timeout(SECOND, idle).await.is_err());
        let collects = op.child("collects").collect_all();
        let idle = collects.run(async |op: Scope| {
            let child = op
                .child("collected")
                .try_spawn(move |_| ready(Err::<(), _>(fmt::Error)));
            assert!(child.expect("it is running").await.is_err());
            pending::<()>().await;
        });
        assert!(manual.handle().timeout(SECOND, idle).await.is_err());
        spoil(&inside(&op, "never run"), "deferred");
    }));
    let expected = ["child failed", "collected failed", "deferred failed"];
    assert_eq!(wrong(&outcome), expected);
}

#[test]
fn r50_what_straggles_below_a_dropped_run_makes_the_work_above_incomplete() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let inner = inside(&op, "inner").run(async |op: Scope| {
            let child = op.child("child").grace(SECOND);
            let child = child.spawn(async |_| pending::<()>().await);
            drop(child.expect("it is running"));
            pending::<()>().await;
        });
        assert!(manual.handle().timeout(SECOND, inner).await.is_err());
    }));
    assert_eq!(wrong(&outcome), ["child straggles"]);
    let error = outcome.complete().expect_err("it ended without its child");
    assert!(matches!(error, RunError::Unfinished(_)));
    let expected = "the scope ended with open work: child, opened at ";
    assert!(error.to_string().starts_with(expected), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn r50_a_finalizer_that_is_over_its_budget_is_named_once() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let inner = op.child("inner").cleanup_budget(SECOND);
        let inner = inner.run(async |op: Scope| {
            op.defer_named("slow", pending::<()>())
                .expect("it is running");
            pending::<()>().await;
        });
        assert!(manual.handle().timeout(SECOND, inner).await.is_err());
        // Cancelled, so that what others end without is handed up to it too.
        op.cancel();
        pending::<()>().await;
    }));
    assert_eq!(wrong(&outcome), ["slow over budget", "slow straggles"]);
}

#[test]
fn r24_r50_a_finalizer_that_no_runtime_runs_is_in_the_outcome_above() {
    let scope = Scope::builder("outer").build().expect("it is sound");
    let mut run = pin!(scope.run(async |op: Scope| {
        let inner = inside(&op, "inner");
        let mut run = Box::pin(inner.run(async |op: Scope| {
            spoil(&op, "undo");
            pending::<()>().await;
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
    }));
    let Poll::Ready(outcome) = Probe::new().poll(run.as_mut()) else {
        panic!("there is nothing to wait for");
    };
    assert_eq!(wrong(&outcome), ["undo lost"]);
    let error = outcome.complete().expect_err("it was not undone");
    assert!(
        error
            .to_string()
            .ends_with("is lost, because no runtime runs it"),
        "{error}"
    );
}

#[test]
fn r50_a_scope_that_drops_runs_for_long_keeps_a_bounded_part_of_what_they_report() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        for _ in 0..1000 {
            let mut run = Box::pin(inside(&op, "inner").run(async |op: Scope| {
                spoil(&op, "undo");
                pending::<()>().await;
            }));
            assert!(Probe::new().poll(run.as_mut()).is_pending());
        }
    }));
    assert_eq!(outcome.cleanup_errors().len(), 256);
}

#[test]
fn r24_r25_an_outer_run_that_was_dropped_first_waits_too_and_begins_no_finalizer_beside_it() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "outer");
    let mut inner = None;
    let mut outer = Box::pin(scope.run(|op| {
        notes.defer(&op, "second", SECOND);
        notes.defer(&op, "first", 2 * SECOND);
        // It is polled elsewhere than in the body.
        inner = Some(held(&inside(&op, "inner"), &notes, "inner", 4 * SECOND));
        pending::<()>()
    }));
    assert!(Probe::new().poll(outer.as_mut()).is_pending());
    drop(outer);
    notes.note_end(&scope, "outer has ended");
    manual.advance(SECOND);
    assert!(scope.status().is_terminal(), "and it adopts all the same");
    drop(inner);
    manual.advance(60 * SECOND);
    let expected = [
        // The run is not polled, so it is taken over.
        ("inner", 4),
        ("first", 6),
        ("second", 7),
        ("outer has ended", 7),
    ];
    assert_eq!(notes.taken(), expected);
}

#[test]
fn r25_what_comes_after_the_end_of_the_scope_above_goes_to_the_next_and_after_all_to_nobody() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "top");
    let (mut late, mut later) = (None, None);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let middle = inside(&op, "middle");
        let run = middle.run(|op| {
            late = Some(held(&inside(&op, "late"), &notes, "late", SECOND));
            later = Some(held(&inside(&op, "later"), &notes, "later", SECOND));
            ready(())
        });
        assert!(run.await.is_completed());
        late = None;
        assert_eq!(middle.finished().await, Status::Completed);
        notes.add("body");
    }));
    assert!(outcome.is_completed());
    assert_eq!(notes.taken(), [("body", 0), ("late", 1)]);
    drop(later);
    let mut closed = pin!(scope.finished());
    assert!(
        Probe::new().poll(closed.as_mut()).is_ready(),
        "it has ended"
    );
    manual.advance(SECOND);
    assert_eq!(notes.taken(), [("later", 2)]);
    assert_eq!(manual.live_tasks(), 0);
}

#[test]
fn r14_r24_scopes_of_two_runtimes_wait_for_each_other() {
    let (above, below) = (ManualRuntime::new(), ManualRuntime::new());
    let (notes, inner_notes) = (Notes::new(&above), Notes::new(&below));
    let scope = open_on(&above, "outer");
    let mut run = Box::pin(scope.run(async |op: Scope| {
        notes.defer(&op, "outer", SECOND);
        let inner = builder_on(&below, "inner").parent(&op).build();
        held(&inner.expect("it is sound"), &inner_notes, "inner", SECOND).await;
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    drop(run);
    above.advance(SECOND);
    assert!(notes.taken().is_empty(), "the inner finalizer has not run");
    below.advance(SECOND);
    assert_eq!(inner_notes.taken(), [("inner", 1)]);
    assert_eq!(above.block_on(scope.finished()), Status::Cancelled);
    assert_eq!(notes.taken(), [("outer", 2)]);
}

#[test]
fn r24_one_whose_runtime_goes_away_holds_nobody_up() {
    let (above, below) = (ManualRuntime::new(), ManualRuntime::new());
    let (notes, lost) = (Notes::new(&above), Notes::new(&below));
    let scope = open_on(&above, "outer");
    let mut run = Box::pin(scope.run(async |op: Scope| {
        notes.defer(&op, "outer", SECOND);
        let inner = builder_on(&below, "inner").parent(&op).build();
        held(&inner.expect("it is sound"), &lost, "inner", SECOND).await;
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    drop(run);
    below.run_until_idle();
    above.run_until_idle();
    let lines = lines_of(|| below.shut_down());
    let named = |text: &str| lines.iter().any(|line| line.text.contains(text));
    assert!(named("finalizer inner of inner"), "{lines:?}");
    assert_eq!(above.block_on(scope.finished()), Status::Cancelled);
    assert_eq!((notes.taken(), lost.taken()), (vec![("outer", 1)], vec![]));
}

#[test]
fn r24_r25_a_scope_without_a_runtime_ends_after_what_it_has_adopted() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let bare = |name| Scope::builder(name).build().expect("it is sound");
    let (scope, probe) = (bare("outer"), Probe::new());
    let lines = lines_of(|| {
        let mut run = Box::pin(scope.run(async |op: Scope| {
            op.defer_named("outer", ready(())).expect("it is running");
            let middle = inside(&op, "middle");
            let middle = middle.run(async |op: Scope| {
                let inner = builder_on(&manual, "inner").parent(&op).build();
                held(&inner.expect("it is sound"), &notes, "inner", SECOND).await;
            });
            drop(middle.await);
        }));
        assert!(probe.poll(run.as_mut()).is_pending());
        drop(run);
    });
    let lost = lines.iter().filter(|line| line.text.contains("is lost"));
    assert_eq!(lost.count(), 1, "there is none to run it: {lines:?}");
    let mut closed = pin!(scope.finished());
    assert!(probe.poll(closed.as_mut()).is_pending());
    manual.advance(SECOND);
    assert_eq!(notes.taken(), [("inner", 1)]);
    assert!(probe.poll(closed.as_mut()).is_ready());
    assert_eq!(manual.live_tasks(), 0);
}

#[test]
fn r24_what_a_finalizer_leaves_is_waited_for_within_the_cleanup_budget_and_named_then() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    for (budget, slow) in [(9, false), (5, true)] {
        let scope = builder_on(&manual, "outer").cleanup_budget(budget * SECOND);
        let scope = scope.build().expect("it is sound");
        let outcome = manual.block_on(scope.run(|op| {
            notes.defer(&op, "last", SECOND);
            let leaves = |name, span| {
                let (notes, outer) = (notes.clone(), op.operation().clone());
                let leaves = async move {
                    drop(held(&inside(&outer, name), &notes, name, span));
                };
                op.defer(leaves).expect("it is running");
            };
            leaves("short", SECOND);
            leaves("inner", 6 * SECOND);
            ready(())
        }));
        let stragglers = outcome.stragglers().iter();
        let stragglers: Vec<_> = stragglers.map(|one| one.to_string()).collect();
        if slow {
            assert_eq!(outcome.elapsed(), Some(5 * SECOND));
            let [last, left, unbegun] = &stragglers[..] else {
                panic!("three did not end: {stragglers:?}");
            };
            assert!(left.starts_with("finalizer inner of inner"), "{left}");
            assert!(last.starts_with("finalizer last of outer"), "{last}");
            assert!(unbegun.starts_with("operation short"), "{unbegun}");
            manual.advance(60 * SECOND);
            assert_eq!(notes.taken(), [("inner", 14), ("short", 14)]);
        } else {
            assert_eq!(outcome.elapsed(), Some(8 * SECOND));
            let expected = [("inner", 6), ("short", 7), ("last", 8)];
            assert_eq!(notes.taken(), expected);
            assert!(stragglers.is_empty(), "{stragglers:?}");
        }
        assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
    }
}

/// The runtime of the orphan is not driven for now.
#[test]
fn r23_what_was_left_and_has_not_begun_is_named_by_who_waits_for_it() {
    let (manual, elsewhere) = (ManualRuntime::new(), ManualRuntime::new());
    let registry = Registry::new();
    let outer = builder_on(&manual, "outer").register_in(&registry);
    let outer = outer.build().expect("it is sound");
    let there = elsewhere.handle();
    let mut run = pin!(outer.run(async |op: Scope| {
        let inner = op
            .child("inner")
            .runtime(&there)
            .build()
            .expect("it is sound");
        let mut inside = Box::pin(inner.run(async |op: Scope| {
            op.defer(async {}).expect("it is running");
            pending::<()>().await;
        }));
        assert!(Probe::new().poll(inside.as_mut()).is_pending());
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    let names: Vec<_> = outer
        .unfinished()
        .iter()
        .map(|one| one.name().to_owned())
        .collect();
    assert_eq!(names, ["inner"]);
    let dump = registry.dump();
    assert!(
        dump.contains("done with its body, waits for the open work of 1 dropped run"),
        "{dump}"
    );

    elsewhere.run_until_idle();
    assert!(outer.unfinished().is_empty());
    assert!(Probe::new().poll(run.as_mut()).is_ready());
}

#[test]
fn r24_a_finalizer_goes_on_beside_what_comes_meanwhile() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(|op| {
        let (notes, outer) = (notes.clone(), op.operation().clone());
        let finalizer = async move {
            drop(held(&inside(&outer, "inner"), &notes, "inner", 6 * SECOND));
            notes.runtime.sleep(SECOND).await;
            notes.add("finalizer");
        };
        op.defer(finalizer).expect("it is running");
        ready(())
    }));
    assert_eq!(outcome.elapsed(), Some(6 * SECOND));
    assert_eq!(notes.taken(), [("finalizer", 1), ("inner", 6)]);
}

#[test]
fn r26_a_call_that_a_dropped_run_gives_up_is_given_up_by_those_above_too() {
    let manual = ManualRuntime::with_threads();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "outer");
    let ((begin, begun), (end, ending)) = (mpsc::channel(), mpsc::channel::<()>());
    let mut inner = None;
    let mut run = Box::pin(scope.run(async |op: Scope| {
        notes.defer(&op, "outer", Duration::ZERO);
        let scope = op.child("inner").build().expect("it is sound");
        inner = Some(scope.clone());
        let run = scope.run(async |op: Scope| {
            notes.defer(&op, "inner", 2 * SECOND);
            let notes = notes.clone();
            let call = op.child("call").grace(3 * SECOND);
            let stubborn = call.spawn_blocking(move |_| {
                let here = current().expect("it is an operation");
                notes.defer(&here, "late", 9 * SECOND);
                begin.send(()).expect("it is kept");
                let _ = ending.recv();
            });
            drop(stubborn.expect("it is running"));
            pending::<()>().await;
        });
        drop(run.await);
    }));
    assert!(Probe::new().poll(run.as_mut()).is_pending());
    begun.recv().expect("it begins");
    drop(run);
    notes.note_end(&scope, "outer has ended");
    let lines = lines_of(|| manual.advance(4 * SECOND));
    let told = lines
        .iter()
        .filter(|line| line.text.contains("was abandoned"));
    assert_eq!(told.count(), 1, "{lines:?}");
    // The finalizers that the call has deferred belong to the call, as its thread does.
    drop(end);
    let inner = inner.expect("the body has begun");
    while inner.live_children() > 0 {
        thread::yield_now();
    }
    manual.advance(60 * SECOND);
    let expected = [
        ("inner", 5),
        ("outer", 5),
        ("outer has ended", 5),
        ("late", 13),
    ];
    assert_eq!(notes.taken(), expected);
}

#[test]
fn r24_r26_what_a_blocking_call_defers_is_joined_with_it() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let outcome = manual.block_on(open_on(&manual, "outer").run(|op| {
        notes.defer(&op, "outer", SECOND);
        let notes = notes.clone();
        let call = op.spawn_blocking(move |_| {
            let here = current().expect("it is an operation");
            notes.defer(&here, "call", 2 * SECOND);
        });
        drop(call.expect("it is running"));
        ready(())
    }));
    assert!(outcome.is_completed());
    assert_eq!(notes.taken(), [("call", 2), ("outer", 3)]);
}

#[test]
fn r24_r28_what_was_deferred_to_a_scope_never_run_is_joined() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let outer = open_on(&manual, "outer");
    // Before the entry, too.
    for early in [true, false] {
        let outer = if early {
            &outer
        } else {
            &open_on(&manual, "outer")
        };
        let abandon = |op: &Operation| {
            let scope = inside(op, "inner");
            notes.defer(&scope, "inner", 2 * SECOND);
        };
        if early {
            abandon(outer);
        }
        let start = manual.now();
        let outcome = manual.block_on(outer.run(|op| {
            if !early {
                abandon(&op);
            }
            ready(())
        }));
        assert!(outcome.is_completed());
        assert_eq!(manual.now() - start, 2 * SECOND);
        assert_eq!(notes.taken().len(), 1);
    }
    // And one that is abandoned after its own has ended is idle.
    let idle = open_on(&manual, "idle");
    notes.defer(&inside(&idle, "inner"), "inner", SECOND);
    manual.advance(SECOND);
    let operation = idle.operation().clone();
    drop(idle);
    let mut closed = pin!(operation.finished());
    assert!(Probe::new().poll(closed.as_mut()).is_ready());
    assert_eq!(manual.live_tasks(), 0);
}

#[test]
fn r28_a_long_lived_scope_keeps_nothing_of_what_it_adopted() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "outer");
    let mut run = pin!(scope.run(async |op: Scope| {
        for _ in 0..100 {
            let inner = inside(&op, "inner");
            let token = inner.token().downgrade();
            drop(held(&inner, &notes, "inner", SECOND));
            drop(inner);
            notes.runtime.sleep(2 * SECOND).await;
            assert!(token.upgrade().is_none(), "its record is gone");
        }
    }));
    let outcome = manual.block_on(run.as_mut());
    assert!(outcome.is_completed());
    assert_eq!(notes.taken().len(), 100);
}

#[test]
fn r25_what_comes_at_the_last_moment_is_joined() {
    let runtime = Clockwork::new();
    let handle = RuntimeHandle::new(runtime.clone());
    let scope = Scope::builder("outer").runtime(&handle).build();
    let scope = scope.expect("it is sound");
    let mut run = pin!(scope.run(|op| {
        let mut inner = Box::pin(inside(&op, "inner").run(|op| {
            op.defer(ready(())).expect("it is running");
            pending::<()>()
        }));
        assert!(Probe::new().poll(inner.as_mut()).is_pending());
        let at_next_look = runtime.at_next_look.clone();
        async move {
            // Between the end of the body and the end of the scope there is a look at the clock.
            *at_next_look.lock() = Some(Box::new(move || drop(inner)));
        }
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    assert_eq!(scope.status(), Status::Running);
    let task = runtime.tasks.lock().pop();
    let mut task = task.expect("it goes on on the runtime");
    let wakes = probe.wakes();
    assert!(Probe::new().poll(task.as_mut()).is_ready());
    assert!(probe.wakes() > wakes, "the run is woken by its end");
    let polled = probe.poll(run.as_mut());
    assert!(matches!(polled, Poll::Ready(outcome) if outcome.is_completed()));
}

#[test]
fn r24_runs_that_are_dropped_on_many_threads_at_once_are_all_joined() {
    let manual = ManualRuntime::new();
    let notes = Notes::new(&manual);
    let scope = open_on(&manual, "outer");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        notes.defer(&op, "outer", Duration::ZERO);
        let runs: Vec<_> = (0..8)
            .map(|_| held(&inside(&op, "inner"), &notes, "inner", SECOND))
            .collect();
        let threads = runs.into_iter().map(|run| thread::spawn(|| drop(run)));
        for thread in threads.collect::<Vec<_>>() {
            thread.join().expect("a drop does not panic");
        }
    }));
    assert!(outcome.is_completed());
    let taken = notes.taken();
    assert_eq!(taken.len(), 9);
    assert_eq!(taken[8], ("outer", 1));
}
