//! Shields (R22): the work that finishes in spite of a cancel, and the moment at which the cancel arrives.

use crate::support::probe::Probe;
use crate::support::{SECOND, open};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Operation, Reason, Scope, Status, current};
use futures_util::future::join;
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

fn open_on(manual: &ManualRuntime, name: &'static str) -> Scope {
    let builder = Scope::builder(name).runtime(&manual.handle());
    builder.build().expect("it is sound")
}

/// A future that is ready at its `polls`-th poll and wakes at each before.
fn ready_at(polls: usize) -> impl Future<Output = usize> {
    let mut seen = 0;
    poll_fn(move |cx| {
        seen += 1;
        if seen == polls {
            return Poll::Ready(seen);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn r22_a_shield_finishes_although_its_scope_is_cancelled_and_the_cancel_comes_then() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let (finished, went_on) = (Cell::new(false), Cell::new(false));
    let outcome = manual.block_on(open_on(&manual, "s").run(|op| {
        let (runtime, finished, went_on) = (&runtime, &finished, &went_on);
        async move {
            op.cancel();
            op.shield(async {
                runtime.sleep(3 * SECOND).await;
                finished.set(true);
            })
            .await;
            went_on.set(true);
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.status(), Status::Cancelled);
    assert_eq!(outcome.elapsed(), Some(3 * SECOND));
    assert!(finished.get());
    assert!(
        !went_on.get(),
        "the await of the shield is where the cancel arrives"
    );
}

#[test]
fn r22_it_finishes_although_an_ancestor_is_cancelled_through_every_level() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let levels = RefCell::new(Vec::new());
    let outer = open_on(&manual, "outer");
    let outcome = manual.block_on(outer.run(|outer| {
        let (runtime, levels) = (&runtime, &levels);
        async move {
            let middle = outer.child("middle").build().expect("it is sound");
            let ended = middle.run(|middle| async move {
                let inner = middle.child("inner").build().expect("it is sound");
                let ended = inner.run(|op| async move {
                    outer.cancel_with("enough");
                    op.shield(runtime.sleep(SECOND)).await;
                    levels.borrow_mut().push("inner went on");
                });
                let cancelled = ended.await.is_cancelled();
                levels.borrow_mut().push(match cancelled {
                    true => "inner",
                    false => "inner went on",
                });
                pending::<()>().await;
            });
            let cancelled = ended.await.is_cancelled();
            levels.borrow_mut().push(match cancelled {
                true => "middle",
                false => "middle went on",
            });
            pending::<()>().await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(SECOND));
    assert_eq!(levels.into_inner(), ["inner", "middle"]);
}

#[test]
fn r22_the_cancel_is_delivered_in_the_poll_in_which_the_last_shield_ends() {
    let scope = open("by hand");
    let mut run = pin!(scope.run(|op| async move {
        op.shield(ready_at(3)).await;
        pending::<()>().await;
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    scope.cancel();
    assert!(probe.poll(run.as_mut()).is_pending(), "the shield is open");
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("the third poll ends the shield");
    };
    assert!(outcome.is_cancelled());
}

#[test]
fn r22_a_shield_that_is_ready_at_once_delivers_a_cancel_that_came_before() {
    let scope = open("s");
    let went_on = Cell::new(false);
    let mut run = pin!(scope.run(|op| {
        let went_on = &went_on;
        async move {
            op.cancel();
            op.shield(ready(())).await;
            went_on.set(true);
        }
    }));
    assert!(Probe::new().poll(run.as_mut()).is_ready());
    assert!(!went_on.get());
}

#[test]
fn r22_without_a_cancel_the_value_comes_at_once() {
    let probe = Probe::new();
    let scope = open("s");
    let mut run = pin!(scope.run(|op| async move { op.shield(ready(7)).await }));
    let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
        panic!("nothing is pending");
    };
    assert_eq!(outcome.into_value(), Some(7));
    assert_eq!(probe.wakes(), 0);
}

#[test]
fn r22_shields_nest_and_the_cancel_waits_for_the_outermost() {
    let steps = RefCell::new(Vec::new());
    let scope = open("s");
    let outcome = ManualRuntime::new().block_on(scope.run(|op| {
        let steps = &steps;
        async move {
            op.cancel();
            let outer = op.shield(async {
                assert_eq!(op.shield(ready_at(2)).await, 2);
                steps.borrow_mut().push("inner");
                ready_at(2).await;
                steps.borrow_mut().push("outer");
            });
            outer.await;
            steps.borrow_mut().push("went on");
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(steps.into_inner(), ["inner", "outer"]);
}

#[test]
fn r22_of_two_shields_side_by_side_the_last_one_counts() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = open_on(&manual, "s");
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            op.cancel();
            let (one, two) = (runtime.sleep(SECOND), runtime.sleep(2 * SECOND));
            join(op.shield(one), op.shield(two)).await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
}

#[test]
fn r22_nothing_is_hidden_from_handles() {
    let scope = open("s");
    let outcome = ManualRuntime::new().block_on(scope.run(|op| async move {
        op.cancel_with("stop");
        op.shield(async {
            assert!(op.is_cancelled());
            assert!(op.check().is_err());
            assert!(op.token().is_cancelled());
            op.cancelled().await;
            let here = current().map(|operation| operation.id());
            assert_eq!(
                here,
                Some(op.id()),
                "the operation is still the current one"
            );
        })
        .await;
    }));
    assert!(outcome.is_cancelled());
}

#[test]
fn r22_a_scope_that_is_opened_inside_runs_whoever_it_is_a_part_of() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let builder = Scope::builder("outer").runtime(&runtime).timeout(SECOND);
    let outer = builder.build().expect("it is sound");
    let done = Cell::new(0);
    let outcome = manual.block_on(outer.run(|outer| {
        let (runtime, done) = (&runtime, &done);
        async move {
            let (op, above) = (
                outer.child("inner").build().expect("it is sound"),
                outer.clone(),
            );
            let ended = op.run(|op| async move {
                runtime.sleep(SECOND).await;
                op.shield(async {
                    for scope in [
                        Scope::builder("implied").build(),
                        op.child("own").build(),
                        above.child("above").build(),
                    ] {
                        let scope = scope.expect("it is sound");
                        assert_eq!(scope.deadline(), None, "{} inherits none", scope.name());
                        let slept = scope.run(|scope| async move {
                            // Below a scope that was opened inside, too.
                            let below = scope.child("below").build().expect("it is sound");
                            below.run(|_| runtime.sleep(SECOND)).await.is_completed()
                        });
                        assert_eq!(slept.await.into_value(), Some(true));
                        done.set(done.get() + 1);
                    }
                })
                .await;
            });
            assert!(ended.await.is_cancelled());
            let late = outer.child("late").build().expect("it is sound");
            assert!(
                late.run(|_| ready(())).await.is_cancelled(),
                "the shield is over"
            );
        }
    }));
    assert_eq!(done.get(), 3);
    assert_eq!(
        outcome.cause().map(|cause| cause.reason().is_timeout()),
        Some(true)
    );
}

#[test]
fn r22_a_scope_opened_inside_is_named_a_part_of_the_operation_and_can_be_cancelled_itself() {
    let scope = open("s");
    let outcome = ManualRuntime::new().block_on(scope.run(|op| async move {
        op.cancel();
        op.shield(async {
            let inside = op.child("inside").build().expect("it is sound");
            assert_eq!(inside.parent(), Some(op.label()));
            inside.cancel_with("its own");
            let ended = inside.run(|_| pending::<()>()).await;
            assert_eq!(
                ended.cause().and_then(|cause| cause.message()),
                Some("its own")
            );
        })
        .await;
    }));
    assert!(outcome.is_cancelled());
}

#[test]
fn r22_it_can_have_a_deadline_of_its_own() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = open_on(&manual, "s");
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            let shield = op.shield(runtime.sleep(SECOND)).within(2 * SECOND);
            assert!(shield.expect("there is a runtime").await.is_ok());
            op.cancel();
            let shield = op.shield(pending::<()>()).within(3 * SECOND);
            let _ = shield.expect("there is a runtime").await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(4 * SECOND));
}

#[test]
fn r22_a_deadline_of_its_own_needs_a_runtime_and_the_shield_comes_back() {
    let scope = open("timeless");
    let outcome = ManualRuntime::new().block_on(scope.run(|op| async move {
        let error = op
            .shield(ready(7))
            .within(SECOND)
            .expect_err("there is no runtime");
        assert!(
            error
                .to_string()
                .contains("timeless rejected a limit for a shield: it has no runtime"),
            "{error}"
        );
        error.into_inner().await
    }));
    assert_eq!(outcome.into_value(), Some(7));
}

#[test]
fn r22_a_spawned_child_does_not_inherit_it() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = open_on(&manual, "s");
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            op.shield(async {
                let child = op.spawn(pending::<()>()).expect("it is running");
                op.cancel();
                assert!(child.await.is_err(), "the cancel reached the child");
                runtime.sleep(SECOND).await;
            })
            .await;
        }
    }));
    assert_eq!(outcome.elapsed(), Some(SECOND));
}

#[test]
fn r22_the_shield_of_a_spawned_child_protects_the_child_and_not_the_body_above() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let polls = Cell::new(0);
    let finished = Arc::new(AtomicBool::new(false));
    let scope = open_on(&manual, "s");
    let outcome = manual.block_on(scope.run(|op| {
        let (runtime, polls, finished) = (runtime.clone(), &polls, finished.clone());
        async move {
            let child = op.child("child");
            let spawned = child.spawn(|op| async move {
                op.shield(runtime.sleep(2 * SECOND)).await;
            });
            drop(spawned.expect("it is running"));
            let child = op.child("other");
            let spawned = child.spawn(move |op| async move {
                op.shield(async { finished.store(true, Ordering::SeqCst) })
                    .await;
            });
            drop(spawned.expect("it is running"));
            let mut cancelled = false;
            poll_fn(|cx| {
                polls.set(polls.get() + 1);
                if !std::mem::replace(&mut cancelled, true) {
                    cx.waker().wake_by_ref();
                } else {
                    op.cancel();
                }
                Poll::<()>::Pending
            })
            .await;
        }
    }));
    assert!(outcome.is_cancelled());
    // Before the cancel, with it, and a last time after it.
    assert_eq!(polls.get(), 3, "the body is not polled on for the child");
    assert_eq!(
        outcome.elapsed(),
        Some(2 * SECOND),
        "but the child is waited for"
    );
    assert!(finished.load(Ordering::SeqCst));
}

#[test]
fn r22_the_last_look_at_a_body_is_not_for_the_value_of_a_shield() {
    let manual = ManualRuntime::new();
    let scope = open_on(&manual, "s");
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        // The cancel comes in the poll in which the shield ends, so the body is looked at once more.
        op.shield(async { op.cancel() }).await;
        "went past the shield"
    }));
    assert!(outcome.is_cancelled());
}

