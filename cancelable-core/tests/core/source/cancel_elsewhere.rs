//! A cancel whose callbacks run on a runtime, a cancel after a time, and the removal of a callback without
//! blocking.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
use cancelable_core::source::{Limit, cancel_after, cancel_on};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::token::isolated_panics;
use cancelable_core::{CancellationToken, Reason};
use parking_lot::Mutex;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// Keeps blocking jobs until they are run or dropped.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<Job>>>);

struct Shelving {
    shelf: Option<Shelf>,
    now: Instant,
}

impl RuntimeAdapter for Shelving {
    fn name(&self) -> &'static str {
        "shelf"
    }
    fn now(&self) -> Instant {
        self.now
    }
    fn timer(&self, _: Instant) -> Pin<Box<dyn Timer>> {
        panic!("it keeps no time")
    }
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        Err(Refused::new(task))
    }
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        match &self.shelf {
            Some(shelf) => shelf.0.lock().push(job),
            None => return Err(Refused::new(job)),
        }
        Ok(())
    }
}

impl Shelf {
    fn runtime(&self) -> RuntimeHandle {
        let shelf = Some(self.clone());
        let now = ManualRuntime::new().now();
        RuntimeHandle::new(Shelving { shelf, now })
    }

    fn take(&self) -> Vec<Job> {
        std::mem::take(&mut *self.0.lock())
    }
}

type Log = Arc<Mutex<Vec<&'static str>>>;

fn note(token: &CancellationToken, log: &Log, word: &'static str) {
    let log = Arc::clone(log);
    let callback = move |_: &_| log.lock().push(word);
    token.on_cancel(callback).detach();
}

fn read(log: &Log) -> Vec<&'static str> {
    log.lock().clone()
}

#[test]
fn r06_r07_r10_r11_cancel_on_marks_and_wakes_here_and_calls_there_once_in_order() {
    let (shelf, log, probe) = (Shelf::default(), Log::default(), Probe::new());
    let (root, panics) = (CancellationToken::new(), isolated_panics());
    let child = root.child_token();
    note(&child, &log, "child");
    note(&root, &log, "root, first");
    root.on_cancel(|_| panic!("a callback")).detach();
    note(&root, &log, "root, last");
    let taken_back = root.on_cancel(|_| unreachable!("it was taken back"));
    let mut waiting = pin!(child.cancelled());
    assert!(probe.poll(waiting.as_mut()).is_pending());

    let runtime = shelf.runtime();
    assert!(cancel_on(&runtime, &root, Reason::ShuttingDown));
    assert!(root.is_cancelled() && child.is_cancelled());
    assert_eq!(
        (probe.wakes(), read(&log).len()),
        (1, 0),
        "nothing was called here"
    );
    assert_eq!(
        child.cause().and_then(|cause| cause.time()),
        Some(runtime.now())
    );
    assert_eq!(
        child.cause().map(|cause| cause.location().file()),
        Some(file!())
    );
    // Also before its turn comes a callback can be taken back, and a later cancel calls none.
    assert!(taken_back.unregister());
    assert!(!cancel_on(&runtime, &root, "again") && !root.try_cancel());
    assert!(read(&log).is_empty());

    let jobs = shelf.take();
    assert_eq!(jobs.len(), 1);
    jobs.into_iter().for_each(|job| job());
    assert_eq!(read(&log), ["root, last", "root, first", "child"]);
    assert!(isolated_panics() > panics);
}

#[test]
fn r07_cancel_on_loses_no_callback_where_the_runtime_is_gone_or_drops_the_job() {
    let log = Log::default();
    let token = CancellationToken::new();
    note(&token, &log, "refused");
    let now = ManualRuntime::new().now();
    let gone = RuntimeHandle::new(Shelving { shelf: None, now });
    assert!(cancel_on(&gone, &token, "stop"));
    assert_eq!(read(&log), ["refused"], "they run here");

    let shelf = Shelf::default();
    let token = CancellationToken::new();
    note(&token, &log, "dropped");
    assert!(cancel_on(&shelf.runtime(), &token, "stop"));
    assert_eq!(read(&log), ["refused"]);
    drop(token);
    drop(shelf.take());
    assert_eq!(
        read(&log),
        ["refused", "dropped"],
        "they run where it is dropped"
    );

    // Nobody to call, so there is no job.
    assert!(cancel_on(
        &shelf.runtime(),
        &CancellationToken::new(),
        "stop"
    ));
    assert!(shelf.take().is_empty());
}

