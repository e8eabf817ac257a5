//! A runtime that runs on the test's thread, with a clock that is moved by hand.
//!
//! A test of a three second limit should neither take three seconds nor depend on how busy the
//! machine is. Here time passes only when the test says so, or when nothing else is left to do, and
//! everything happens in one order that is the same at every run.

use super::Hold;
use super::machine::Machine;
use super::manual_timer::ManualTimer;
use crate::runtime::{Job, Refused, Runtime, RuntimeHandle, Task, Timer};
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
/// [`Sleep`](crate::runtime::Sleep). The clock starts at a real point in time and moves by hand
/// only.
///
/// Blocking work and looks run as steps of the executor on the driving thread, which keeps the order
/// deterministic. Work that waits for something else in the test to happen would wait for ever
/// there: for such work use [`with_threads`](ManualRuntime::with_threads).
///
/// Dropping it shuts it down; handles that are left then refuse work.
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
    machine: Arc<Machine>,
    handle: RuntimeHandle,
}

impl ManualRuntime {
    /// A runtime whose blocking work runs as a step of the executor.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Machine::new(false))
    }

    /// A runtime whose blocking work runs on threads of its own.
    ///
    /// While such work runs, [`block_on`](ManualRuntime::block_on) waits for it and does not move
    /// the time; [`advance`](ManualRuntime::advance) does.
    #[must_use]
    pub fn with_threads() -> Self {
        Self::over(Machine::new(true))
    }

    fn over(machine: Arc<Machine>) -> Self {
        let handle = RuntimeHandle::new(Mechanism {
            machine: Arc::clone(&machine),
        });
        Self { machine, handle }
    }

    /// The handle to give to the code under test.
    #[must_use]
    pub fn handle(&self) -> RuntimeHandle {
        self.handle.clone()
    }

    /// The time on its clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.machine.state.lock().now
    }

    /// Runs what is ready, then moves the time by `by`: timer by timer, with everything that one
    /// wakes run until idle before the time moves on to the next.
    ///
    /// From inside a task it moves the time and wakes, and what is woken runs afterwards. A time
    /// that the clock cannot express fires every timer there is and leaves the clock at the last.
    pub fn advance(&self, by: Duration) {
        let target = self.now().checked_add(by);
        self.run_until_idle();
        while self.machine.fire_next(target) {
            self.run_until_idle();
        }
        if let Some(target) = target {
            let mut state = self.machine.state.lock();
            state.now = state.now.max(target);
        }
    }

    /// Runs tasks and jobs until none is ready; the time stands still.
    ///
    /// From inside a task it does nothing, because the task is itself run by whoever drives.
    pub fn run_until_idle(&self) {
        let Some(driver) = self.machine.drive() else {
            return;
        };
        while let Some(step) = driver.next() {
            driver.run(step);
        }
    }

    /// Runs `future`, and beside it all tasks, until it completes.
    ///
    /// Whenever nothing is ready, the time moves to the next timer.
    ///
    /// # Panics
    ///
    /// If nothing is ready, no timer is left and nothing [holds](ManualRuntime::hold) the time: the
    /// future could not complete any more. Also if it is called from inside a task of this runtime,
    /// or while another thread drives it.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let value = self.drive(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => ControlFlow::Break(value),
            Poll::Pending => ControlFlow::Continue(()),
        });
        value.unwrap_or_else(|| self.give_up())
    }

    /// Runs all tasks, and calls `root` at first and whenever the waker that it gets is woken, until
    /// it breaks. `None` if nothing can wake it any more.
    pub(super) fn drive<B>(
        &self,
        mut root: impl FnMut(&mut Context<'_>) -> ControlFlow<B>,
    ) -> Option<B> {
        let Some(driver) = self.machine.drive() else {
            panic!(
                "this manual runtime is driven already; await the future instead of blocking on it"
            );
        };
        let (id, waker) = self.machine.add_root();
        let _leave = LeaveRoot {
            machine: &self.machine,
            root: id,
        };
        let mut cx = Context::from_waker(&waker);
        // Ends with a break, or when nothing is left: every turn runs a step that was woken, waits
        // for one, or uses up a timer.
        loop {
            while let Some(step) = driver.next() {
                if !step.is(id) {
                    driver.run(step);
                } else if let ControlFlow::Break(value) = root(&mut cx) {
                    return Some(value);
                }
            }
            self.machine.wait_for_threads();
            if self.machine.is_idle() && !self.machine.fire_next(None) {
                return None;
            }
        }
    }

    /// Says that another thread is going to wake something: as long as the hold lives, `block_on`
    /// waits for that where it would otherwise move the time or panic.
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
    /// let hold = manual.hold();
    /// let other = thread::spawn({
    ///     let token = token.clone();
    ///     move || {
    ///         token.cancel();
    ///         drop(hold);
    ///     }
    /// });
    /// // Without the hold, the limit might be over before the thread has started.
    /// let limit = Duration::from_secs(1);
    /// assert_eq!(manual.block_on(manual.handle().timeout(limit, token.cancelled())), Ok(()));
    /// # other.join().unwrap();
    /// ```
    pub fn hold(&self) -> Hold {
        self.machine.hold()
    }

    /// How many timers are waiting for the time to move.
    #[must_use]
    pub fn pending_timers(&self) -> usize {
        self.machine.state.lock().timers.len()
    }

    /// How many tasks and jobs have not ended, those on threads not counted.
    #[must_use]
    pub fn live_tasks(&self) -> usize {
        self.machine.live()
    }

    /// Drops all tasks and refuses new ones, as a runtime does that goes away under its users.
    ///
    /// Whoever joins such a task is told that it was lost. Timers never fire any more by themselves.
    pub fn shut_down(&self) {
        self.machine.shut_down();
    }

    /// Wakes `waker` when the time reaches `at`, before any timer of that time that is made later.
    pub(super) fn alarm(&self, at: Instant, waker: Waker) {
        let mut state = self.machine.state.lock();
        let key = (at, state.new_id());
        state.timers.insert(key, Some(waker));
    }

    fn give_up(&self) -> ! {
        panic!(
            "nothing can wake this future: no task is ready and no timer is pending ({} tasks live); \
             if another thread is to wake it, keep a `ManualRuntime::hold()` until then",
            self.live_tasks()
        );
    }
}

impl Default for ManualRuntime {
    fn default() -> Self {
        Self::new()
    }
}

/// Tasks hold handles and handles hold the machine that holds the tasks: this ends the circle.
impl Drop for ManualRuntime {
    fn drop(&mut self) {
        self.machine.shut_down();
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

/// Removes the root also when its future panics.
struct LeaveRoot<'a> {
    machine: &'a Machine,
    root: u64,
}

impl Drop for LeaveRoot<'_> {
    fn drop(&mut self) {
        self.machine.remove_root(self.root);
    }
}

/// The machine as a runtime.
struct Mechanism {
    machine: Arc<Machine>,
}

impl Runtime for Mechanism {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn now(&self) -> Instant {
        self.machine.state.lock().now
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(ManualTimer::new(Arc::clone(&self.machine), at))
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        self.machine.add(task).map_err(Refused::new)
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        self.machine.add_job(job).map_err(Refused::new)
    }

    /// As blocking work, so that a look has its place in the order of steps.
    fn spawn_look(&self, job: Job) -> Result<(), Refused<Job>> {
        self.machine.add_job(job).map_err(Refused::new)
    }
}
