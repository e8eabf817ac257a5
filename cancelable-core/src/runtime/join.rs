//! The join handle of a task, and the completion that reports the end of the task to it.
//!
//! A runtime's own join handles differ: some cancel when dropped, some raise the task's panic in
//! the joiner, some abort the process. This one is the same everywhere because no runtime's handle
//! is used at all: the task itself reports into a [`Completion`], and the report cannot be missed,
//! because a completion that is dropped without one reports the task as lost.

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
    /// Whoever joins; woken once, after the report arrived and with its lock released.
    joiner: WakerSlot,
}

impl<T> Shared<T> {
    /// The report, if it arrived: at the first call the task's, then that it is taken.
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

/// Waits for the end of a task; dropping it lets the task run on by itself.
///
/// A panic of the task is a value here, and so is a runtime that went away before the task's end.
/// There is no `abort`: what stops a task is a token that the task looks at, or its scope.
///
/// # Cancel safety
///
/// Awaiting it by reference and dropping that loses nothing.
pub struct JoinHandle<T> {
    shared: Arc<Shared<T>>,
}

impl<T> JoinHandle<T> {
    /// Whether the task has ended, in whichever way.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(*self.shared.report.lock(), Report::Awaited)
    }

    /// Lets the task run on by itself, as dropping the handle does, but said in so many words.
    pub fn detach(self) {}
}

impl<T> JoinHandle<T> {
    /// Wakes: the waker is left before the report is looked at a last time, and the report arrives
    /// before the waker is taken, so it is seen or the task is woken.
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

/// Takes the waker back: the task may run on for long.
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

/// The task's end of a [`JoinHandle`]: reports once, at the latest when it is dropped.
pub(crate) struct Completion<T> {
    /// `None` once reported.
    shared: Option<Arc<Shared<T>>>,
    runtime: &'static str,
    /// The task was run at least once, so that its loss is an end and not a start that failed.
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

    /// Reports the end of the task; a second report is dropped.
    pub(crate) fn report(&mut self, result: Result<T, JoinError>) {
        let Some(shared) = self.shared.take() else {
            return;
        };
        *shared.report.lock() = Report::Arrived(result);
        // A waker is the user's code and must not unwind into the runtime that runs the task.
        shared.joiner.wake("the waker of a join handle");
        // The last reference may be this one, and then the value is dropped here: a user's code too.
        isolate("the value of a detached task", || drop(shared));
    }
}

/// The drop reports because a runtime that goes away tells nobody: it just drops its tasks.
impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        if self.shared.is_none() {
            return;
        }
        let (runtime, started) = (self.runtime, self.started);
        if started {
            // Usual when a runtime shuts down with detached tasks.
            log!(Debug, runtime; "a task was dropped before its end by the {runtime} runtime");
        } else {
            log!(Warn, runtime; "a task was lost: the {runtime} runtime never ran it");
        }
        self.report(Err(JoinError::lost(runtime, started)));
    }
}
