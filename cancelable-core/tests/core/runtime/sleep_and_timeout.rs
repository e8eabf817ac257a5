//! Sleeps and timeouts of a runtime.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::runtime::{
    Job, JoinError, NoRuntime, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer,
};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cancelled, Reason};
use std::future::{self, Future};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Passes everything on to a manual runtime, and counts timers and resets.
struct Counting {
    inner: RuntimeHandle,
    made: Arc<AtomicUsize>,
    moved: Arc<AtomicUsize>,
}

struct CountingTimer {
    inner: cancelable_core::runtime::Sleep,
    moved: Arc<AtomicUsize>,
}

impl Future for CountingTimer {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

impl Timer for CountingTimer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.moved.fetch_add(1, Ordering::SeqCst);
        self.inner.reset(at);
    }
}

impl RuntimeAdapter for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }
    fn now(&self) -> Instant {
        self.inner.now()
    }
    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        self.made.fetch_add(1, Ordering::SeqCst);
        Box::pin(CountingTimer {
            inner: self.inner.sleep_until(at),
            moved: self.moved.clone(),
        })
    }
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        Err(Refused::new(task))
    }
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

fn counting(manual: &ManualRuntime) -> (RuntimeHandle, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (made, moved) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let runtime = Counting {
        inner: manual.handle(),
        made: made.clone(),
        moved: moved.clone(),
    };
    (RuntimeHandle::new(runtime), made, moved)
}

#[test]
fn r44_a_sleep_takes_the_runtimes_time_and_no_timer_before_its_first_poll() {
    let manual = ManualRuntime::new();
    let (runtime, made, _) = counting(&manual);
    let probe = Probe::new();
    let mut sleep = pin!(runtime.sleep(SECOND));
    assert_eq!(sleep.deadline(), Some(manual.now() + SECOND));
    assert_eq!(made.load(Ordering::SeqCst), 0);

    assert!(probe.poll(sleep.as_mut()).is_pending());
    assert_eq!((made.load(Ordering::SeqCst), probe.wakes()), (1, 0));

    manual.advance(SECOND);
    assert_eq!(probe.wakes(), 1);
    assert!(probe.poll(sleep.as_mut()).is_ready());
}

#[test]
fn r20_a_sleep_is_moved_with_one_timer_however_often() {
    let manual = ManualRuntime::new();
    let (runtime, made, moved) = counting(&manual);
    let probe = Probe::new();
    let mut sleep = pin!(runtime.sleep(SECOND));
    assert!(probe.poll(sleep.as_mut()).is_pending());

    for seconds in (2..=100).chain([5]) {
        sleep.reset(manual.now() + seconds * SECOND);
        assert!(probe.poll(sleep.as_mut()).is_pending());
    }
    assert_eq!(
        (made.load(Ordering::SeqCst), moved.load(Ordering::SeqCst)),
        (1, 100)
    );
    assert_eq!(manual.pending_timers(), 1);

    manual.advance(4 * SECOND);
    assert_eq!(probe.wakes(), 0);
    manual.advance(SECOND);
    assert_eq!(probe.wakes(), 1);
    assert!(probe.poll(sleep.as_mut()).is_ready());
}

#[test]
fn r20_a_sleep_that_is_reset_before_its_first_poll_needs_no_reset_of_a_timer() {
    let manual = ManualRuntime::new();
    let (runtime, made, moved) = counting(&manual);
    let mut sleep = pin!(runtime.sleep(SECOND));
    sleep.reset(manual.now() + 2 * SECOND);
    assert!(Probe::new().poll(sleep.as_mut()).is_pending());
    assert_eq!(
        (made.load(Ordering::SeqCst), moved.load(Ordering::SeqCst)),
        (1, 0)
    );
}

#[test]
fn r20_an_overflowing_sleep_is_never_and_needs_no_timer() {
    let manual = ManualRuntime::new();
    let (runtime, made, _) = counting(&manual);
    let probe = Probe::new();
    let mut sleep = pin!(runtime.sleep(Duration::MAX));
    assert_eq!(sleep.deadline(), None);
    assert!(probe.poll(sleep.as_mut()).is_pending());
    manual.advance(Duration::from_secs(u64::from(u32::MAX)));
    assert!(probe.poll(sleep.as_mut()).is_pending());
    assert_eq!(made.load(Ordering::SeqCst), 0);

    // Never is no end: it can be moved to a time that comes.
    sleep.reset(manual.now() + SECOND);
    assert!(probe.poll(sleep.as_mut()).is_pending());
    manual.advance(SECOND);
    assert!(probe.poll(sleep.as_mut()).is_ready());
}

