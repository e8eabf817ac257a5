//! The handle to a runtime that everything in this crate takes.

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

/// A runtime, whichever it is: the time, timers, and places to run work.
///
/// An adapter's `current()` gives one. It is cheap to clone and may be used from any thread.
#[derive(Clone)]
pub struct RuntimeHandle {
    shared: Arc<Shared<dyn RuntimeAdapter>>,
}

/// What all handles to one mechanism share.
struct Shared<R: ?Sized> {
    spare: SpareTimers,
    runtime: R,
}

impl RuntimeHandle {
    /// Wraps the mechanism of a runtime.
    pub fn new(runtime: impl RuntimeAdapter) -> Self {
        let shared = Shared {
            spare: SpareTimers::default(),
            runtime,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The runtime's name, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.shared.runtime.name()
    }

    /// Whether both are handles to one mechanism.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.shared), Arc::as_ptr(&other.shared))
    }

    /// Whether its clock is the system's. One that reads between two looks at that is.
    pub(crate) fn keeps_systems_time(&self) -> bool {
        let before = clock::now();
        let now = self.now();
        before <= now && now <= clock::now()
    }

    /// The time on the runtime's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared.runtime.now()
    }

    /// The time, unless the clock panics: that ends here, and is logged.
    pub(crate) fn read_clock(&self) -> Option<Instant> {
        let mut now = None;
        isolate("the clock of a runtime", || now = Some(self.now()));
        now
    }

    /// The point in time that is `after` from now; `None`, which is never, if the clock cannot
    /// express it.
    #[must_use]
    pub fn deadline(&self, after: Duration) -> Option<Instant> {
        self.now().checked_add(after)
    }

    /// A timer of the runtime that stands at `at`.
    pub(crate) fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        let spare = self.shared.spare.take(at);
        spare.unwrap_or_else(|| self.shared.runtime.timer(at))
    }

    /// Takes back a timer that has no more use for whoever had it.
    pub(crate) fn retire(&self, timer: Pin<Box<dyn Timer>>) {
        // A timer kept behind the only handle would be of use to nobody.
        isolate("a timer of a runtime", || {
            if Arc::strong_count(&self.shared) > 1 {
                self.shared.spare.keep(timer);
            }
        });
    }

    /// Starts `future` as a task of its own on the runtime.
    ///
    /// The task belongs to nobody: it runs to its end whether or not the handle is kept.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (completion, handle) = Completion::new(self.name());
        self.start(Box::pin(Supervised::new(future, completion)));
        handle
    }

    /// Starts a task that reports its own end, also when it is dropped before that.
    pub(crate) fn start(&self, task: Task) {
        if let Err(refused) = self.shared.runtime.spawn(task) {
            // Dropping the task reports it as lost to the log and to the handle.
            drop(refused.into_inner());
        }
    }

    /// [`start`](Self::start) for blocking work.
    pub(crate) fn start_blocking(&self, job: Job) {
        if let Err(refused) = self.shared.runtime.spawn_blocking(job) {
            // As above.
            drop(refused.into_inner());
        }
    }

    /// Starts `work` where it may block without holding up other tasks.
    ///
    /// Nothing can stop it from outside: hand it a token and let it look.
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

    /// Starts `look`, a call that asks the outside world something and may never return: whether a
    /// file is there, how full a disk is.
    ///
    /// For sources. No end of a runtime or of a program waits for a look, no look waits for other
    /// blocking work, and one that hangs takes no other's place. For work that is to be done and not
    /// only asked there is [`spawn_blocking`](Self::spawn_blocking).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::RuntimeHandle;
    ///
    /// async fn is_mounted(runtime: &RuntimeHandle) -> bool {
    ///     // A disk of a network may answer never.
    ///     let look = runtime.spawn_probe(|| std::path::Path::new("/mnt/archive").exists());
    ///     look.await.unwrap_or(false)
    /// }
    /// ```
    pub fn spawn_probe<T, W>(&self, look: W) -> JoinHandle<T>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (completion, handle) = Completion::new(self.name());
        let job = SupervisedJob::new(look, completion);
        if let Err(refused) = self.shared.runtime.spawn_probe(Box::new(move || job.run())) {
            // As above: dropping it reports it as lost.
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

// A handle only calls the mechanism, which is shared by threads that may panic in any case.
impl<R: ?Sized> std::panic::UnwindSafe for Shared<R> {}
impl<R: ?Sized> std::panic::RefUnwindSafe for Shared<R> {}
