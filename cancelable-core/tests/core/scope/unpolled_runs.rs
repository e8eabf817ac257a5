//! Runs and shields that are held and not polled (R16, R22, R47): which scopes they delay, and for how long.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::runtime::RuntimeHandle;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Operation, Outcome, Scope, Status};
use futures_util::future::{FutureExt, join, join_all, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

/// The limit of the scope around.
const LIMIT: Duration = Duration::from_millis(200);
/// The time after its wake within which a future must be polled; see `docs/cleanup.md`.
const PATIENCE: Duration = Duration::from_millis(100);

fn limited(manual: &ManualRuntime) -> Scope {
    let builder = Scope::builder("outer").runtime(&manual.handle());
    builder.timeout(LIMIT).build().expect("it is sound")
}

fn child(op: &Scope, name: &'static str) -> Scope {
    op.child(name).build().expect("it is sound")
}

/// The open work of a run, for which the run has to wait.
#[derive(Clone, Copy, Debug)]
enum Open {
    Child,
    Finalizer,
    Shield,
    /// In a scope inside the run.
    Deep,
}

const ALL: [Open; 4] = [Open::Child, Open::Finalizer, Open::Shield, Open::Deep];

/// Opens it, and never comes back.
async fn stay(op: Scope, open: Open, runtime: RuntimeHandle) {
    match open {
        Open::Child => {
            let stubborn = op.child("stubborn");
            let shielded = async move |op: Scope| op.shield(runtime.sleep(SECOND)).await;
            let spawned = stubborn.spawn(shielded);
            drop(spawned.expect("it is running"));
            pending::<()>().await;
        }
        Open::Finalizer => {
            op.defer(async {}).expect("it is running");
            pending::<()>().await;
        }
        Open::Shield => op.shield(pending::<()>()).await,
        Open::Deep => {
            let deep = child(&op, "deep");
            let run = deep.run(async |op: Scope| {
                op.defer(async {}).expect("it is running");
                pending::<()>().await;
            });
            drop(run.await);
        }
    }
}

fn names<T>(outcome: &Outcome<T>) -> Vec<(String, bool)> {
    let stragglers = outcome.stragglers().iter();
    let named = stragglers.map(|one| (one.name().to_owned(), one.is_unpolled()));
    named.collect()
}

#[test]
fn r47_a_run_that_its_body_holds_and_does_not_poll_suspends_no_limit_above() {
    for open in ALL {
        let manual = ManualRuntime::new();
        let runtime = manual.handle();
        let inner = RefCell::new(None::<Operation>);
        let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
            let scope = child(&op, "inner");
            *inner.borrow_mut() = Some(scope.operation().clone());
            let mut run = Box::pin(scope.run(|op| stay(op, open, runtime.clone())));
            let slow = pin!(runtime.sleep(SECOND / 10));
            select(run.as_mut(), slow).await;
            runtime.sleep(5 * SECOND).await;
        }));
        assert!(outcome.is_cancelled(), "{open:?}");
        let left = match open {
            // The scope waits for the orphan, as for that of any dropped run.
            Open::Child => SECOND,
            _ => LIMIT + PATIENCE,
        };
        assert_eq!(outcome.elapsed(), Some(left), "{open:?}");
        assert!(outcome.cause().is_some_and(|cause| cause.is_timeout()));
        assert_eq!(names(&outcome), [("inner".to_owned(), true)], "{open:?}");
        let straggler = outcome.stragglers()[0].to_string();
        assert!(
            straggler.contains("not polled since it was woken 100 ms ago"),
            "{straggler}"
        );
        let inner = inner.into_inner().expect("it was opened");
        assert_eq!(inner.status(), Status::Cancelled);
        assert!(inner.finished().now_or_never().is_some(), "{open:?}");
        assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
    }
}

#[test]
fn r47_nor_does_one_deeper_down_or_one_of_several() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
        let middle = child(&op, "middle");
        let ended = middle.run(async |op: Scope| {
            let (one, two) = (child(&op, "one"), child(&op, "two"));
            let mut one = Box::pin(one.run(|op| stay(op, Open::Child, runtime.clone())));
            let mut two = Box::pin(two.run(|op| stay(op, Open::Finalizer, runtime.clone())));
            assert!((&mut one).now_or_never().is_none());
            assert!((&mut two).now_or_never().is_none());
            // One of them is polled, and ends; the other one isn't.
            drop(two.await);
            pending::<()>().await;
        });
        drop(ended.await);
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(
        outcome.elapsed(),
        Some(SECOND),
        "the child of the first one"
    );
}

