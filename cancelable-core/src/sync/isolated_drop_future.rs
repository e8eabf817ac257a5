//! A user's future whose drop runs in isolation, also while its poll unwinds.

use super::isolate;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A future inside an async block of the library.
    ///
    /// When a poll panics, an async block drops the future that it awaits while the panic unwinds, and a
    /// second panic, of that drop, would abort the process. This type drops the future in isolation first and
    /// then resumes the first panic. Every other exit drops it in isolation as well.
    pub(crate) struct IsolatedDropFuture<F> {
        // `None` once the future has ended.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for IsolatedDropFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            release(this.project().future);
        }
    }
}

impl<F> IsolatedDropFuture<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Some(future),
        }
    }
}

/// Wakes: the inner future is polled with the same context.
impl<F: Future> Future for IsolatedDropFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut slot = self.project().future;
        let Some(future) = slot.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        // Unwind safe: after a panic the future is dropped and never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| future.poll(cx)));
        if !matches!(polled, Ok(Poll::Pending)) {
            release(slot);
        }
        polled.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn release<F>(mut slot: Pin<&mut Option<F>>) {
    if slot.is_some() {
        isolate("the drop of a future", || slot.set(None));
    }
}
