//! The checker of await points: its findings and its report.

use crate::support::SECOND;
use cancelable_core::testing::{
    LastRun, ManualRuntime, cancel_at_every_await, cancel_token_at_every_await,
};
use cancelable_core::{CancellationToken, RuntimeHandle, Scope};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::Poll;

/// Pending once, then ready; it wakes itself.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| match std::mem::replace(&mut yielded, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

#[test]
fn r44_every_point_is_cancelled_once_and_then_the_run_is_left_alone() {
    let ends = RefCell::new(Vec::new());
    let reached = Cell::new(0);
    let report = cancel_at_every_await(
        |runtime| {
            reached.set(0);
            let reached = &reached;
            async move {
                for n in 1..=3 {
                    reached.set(n);
                    match n {
                        2 => yield_now().await,
                        _ => runtime.sleep(SECOND).await,
                    }
                }
                reached.set(4);
            }
        },
        |_| ends.borrow_mut().push(reached.get()),
    );
    assert_eq!(*ends.borrow(), [0, 1, 2, 3, 4]);
    assert_eq!(
        (report.points(), report.last_run()),
        (3, LastRun::Completed)
    );
    let text = "no finding at 3 await points";
    assert_eq!(report.into_result().unwrap().to_string(), text);
}

#[test]
fn r44_the_point_that_leaves_something_broken_is_named_with_its_place() {
    let (open, line) = (Cell::new(false), Cell::new(0));
    let report = cancel_at_every_await(
        |runtime| {
            open.set(false);
            let (open, line) = (&open, &line);
            async move {
                runtime.sleep(SECOND).await;
                open.set(true);
                let close = runtime.sleep(SECOND);
                line.set(line!() + 1);
                close.await;
                open.set(false);
            }
        },
        |_| match open.get() {
            true => Err("it is open"),
            false => Ok(()),
        },
    );
    let [broken] = report.broken() else {
        panic!("{report}");
    };
    assert_eq!((broken.number(), broken.error()), (Some(2), "it is open"));
    let place = broken.location().unwrap();
    assert_eq!((place.file(), place.line()), (file!(), line.get()));
    let text = format!(
        "1 finding in 2 await points:\n  cancelled at await point 2 ({}:{}): it is open",
        file!(),
        line.get()
    );
    let error = report.into_result().unwrap_err();
    assert_eq!(
        (error.to_string(), format!("{error:?}")),
        (text.clone(), text)
    );
}

#[test]
fn r44_a_check_and_a_drop_that_panic_are_findings() {
    struct Bomb<'a>(&'a Cell<bool>);
    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            assert!(!self.0.get(), "dropped while armed");
        }
    }
    let armed = Cell::new(false);
    let report = cancel_at_every_await(
        |_| {
            armed.set(false);
            let armed = &armed;
            async move {
                let _bomb = Bomb(armed);
                armed.set(true);
                yield_now().await;
                armed.set(false);
                yield_now().await;
            }
        },
        |_| -> () { panic!("never content") },
    );
    let found: Vec<_> = report.broken().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "cancelled before its first poll: never content",
            "cancelled at await point 1: the drop of the future panicked: dropped while armed",
            "cancelled at await point 2: never content",
            "not cancelled: never content",
        ]
    );
}

#[test]
fn r44_a_future_that_waits_for_ever_is_checked_up_to_there() {
    let report = cancel_at_every_await(
        |runtime| async move {
            runtime.sleep(SECOND).await;
            pending::<()>().await;
        },
        |_| (),
    );
    assert_eq!(
        (report.points(), report.last_run()),
        (2, LastRun::WaitsForEver)
    );
    assert!(report.into_result().is_ok());
}

#[test]
fn r44_a_future_with_too_many_points_is_not_called_intact() {
    let report = cancel_at_every_await(
        |_| async {
            loop {
                yield_now().await;
            }
        },
        |_| (),
    );
    assert_eq!(
        (report.points(), report.last_run()),
        (1000, LastRun::TooLong)
    );
    let text = report.into_result().unwrap_err().to_string();
    assert!(
        text.ends_with("the points after these were not checked"),
        "{text}"
    );
}

#[test]
fn r44_what_was_spawned_runs_on_and_the_check_moves_the_time() {
    let done = Cell::new(0);
    let token = RefCell::new(CancellationToken::new());
    let report = cancel_at_every_await(
        |runtime| {
            *token.borrow_mut() = CancellationToken::new();
            let ended = token.borrow().clone();
            async move {
                let inner = runtime.clone();
                let task = runtime.spawn(async move {
                    inner.sleep(SECOND).await;
                    ended.cancel();
                });
                task.await.unwrap();
            }
        },
        |manual| {
            // It has run as far as it comes without time.
            assert_eq!(manual.pending_timers(), manual.live_tasks());
            manual.advance(SECOND);
            done.set(done.get() + u32::from(token.borrow().is_cancelled()));
            assert_eq!(manual.live_tasks(), 0);
        },
    );
    assert_eq!(report.into_result().unwrap().points(), 1);
    // Before its first poll it has spawned nothing.
    assert_eq!(done.get(), 2);
}