/// `join_all` and `FuturesUnordered` poll only what was woken, so that not having been polled is no proof.
#[test]
fn r22_r47_what_is_polled_when_it_is_woken_is_held_up_for() {
    for ends_at in [join_of_many, unordered] {
        let manual = ManualRuntime::new();
        let runtime = manual.handle();
        let saved = Rc::new(Cell::new(0));
        let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
            let saves: Vec<_> = (1..=40)
                .map(|number| {
                    let (scope, runtime, saved) = (child(&op, "inner"), &runtime, saved.clone());
                    let run = async move {
                        let run = scope.run(async |op: Scope| {
                            let save = async {
                                runtime.sleep(number * SECOND).await;
                                saved.set(saved.get() + 1);
                            };
                            op.shield(save).await;
                        });
                        drop(run.await);
                    };
                    run.boxed_local()
                })
                .collect();
            // Polled all the time, beside them.
            let busy = async {
                for _ in 0..1000 {
                    runtime.sleep(SECOND / 30).await;
                }
            };
            join(ends_at(saves), busy).await;
            pending::<()>().await;
        }));
        assert!(outcome.is_cancelled());
        assert_eq!(saved.get(), 40);
        assert_eq!(outcome.elapsed(), Some(40 * SECOND));
        assert!(outcome.stragglers().is_empty());
    }
}

type Many<'a> = Vec<Pin<Box<dyn Future<Output = ()> + 'a>>>;

fn join_of_many(futures: Many<'_>) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(join_all(futures).map(|_| ()))
}

fn unordered(futures: Many<'_>) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    let futures: FuturesUnordered<_> = futures.into_iter().collect();
    Box::pin(futures.collect::<Vec<_>>().map(|_| ()))
}

/// If the body stops to poll a future in the poll that was checked last, nothing wakes the task.
#[test]
fn r47_what_is_put_aside_after_the_cancel_is_found_although_nothing_else_wakes() {
    for lasts in [SECOND / 10, SECOND, 30 * SECOND] {
        let manual = ManualRuntime::new();
        let runtime = manual.handle();
        let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
            let mut shield = Box::pin(op.shield(pending::<()>()));
            select(shield.as_mut(), pin!(runtime.sleep(LIMIT + lasts))).await;
            pending::<()>().await;
        }));
        assert!(outcome.is_cancelled());
        let elapsed = outcome.elapsed().expect("it ran");
        assert!(elapsed > LIMIT + lasts, "while it was polled it was held");
        assert!(elapsed <= LIMIT + 2 * lasts + 3 * PATIENCE, "{elapsed:?}");
        assert_eq!(names(&outcome), [("outer".to_owned(), true)]);
        let shield = outcome.stragglers()[0].shield().expect("it is under one");
        assert_eq!(shield.location().file(), file!());
    }
}

#[test]
fn r47_what_is_put_aside_late_is_found_soon_where_the_body_is_polled() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
        let mut shield = Box::pin(op.shield(pending::<()>()));
        select(shield.as_mut(), pin!(runtime.sleep(100 * SECOND))).await;
        loop {
            runtime.sleep(SECOND / 100).await;
        }
    }));
    assert!(outcome.is_cancelled());
    let elapsed = outcome.elapsed().expect("it ran");
    assert!(elapsed > 100 * SECOND);
    assert!(elapsed <= 101 * SECOND + 2 * PATIENCE, "{elapsed:?}");
}

/// C5: what anyone who has a handle can do.
#[test]
fn r22_r47_a_shield_that_is_polled_once_and_kept_stops_no_cancel() {
    for (is_hard, has_grace) in [(false, false), (true, false), (true, true)] {
        let manual = ManualRuntime::new();
        let builder = Scope::builder("s").runtime(&manual.handle());
        let grace = if has_grace { SECOND } else { Duration::ZERO };
        let scope = builder.grace(grace).build().expect("it is sound");
        let mut run = pin!(scope.run(async |op: Scope| {
            let mut kept = Box::pin(op.operation().shield(pending::<()>()));
            assert!((&mut kept).now_or_never().is_none());
            pending::<()>().await;
            drop(kept);
        }));
        let probe = Probe::new();
        assert!(probe.poll(run.as_mut()).is_pending());
        match is_hard {
            true => drop(scope.cancel_now("now")),
            false => drop(scope.cancel_with("please")),
        }
        assert!(probe.poll(run.as_mut()).is_pending());
        manual.advance(PATIENCE);
        let Poll::Ready(outcome) = probe.poll(run.as_mut()) else {
            panic!("nobody polls the shield");
        };
        assert!(outcome.is_cancelled());
        assert_eq!(names(&outcome)[0], ("s".to_owned(), true));
    }
}

