//! The wrappers around a user's work. Each reports the end of the work and never panics.
//!
//! On every path the work is dropped before its end is reported. So after the join of a task, nothing that
//! the task held is left.

use super::JoinError;
use super::join::Completion;
use crate::sync::isolate;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A user's future as a [`Task`](super::Task).
    pub(super) struct Supervised<F: Future> {
        // Fields drop in this order. So if the runtime drops an unfinished task, the future is dropped before
        // the completion reports the loss.
        #[pin]
        future: Option<F>,
        completion: Completion<F::Output>,
    }
}

impl<F: Future> Supervised<F> {
    pub(super) fn new(future: F, completion: Completion<F::Output>) -> Self {
        Self {
            future: Some(future),
            completion,
        }
    }
}

impl<F: Future> Future for Supervised<F> {
    type Output = ();

    /// Wakes: pending only if the user's future is pending, which then holds the waker.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        this.completion.start();
        // Unwind safe: after a panic the future is dropped and not polled again.
        let result = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(payload) => Err(JoinError::panic(payload)),
        };
        isolate("the drop of a finished task", || this.future.set(None));
        this.completion.report(result);
        Poll::Ready(())
    }
}

/// A user's blocking work inside a [`Job`](super::Job).
pub(super) struct SupervisedJob<T, W> {
    // The order of drops, as in `Supervised`, if the runtime drops the job without running it.
    work: W,
    completion: Completion<T>,
}

impl<T, W: FnOnce() -> T> SupervisedJob<T, W> {
    pub(super) fn new(work: W, completion: Completion<T>) -> Self {
        Self { work, completion }
    }

    pub(super) fn run(self) {
        let Self {
            work,
            mut completion,
        } = self;
        completion.start();
        // Unwind safe: the work is consumed.
        let result = catch_unwind(AssertUnwindSafe(work)).map_err(JoinError::panic);
        completion.report(result);
    }
}