#[test]
fn r22_a_body_that_sees_the_cancel_at_the_last_look_may_open_a_shield() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let builder = Scope::builder("s").runtime(&runtime).timeout(SECOND);
    let scope = builder.build().expect("it has a runtime");
    let saved = Cell::new(false);
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        op.cancelled().await;
        op.shield(async {
            runtime.sleep(SECOND).await;
            saved.set(true);
        })
        .await;
    }));
    assert!(outcome.is_cancelled() && saved.get());
    assert_eq!(outcome.elapsed(), Some(2 * SECOND));
}

#[test]
fn r22_a_deadline_that_passes_during_it_is_delivered_at_its_end_with_its_own_cause() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let builder = Scope::builder("s").runtime(&runtime).timeout(SECOND);
    let scope = builder.build().expect("it is sound");
    let outcome = manual.block_on(scope.run(|op| {
        let runtime = &runtime;
        async move {
            op.shield(runtime.sleep(5 * SECOND)).await;
            assert!(!op.is_cancelled(), "never reached");
        }
    }));
    let error = outcome.error().and_then(|error| error.cancellation());
    let error = error.expect("it was cancelled");
    assert_eq!(error.reason(), &Reason::TimedOut { limit: SECOND });
    assert_eq!(error.elapsed(), Some(5 * SECOND));
    assert_eq!(
        error.cause().time(),
        scope.started_at().map(|start| start + SECOND)
    );
}