#[test]
fn r47_without_a_clock_the_polls_count() {
    let scope = Scope::builder("timeless").build().expect("it needs none");
    let finished = Cell::new(false);
    let outcome = ManualRuntime::new().block_on(scope.run(async |op: Scope| {
        let inner = child(&op, "inner");
        let mut run = Box::pin(inner.run(async |op: Scope| {
            op.shield(pending::<()>()).await;
        }));
        assert!((&mut run).now_or_never().is_none());
        op.cancel();
        // It is polled as long as this shield is.
        let mut polls = 0;
        let shield = op.shield(poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            match polls {
                100 => Poll::Ready(()),
                _ => Poll::Pending,
            }
        }));
        shield.await;
        finished.set(true);
    }));
    assert!(outcome.is_cancelled());
    assert!(
        !finished.get(),
        "the cancel is delivered as the shield ends"
    );
    assert_eq!(names(&outcome), [("inner".to_owned(), true)]);

    let scope = Scope::builder("timeless").build().expect("it needs none");
    let outcome = ManualRuntime::new().block_on(scope.run(async |op: Scope| {
        let mut shield = Box::pin(op.shield(pending::<()>()));
        op.cancel();
        poll_fn(|cx| {
            assert!(shield.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
}

#[test]
fn r22_a_limit_of_its_own_delivers_the_cancel_also_around_a_run_with_something_open() {
    for open in ALL {
        for is_other_timeout in [false, true] {
            let manual = ManualRuntime::new();
            let runtime = manual.handle();
            let went_on = Cell::new(false);
            let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
                let inside = async {
                    let scope = child(&op, "inner");
                    drop(scope.run(|op| stay(op, open, runtime.clone())).await);
                };
                if is_other_timeout {
                    drop(op.shield(runtime.timeout(SECOND, inside)).await);
                } else {
                    let shield = op.shield(inside).within(SECOND);
                    drop(shield.expect("there is a runtime").await);
                }
                went_on.set(true);
            }));
            assert!(outcome.is_cancelled(), "{open:?}");
            assert!(!went_on.get(), "{open:?}");
            let ended = outcome.elapsed().expect("it ran");
            assert_eq!(ended, SECOND, "{open:?}");
        }
    }
}

#[test]
fn r22_a_run_that_outlives_the_shield_around_its_polls_holds_nothing_up() {
    for has_child in [true, false] {
        let manual = ManualRuntime::new();
        let runtime = manual.handle();
        let went_on = Cell::new(false);
        let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
            let scope = child(&op, "inner");
            let mut run = Box::pin(scope.run(async |op: Scope| {
                if has_child {
                    stay(op, Open::Child, runtime.clone()).await;
                } else {
                    op.defer(runtime.sleep(SECOND)).expect("it is running");
                    pending::<()>().await;
                }
            }));
            // When the shield ends it joins its child, or its finalizer is under way.
            let _ = op.shield(runtime.timeout(SECOND / 2, &mut run)).await;
            went_on.set(true);
            drop(run.await);
        }));
        assert!(outcome.is_cancelled() && !went_on.get());
        assert_eq!(outcome.elapsed(), Some(SECOND), "what it leaves is joined");
        assert!(outcome.stragglers().is_empty());
    }
}

