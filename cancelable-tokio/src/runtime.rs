//! Tokio as a runtime of the core.

use crate::clock;
use crate::timer::TokioTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{self, DetachedThreads, Job, NoRuntime, Refused, Task, Timer};
use std::pin::Pin;
use std::time::Instant;
use tokio::runtime::{Handle, RuntimeFlavor};

/// The runtime that this thread is in.
///
/// # Errors
///
/// There is none: the thread neither runs a task of a runtime, nor blocking work of one, nor is it
/// below [`block_on`](crate::block_on).
pub fn current() -> Result<RuntimeHandle, NoRuntime> {
    Runtime::current().map(RuntimeHandle::new)
}

/// A runtime, as the mechanism that [`RuntimeHandle`] is made of.
///
/// Its timers need a Tokio runtime that was built with its time enabled.
#[derive(Clone, Debug)]
pub struct Runtime {
    handle: Handle,
}

impl Runtime {
    /// The runtime that this thread is in.
    ///
    /// # Errors
    ///
    /// As for [`current`].
    pub fn current() -> Result<Self, NoRuntime> {
        let handle = Handle::try_current().map_err(|_| NoRuntime::new("tokio"))?;
        Ok(Self { handle })
    }

    /// Tokio lets only a runtime of one thread do that, and only in some builds.
    fn can_pause_its_clock(&self) -> bool {
        clock::MAY_BE_PAUSED && self.handle.runtime_flavor() != RuntimeFlavor::MultiThread
    }

    /// Whether its clock is, or was, paused: it does not read what the system's does.
    #[allow(
        clippy::disallowed_methods,
        reason = "it is the system's clock that is compared with"
    )]
    fn has_tests_clock(&self) -> bool {
        if !self.can_pause_its_clock() {
            return false;
        }
        let before = Instant::now();
        let now = runtime::Runtime::now(self);
        now < before || Instant::now() < now
    }
}

impl runtime::Runtime for Runtime {
    fn name(&self) -> &'static str {
        "tokio"
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a clock that can't be paused is the system's"
    )]
    fn now(&self) -> Instant {
        // To enter a runtime costs as much as to read the clock.
        if !self.can_pause_its_clock() {
            return Instant::now();
        }
        // Entered because Tokio's clock belongs to a runtime, and this may be called outside it.
        let _inside = self.handle.enter();
        tokio::time::Instant::now().into_std()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        let _inside = self.handle.enter();
        Box::pin(TokioTimer::new(at, !self.can_pause_its_clock()))
    }

    /// Never refuses: a Tokio runtime that is gone drops the task, which counts as its loss.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        // Tokio's handle is not used, and detaches when it is dropped.
        drop(self.handle.spawn(task));
        Ok(())
    }

    /// As for `spawn`.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        drop(self.handle.spawn_blocking(job));
        Ok(())
    }

    /// On a thread that is not Tokio's, since Tokio waits for its own where a runtime ends; and inside the
    /// runtime, as blocking work is. Under a clock that a test has paused a look is blocking work of
    /// Tokio's all the same: that alone keeps the clock from moving on while the look is under way.
    fn spawn_look(&self, job: Job) -> Result<(), Refused<Job>> {
        if self.has_tests_clock() {
            return self.spawn_blocking(job);
        }
        let handle = self.handle.clone();
        let inside = move || {
            let _inside = handle.enter();
            job();
        };
        DetachedThreads::for_looks().run(Box::new(inside))
    }
}
