//! smol as a runtime of the core.

use crate::executor::executor;
use crate::timer::AsyncIoTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{Job, NoRuntime, Refused, RuntimeAdapter, Task, Timer};
use std::pin::Pin;
use std::time::Instant;

/// Returns the runtime of this thread.
///
/// # Errors
///
/// None: the runtime of smol is the whole process's.
///
/// # Examples
///
/// ```
/// use cancelable_smol as rt;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let runtime = rt::current()?;
///     runtime.sleep(Duration::from_millis(1)).await;
/// #   Ok(())
/// })
/// # }
/// ```
pub fn current() -> Result<RuntimeHandle, NoRuntime> {
    Ok(of_the_process())
}

/// Returns the runtime of the process.
pub(crate) fn of_the_process() -> RuntimeHandle {
    RuntimeHandle::new(Adapter)
}

struct Adapter;

impl RuntimeAdapter for Adapter {
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

    /// Refuses only if the system has no thread for tasks.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        match executor() {
            // Detached, because the drop of the handle cancels the task.
            Some(executor) => executor.spawn(task).detach(),
            None => return Err(Refused::new(task)),
        }
        Ok(())
    }

    /// Runs a job on a thread for blocking work. Never refuses: the pool of threads lives as long as the process.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        // Detached, because the drop of the handle cancels a job that has not begun.
        blocking::unblock(job).detach();
        Ok(())
    }
}
