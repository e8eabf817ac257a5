//! The runtime for tests: one order, and time that moves by hand.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::runtime::RuntimeHandle;
use cancelable_core::testing::ManualRuntime;
use std::future::{self, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// The events, in order.
#[derive(Clone)]
struct Log(mpsc::Sender<String>);

impl Log {
    fn new() -> (Self, mpsc::Receiver<String>) {
        let (send, receive) = mpsc::channel();
        (Self(send), receive)
    }

    fn say(&self, what: impl Into<String>) {
        self.0.send(what.into()).expect("the receiver is kept");
    }
}

/// Starts a task that reports its name when `after` has passed.
fn alarm(runtime: &RuntimeHandle, log: &Log, name: &'static str, after: Duration) {
    let (sleep, log) = (runtime.sleep(after), log.clone());
    drop(runtime.spawn(async move {
        sleep.await;
        log.say(name);
    }));
}

#[test]
fn r44_time_stands_still_until_it_is_moved() {
    let manual = ManualRuntime::new();
    let start = manual.now();
    manual.run_until_idle();
    assert_eq!(manual.handle().now(), start);
    manual.advance(3 * SECOND);
    assert_eq!(manual.now() - start, 3 * SECOND);
    assert_eq!(manual.handle().now(), manual.now());
}

#[test]
fn r44_timers_fire_by_deadline_and_then_by_creation() {
    let manual = ManualRuntime::new();
    let (log, said) = Log::new();
    let runtime = manual.handle();
    alarm(&runtime, &log, "late", 2 * SECOND);
    alarm(&runtime, &log, "first of two", SECOND);
    alarm(&runtime, &log, "second of two", SECOND);
    alarm(&runtime, &log, "early", SECOND / 2);
    manual.advance(10 * SECOND);
    let order: Vec<_> = said.try_iter().collect();
    assert_eq!(order, ["early", "first of two", "second of two", "late"]);
}

#[test]
fn r44_what_a_timer_wakes_runs_before_the_time_moves_on() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let start = manual.now();
    let ticks = runtime.spawn({
        let runtime = runtime.clone();
        async move {
            let mut seen = Vec::new();
            for _ in 0..3 {
                runtime.sleep(SECOND).await;
                seen.push(runtime.now() - start);
            }
            seen
        }
    });
    manual.advance(10 * SECOND);
    assert_eq!(manual.now() - start, 10 * SECOND);
    let seen = manual.block_on(ticks).unwrap();
    assert_eq!(seen, [SECOND, 2 * SECOND, 3 * SECOND]);
}

#[test]
fn r44_advance_stops_short_of_a_later_timer() {
    let manual = ManualRuntime::new();
    let probe = Probe::new();
    let mut sleep = pin!(manual.handle().sleep(SECOND));
    assert!(probe.poll(sleep.as_mut()).is_pending());
    manual.advance(SECOND - Duration::from_nanos(1));
    assert_eq!((probe.wakes(), manual.pending_timers()), (0, 1));
    manual.advance(Duration::from_nanos(1));
    assert_eq!((probe.wakes(), manual.pending_timers()), (1, 0));
}

#[test]
fn r44_block_on_moves_the_time_when_all_is_idle() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let start = manual.now();
    let background = runtime.spawn(runtime.sleep(60 * SECOND));
    manual.block_on(runtime.sleep(3600 * SECOND));
    assert_eq!(manual.now() - start, 3600 * SECOND);
    assert!(background.is_finished());
}