#[test]
fn r22_a_scope_that_is_carried_out_of_its_shield_is_bound_again() {
    // Polled, or kept and not polled.
    for is_polled in [true, false] {
        for open in ALL {
            if is_polled && matches!(open, Open::Shield) {
                // One that is polled and never ends.
                continue;
            }
            let manual = ManualRuntime::new();
            let runtime = manual.handle();
            let carried = RefCell::new(None::<Operation>);
            let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
                let carry = async {
                    let scope = child(&op, "carried");
                    *carried.borrow_mut() = Some(scope.operation().clone());
                    let mut run = Box::pin(scope.run(|op| stay(op, open, runtime.clone())));
                    assert!((&mut run).now_or_never().is_none());
                    assert_eq!(child(&op, "sheltered").deadline(), None);
                    Some(run)
                };
                let run = op.shield(carry).await.expect("it is handed out");
                let carried = carried.borrow().clone().expect("it was opened");
                assert_eq!(carried.remaining(), Some(LIMIT), "bound from here on");
                match is_polled {
                    true => drop(run.await),
                    false => pending::<()>().await,
                }
                pending::<()>().await;
            }));
            assert!(outcome.is_cancelled(), "{open:?}");
            // Kept, it has no hold: it was polled in the shield alone.
            let latest = match open {
                Open::Child => SECOND,
                _ => LIMIT,
            };
            let carried = carried.into_inner().expect("it was opened");
            assert!(carried.cause().is_some_and(|cause| cause.is_timeout()));
            assert_eq!(outcome.elapsed(), Some(latest), "{open:?} {is_polled}");
            assert!(carried.status().is_terminal(), "{open:?} {is_polled}");
        }
    }
}

#[test]
fn r22_a_scope_that_is_carried_out_of_its_shield_to_another_task_is_bound_again() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let ended = Arc::new(AtomicBool::new(false));
    let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
        let scope = op.shield(async { child(&op, "carried") }).await;
        let ended = ended.clone();
        let run = async move {
            let outcome = scope.run(|_| pending::<()>()).await;
            ended.store(outcome.is_cancelled(), Ordering::SeqCst);
        };
        runtime.spawn(run).detach();
        pending::<()>().await;
    }));
    assert_eq!(outcome.elapsed(), Some(LIMIT));
    manual.advance(Duration::ZERO);
    assert!(ended.load(Ordering::SeqCst));
    assert_eq!(manual.live_tasks(), 0);
}

/// A finalizer is a shield in this, too.
#[test]
fn r22_a_scope_that_is_carried_out_of_a_finalizer_is_bound_again() {
    let manual = ManualRuntime::new();
    let (runtime, carried) = (manual.handle(), Arc::new(Mutex::new(None)));
    let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
        let (parent, runtime, carried) = (op.clone(), runtime.clone(), carried.clone());
        let carry = async move {
            let scope = child(&parent, "carried");
            *carried.lock() = Some(scope.operation().clone());
            let run = async move { scope.run(|_| pending::<()>()).await };
            runtime.spawn(run).detach();
        };
        op.defer(carry).expect("it is running");
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    manual.advance(Duration::ZERO);
    let carried = carried.lock().take();
    assert!(carried.is_some_and(|carried: Operation| carried.is_cancelled()));
    assert_eq!(manual.live_tasks(), 0);
}

type Kept<T> = (Arc<Mutex<Option<T>>>, Arc<AtomicWaker>);

/// Polls `run` once, and keeps it until the gate is open; then polls it to its end.
fn keep<F>(runtime: &RuntimeHandle, run: F, gate: &Arc<AtomicBool>) -> Kept<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (ended, gate) = (Arc::new(Mutex::new(None)), Arc::clone(gate));
    let (output, mut run) = (Arc::clone(&ended), Box::pin(run));
    let (mut is_first, waker) = (true, Arc::new(AtomicWaker::new()));
    let own = waker.clone();
    let task = poll_fn(move |cx| {
        own.register(cx.waker());
        if std::mem::take(&mut is_first) || gate.load(Ordering::SeqCst) {
            return run.as_mut().poll(cx);
        }
        Poll::Pending
    });
    let task = async move {
        let value = task.await;
        *output.lock() = Some(value);
    };
    runtime.spawn(task).detach();
    (ended, waker)
}

