//! The handle of a runtime.

use super::join::Completion;
use super::spare_timers::SpareTimers;
use super::supervised::{Supervised, SupervisedJob};
use super::{Job, JoinHandle, RuntimeAdapter, Task, Timer};
use crate::sync::{clock, isolate};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The handle of a runtime: its clock, its timers, and the start of tasks and blocking work; from an
/// adapter's `current()`.
///
/// The handle may be used on any thread, also outside the runtime. Cloning is one reference count.
///
/// # Examples
///
/// A library takes the handle and names no runtime:
///
/// ```
/// use cancelable_core::RuntimeHandle;
/// use std::time::Duration;
///
/// async fn retry(runtime: &RuntimeHandle, mut attempt: impl FnMut() -> bool) {
///     while !attempt() {
///         runtime.sleep(Duration::from_millis(1)).await;
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let mut attempts = 0..3;
///     retry(&rt::current()?, || attempts.next() == Some(2)).await;
/// #   Ok(())
/// })
/// # }
/// ```
#[derive(Clone)]
pub struct RuntimeHandle {
    shared: Arc<Shared<dyn RuntimeAdapter>>,
}

/// The shared state of all clones of a handle.
struct Shared<R: ?Sized> {
    spare: SpareTimers,
    runtime: R,
}

impl RuntimeHandle {
    /// Makes the handle of a runtime. An adapter calls this in its `current()`; see
    /// [`RuntimeAdapter`] for an example.
    pub fn new(runtime: impl RuntimeAdapter) -> Self {
        let shared = Shared {
            spare: SpareTimers::default(),
            runtime,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Returns the name of the runtime, for messages.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// assert_eq!(rt::current()?.name(), "tokio");
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.shared.runtime.name()
    }

    /// Returns whether one handle is a clone of the other.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.shared), Arc::as_ptr(&other.shared))
    }

    /// Returns whether the runtime's clock is the system's: whether its time is between two readings of the
    /// system's clock.
    pub(crate) fn keeps_systems_time(&self) -> bool {
        let before = clock::now();
        let now = self.now();
        before <= now && now <= clock::now()
    }

    /// Returns the time on the runtime's clock.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let runtime = rt::current()?;
    /// let start = runtime.now();
    /// // ... work ...
    /// println!("took {:?}", runtime.now() - start);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared.runtime.now()
    }

    /// Returns the time, or `None` if the clock panics. The panic is logged.
    pub(crate) fn read_clock(&self) -> Option<Instant> {
        let mut now = None;
        isolate("the clock of a runtime", || now = Some(self.now()));
        now
    }

    /// Returns the point in time that is `after` from now. `None`, which means never, if the clock cannot
    /// express that time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let runtime = rt::current()?;
    /// assert!(runtime.deadline(Duration::from_secs(3)).is_some());
    /// assert_eq!(runtime.deadline(Duration::MAX), None);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn deadline(&self, after: Duration) -> Option<Instant> {
        self.now().checked_add(after)
    }

    /// Returns a timer of the runtime that is due at `at`.
    pub(crate) fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        let spare = self.shared.spare.take(at);
        spare.unwrap_or_else(|| self.shared.runtime.timer(at))
    }

    /// Keeps a timer for the next [`timer`](Self::timer), or drops it.
    pub(crate) fn retire(&self, timer: Pin<Box<dyn Timer>>) {
        // No later call would use a timer that the last handle keeps.
        isolate("a timer of a runtime", || {
            if Arc::strong_count(&self.shared) > 1 {
                self.shared.spare.keep(timer);
            }
        });
    }

    /// Starts `future` as a task of the runtime.
    ///
    /// The task runs to its end, also after the drop of the handle. [`Scope::spawn`](crate::Scope::spawn)
    /// starts a task that its scope cancels and joins.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let task = rt::current()?.spawn(async { "done" });
    /// assert_eq!(task.await?, "done");
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (completion, handle) = Completion::new(self.name());
        self.start(Box::pin(Supervised::new(future, completion)));
        handle
    }

    /// Starts a task that reports its own end, also if it is dropped before its end.
    pub(crate) fn start(&self, task: Task) {
        if let Err(refused) = self.shared.runtime.spawn(task) {
            // The drop reports the task as lost, to the log and to the handle.
            drop(refused.into_inner());
        }
    }

    /// Starts blocking work that reports its own end, also if it is dropped before its end.
    pub(crate) fn start_blocking(&self, job: Job) {
        if let Err(refused) = self.shared.runtime.spawn_blocking(job) {
            // The drop reports the job as lost.
            drop(refused.into_inner());
        }
    }

    /// Starts `work` on a thread where it may block without delay for tasks.
    ///
    /// A cancel cannot stop the thread, so give `work` a token to check.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let token = CancellationToken::new();
    /// let checked = token.clone();
    /// let count = rt::current()?.spawn_blocking(move || {
    ///     (0_u64..).take_while(|_| checked.check().is_ok()).count()
    /// });
    /// token.cancel();
    /// println!("{} numbers", count.await?);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn spawn_blocking<T, W>(&self, work: W) -> JoinHandle<T>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (completion, handle) = Completion::new(self.name());
        let job = SupervisedJob::new(work, completion);
        self.start_blocking(Box::new(move || job.run()));
        handle
    }

    /// Starts `probe`, a blocking call that reads an outside state and may never return: whether a file exists,
    /// how full a disk is.
    ///
    /// Sources evaluate their blocking conditions by probes. The end of the runtime or of the program does not
    /// wait for a probe, a probe does not wait for other blocking work, and a probe that hangs does not delay
    /// other probes. Work with an effect belongs in [`spawn_blocking`](Self::spawn_blocking).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::RuntimeHandle;
    /// use std::path::Path;
    ///
    /// async fn is_mounted(runtime: &RuntimeHandle) -> bool {
    ///     // A network disk may never answer.
    ///     let probe = runtime.spawn_probe(|| Path::new("/mnt/archive").exists());
    ///     probe.await.unwrap_or(false)
    /// }
    /// ```
    pub fn spawn_probe<T, W>(&self, probe: W) -> JoinHandle<T>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (completion, handle) = Completion::new(self.name());
        let job = SupervisedJob::new(probe, completion);
        if let Err(refused) = self.shared.runtime.spawn_probe(Box::new(move || job.run())) {
            // The drop reports the probe as lost.
            drop(refused.into_inner());
        }
        handle
    }
}

impl fmt::Debug for RuntimeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RuntimeHandle").field(&self.name()).finish()
    }
}

// A handle only calls the adapter. Threads share the adapter, and each of them may panic, with or without a handle.
impl<R: ?Sized> std::panic::UnwindSafe for Shared<R> {}
impl<R: ?Sized> std::panic::RefUnwindSafe for Shared<R> {}
