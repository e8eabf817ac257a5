//! A runtime of plain threads, for programs that have no other.
//!
//! A program without async code has deadlines, too. This runtime needs nothing but the standard
//! library's threads: one for each task, and from the first timer on one that keeps the time. It is
//! small and not fast; who has many tasks takes an adapter.

use super::thread_timer::{Clockwork, ThreadTimer};
use super::{Job, Refused, Runtime, RuntimeHandle, Task, Timer};
use crate::sync::{self, Mutex, escaped, isolate, log};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// A runtime that runs each task and each blocking call on a thread of its own.
///
/// It gives timers, sources and children to programs of plain threads: build a scope with its
/// handle, and run it by [`run_blocking`](crate::Scope::run_blocking) or below
/// [`block_on`](Self::block_on).
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::runtime::ThreadRuntime;
/// use std::time::Duration;
///
/// let threads = ThreadRuntime::new();
/// let scope = Scope::builder("wait")
///     .runtime(&threads.handle())
///     .timeout(Duration::from_millis(1))
///     .build()
///     .expect("it has a runtime for its timeout");
/// let outcome = threads.block_on(scope.run(|_| std::future::pending::<()>()));
/// assert!(outcome.is_cancelled());
/// ```
#[derive(Clone)]
pub struct ThreadRuntime {
    handle: RuntimeHandle,
}

impl ThreadRuntime {
    /// A runtime without a thread: they are started when they are needed.
    #[must_use]
    pub fn new() -> Self {
        Self {
            handle: RuntimeHandle::new(Mechanism {
                clockwork: Clockwork::new(),
            }),
        }
    }

    /// The handle to give to scopes.
    #[must_use]
    pub fn handle(&self) -> RuntimeHandle {
        self.handle.clone()
    }

    /// Runs `future` on this thread, which sleeps while the future is pending.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        sync::block_on(future)
    }
}

impl Default for ThreadRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ThreadRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadRuntime").finish_non_exhaustive()
    }
}

struct Mechanism {
    clockwork: Arc<Clockwork>,
}

/// The keeper of the time holds the clockwork, and would be there for ever.
impl Drop for Mechanism {
    fn drop(&mut self) {
        self.clockwork.stop();
    }
}

impl Runtime for Mechanism {
    fn name(&self) -> &'static str {
        "thread"
    }

    fn now(&self) -> Instant {
        sync::clock::now()
    }

    fn timer(&self, at: Instant) -> Pin<Box<dyn Timer>> {
        Box::pin(ThreadTimer::new(Arc::clone(&self.clockwork), at))
    }

    fn spawn(&self, task: Task) -> Result<(), Refused<Task>> {
        on_thread("cancelable-task", task, sync::block_on)
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), Refused<Job>> {
        on_thread("cancelable-blocking", job, |job| job())
    }
}

/// Runs `work` on a thread of its own, or hands it back where the system has none to give.
fn on_thread<W: Send + 'static>(name: &str, work: W, run: fn(W)) -> Result<(), Refused<W>> {
    // In a slot, because a thread that does not start drops what it was to run.
    let slot = Arc::new(Mutex::new(Some(work)));
    let taken = Arc::clone(&slot);
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let work = taken.lock().take();
        if let Some(work) = work {
            isolate("a task", || run(work));
        }
    });
    if let Err(error) = started {
        log!(Warn, "no thread was started: {}", escaped(&error));
        let work = slot.lock().take();
        if let Some(work) = work {
            return Err(Refused::new(work));
        }
    }
    Ok(())
}
