//! The two traits that an adapter implements: what a runtime supplies.

#[cfg(not(target_family = "wasm"))]
use super::DetachedThreads;
use super::{Job, Refused, Task};
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

/// The mechanism of a runtime.
///
/// Only adapters implement and call it; everyone else uses a [`RuntimeHandle`](super::RuntimeHandle),
/// which adds what every runtime has in common.
///
/// # Examples
///
/// ```
/// use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
/// use std::pin::Pin;
/// use std::time::Instant;
///
/// /// Runs blocking work at once, and nothing else.
/// struct Inline(Instant);
///
/// impl RuntimeAdapter for Inline {
///     fn name(&self) -> &'static str {
///         "inline"
///     }
///     fn now(&self) -> Instant {
///         self.0
///     }
///     fn timer(&self, _at: Instant) -> Pin<Box<dyn Timer>> {
///         unimplemented!("this example has no timers")
///     }
///     fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
///         Err(Refused::new(task))
///     }
///     fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
///         job();
///         Ok(())
///     }
/// }
///
/// # #[allow(clippy::disallowed_methods)]
/// let runtime = RuntimeHandle::new(Inline(Instant::now()));
/// assert_eq!(runtime.name(), "inline");
/// assert!(runtime.spawn_blocking(|| 7).is_finished());
/// ```
pub trait RuntimeAdapter: Send + Sync + 'static {
    /// The runtime's name, for messages.
    fn name(&self) -> &'static str;

    /// The time on this runtime's clock, which never goes back and may stand still.
    ///
    /// It must be callable from any thread, also outside the runtime.
    fn now(&self) -> Instant;

    /// A timer that completes once [`now`](RuntimeAdapter::now) has reached `at`, and not before.
    ///
    /// It must be callable from any thread, also outside the runtime.
    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>>;

    /// Runs `task` to its end, with nobody waiting for it.
    ///
    /// # Errors
    ///
    /// A runtime that knows it is gone hands the task back. One that does not know drops it, which
    /// has the same effect on whoever joins.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>>;

    /// Runs `job` where it may block, with nobody waiting for it.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](RuntimeAdapter::spawn).
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>>;

    /// Runs `job`, which is a look: a call that asks the outside world something, may block, and may
    /// never return.
    ///
    /// What is asked of the place where looks run:
    ///
    /// - no look holds up the end of the runtime or of the program;
    /// - no look waits for work that is not a look;
    /// - a look that never returns takes no other's place.
    ///
    /// A runtime's place for blocking work is as a rule none of these. Unless a runtime has a place
    /// of its own, looks run on [`DetachedThreads`] of the process. A runtime whose order of events is
    /// part of what it promises says otherwise: [`ManualRuntime`](crate::testing::ManualRuntime)
    /// runs looks as steps.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](RuntimeAdapter::spawn).
    fn spawn_probe(&self, job: Job) -> Result<(), Refused<Job>> {
        #[cfg(not(target_family = "wasm"))]
        return DetachedThreads::for_probes().run(job);
        // There is no thread for it.
        #[cfg(target_family = "wasm")]
        Err(Refused::new(job))
    }
}

/// A timer of a runtime: one registration with its clock, which is moved and not made again.
///
/// Polled after it completed it need not wake again until it was reset; [`Sleep`](super::Sleep)
/// does not do that.
pub trait Timer: Future<Output = ()> + Send {
    /// Moves the timer to `at`, earlier or later, also after it completed.
    ///
    /// Whoever resets polls afterwards; an implementation need not keep the last waker.
    fn reset(self: Pin<&mut Self>, at: Instant);

    /// Forgets the task that it would wake, because nobody waits for it any more. True if it is to
    /// be kept, for a [`reset`](Timer::reset) when the next timer is asked for.
    ///
    /// That is for a runtime that can move a timer for less than it can make one. A timer that is
    /// kept stays registered and may complete, with nobody to wake. Unless it says otherwise it is
    /// dropped.
    fn retire(self: Pin<&mut Self>) -> bool {
        false
    }
}
