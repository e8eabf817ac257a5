//! The library's own futures under the checker of await points: they leave nothing behind, wherever they are
//! dropped.

use crate::support::{SECOND, at_most};
use cancelable_core::source;
use cancelable_core::stream;
use cancelable_core::testing::{
    AwaitReport, LastRun, Recorder, cancel_at_every_await, cancel_token_at_every_await,
};
use cancelable_core::{CancellationToken, RuntimeHandle, Scope};
use futures_util::StreamExt;
use parking_lot::Mutex;
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

/// The parts from which a future is made, and in which it may leave something.
#[derive(Clone)]
struct Room {
    runtime: RuntimeHandle,
    /// Kept until after the check, so that a waiter left at it would be there to see.
    token: CancellationToken,
    /// Cloned into everything that has to be dropped.
    held: Arc<()>,
    /// The only waker that a future gets.
    relay: Arc<Relay>,
    recorder: Rc<Recorder>,
}

/// Wakes the present poller. The clones of the value are counted.
#[derive(Default)]
struct Relay(Mutex<Option<Waker>>);

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        let waker = self.0.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Room {
    fn new(runtime: RuntimeHandle) -> Self {
        Self {
            recorder: Rc::new(Recorder::new(&runtime)),
            runtime,
            token: CancellationToken::new(),
            held: Arc::default(),
            relay: Arc::default(),
        }
    }

    /// Two await points, and something to be dropped.
    fn work(&self) -> impl Future<Output = ()> + Send + 'static {
        let (runtime, held) = (self.runtime.clone(), self.held.clone());
        async move {
            let _held = held;
            runtime.sleep(SECOND).await;
            runtime.sleep(SECOND).await;
        }
    }

    fn open(&self, name: &'static str) -> Scope {
        let builder = Scope::builder(name).runtime(&self.runtime);
        builder.build().expect("it is sound")
    }

    fn assert_empty(&self) {
        assert_eq!(Arc::strong_count(&self.held), 1, "a value was kept");
        assert_eq!(Arc::strong_count(&self.relay), 1, "a waker was kept");
        assert_eq!(self.recorder.open_operations(), 0, "an operation is open");
    }
}

