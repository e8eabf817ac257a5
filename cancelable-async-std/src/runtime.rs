//! async-std as a runtime of the core.

use crate::timer::AsyncIoTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{self, Job, NoRuntime, Refused, Task, Timer};
use std::pin::Pin;
use std::time::Instant;

/// The runtime that this thread is in.
///
/// # Errors
///
/// There is none, which does not happen with async-std: its runtime is the whole process's.
pub fn current() -> Result<RuntimeHandle, NoRuntime> {
    Ok(of_the_process())
}

/// A handle to the runtime of the process.
pub(crate) fn of_the_process() -> RuntimeHandle {
    RuntimeHandle::new(Runtime { _private: () })
}

/// A runtime, as the mechanism that [`RuntimeHandle`] is made of.
#[derive(Clone, Debug)]
pub struct Runtime {
    _private: (),
}

impl Runtime {
    /// The runtime that this thread is in.
    ///
    /// # Errors
    ///
    /// As for [`current`].
    pub fn current() -> Result<Self, NoRuntime> {
        Ok(Self { _private: () })
    }
}

impl runtime::Runtime for Runtime {
    fn name(&self) -> &'static str {
        "async-std"
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "async-std has no clock of its own, and this is where the core asks for it"
    )]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(AsyncIoTimer::new(at))
    }

    /// Never refuses: the runtime is never gone.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        // async-std's handle is not used, and detaches when it is dropped.
        drop(async_std::task::spawn(task));
        Ok(())
    }

    /// As for `spawn`.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        drop(async_std::task::spawn_blocking(job));
        Ok(())
    }
}