#[test]
fn r44_block_on_does_not_move_the_time_while_something_is_ready() {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let runtime = manual.handle();
    let mut turns = 0;
    let yielding = poll_fn(|cx| {
        turns += 1;
        cx.waker().wake_by_ref();
        if turns == 100 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    let limited = manual.block_on(runtime.timeout(SECOND, yielding));
    assert_eq!((limited.ok(), manual.now()), (Some(()), start));
}

#[test]
fn r44_block_on_says_that_nothing_can_wake_the_future() {
    let manual = ManualRuntime::new();
    drop(manual.handle().spawn(future::pending::<()>()));
    let hung = catch_unwind(AssertUnwindSafe(|| {
        manual.block_on(future::pending::<()>());
    }));
    let text = *hung.unwrap_err().downcast::<String>().unwrap();
    assert!(text.starts_with("nothing can wake this future"), "{text}");
    assert!(text.contains("(1 tasks live)"), "{text}");
    // It is not the end of the runtime.
    assert_eq!(manual.block_on(async { 7 }), 7);
}

#[test]
fn r44_a_future_that_panics_leaves_the_runtime_usable() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        manual.block_on(async { panic!("boom") })
    }));
    assert!(panicked.is_err());
    assert_eq!(manual.live_tasks(), 0);
    assert!(matches!(manual.block_on(runtime.spawn(async { 7 })), Ok(7)));
}

#[test]
fn r44_block_on_inside_a_task_says_what_to_do_instead() {
    let manual = Arc::new(ManualRuntime::new());
    let nested = manual.handle().spawn({
        let manual = manual.clone();
        async move { manual.block_on(async {}) }
    });
    let error = manual.block_on(nested).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the task panicked: this manual runtime is driven already; await the future instead of blocking on it"
    );
}

#[test]
fn r44_advance_inside_a_task_moves_the_time_and_the_rest_runs_afterwards() {
    let manual = Arc::new(ManualRuntime::new());
    let (log, said) = Log::new();
    let runtime = manual.handle();
    alarm(&runtime, &log, "alarm", SECOND);
    manual.run_until_idle();
    manual.block_on({
        let (manual, log) = (manual.clone(), &log);
        async move {
            manual.advance(SECOND);
            log.say("advanced");
        }
    });
    manual.run_until_idle();
    assert_eq!(said.try_iter().collect::<Vec<_>>(), ["advanced", "alarm"]);
}

#[test]
fn r44_advancing_beyond_the_clock_fires_every_timer() {
    let manual = ManualRuntime::new();
    let (log, said) = Log::new();
    let start = manual.now();
    alarm(&manual.handle(), &log, "one", SECOND);
    alarm(&manual.handle(), &log, "two", 2 * SECOND);
    manual.advance(Duration::MAX);
    assert_eq!(said.try_iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(manual.now() - start, 2 * SECOND);
}

#[test]
fn r44_blocking_work_is_a_step_in_the_one_order() {
    let manual = ManualRuntime::new();
    let (log, said) = Log::new();
    let runtime = manual.handle();
    let here = thread::current().id();
    for name in ["one", "two"] {
        let task = log.clone();
        drop(runtime.spawn(async move { task.say(format!("task {name}")) }));
        let job = log.clone();
        drop(runtime.spawn_blocking(move || {
            assert_eq!(thread::current().id(), here);
            job.say(format!("job {name}"));
        }));
    }
    assert_eq!(manual.live_tasks(), 4);
    manual.run_until_idle();
    assert_eq!(manual.live_tasks(), 0);
    let order: Vec<_> = said.try_iter().collect();
    assert_eq!(order, ["task one", "job one", "task two", "job two"]);
}

#[test]
fn r44_block_on_waits_for_blocking_work_on_threads_without_moving_the_time() {
    let manual = ManualRuntime::with_threads();
    let start = manual.now();
    let runtime = manual.handle();
    let (release, released) = mpsc::channel();
    let job = runtime.spawn_blocking(move || released.recv().unwrap());
    let other = thread::spawn(move || release.send(7).unwrap());
    let joined = manual.block_on(runtime.timeout(SECOND, job));
    assert!(matches!(joined, Ok(Ok(7))));
    assert_eq!(manual.now(), start);
    other.join().unwrap();
}

#[test]
fn r44_time_is_moved_by_hand_past_blocking_work_on_threads() {
    let manual = ManualRuntime::with_threads();
    let runtime = manual.handle();
    let (release, released) = mpsc::channel();
    // The job waits for something that only a timer brings about.
    let job = runtime.spawn_blocking(move || released.recv().unwrap());
    let sleep = runtime.sleep(SECOND);
    drop(runtime.spawn(async move {
        sleep.await;
        release.send(7).unwrap();
    }));
    manual.advance(SECOND);
    assert!(matches!(manual.block_on(job), Ok(7)));
}

#[test]
fn r44_a_hold_makes_block_on_wait_for_another_thread() {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let runtime = manual.handle();
    let (waker_out, waker_in) = mpsc::channel();
    let woken = Arc::new(AtomicBool::new(false));
    let hold = manual.hold_time();
    let other = thread::spawn({
        let woken = woken.clone();
        move || {
            let waker: std::task::Waker = waker_in.recv().unwrap();
            woken.store(true, Ordering::SeqCst);
            waker.wake();
            drop(hold);
        }
    });
    let outside = poll_fn(|cx| {
        if woken.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        // The thread takes one waker and goes.
        waker_out.send(cx.waker().clone()).ok();
        Poll::Pending
    });
    let limited = manual.block_on(runtime.timeout(3600 * SECOND, outside));
    assert_eq!((limited.ok(), manual.now()), (Some(()), start));
    other.join().unwrap();
}

#[test]
fn r44_a_timer_that_is_dropped_or_moved_leaves_nothing_behind() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let probe = Probe::new();
    for _ in 0..100 {
        let mut sleep = pin!(runtime.sleep(SECOND));
        assert!(probe.poll(sleep.as_mut()).is_pending());
        sleep.reset(manual.now() + 2 * SECOND);
        assert!(probe.poll(sleep.as_mut()).is_pending());
        assert_eq!(manual.pending_timers(), 1);
    }
    assert_eq!(manual.pending_timers(), 0);
    manual.advance(3 * SECOND);
    assert_eq!(probe.wakes(), 0);
}