/// Polls `future` with the relay as its waker.
async fn relayed<F: Future>(relay: Arc<Relay>, future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::clone(&relay));
    poll_fn(|cx| {
        *relay.0.lock() = Some(cx.waker().clone());
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

/// Drops what `make` gives at each of its points, lets a minute pass, and asks that nothing is left.
#[track_caller]
fn leaves_nothing<F: Future>(make: impl Fn(Room) -> F) -> AwaitReport {
    let room = RefCell::new(None);
    let report = cancel_at_every_await(
        |runtime| {
            let fresh = Room::new(runtime);
            *room.borrow_mut() = Some(fresh.clone());
            relayed(fresh.relay.clone(), make(fresh))
        },
        |manual| {
            // The spawned tasks may wait, each for one timer; what was dropped may not.
            assert!(
                manual.pending_timers() <= manual.live_tasks(),
                "a timer was kept"
            );
            manual.advance(60 * SECOND);
            let room = room.borrow();
            assert_eq!(manual.live_tasks(), 0, "a task lives");
            assert_eq!(manual.pending_timers(), 0, "a timer is pending");
            room.as_ref().expect("made before").assert_empty();
        },
    );
    assert_eq!(report.last_run(), LastRun::Completed);
    report.into_result().expect("nothing is left")
}

#[test]
fn r12_waiting_for_a_token() {
    let report = leaves_nothing(|room| async move {
        let token = room.token.clone();
        assert!(token.run_until_cancelled(room.work()).await.is_some());
        let owned = token.clone().run_until_cancelled_owned(room.work());
        assert!(owned.await.is_some());
        let children: Vec<_> = (0..3).map(|_| token.child_token()).collect();
        let any = CancellationToken::any_of(&children).unwrap();
        let ended = room.runtime.timeout(SECOND, any.cancelled()).await;
        assert!(ended.is_err());
        let ended = room.runtime.timeout(SECOND, token.cancelled_owned());
        assert!(ended.await.is_err());
    });
    assert_eq!(report.points(), 6);
}

#[test]
fn r44_a_timeout_and_a_join_handle() {
    let report = leaves_nothing(|room| async move {
        assert!(room.runtime.timeout(SECOND, room.work()).await.is_err());
        let in_time = room.runtime.timeout(9 * SECOND, room.work());
        assert!(in_time.await.is_ok());
        room.runtime.spawn(room.work()).await.unwrap();
        let held = room.held.clone();
        let job = room.runtime.spawn_blocking(move || drop(held));
        job.await.unwrap();
    });
    assert_eq!(report.points(), 5);
}

#[test]
fn r28_a_scope_in_a_scope_is_closed() {
    let report = leaves_nothing(|room| async move {
        let outer = Scope::builder("outer")
            .runtime(&room.runtime)
            .timeout(10 * SECOND)
            .token(&room.token)
            .build()
            .unwrap();
        let outcome = outer.run(async |op: Scope| {
            room.work().await;
            let inner = op.child("inner").timeout(3 * SECOND).build().unwrap();
            let ended = inner.run(async |_| {
                room.work().await;
                let _held = room.held.clone();
                pending::<()>().await;
            });
            assert!(ended.await.is_cancelled());
            op.shield(room.work()).await;
        });
        assert!(outcome.await.is_completed());
    });
    // Seven that wait, and one more poll: the timeout's cancel wakes the task that it is made in.
    assert_eq!(report.points(), 8);
}

#[test]
fn r30_sources_of_every_kind_are_dropped() {
    let report = leaves_nothing(|room| async move {
        let never = || {
            let held = room.held.clone();
            move || Arc::strong_count(&held) == 0
        };
        let (own, held) = (never(), room.held.clone());
        let future = source::future(async move {
            let _held = held;
            pending::<&'static str>().await
        });
        let condition = source::condition(SECOND, never()).unwrap();
        let blocking = source::condition_blocking(SECOND, never()).unwrap();
        let all = source::all_of(condition).and(blocking);
        let limit = source::Limit::after(60 * SECOND);
        let any = source::any_of(limit).or(source::token(&room.token));
        let asked = source::condition_async(SECOND, move || {
            let holds = own();
            async move { holds }
        });
        let scope = Scope::builder("watched")
            .runtime(&room.runtime)
            .source(future)
            .source(all)
            .source(any)
            .source(asked.unwrap())
            .build()
            .unwrap();
        assert!(scope.run(|_| room.work()).await.is_completed());
    });
    assert!(report.points() >= 2, "{report}");
}

#[test]
fn r25_children_and_blocking_work_end() {
    let report = leaves_nothing(|room| async move {
        let scope = room.open("parent");
        let outcome = scope.run(async |op: Scope| {
            let child = op.spawn(room.work()).unwrap();
            drop(op.spawn(room.work()).unwrap());
            let held = room.held.clone();
            let job = op.spawn_blocking(move |_| drop(held)).unwrap();
            child.await.unwrap();
            job.await.unwrap();
            drop(op.spawn(room.work()).unwrap());
        });
        assert!(outcome.await.is_completed());
    });
    // In the body, and then for the child that is left.
    assert_eq!(report.points(), 2);
}

#[test]
fn r25_concurrent_work_in_place_is_dropped() {
    let report = leaves_nothing(|room| async move {
        let scope = room.open("many");
        let outcome = scope.run(async |op: Scope| {
            let done = op.map_concurrent(at_most(2), stream::iter(0..3), |n| {
                let work = room.work();
                async move {
                    work.await;
                    n
                }
            });
            assert_eq!(done.collect::<Vec<_>>().await, [0, 1, 2]);
            let each = op.for_each_concurrent(at_most(2), stream::iter(0..3), |_| room.work());
            each.await.unwrap();
        });
        assert!(outcome.await.is_completed());
    });
    assert!(report.points() >= 8, "{report}");
}

/// Each that was deferred has run to its end, whoever ran it.
#[test]
fn r24_every_finalizer_runs_wherever_the_run_is_dropped() {
    let (deferred, ran) = (Cell::new(0), Arc::new(Mutex::new(0)));
    let report = leaves_nothing(|room| {
        let (deferred, ran) = (&deferred, ran.clone());
        assert_eq!(deferred.get(), *ran.lock());
        async move {
            let scope = room.open("tidy");
            let outcome = scope.run(async |op: Scope| {
                for _ in 0..2 {
                    let (work, ran) = (room.work(), ran.clone());
                    let finalizer = async move {
                        work.await;
                        *ran.lock() += 1;
                    };
                    op.defer(finalizer).unwrap();
                    deferred.set(deferred.get() + 1);
                    room.work().await;
                }
            });
            assert!(outcome.await.is_completed());
        }
    });
    assert_eq!(deferred.get(), *ran.lock());
    assert_eq!(report.points(), 8);
    assert!(deferred.get() > 10);
}

/// Asked instead of dropped: with a grace, a shield and a finalizer it ends in order, and says so.
#[test]
fn r19_a_scope_that_is_asked_at_any_point_ends_in_order() {
    let room = RefCell::new(None);
    let (deferred, ran) = (Cell::new(0), Arc::new(Mutex::new(0)));
    let report = cancel_token_at_every_await(
        |runtime, token| {
            let fresh = Room::new(runtime);
            *room.borrow_mut() = Some(fresh.clone());
            let (deferred, ran) = (&deferred, ran.clone());
            relayed(fresh.relay.clone(), async move {
                let room = fresh;
                let scope = Scope::builder("asked")
                    .runtime(&room.runtime)
                    .token(&token)
                    .grace(SECOND / 2)
                    .build()
                    .unwrap();
                let run = scope.run(async |op: Scope| {
                    let (work, ran) = (room.work(), ran.clone());
                    let finalizer = async move {
                        work.await;
                        *ran.lock() += 1;
                    };
                    op.defer(finalizer).unwrap();
                    deferred.set(deferred.get() + 1);
                    let child = op.spawn(room.work()).unwrap();
                    op.shield(room.work()).await;
                    child.await.ok();
                    room.work().await;
                });
                run.await.status()
            })
        },
        |manual, status| {
            assert!(status.is_some_and(|status| status.is_terminal()));
            assert_eq!((manual.live_tasks(), manual.pending_timers()), (0, 0));
            assert_eq!(deferred.get(), *ran.lock(), "a finalizer did not run");
            room.borrow().as_ref().unwrap().assert_empty();
        },
    );
    assert!(report.points() >= 6, "{report}");
    assert!(deferred.get() > 6);
    assert!(
        report
            .into_result()
            .is_ok_and(|report| report.last_run() == LastRun::Completed)
    );
}
