//! A runtime on the thread of the test, with a clock that the test moves.
//!
//! A test of a limit of three seconds should not take three seconds, and should not depend on the load of the machine.
//! On this runtime, time passes only when the test moves it, or when no step is ready. Each run of a test has the same
//! order of steps.

use super::executor::{Executor, TimeGuard};
use super::manual_timer::ManualTimer;
use crate::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A deterministic, single-threaded runtime whose time the test moves.
///
/// Tasks run in the order in which they became ready. Timers fire in the order of their deadlines; timers with the same
/// deadline fire in the order of their creation, which is the first poll of a [`Sleep`](crate::runtime::Sleep). The clock
/// starts at the real time.
///
/// Blocking work and probes run as steps of the executor on the driving thread, so that the order is deterministic.
/// Blocking work that waits for another part of the test never returns on that thread: use
/// [`with_threads`](ManualRuntime::with_threads) for such work.
///
/// The drop shuts the runtime down. Then its handles refuse work.
///
/// # Examples
///
/// ```
/// use cancelable_core::testing::ManualRuntime;
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let runtime = manual.handle();
/// let task = runtime.spawn({
///     let runtime = runtime.clone();
///     async move { runtime.sleep(Duration::from_secs(3600)).await }
/// });
///
/// manual.advance(Duration::from_secs(3599));
/// assert!(!task.is_finished());
/// manual.advance(Duration::from_secs(1));
/// assert!(task.is_finished());
/// ```
pub struct ManualRuntime {
    executor: Arc<Executor>,
    handle: RuntimeHandle,
}

