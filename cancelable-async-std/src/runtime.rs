//! async-std as a runtime of the core.

use crate::timer::AsyncIoTimer;
use cancelable_core::RuntimeHandle;
use cancelable_core::runtime::{Job, NoRuntime, Refused, RuntimeAdapter, Task, Timer};
use std::pin::Pin;
use std::time::Instant;

/// Returns the runtime of this thread.
///
/// # Errors
///
/// None: the runtime of async-std is the whole process's.
///
/// # Examples
///
/// ```
/// use cancelable_async_std as rt;
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

    /// Spawns a task. Never refuses: the runtime lives as long as the process.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        // The drop of async-std's handle detaches the task.
        drop(async_std::task::spawn(task));
        Ok(())
    }

    /// Runs a job on a thread for blocking work. Never refuses, as `spawn`.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        drop(async_std::task::spawn_blocking(job));
        Ok(())
    }
}