/// The lines, counted from that of this call, of the places where the future waits at first.
#[track_caller]
fn places<F: Future>(make: impl Fn(RuntimeHandle) -> F) -> Vec<u32> {
    let here = Location::caller();
    let report = cancel_at_every_await(make, |_| Err("tell me where"));
    let mut broken = report.broken().iter();
    let point = broken
        .find(|broken| broken.number() == Some(1))
        .expect("it waits");
    let line = |place: &&Location<'_>| {
        assert_eq!(place.file(), file!());
        place.line() - here.line()
    };
    point.locations().iter().map(line).collect()
}

#[test]
fn r44_the_place_is_the_await_innermost_first() {
    let never = CancellationToken::new();
    let sleep = places(|runtime| async move {
        runtime.sleep(SECOND).await;
    });
    let token = places(|_| async {
        never.cancelled().await;
    });
    let owned = places(|_| async {
        never.clone().cancelled_owned().await;
    });
    let join = places(|runtime| async move {
        runtime.spawn(pending::<()>()).await.ok();
    });
    let timeout = places(|runtime| async move {
        runtime.timeout(SECOND, pending::<()>()).await.ok();
    });
    let until = places(|_| async {
        never.run_until_cancelled(pending::<()>()).await;
    });
    let until_owned = places(|_| async {
        let token = never.clone();
        token.run_until_cancelled_owned(pending::<()>()).await;
    });
    for (at, lines) in [sleep, token, owned, join, timeout, until]
        .iter()
        .enumerate()
    {
        assert_eq!(lines, &[1], "number {at}");
    }
    assert_eq!(until_owned, [2]);
    let scope = places(|_| async {
        let scope = Scope::builder("s").build().unwrap();
        let run = scope.run(async |op: Scope| {
            op.shield(never.cancelled()).await;
        });
        let _ = run.await;
    });
    assert_eq!(scope, [3, 5]);
    let fallible = places(|runtime| async move {
        let scope = Scope::builder("s").runtime(&runtime).build().unwrap();
        let run =
            scope.try_run(async |op: Scope| op.spawn(pending::<()>()).unwrap().await.map(drop));
        let _ = run.await;
    });
    assert_eq!(fallible, [3, 4]);
    let closed = places(|_| async {
        let scope = Scope::builder("s").build().unwrap();
        scope.finished().await;
    });
    assert_eq!(closed, [2]);
}

#[test]
fn r44_the_place_is_in_the_function_that_waits_and_is_not_guessed() {
    async fn inner(runtime: &RuntimeHandle, line: &Cell<u32>) {
        line.set(line!() + 1);
        runtime.sleep(SECOND).await;
    }
    let line = Cell::new(0);
    let report = cancel_at_every_await(
        |runtime| {
            let line = &line;
            async move { inner(&runtime, line).await }
        },
        |_| Err("tell me where"),
    );
    let place = report.broken()[1].location().unwrap();
    assert_eq!(place.line(), line.get());
    // A future of another author has no place of ours, and one in a box is polled by std.
    assert!(places(|_| yield_now()).is_empty());
    assert!(places(|runtime| Box::pin(runtime.sleep(SECOND))).is_empty());
    let boxed = places(|runtime| async move {
        let sleep: Pin<Box<dyn Future<Output = ()>>> = Box::pin(runtime.sleep(SECOND));
        sleep.await;
    });
    assert!(boxed.is_empty(), "{boxed:?}");
}

#[test]
fn r44_a_token_is_cancelled_at_every_point_and_the_future_ends() {
    let outputs = RefCell::new(Vec::new());
    let report = cancel_token_at_every_await(
        |runtime, token| async move {
            let mut steps = 0;
            while steps < 3 && !token.is_cancelled() {
                runtime.sleep(SECOND).await;
                steps += 1;
            }
            steps
        },
        |_: &ManualRuntime, output| outputs.borrow_mut().push(output),
    );
    assert_eq!(
        (report.points(), report.last_run()),
        (3, LastRun::Completed)
    );
    let expected = [Some(0), Some(1), Some(2), Some(3), Some(3)];
    assert_eq!(*outputs.borrow(), expected);
}

#[test]
fn r44_a_future_that_does_not_heed_the_token_has_no_output() {
    let report = cancel_token_at_every_await(
        |_, _| pending::<()>(),
        |_, output| match output {
            Some(()) => Ok(()),
            None => Err("it does not end"),
        },
    );
    let numbers: Vec<_> = report
        .broken()
        .iter()
        .map(|broken| broken.number())
        .collect();
    assert_eq!(numbers, [Some(0), Some(1)]);
}
