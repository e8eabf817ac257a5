//! Tokio as a runtime of the core.

use crate::clock;
use crate::timer::TokioTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{self, Job, NoRuntime, Refused, Task, Timer};
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
}
