//! A user's future inside a future of the library, whose panics come one at a time.

use super::isolate;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// Where a poll panics, an async block drops what it awaits while that panic unwinds, and a panic of
    /// that drop would abort the process. Here the future is dropped in isolation before the panic goes on,
    /// as it is on every other way out.
    pub(crate) struct Contained<F> {
        // None after its end.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Contained<F> {
        fn drop(this: Pin<&mut Self>) {
            release(this.project().future);
        }
    }
}

impl<F> Contained<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Some(future),
        }
    }
}

/// Wakes by the future inside, which is polled with the same context.
impl<F: Future> Future for Contained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut slot = self.project().future;
        let Some(future) = slot.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        // Unwind safe: after a panic the future is dropped and not polled again.
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
