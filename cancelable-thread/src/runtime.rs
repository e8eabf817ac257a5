//! Plain threads as a runtime of the core.

use crate::block_on;
use crate::timer::{self, ThreadTimer};
use cancelable_core::RuntimeHandle;
use cancelable_core::cause::escaped;
use cancelable_core::runtime::{Job, NoRuntime, Refused, RuntimeAdapter, Task, Timer};
use cancelable_core::token::isolate;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// Returns the runtime of this thread.
///
/// # Errors
///
/// None: the runtime is the whole process's.
///
/// # Examples
///
/// ```
/// use cancelable_thread as rt;
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
        "thread"
    }

    fn now(&self) -> Instant {
        timer::now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(ThreadTimer::new(at))
    }

    /// Refuses only if the system has no thread for the task.
    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        on_thread("cancelable-task", task, block_on)
    }

    /// Refuses only if the system has no thread for the job.
    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        on_thread("cancelable-job", job, |job| job())
    }
}

/// Runs `work` on a thread of its own, or returns `work` if the system has no thread.
fn on_thread<W: Send + 'static>(name: &str, work: W, run: fn(W)) -> Result<(), Refused<W>> {
    // In a slot, because a thread that does not start drops its closure.
    let slot = Arc::new(Mutex::new(Some(work)));
    let taken = Arc::clone(&slot);
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let work = taken.lock().take();
        if let Some(work) = work {
            run(work);
        }
    });
    if let Err(error) = started {
        isolate("a logger", || {
            log::warn!(target: "cancelable", "no thread was started: {}", escaped(&error));
        });
        let work = slot.lock().take();
        if let Some(work) = work {
            return Err(Refused::new(work));
        }
    }
    Ok(())
}