impl ManualRuntime {
    /// Returns a runtime whose blocking work runs as a step of the executor.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Executor::new(false))
    }

    /// Returns a runtime whose blocking work runs on threads.
    ///
    /// While such work runs, [`block_on`](ManualRuntime::block_on) waits for the work and does not move the time.
    /// [`advance`](ManualRuntime::advance) moves the time even then.
    #[must_use]
    pub fn with_threads() -> Self {
        Self::over(Executor::new(true))
    }

    fn over(executor: Arc<Executor>) -> Self {
        let handle = RuntimeHandle::new(Mechanism {
            executor: Arc::clone(&executor),
        });
        Self { executor, handle }
    }

    /// Returns the handle for the code under test.
    #[must_use]
    pub fn handle(&self) -> RuntimeHandle {
        self.handle.clone()
    }

    /// Returns the time on the clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.executor.state.lock().now
    }

    /// Runs the ready steps, and then moves the time by `by`, timer by timer. The steps that a timer wakes run before the
    /// time moves to the next timer.
    ///
    /// Inside a task this moves the time and wakes tasks, which run afterwards. A time that the clock cannot express
    /// fires all timers, and leaves the clock at the last timer.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::testing::ManualRuntime;
    /// use std::time::Duration;
    ///
    /// let manual = ManualRuntime::new();
    /// let start = manual.now();
    /// manual.advance(Duration::from_secs(3));
    /// assert_eq!(manual.now() - start, Duration::from_secs(3));
    /// ```
    pub fn advance(&self, by: Duration) {
        let target = self.now().checked_add(by);
        self.run_until_idle();
        while self.executor.fire_next(target) {
            self.run_until_idle();
        }
        if let Some(target) = target {
            let mut state = self.executor.state.lock();
            state.now = state.now.max(target);
        }
    }

    /// Runs tasks and jobs until none is ready. The time does not move.
    ///
    /// Inside a task this does nothing, because the driving thread runs that task.
    pub fn run_until_idle(&self) {
        let Some(driver) = self.executor.drive() else {
            return;
        };
        while let Some(step) = driver.next() {
            driver.run(step);
        }
    }

    /// Runs `future` to completion, and all tasks at the same time.
    ///
    /// Whenever no step is ready, the time moves to the next timer.
    ///
    /// # Panics
    ///
    /// If no step is ready, no timer is left and no guard [holds the time](ManualRuntime::hold_time), because the
    /// future cannot complete any more. Works also inside a task of this runtime, and while another thread drives
    /// the runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::testing::ManualRuntime;
    /// use std::time::Duration;
    ///
    /// let manual = ManualRuntime::new();
    /// let start = manual.now();
    /// // Takes no real time.
    /// manual.block_on(manual.handle().sleep(Duration::from_secs(3600)));
    /// assert_eq!(manual.now() - start, Duration::from_secs(3600));
    /// ```
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let value = self.drive(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => ControlFlow::Break(value),
            Poll::Pending => ControlFlow::Continue(()),
        });
        value.unwrap_or_else(|| self.panic_stuck())
    }

    /// Runs all tasks, and calls `root` first and whenever its waker is woken, until `root` breaks. Returns `None` if
    /// nothing can wake `root` any more.
    pub(super) fn drive<B>(
        &self,
        mut root: impl FnMut(&mut Context<'_>) -> ControlFlow<B>,
    ) -> Option<B> {
        let Some(driver) = self.executor.drive() else {
            panic!(
                "this manual runtime is driven already; await the future instead of blocking on it"
            );
        };
        let (id, waker) = self.executor.add_root();
        let _leave = LeaveRoot {
            executor: &self.executor,
            root: id,
        };
        let mut cx = Context::from_waker(&waker);
        // Ends with a break, or when nothing is left: each turn runs a woken step, waits for a step, or uses up a timer.
        loop {
            while let Some(step) = driver.next() {
                if !step.is(id) {
                    driver.run(step);
                } else if let ControlFlow::Break(value) = root(&mut cx) {
                    return Some(value);
                }
            }
            self.executor.wait_for_threads();
            if self.executor.is_idle() && !self.executor.fire_next(None) {
                return None;
            }
        }
    }

    /// Returns a guard that holds the time, for another thread that will wake a task. While the guard lives, `block_on`
    /// waits for that thread instead of moving the time or panicking.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::testing::ManualRuntime;
    /// use std::thread;
    /// use std::time::Duration;
    ///
    /// let manual = ManualRuntime::new();
    /// let token = CancellationToken::new();
    /// let guard = manual.hold_time();
    /// let other = thread::spawn({
    ///     let token = token.clone();
    ///     move || {
    ///         token.cancel();
    ///         drop(guard);
    ///     }
    /// });
    /// // Without the guard, the time might reach the limit before the thread has started.
    /// let limit = Duration::from_secs(1);
    /// assert!(manual.block_on(manual.handle().timeout(limit, token.cancelled())).is_ok());
    /// # assert!(other.join().is_ok());
    /// ```
    pub fn hold_time(&self) -> TimeGuard {
        self.executor.hold_time()
    }

    /// Returns the number of timers that have not fired.
    #[must_use]
    pub fn pending_timers(&self) -> usize {
        self.executor.state.lock().timers.len()
    }

    /// Returns the number of tasks and jobs that have not ended, without the jobs on threads.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.executor.live()
    }

    /// Drops all tasks and refuses new tasks, as a runtime that is shut down while in use.
    ///
    /// A join of a dropped task fails. Timers still fire when the test moves the time.
    pub fn shut_down(&self) {
        self.executor.shut_down();
    }

    /// Wakes `waker` when the time reaches `at`, before timers with the same deadline that are created later.
    pub(super) fn alarm(&self, at: Instant, waker: Waker) {
        let mut state = self.executor.state.lock();
        let key = (at, state.new_id());
        state.timers.insert(key, Some(waker));
    }

    fn panic_stuck(&self) -> ! {
        panic!(
            "nothing can wake this future: no task is ready and no timer is pending ({} tasks live); \
             if another thread wakes it, keep the guard of `ManualRuntime::hold_time()` until then",
            self.live_tasks()
        );
    }
}

impl Default for ManualRuntime {
    fn default() -> Self {
        Self::new()
    }
}

/// Breaks the reference cycle: tasks hold handles, handles hold the executor, and the executor holds the tasks.
impl Drop for ManualRuntime {
    fn drop(&mut self) {
        self.executor.shut_down();
    }
}

impl fmt::Debug for ManualRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualRuntime")
            .field("live_tasks", &self.live_tasks())
            .field("pending_timers", &self.pending_timers())
            .finish_non_exhaustive()
    }
}

/// Removes the root, also after a panic of its future.
struct LeaveRoot<'a> {
    executor: &'a Executor,
    root: u64,
}

impl Drop for LeaveRoot<'_> {
    fn drop(&mut self) {
        self.executor.remove_root(self.root);
    }
}

/// The executor as a [`RuntimeAdapter`].
struct Mechanism {
    executor: Arc<Executor>,
}

impl RuntimeAdapter for Mechanism {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn now(&self) -> Instant {
        self.executor.state.lock().now
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(ManualTimer::new(Arc::clone(&self.executor), at))
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        self.executor.add(task).map_err(Refused::new)
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        self.executor.add_job(job).map_err(Refused::new)
    }

    /// Runs the probe as blocking work, so that the probe has a place in the order of steps.
    fn spawn_probe(&self, job: Job) -> Result<(), Refused<Job>> {
        self.executor.add_job(job).map_err(Refused::new)
    }
}
