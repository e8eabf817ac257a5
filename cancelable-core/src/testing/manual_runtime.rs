//! A runtime on the test's thread, with a clock that is moved by hand.
//!
//! A test of a three second limit should neither take three seconds nor depend on how busy the
//! machine is. Here time passes only when the test moves it, or when no step is ready, and
//! each run of a test has the same order of steps.

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

/// A deterministic, single-threaded runtime whose time is moved by hand.
///
/// Tasks run in the order in which they became ready. Timers fire in the order of their deadlines,
/// and those of one deadline in the order of their creation, which is the first poll of a
/// [`Sleep`](crate::runtime::Sleep). The clock starts at the real time and is moved only by hand.
///
/// Blocking work and looks run as steps of the executor on the driving thread, which keeps the order
/// deterministic. Blocking work that waits for another part of the test would never return there: use
/// [`with_threads`](ManualRuntime::with_threads) for it.
///
/// The drop shuts the runtime down. Its handles refuse work from then on.
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
    /// A runtime whose blocking work runs as a step of the executor.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Executor::new(false))
    }

    /// A runtime whose blocking work runs on threads of its own.
    ///
    /// While such work runs, [`block_on`](ManualRuntime::block_on) waits for it and does not move
    /// the time; [`advance`](ManualRuntime::advance) does.
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

    /// Runs the ready steps, then moves the time by `by`, timer by timer: the steps that a timer wakes run
    /// before the time moves on to the next timer.
    ///
    /// From inside a task it moves the time and wakes tasks, which run afterwards. A time that the clock
    /// cannot express fires all timers and leaves the clock at the last.
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

    /// Runs tasks and jobs until none is ready. The time stands still.
    ///
    /// From inside a task it does nothing, because the driving thread is running that task.
    pub fn run_until_idle(&self) {
        let Some(driver) = self.executor.drive() else {
            return;
        };
        while let Some(step) = driver.next() {
            driver.run(step);
        }
    }

    /// Runs `future` to completion, and all tasks beside it.
    ///
    /// Whenever nothing is ready, the time moves to the next timer.
    ///
    /// # Panics
    ///
    /// If no step is ready, no timer is left and there is no [hold](ManualRuntime::hold_time): the future could
    /// not complete any more. Also if it is called from inside a task of this runtime, or while another
    /// thread drives it.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let value = self.drive(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => ControlFlow::Break(value),
            Poll::Pending => ControlFlow::Continue(()),
        });
        value.unwrap_or_else(|| self.give_up())
    }

    /// Runs all tasks, and calls `root` at first and whenever its waker is woken, until `root` breaks.
    /// Returns `None` if nothing can wake it any more.
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
        // Ends with a break, or when nothing is left: each turn runs a woken step, waits for one, or uses
        // up a timer.
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

    /// Returns a hold for another thread that is going to wake a task: while the hold lives, `block_on`
    /// waits for that thread where it would otherwise move the time or panic.
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
    /// let hold = manual.hold_time();
    /// let other = thread::spawn({
    ///     let token = token.clone();
    ///     move || {
    ///         token.cancel();
    ///         drop(hold);
    ///     }
    /// });
    /// // Without the hold, the limit might be over before the thread has started.
    /// let limit = Duration::from_secs(1);
    /// assert!(manual.block_on(manual.handle().timeout(limit, token.cancelled())).is_ok());
    /// # other.join().unwrap();
    /// ```
    pub fn hold_time(&self) -> TimeGuard {
        self.executor.hold_time()
    }

    /// Returns how many timers have not fired.
    #[must_use]
    pub fn pending_timers(&self) -> usize {
        self.executor.state.lock().timers.len()
    }

    /// Returns how many tasks and jobs have not ended, without jobs on threads of their own.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.executor.live()
    }

    /// Drops all tasks and refuses new ones, as a runtime does that is shut down while it is used.
    ///
    /// A join of a dropped task fails. Timers fire only where the time is still moved by hand.
    pub fn shut_down(&self) {
        self.executor.shut_down();
    }

    /// Wakes `waker` when the time reaches `at`, before the timers of that time that are made later.
    pub(super) fn alarm(&self, at: Instant, waker: Waker) {
        let mut state = self.executor.state.lock();
        let key = (at, state.new_id());
        state.timers.insert(key, Some(waker));
    }

    fn give_up(&self) -> ! {
        panic!(
            "nothing can wake this future: no task is ready and no timer is pending ({} tasks live); \
             if another thread is to wake it, keep a `ManualRuntime::hold_time()` until then",
            self.live_tasks()
        );
    }
}

impl Default for ManualRuntime {
    fn default() -> Self {
        Self::new()
    }
}

/// Breaks the reference cycle: tasks hold handles, handles hold the executor, and that holds the tasks.
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

/// The executor behind the core's trait.
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

    /// As blocking work, so that a look has its place in the order of steps.
    fn spawn_probe(&self, job: Job) -> Result<(), Refused<Job>> {
        self.executor.add_job(job).map_err(Refused::new)
    }
}