#[test]
fn r07_unregistered_waits_for_a_callback_that_runs_elsewhere_and_blocks_no_thread() {
    let token = CancellationToken::new();
    let probe = Probe::new();
    let (entered, enters) = mpsc::channel();
    let (leave, leaves) = mpsc::channel::<()>();
    let registration = token.on_cancel(move |_| {
        entered.send(()).expect("it is heard");
        leaves.recv().expect("it is said");
    });
    let canceller = thread::spawn(move || token.cancel());
    enters.recv().expect("it runs");
    let mut removed = pin!(registration.unregistered());
    assert!(probe.poll(removed.as_mut()).is_pending());
    assert_eq!(probe.wakes(), 0);
    leave.send(()).expect("it is heard");
    canceller.join().expect("it ends");
    assert_eq!(probe.wakes(), 1);
    assert_eq!(
        probe.poll(removed.as_mut()),
        Poll::Ready(false),
        "it has run"
    );

    let calls = Arc::new(AtomicUsize::new(0));
    let token = CancellationToken::new();
    let counted = Arc::clone(&calls);
    let removed = token
        .on_cancel(move |_| {
            counted.fetch_add(1, SeqCst);
        })
        .unregistered();
    assert_eq!(
        Arc::strong_count(&calls),
        1,
        "it was taken back by the call"
    );
    token.cancel();
    assert_eq!(probe.poll(pin!(removed)), Poll::Ready(true));
    let late = token.on_cancel(|_| ()).unregistered();
    assert_eq!(probe.poll(pin!(late)), Poll::Ready(false));
    assert_eq!(calls.load(SeqCst), 0);
}

#[test]
fn r07_unregistered_inside_its_own_callback_does_not_wait_for_itself() {
    let token = CancellationToken::new();
    let slot = Arc::new(Mutex::new(None));
    let own = Arc::clone(&slot);
    let seen = Arc::new(Mutex::new(None));
    let told = Arc::clone(&seen);
    let registration = token.on_cancel(move |_| {
        let own: Option<cancelable_core::token::CallbackRegistration> = own.lock().take();
        let removed = own.expect("it is there").unregistered();
        *told.lock() = Some(Probe::new().poll(pin!(removed)));
    });
    *slot.lock() = Some(registration);
    token.cancel();
    assert_eq!(*seen.lock(), Some(Poll::Ready(false)));
}

#[test]
fn r20_cancel_after_cancels_at_its_time_and_a_drop_of_its_guard_calls_it_off() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    manual.block_on(async {
        let token = CancellationToken::new();
        let limit = Limit::after(SECOND).with_message("the answer is slow");
        let guard = cancel_after(&runtime, &token, limit);
        assert!(guard.is_armed());
        runtime.sleep(SECOND / 2).await;
        assert!(!token.is_cancelled());
        token.cancelled().await;
        let cause = token.cause().expect("it is cancelled");
        assert_eq!(cause.reason(), &Reason::TimedOut { limit: SECOND });
        assert_eq!(cause.message(), Some("the answer is slow"));
        assert_eq!(
            (cause.time(), cause.location().file()),
            (Some(runtime.now()), file!())
        );
        assert!(!guard.is_armed() && !guard.disarm());

        let token = CancellationToken::new();
        drop(cancel_after(&runtime, &token, SECOND));
        assert!(cancel_after(&runtime, &token, SECOND).disarm());
        cancel_after(&runtime, &token, Duration::MAX).detach();
        runtime.sleep(9 * SECOND).await;
        assert!(!token.is_cancelled());
        assert_eq!(
            manual.live_tasks(),
            0,
            "nothing is left of those that were called off"
        );
        cancel_after(&runtime, &token, SECOND).detach();
        runtime.sleep(2 * SECOND).await;
        assert!(token.is_cancelled());

        let token = CancellationToken::new();
        let guard = cancel_after(&runtime, &token, SECOND);
        token.cancel_with("before");
        runtime.sleep(Duration::ZERO).await;
        runtime.sleep(SECOND / 2).await;
        assert_eq!((guard.is_armed(), manual.live_tasks()), (false, 0));

        let token = CancellationToken::new();
        let _guard = cancel_after(&runtime, &token, Duration::ZERO);
        assert!(token.is_cancelled(), "at once");
    });
}

#[test]
fn r20_cancel_after_on_a_runtime_that_keeps_no_time_lets_nobody_wait_for_ever() {
    let token = CancellationToken::new();
    let guard = cancel_after(&Shelf::default().runtime(), &token, SECOND);
    assert!(token.is_cancelled() && !guard.is_armed());
    assert_eq!(
        token.message().as_deref(),
        Some("the runtime of the timer has shut down")
    );

    // One that goes away while the time runs; what was called off stays so.
    for called_off in [false, true] {
        let (manual, token) = (ManualRuntime::new(), CancellationToken::new());
        let guard = cancel_after(&manual.handle(), &token, SECOND);
        assert!(!token.is_cancelled());
        let guard = (!called_off).then_some(guard);
        drop(manual);
        assert_eq!(token.is_cancelled(), !called_off);
        drop(guard);
    }
}