#[test]
fn r44_shutting_down_drops_tasks_and_refuses_more() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let held = Arc::new(());
    let task = held.clone();
    drop(runtime.spawn(async move {
        let _task = task;
        future::pending::<()>().await;
    }));
    let job = held.clone();
    drop(runtime.spawn_blocking(move || drop(job)));
    assert_eq!(Arc::strong_count(&held), 3);
    manual.shut_down();
    assert_eq!((Arc::strong_count(&held), manual.live_tasks()), (1, 0));
    assert!(runtime.spawn(async {}).is_finished());
}

#[test]
fn r44_a_task_may_shut_its_runtime_down() {
    let manual = Arc::new(ManualRuntime::new());
    let held = Arc::new(());
    drop(manual.handle().spawn({
        let (manual, held) = (manual.clone(), held.clone());
        async move {
            let _held = held;
            manual.shut_down();
            future::pending::<()>().await;
        }
    }));
    manual.run_until_idle();
    assert_eq!((Arc::strong_count(&held), manual.live_tasks()), (1, 0));
}

#[test]
fn r12_dropping_the_runtime_drops_tasks_that_hold_it() {
    let manual = ManualRuntime::new();
    let held = Arc::new(());
    let (runtime, task) = (manual.handle(), held.clone());
    drop(manual.handle().spawn(async move {
        let _task = task;
        runtime.sleep(SECOND).await;
    }));
    manual.run_until_idle();
    drop(manual);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn r44_every_run_has_the_same_order() {
    fn trace() -> Vec<String> {
        let manual = ManualRuntime::new();
        let start: Instant = manual.now();
        let (log, said) = Log::new();
        let runtime = manual.handle();
        for n in 0..20_u32 {
            let (runtime, log) = (runtime.clone(), log.clone());
            let spawner = runtime.clone();
            drop(spawner.spawn(async move {
                for _ in 0..5 {
                    runtime
                        .sleep(Duration::from_millis(u64::from(n % 7 + 1)))
                        .await;
                    log.say(format!("{n} at {:?}", runtime.now() - start));
                }
            }));
        }
        manual.advance(SECOND);
        said.try_iter().collect()
    }
    let first = trace();
    assert_eq!(first.len(), 100);
    assert_eq!(first, trace());
}