#[test]
fn r20_a_timer_that_is_moved_to_never_does_not_complete() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let probe = Probe::new();
    let mut sleep = pin!(runtime.sleep(SECOND));
    assert!(probe.poll(sleep.as_mut()).is_pending());
    sleep.reset(None);
    assert!(probe.poll(sleep.as_mut()).is_pending());
    manual.advance(2 * SECOND);
    assert!(probe.poll(sleep.as_mut()).is_pending());
}

#[test]
fn r20_a_time_that_is_past_completes_at_once_without_a_timer() {
    let manual = ManualRuntime::new();
    let (runtime, made, _) = counting(&manual);
    let start = runtime.now();
    manual.advance(SECOND);
    for at in [start, manual.now()] {
        assert!(Probe::new().poll(pin!(runtime.sleep_until(at))).is_ready());
    }
    assert_eq!(made.load(Ordering::SeqCst), 0);
}

#[test]
fn r44_a_complete_sleep_stays_complete_until_it_is_reset() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let probe = Probe::new();
    let mut sleep = pin!(runtime.sleep(SECOND));
    assert!(probe.poll(sleep.as_mut()).is_pending());
    manual.advance(SECOND);
    assert!(!sleep.is_complete());
    assert!(probe.poll(sleep.as_mut()).is_ready());
    assert!(probe.poll(sleep.as_mut()).is_ready());
    assert!(sleep.is_complete());

    sleep.reset(manual.now() + SECOND);
    assert!(!sleep.is_complete());
    assert!(probe.poll(sleep.as_mut()).is_pending());
    manual.advance(SECOND);
    assert!(probe.poll(sleep.as_mut()).is_ready());
}

#[test]
fn r17_a_timeout_prefers_a_value_to_a_time_that_is_up() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let probe = Probe::new();
    let (done, mut value) = (AtomicBool::new(false), None);
    let future = future::poll_fn(|_| {
        if done.load(Ordering::SeqCst) {
            Poll::Ready(7)
        } else {
            Poll::Pending
        }
    });
    let mut timeout = pin!(runtime.timeout(SECOND, future));
    assert!(probe.poll(timeout.as_mut()).is_pending());
    manual.advance(SECOND);
    done.store(true, Ordering::SeqCst);
    if let Poll::Ready(ready) = probe.poll(timeout.as_mut()) {
        value = Some(ready);
    }
    assert!(matches!(value, Some(Ok(7))));
}

#[test]
fn r17_a_timeout_of_zero_still_polls_the_future_once() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let value = manual.block_on(runtime.timeout(Duration::ZERO, async { 7 }));
    assert!(matches!(value, Ok(7)));
    let elapsed = manual.block_on(runtime.timeout(Duration::ZERO, future::pending::<()>()));
    let limit = Duration::ZERO;
    assert_eq!(elapsed.unwrap_err().reason(), &Reason::TimedOut { limit });
}

#[test]
fn r20_a_timeout_counts_from_its_construction_and_overflow_is_never() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let probe = Probe::new();
    let mut short = pin!(runtime.timeout(SECOND, future::pending::<()>()));
    let mut never = pin!(runtime.timeout(Duration::MAX, future::pending::<()>()));
    manual.advance(SECOND);
    assert!(probe.poll(short.as_mut()).is_ready());
    assert!(probe.poll(never.as_mut()).is_pending());
    manual.advance(Duration::from_secs(u64::from(u32::MAX)));
    assert!(probe.poll(never.as_mut()).is_pending());
}

#[test]
fn r20_an_elapsed_timeout_is_an_io_error_of_its_kind() {
    let manual = ManualRuntime::new();
    let elapsed: Cancelled = manual
        .block_on(manual.handle().timeout(SECOND, future::pending::<()>()))
        .unwrap_err();
    let text = elapsed.without_location().to_string();
    assert_eq!(text, "cancelled after 1 s: timed out (limit 1 s)");
    assert_eq!(io::Error::from(elapsed).kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_runtime_handle_and_its_futures_are_send_and_the_errors_are_errors() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    send::<cancelable_core::runtime::Sleep>();
    send::<cancelable_core::runtime::JoinHandle<u8>>();
    sync::<cancelable_core::runtime::JoinHandle<u8>>();
    send::<RuntimeHandle>();
    sync::<RuntimeHandle>();
    error::<JoinError>();
    error::<NoRuntime>();

    let manual = ManualRuntime::new();
    assert_eq!(
        format!("{:?}", manual.handle()),
        r#"RuntimeHandle("manual")"#
    );
    assert_eq!(
        NoRuntime::new("tokio").to_string(),
        "no tokio runtime on this thread; call this from a task of the runtime or inside `block_on`"
    );
}
