//! The two traits that an adapter implements.

#[cfg(not(target_family = "wasm"))]
use super::DetachedThreads;
use super::{Job, Refused, Task};
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

/// The mechanism of a runtime, for a [`RuntimeHandle`](super::RuntimeHandle). Only adapters implement this
/// trait.
///
/// All methods may be called on any thread, also outside the runtime.
///
/// # Examples
///
/// ```
/// use cancelable_core::runtime::{Job, Refused, RuntimeAdapter, RuntimeHandle, Task, Timer};
/// use std::pin::Pin;
/// use std::time::Instant;
///
/// /// Runs blocking work on the calling thread, and has no timers and no tasks.
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
///         unimplemented!("no timers")
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
    /// Returns the name of the runtime, for messages.
    fn name(&self) -> &'static str;

    /// Returns the time on the runtime's clock. The clock never goes back, and may be paused.
    fn now(&self) -> Instant;

    /// Returns a timer that completes once [`now`](RuntimeAdapter::now) has reached `at`, and not before.
    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>>;

    /// Runs `task` to its end, detached.
    ///
    /// # Errors
    ///
    /// The task, from a runtime that knows of its own shutdown. Other runtimes drop the task, and the join
    /// returns the same error.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>>;

    /// Runs `job` on a thread where it may block, detached.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](RuntimeAdapter::spawn).
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>>;

    /// Runs `job`, which is a probe: a blocking call that reads an outside state and may never return.
    ///
    /// The threads for probes fulfil three requirements:
    ///
    /// - The end of the runtime or of the program does not wait for a probe.
    /// - A probe does not wait for work that is not a probe.
    /// - A probe that never returns does not delay other probes.
    ///
    /// The threads for blocking work of most runtimes fulfil none of the three. So by default probes run on
    /// [`DetachedThreads`] of the process. A runtime that guarantees an order of events overrides this method:
    /// [`ManualRuntime`](crate::testing::ManualRuntime) runs probes as steps.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](RuntimeAdapter::spawn).
    fn spawn_probe(&self, job: Job) -> Result<(), Refused<Job>> {
        #[cfg(not(target_family = "wasm"))]
        return DetachedThreads::for_probes().run(job);
        // WebAssembly has no threads.
        #[cfg(target_family = "wasm")]
        Err(Refused::new(job))
    }
}

/// A timer of a runtime: one registration with the clock, which a reset moves. Only adapters implement this
/// trait.
///
/// After its completion a timer is not polled before the next reset.
///
/// # Examples
///
/// ```
/// use cancelable_core::runtime::{Sleep, Timer};
/// use std::future::Future;
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use std::time::Instant;
///
/// /// A timer of an adapter that takes its timers from another runtime.
/// struct Borrowed(Sleep);
///
/// impl Future for Borrowed {
///     type Output = ();
///
///     fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         Pin::new(&mut self.0).poll(cx)
///     }
/// }
///
/// impl Timer for Borrowed {
///     fn reset(mut self: Pin<&mut Self>, at: Instant) {
///         self.0.reset(at);
///     }
/// }
/// ```
pub trait Timer: Future<Output = ()> + Send {
    /// Moves the timer to `at`, earlier or later, also after its completion.
    ///
    /// A poll follows each reset, so an implementation need not keep the last waker.
    fn reset(self: Pin<&mut Self>, at: Instant);

    /// Drops the waker, because no task waits for the timer any more. Returns whether to keep the timer for a
    /// [`reset`](Timer::reset) when the next timer is needed; the default is false, which drops the timer.
    ///
    /// Worth it for a runtime that moves a timer at less cost than it makes one. A kept timer stays registered,
    /// and may complete without a wake.
    fn retire(self: Pin<&mut Self>) -> bool {
        false
    }
}