type Said = Arc<Mutex<Vec<(&'static str, Duration)>>>;

/// Case 2: the body of a response, which a connection keeps and does not poll.
#[test]
fn r47_a_run_that_another_task_holds_and_does_not_poll_suspends_no_limit_above() {
    for is_deep in [false, true] {
        for is_polled_later in [false, true] {
            let manual = ManualRuntime::new();
            let (runtime, start) = (manual.handle(), manual.now());
            let (said, gate) = (Said::default(), Arc::new(AtomicBool::new(false)));
            let say = {
                let (said, runtime) = (said.clone(), runtime.clone());
                move |what| {
                    let at = runtime.now() - start;
                    said.lock().push((what, at));
                }
            };
            let kept = RefCell::new(None);
            let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
                let inner = child(&op, "response");
                let (own, tell) = (inner.clone(), say.clone());
                let body = async move |op: Scope| {
                    let sleeper = tell.clone();
                    let stubborn = op.child("stubborn");
                    let clock = op.runtime().expect("it has one").clone();
                    let spawned = stubborn.spawn(async move |op: Scope| {
                        let work = async {
                            clock.sleep(SECOND).await;
                            sleeper("child");
                        };
                        op.shield(work).await;
                    });
                    drop(spawned.expect("it is running"));
                    let undo = async move { tell("finalizer inside") };
                    op.defer(undo).expect("it is running");
                    pending::<()>().await;
                };
                let run = async move {
                    match is_deep {
                        false => own.run(body).await,
                        true => {
                            let around = own.run(async move |op: Scope| {
                                drop(child(&op, "deep").run(body).await);
                            });
                            around.await
                        }
                    }
                };
                *kept.borrow_mut() = Some(keep(&runtime, run, &gate));
                let tell = say.clone();
                let undo = async move { tell("finalizer") };
                op.defer(undo).expect("it is running");
                let _gone = scopeguard(|| say("body gone"));
                pending::<()>().await;
            }));
            assert!(outcome.is_cancelled());
            assert_eq!(outcome.elapsed(), Some(SECOND), "the end of the child");
            let said: Vec<_> = std::mem::take(&mut *said.lock());
            assert_eq!(
                said,
                [
                    ("body gone", LIMIT),
                    ("child", SECOND),
                    ("finalizer inside", SECOND),
                    ("finalizer", SECOND)
                ]
            );
            assert_eq!(names(&outcome), [("response".to_owned(), true)]);
            assert_eq!(manual.live_tasks(), 1, "of the connection");
            let (kept, wake) = kept.into_inner().expect("it was kept");
            assert!(kept.lock().is_none());
            gate.store(is_polled_later, Ordering::SeqCst);
            wake.wake();
            manual.advance(Duration::ZERO);
            let ended = kept.lock().take();
            assert_eq!(
                ended.map(|outcome| outcome.is_cancelled()),
                is_polled_later.then_some(true)
            );
        }
    }
}

#[test]
fn r17_r47_a_run_that_was_taken_over_answers_when_it_is_polled_and_goes_when_it_is_dropped() {
    for (has_value, is_dropped) in [(false, false), (true, false), (false, true), (true, true)] {
        let manual = ManualRuntime::new();
        let runtime = manual.handle();
        let finalized = Arc::new(Mutex::new(Vec::new()));
        let taken = RefCell::new(None);
        let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
            let scope = child(&op, "inner");
            let (runtime, tell) = (runtime.clone(), finalized.clone());
            let mut run = Box::pin(scope.run(move |op| async move {
                for name in ["first", "second"] {
                    let (runtime, tell) = (runtime.clone(), tell.clone());
                    let undo = async move {
                        runtime.sleep(SECOND).await;
                        tell.lock().push(name);
                    };
                    op.defer(undo).expect("it is running");
                }
                if !has_value {
                    pending::<()>().await;
                }
                7
            }));
            // In a task of its own, which is over: nobody polls it.
            let task = async move {
                let polled = (&mut run).now_or_never();
                assert!(polled.is_none());
                Some(run)
            };
            let run = op.runtime().expect("it has one").spawn(task).await;
            *taken.borrow_mut() = run.expect("it is there");
            pending::<()>().await;
        }));
        assert!(outcome.is_cancelled());
        assert_eq!(
            outcome.elapsed(),
            Some(LIMIT + PATIENCE + 2 * SECOND - begun(has_value))
        );
        let said = finalized.lock().clone();
        assert_eq!(said, ["second", "first"], "each once");
        let run = taken.into_inner().expect("it is kept");
        if is_dropped {
            drop(run);
        } else {
            let outcome = run.now_or_never().expect("all of it is over");
            assert_eq!(outcome.is_cancelled(), !has_value);
            assert_eq!(outcome.into_value(), has_value.then_some(7));
        }
        assert_eq!(finalized.lock().len(), 2);
        assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
    }
}

/// A finalizer that has begun continues from its last await.
fn begun(has_value: bool) -> Duration {
    match has_value {
        true => LIMIT + PATIENCE,
        false => Duration::ZERO,
    }
}

