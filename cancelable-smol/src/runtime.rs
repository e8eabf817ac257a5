//! smol as a runtime of the core.

use crate::executor::executor;
use crate::timer::AsyncIoTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{self, Job, NoRuntime, Refused, Task, Timer};
use std::pin::Pin;
use std::time::Instant;

/// The runtime that this thread is in.
///
/// # Errors
///
/// There is none, which does not happen with smol: its runtime is the whole process's.
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
        "smol"
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "smol has no clock of its own, and this is where the core asks for it"
    )]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(AsyncIoTimer::new(at))
    }

    /// Refuses only where the system has no thread to run tasks on.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        match executor() {
            // Detached, because a task of smol's is cancelled with its handle.
            Some(executor) => executor.spawn(task).detach(),
            None => return Err(Refused::new(task)),
        }
        Ok(())
    }

    /// Never refuses: the pool of blocking threads is never gone.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        // As above: dropped, the handle would cancel a job that has not begun.
        blocking::unblock(job).detach();
        Ok(())
    }
}
