//! The join handle of a task, and the completion through which the task reports its end.
//!
//! The join handles of runtimes differ: the drop of some cancels the task, and a panic of the task unwinds in
//! the joiner or aborts the process. This handle uses none of them, so it is the same on every runtime. The
//! task itself reports to a [`Completion`]. No report is missed, because a completion that is dropped without
//! a report reports the task as lost.

use super::JoinError;
use crate::sync::{Mutex, WakerSlot, isolate, log, track_await};
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

enum Report<T> {
    Awaited,
    Arrived(Result<T, JoinError>),
    Taken,
}

struct Shared<T> {
    report: Mutex<Report<T>>,
    /// The waker of the joiner. Woken once, after the report was stored and its lock was released.
    joiner: WakerSlot,
}

impl<T> Shared<T> {
    /// Returns the report once it has arrived. A later call returns the error that the report was taken.
    fn take(&self) -> Option<Result<T, JoinError>> {
        let mut report = self.report.lock();
        match mem::replace(&mut *report, Report::Taken) {
            Report::Awaited => {
                *report = Report::Awaited;
                None
            }
            Report::Arrived(result) => Some(result),
            Report::Taken => Some(Err(JoinError::taken())),
        }
    }
}

/// A handle that waits for the end of a task, from [`RuntimeHandle::spawn`](super::RuntimeHandle::spawn) and
/// its blocking forms. The drop detaches the task, which runs on.
///
/// A handle has no `abort`: a task ends early by a [token](crate::CancellationToken) that it checks, or as the
/// child of a [scope](crate::Scope).
///
/// # Errors
///
/// From the future: [`JoinError`], if the task panicked or the runtime lost it.
///
/// # Cancel safety
///
/// A wait by `&mut handle` may be dropped at any time. The result stays in the handle.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # rt::block_on(async {
/// let runtime = rt::current()?;
/// assert_eq!(runtime.spawn(async { 7 }).await?, 7);
/// # Ok(())
/// # })
/// # }
/// ```
pub struct JoinHandle<T> {
    shared: Arc<Shared<T>>,
}

impl<T> JoinHandle<T> {
    /// Returns whether the task has ended, by a value, a panic or a loss.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(*self.shared.report.lock(), Report::Awaited)
    }

    /// Detaches the task, which runs on. The drop of the handle does the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # rt::block_on(async {
    /// let runtime = rt::current()?;
    /// runtime.spawn(async { println!("in the background") }).detach();
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn detach(self) {}
}

impl<T> JoinHandle<T> {
    /// Wakes: this poll registers the waker before its last check of the report, and the task stores the report
    /// before it takes the waker. So the check finds the report, or the task wakes the joiner.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        if let Some(result) = self.shared.take() {
            return Poll::Ready(result);
        }
        self.shared.joiner.register(cx.waker());
        self.shared.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.advance(cx))
    }
}

/// Removes the waker, because the task may run for long.
impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        drop(self.shared.joiner.take());
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The task's side of a [`JoinHandle`]. Reports once, at the latest by its drop.
pub(crate) struct Completion<T> {
    /// The state shared with the joiner; `None` after the report.
    shared: Option<Arc<Shared<T>>>,
    runtime: &'static str,
    /// True once the task was polled. Distinguishes a task that was dropped from a task that was never run.
    started: bool,
}

impl<T> Completion<T> {
    pub(crate) fn new(runtime: &'static str) -> (Self, JoinHandle<T>) {
        let shared = Arc::new(Shared {
            report: Mutex::new(Report::Awaited),
            joiner: WakerSlot::new(),
        });
        let handle = JoinHandle {
            shared: Arc::clone(&shared),
        };
        (
            Self {
                shared: Some(shared),
                runtime,
                started: false,
            },
            handle,
        )
    }

    pub(crate) fn start(&mut self) {
        self.started = true;
    }

    /// Reports the end of the task. A second report is dropped.
    pub(crate) fn report(&mut self, result: Result<T, JoinError>) {
        let Some(shared) = self.shared.take() else {
            return;
        };
        *shared.report.lock() = Report::Arrived(result);
        // In isolation: a waker is user code, and must not unwind into the runtime.
        shared.joiner.wake("the waker of a join handle");
        // In isolation: this may be the last reference, and then the drop of the value is user code.
        isolate("the value of a detached task", || drop(shared));
    }
}

/// Reports the loss, because a runtime that shuts down drops its tasks without a report.
impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        if self.shared.is_none() {
            return;
        }
        let (runtime, started) = (self.runtime, self.started);
        if started {
            // Normal at the shutdown of a runtime with detached tasks.
            log!(Debug, runtime; "a task was dropped before its end by the {runtime} runtime");
        } else {
            log!(Warn, runtime; "a task was lost: the {runtime} runtime never ran it");
        }
        self.report(Err(JoinError::lost(runtime, started)));
    }
}