#[test]
fn r22_a_shield_that_is_dropped_half_way_holds_nothing_up() {
    let scope = open("s");
    let mut run = pin!(scope.run(|op| async move {
        let mut shield = Some(Box::pin(op.shield(pending::<()>())));
        poll_fn(|cx| {
            if let Some(open) = &mut shield {
                assert!(open.as_mut().poll(cx).is_pending());
            }
            if op.is_cancelled() {
                shield = None;
            }
            Poll::<()>::Pending
        })
        .await;
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    scope.cancel();
    assert!(
        probe.poll(run.as_mut()).is_ready(),
        "dropped half-way, it holds nothing up"
    );
}

#[test]
fn r22_a_shield_that_was_never_polled_is_not_open() {
    let scope = open("s");
    let mut run = pin!(scope.run(|op| async move {
        let _shield = op.shield(pending::<()>());
        pending::<()>().await;
    }));
    let probe = Probe::new();
    assert!(probe.poll(run.as_mut()).is_pending());
    scope.cancel();
    assert!(probe.poll(run.as_mut()).is_ready());
}

#[test]
fn r22_one_that_another_task_polls_protects_nothing_of_the_run() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let scope = open_on(&manual, "s");
    let finished = Arc::new(AtomicBool::new(false));
    let outcome = manual.block_on(scope.run(|op| {
        let (runtime, finished) = (&runtime, finished.clone());
        async move {
            let elsewhere: Operation = op.operation().clone();
            let sleep = runtime.sleep(2 * SECOND);
            let save = async move {
                elsewhere.shield(sleep).await;
                finished.store(true, Ordering::SeqCst);
            };
            runtime.spawn(save).detach();
            runtime.sleep(SECOND).await;
            op.cancel();
            pending::<()>().await;
        }
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(SECOND));
    manual.advance(SECOND);
    assert!(finished.load(Ordering::SeqCst), "it is the future itself");
}

#[test]
fn r22_a_panic_inside_ends_it_and_goes_through() {
    let scope = open("s");
    let mut run = pin!(scope.run(|op| async move {
        op.cancel();
        op.shield(async { panic!("on purpose") }).await;
    }));
    let caught = catch_unwind(AssertUnwindSafe(|| Probe::new().poll(run.as_mut())));
    assert!(caught.is_err());
    assert_eq!(scope.status(), Status::Failed);
}

#[test]
fn r22_dropping_the_run_from_outside_drops_the_shield_too() {
    struct Noted(Rc<Cell<bool>>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Rc::new(Cell::new(false));
    let noted = Noted(dropped.clone());
    let scope = open("s");
    {
        let mut run: Pin<Box<_>> = Box::pin(scope.run(|op| async move {
            let inside = async move {
                let _noted = noted;
                pending::<()>().await;
            };
            op.shield(inside).await;
        }));
        assert!(Probe::new().poll(run.as_mut()).is_pending());
        assert!(!dropped.get());
    }
    assert!(dropped.get());
    assert_eq!(scope.status(), Status::Cancelled);
}

#[test]
fn r22_outside_any_run_it_is_the_future_itself() {
    let scope = open("s");
    let mut shield = pin!(scope.shield(async { current().map(|op| op.name().to_owned()) }));
    let Poll::Ready(name) = Probe::new().poll(shield.as_mut()) else {
        panic!("the future is ready");
    };
    assert_eq!(name.as_deref(), Some("s"));
    assert!(current().is_none());
}

#[test]
fn r22_outside_the_run_it_shelters_no_scope_that_is_opened_inside() {
    let scope = open("s");
    scope.cancel_with("stop");
    let mut shield = pin!(scope.shield(async {
        let inside = scope.child("inside").build().expect("it is sound");
        inside
            .run(async |_| pending::<()>().await)
            .await
            .is_cancelled()
    }));
    let Poll::Ready(is_cancelled) = Probe::new().poll(shield.as_mut()) else {
        panic!("the scope inside is cancelled with its parent");
    };
    assert!(is_cancelled);
}

/// Returns the remaining time of `op` at this point in seconds, and checks that the deadline agrees.
fn left(manual: &ManualRuntime, op: &Scope) -> Option<u64> {
    let left = op.remaining().map(|left| left.as_secs());
    let deadline = op.deadline().map(|at| (at - manual.now()).as_secs());
    assert_eq!(left, deadline);
    left
}

#[test]
fn r20_r22_what_remains_inside_a_shield_is_the_shield_s_own() {
    let manual = ManualRuntime::new();
    let outer = Scope::builder("outer").runtime(&manual.handle());
    let outer = outer.timeout(9 * SECOND).build().unwrap();
    let outcome = manual.block_on(outer.run(async |outer: Scope| {
        let scope = outer.child("commit").timeout(SECOND).build().unwrap();
        let outcome = scope.run(async |op: Scope| {
            assert_eq!(left(&manual, &op), Some(1));
            let inside = async {
                assert_eq!((left(&manual, &op), left(&manual, &outer)), (None, None));
                op.cancel();
                manual.advance(2 * SECOND);
                assert_eq!((left(&manual, &op), left(&manual, &outer)), (None, None));
                let bounded = async {
                    assert_eq!(
                        (left(&manual, &op), left(&manual, &outer)),
                        (Some(5), Some(5))
                    );
                    manual.advance(SECOND);
                    let inner = async { assert_eq!(left(&manual, &op), Some(4)) };
                    op.shield(inner).within(8 * SECOND).unwrap().await.unwrap();
                    let inner = async { assert_eq!(left(&manual, &op), Some(2)) };
                    op.shield(inner).within(2 * SECOND).unwrap().await.unwrap();
                    // And so is what remains for a scope that is opened there.
                    let part = op.child("part").build().unwrap();
                    let of_part = part.run(async |part: Scope| left(&manual, &part)).await;
                    assert_eq!(of_part.into_value(), Some(Some(4)));
                    let part = op.child("part").timeout(3 * SECOND).build().unwrap();
                    assert_eq!(left_before_entry(&part), Some(3));
                    let of_part = part.run(async |part: Scope| left(&manual, &part)).await;
                    assert_eq!(of_part.into_value(), Some(Some(3)));
                };
                op.shield(bounded)
                    .within(5 * SECOND)
                    .unwrap()
                    .await
                    .unwrap();
                assert_eq!(left(&manual, &op), None);
            };
            op.shield(inside).await;
        });
        assert!(outcome.await.is_cancelled());
        left(&manual, &outer)
    }));
    assert_eq!(outcome.into_value(), Some(Some(6)));
}

/// A timeout counts from entry, so there is no deadline yet.
fn left_before_entry(scope: &Scope) -> Option<u64> {
    scope.remaining().map(|left| left.as_secs())
}

#[test]
fn r20_r24_what_remains_for_a_finalizer_is_the_cleanup_budget() {
    for (budget, wanted) in [(None, None), (Some(5 * SECOND), Some(5))] {
        let manual = ManualRuntime::new();
        let builder = Scope::builder("transfer").runtime(&manual.handle());
        let builder = match budget {
            Some(budget) => builder.cleanup_budget(budget),
            None => builder,
        };
        let scope = builder.timeout(SECOND).build().unwrap();
        let outcome = manual.block_on(scope.run(async |op: Scope| {
            let (inside, clock) = (op.clone(), manual.handle());
            let deferred = op.defer(async move {
                let left = inside.remaining().map(|left| left.as_secs());
                assert_eq!(left, wanted);
                let at = inside.deadline().map(|at| (at - clock.now()).as_secs());
                assert_eq!(at, wanted);
            });
            assert!(deferred.is_ok());
            pending::<()>().await;
        }));
        assert!(outcome.is_timeout());
        assert!(outcome.cleanup_errors().is_empty());
        // From outside it is the scope's.
        assert_eq!(scope.remaining(), Some(Duration::ZERO));
    }
}