#[test]
fn r47_r50_what_fails_in_a_run_that_was_taken_over_is_in_its_outcome_or_in_that_of_the_scope_above()
{
    for is_polled_later in [true, false] {
        let manual = ManualRuntime::new();
        let taken = Arc::new(Mutex::new(None));
        let inner_errors = Arc::new(Mutex::new((0, 0)));
        let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
            let (kept, errors) = (taken.clone(), inner_errors.clone());
            let later = async move {
                let run = kept.lock().take().expect("it was put there");
                if is_polled_later {
                    let outcome: Outcome<()> = run.await;
                    let failures = outcome.child_failures().len();
                    *errors.lock() = (outcome.cleanup_errors().len(), failures);
                }
            };
            op.defer(later).expect("it is running");
            let inner = op.child("inner").collect_all();
            let inner = inner.build().expect("it is sound");
            let run = inner.run(move |op| async move {
                op.defer(async { Err("the disk is full") })
                    .expect("it is running");
                let child = op.try_spawn(async { Err::<(), _>("no such file") });
                drop(child.expect("it is running"));
                pending::<()>().await;
            });
            let mut run: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(run);
            // In a task of its own, which is over: nobody polls it.
            let task = async move {
                assert!((&mut run).now_or_never().is_none());
                Some(run)
            };
            let task = op.runtime().expect("it has one").spawn(task);
            *taken.lock() = task.await.expect("it ends");
            pending::<()>().await;
        }));
        let above = (
            outcome.cleanup_errors().len(),
            outcome.child_failures().len(),
        );
        let expected = match is_polled_later {
            true => ((1, 1), (0, 0)),
            false => ((0, 0), (1, 1)),
        };
        assert_eq!((*inner_errors.lock(), above), expected);
    }
}

/// Polled in the body, and then put where the drop of the body does not reach it.
#[test]
fn r24_r47_a_run_that_was_carried_out_of_the_body_is_waited_for_and_taken_over() {
    let manual = ManualRuntime::new();
    let kept = RefCell::new(None);
    let finalized = Arc::new(AtomicBool::new(false));
    let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
        let scope = child(&op, "inner");
        let finalized = finalized.clone();
        let mut run = Box::pin(scope.run(move |op| async move {
            let undo = async move { finalized.store(true, Ordering::SeqCst) };
            op.defer(undo).expect("it is running");
            pending::<()>().await;
        }));
        assert!((&mut run).now_or_never().is_none());
        *kept.borrow_mut() = Some(run);
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(outcome.elapsed(), Some(LIMIT + 2 * PATIENCE));
    assert!(
        finalized.load(Ordering::SeqCst),
        "before the end of the scope around"
    );
    let run = kept.into_inner().expect("it was kept");
    assert!(
        run.now_or_never()
            .is_some_and(|outcome| outcome.is_cancelled())
    );
}

#[test]
fn r47_a_run_that_another_task_polls_is_waited_for_and_holds_no_body() {
    let manual = ManualRuntime::new();
    let (runtime, start) = (manual.handle(), manual.now());
    let gone = Cell::new(Duration::ZERO);
    let outcome = manual.block_on(limited(&manual).run(async |op: Scope| {
        let scope = child(&op, "inner");
        let clock = runtime.clone();
        let run = async move {
            let run = scope.run(async |op: Scope| {
                let save = clock.sleep(5 * SECOND);
                op.shield(save).await;
            });
            drop(run.await);
        };
        runtime.spawn(run).detach();
        let _gone = scopeguard(|| gone.set(runtime.now() - start));
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    assert_eq!(gone.get(), LIMIT, "the body is not held");
    assert_eq!(
        outcome.elapsed(),
        Some(5 * SECOND),
        "but the run is waited for"
    );
    assert!(outcome.stragglers().is_empty());
    assert_eq!(manual.live_tasks(), 0);
}

#[test]
fn r47_a_scope_that_is_not_cancelled_waits_for_no_run_that_another_task_polls() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let builder = Scope::builder("outer").runtime(&runtime);
    let outer = builder.build().expect("it is sound");
    let outcome = manual.block_on(outer.run(async |op: Scope| {
        let scope = child(&op, "inner");
        let run = async move {
            let run = scope.run(async |op: Scope| {
                op.defer(async {}).expect("it is running");
                pending::<()>().await;
            });
            drop(run.await);
        };
        runtime.spawn(run).detach();
        runtime.sleep(SECOND).await;
    }));
    assert!(outcome.is_completed());
    assert_eq!(outcome.elapsed(), Some(SECOND));
}

struct Guard<F: FnMut()>(F);

impl<F: FnMut()> Drop for Guard<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn scopeguard<F: FnMut()>(act: F) -> Guard<F> {
    Guard(act)
}
