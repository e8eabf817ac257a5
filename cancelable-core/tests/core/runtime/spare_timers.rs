//! Spare timers: a runtime may keep a timer, and the next run that needs a timer takes it.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::Scope;
use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Sleep, Task, Timer};
use cancelable_core::testing::ManualRuntime;
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

const MILLI: Duration = Duration::from_millis(1);

/// A manual runtime whose timers are kept, with a count of those that were made and of their moves.
struct Keeping {
    inner: RuntimeHandle,
    made: Arc<AtomicUsize>,
    moved: Arc<AtomicUsize>,
    kept: Arc<AtomicUsize>,
}

struct KeptTimer {
    sleep: Sleep,
    moved: Arc<AtomicUsize>,
    kept: Arc<AtomicUsize>,
}

impl Future for KeptTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.sleep.is_complete(), "polled after it has rung");
        Pin::new(&mut self.sleep).poll(cx)
    }
}

impl Timer for KeptTimer {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.moved.fetch_add(1, Ordering::SeqCst);
        self.sleep.reset(at);
    }

    fn retire(mut self: Pin<&mut Self>) -> bool {
        self.kept.fetch_add(1, Ordering::SeqCst);
        let mut nobody = Context::from_waker(Waker::noop());
        !self.sleep.is_complete() && Pin::new(&mut self.sleep).poll(&mut nobody).is_pending()
    }
}

impl RuntimeAdapter for Keeping {
    fn name(&self) -> &'static str {
        "keeping"
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        self.made.fetch_add(1, Ordering::SeqCst);
        Box::pin(KeptTimer {
            sleep: self.inner.sleep_until(at),
            moved: Arc::clone(&self.moved),
            kept: Arc::clone(&self.kept),
        })
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        Err(Refused::new(task))
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        Err(Refused::new(job))
    }
}

struct Clock {
    manual: ManualRuntime,
    made: Arc<AtomicUsize>,
    moved: Arc<AtomicUsize>,
    kept: Arc<AtomicUsize>,
    probe: Probe,
}

impl Clock {
    fn new() -> Self {
        Self {
            manual: ManualRuntime::new(),
            made: Arc::default(),
            moved: Arc::default(),
            kept: Arc::default(),
            probe: Probe::new(),
        }
    }

    fn handle(&self) -> RuntimeHandle {
        RuntimeHandle::new(Keeping {
            inner: self.manual.handle(),
            made: Arc::clone(&self.made),
            moved: Arc::clone(&self.moved),
            kept: Arc::clone(&self.kept),
        })
    }

    /// Returns the number of timers that were made, and the number of moves.
    fn counts(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.made), count(&self.moved))
    }

    /// Runs a scope that waits once.
    fn run_once(&self, runtime: &RuntimeHandle, limit: Duration) {
        let waited = Cell::new(false);
        let scope = limited(runtime, limit);
        let mut run = pin!(scope.run(|_| poll_fn(|_| match waited.replace(true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })));
        assert!(self.probe.poll(run.as_mut()).is_pending());
        assert!(self.probe.poll(run.as_mut()).is_ready());
    }
}

fn limited(runtime: &RuntimeHandle, limit: Duration) -> Scope {
    let scope = Scope::builder("limited").runtime(runtime).timeout(limit);
    scope.build().expect("it has a runtime")
}

#[test]
fn r20_one_timer_serves_one_run_after_the_other() {
    let clock = Clock::new();
    let runtime = clock.handle();
    for _ in 0..100 {
        clock.run_once(&runtime, SECOND);
    }
    assert_eq!(clock.counts(), (1, 99), "moved for each run but the first");
}

#[test]
fn r20_a_spare_timer_is_moved_to_the_deadline_of_its_next_run() {
    let clock = Clock::new();
    let runtime = clock.handle();
    clock.run_once(&runtime, SECOND);
    clock.manual.advance(11 * MILLI);
    clock.run_once(&runtime, SECOND);
    assert_eq!(clock.counts(), (1, 1));
    // It rings with nobody to wake, and is as good as another.
    clock.manual.advance(2 * SECOND);
    assert_eq!(clock.probe.wakes(), 0);
    let scope = limited(&runtime, MILLI);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(clock.probe.poll(run.as_mut()).is_pending());
    clock.manual.advance(MILLI);
    assert!(clock.probe.poll(run.as_mut()).is_ready());
    assert_eq!(clock.counts(), (1, 2));
}

#[test]
fn r20_a_timer_that_rang_where_it_lay_serves_a_limit_that_is_as_short() {
    let clock = Clock::new();
    let runtime = clock.handle();
    clock.run_once(&runtime, 4 * MILLI);
    clock.manual.advance(5 * MILLI);
    let scope = limited(&runtime, 4 * MILLI);
    let mut run = pin!(scope.run(|_| pending::<()>()));
    assert!(clock.probe.poll(run.as_mut()).is_pending());
    assert_eq!(
        clock.counts(),
        (1, 1),
        "it was past, and is moved before it is waited for"
    );
    clock.manual.advance(4 * MILLI);
    assert!(clock.probe.poll(run.as_mut()).is_ready());
}

#[test]
fn r20_a_sleep_has_a_timer_that_stands_exactly() {
    let clock = Clock::new();
    let runtime = clock.handle();
    clock.run_once(&runtime, SECOND);
    clock.manual.advance(5 * MILLI);
    let mut sleep = runtime.sleep(SECOND);
    assert!(clock.probe.poll(Pin::new(&mut sleep)).is_pending());
    assert_eq!(clock.counts(), (1, 1));
    clock.manual.advance(SECOND - 5 * MILLI);
    assert!(clock.probe.poll(Pin::new(&mut sleep)).is_pending());
    clock.manual.advance(5 * MILLI);
    assert!(clock.probe.poll(Pin::new(&mut sleep)).is_ready());
}

#[test]
fn r12_no_timer_is_kept_behind_a_handle_that_only_the_scope_has() {
    let clock = Clock::new();
    let runtime = clock.handle();
    let scope = limited(&runtime, SECOND);
    let mut run = Box::pin(scope.run(|_| pending::<()>()));
    assert!(clock.probe.poll(run.as_mut()).is_pending());
    drop(runtime);
    drop(run);
    assert_eq!(clock.kept.load(Ordering::SeqCst), 0);

    let runtime = clock.handle();
    clock.run_once(&runtime, SECOND);
    assert_eq!(
        clock.kept.load(Ordering::SeqCst),
        1,
        "the handle here may have a use for it"
    );
}

#[test]
fn r12_no_more_timers_are_kept_than_runs_end_before_others_begin() {
    let clock = Clock::new();
    let runtime = clock.handle();
    let mut runs: Vec<_> = (0..100)
        .map(|_| Box::pin(limited(&runtime, SECOND).run(|_| pending::<()>())))
        .collect();
    for run in &mut runs {
        assert!(clock.probe.poll(run.as_mut()).is_pending());
    }
    assert_eq!(clock.counts(), (100, 0));
    drop(runs);
    let mut runs: Vec<_> = (0..100)
        .map(|_| Box::pin(limited(&runtime, SECOND).run(|_| pending::<()>())))
        .collect();
    for run in &mut runs {
        assert!(clock.probe.poll(run.as_mut()).is_pending());
    }
    assert_eq!(clock.counts(), (136, 64), "64 of them were kept");
}
