//! Running a future until it is ready or a token is cancelled.

use super::handle::CancellationToken;
use super::wait::{WaitForCancellationFuture, WaitForCancellationFutureOwned};
use crate::sync::awaited;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Whether the token was looked at before the future was polled for the first time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    New,
    Polled,
}

pin_project! {
    /// Ready with the future's output, or with `None` once the token is cancelled; from
    /// [`CancellationToken::run_until_cancelled`].
    #[must_use = "futures do nothing unless polled"]
    pub struct RunUntilCancelled<'a, F> {
        #[pin]
        future: F,
        token: &'a CancellationToken,
        cancelled: WaitForCancellationFuture<'a>,
        stage: Stage,
    }
}

impl<'a, F> RunUntilCancelled<'a, F> {
    pub(super) fn new(token: &'a CancellationToken, future: F) -> Self {
        Self {
            future,
            token,
            cancelled: token.cancelled(),
            stage: Stage::New,
        }
    }
}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Option<F::Output>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let cancelled_before = *this.stage == Stage::New && this.token.is_cancelled();
        *this.stage = Stage::Polled;
        awaited(poll(cancelled_before, this.future, this.cancelled, cx))
    }
}

pin_project! {
    /// [`RunUntilCancelled`] with its own token, from
    /// [`CancellationToken::run_until_cancelled_owned`].
    #[must_use = "futures do nothing unless polled"]
    pub struct RunUntilCancelledOwned<F> {
        #[pin]
        future: F,
        cancelled: WaitForCancellationFutureOwned,
        stage: Stage,
    }
}

impl<F> RunUntilCancelledOwned<F> {
    pub(super) fn new(token: CancellationToken, future: F) -> Self {
        Self {
            future,
            cancelled: token.cancelled_owned(),
            stage: Stage::New,
        }
    }
}

impl<F: Future> Future for RunUntilCancelledOwned<F> {
    type Output = Option<F::Output>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let cancelled_before = *this.stage == Stage::New && this.cancelled.token().is_cancelled();
        *this.stage = Stage::Polled;
        awaited(poll(cancelled_before, this.future, this.cancelled, cx))
    }
}

/// The future first, so that its output wins; then the token, which stores the waker.
///
/// Wakes: both were polled with `cx`, so whichever changes wakes the task.
fn poll<F: Future, W: Future<Output = ()> + Unpin>(
    cancelled_before: bool,
    future: Pin<&mut F>,
    cancelled: &mut W,
    cx: &mut Context<'_>,
) -> Poll<Option<F::Output>> {
    if cancelled_before {
        return Poll::Ready(None);
    }
    if let Poll::Ready(output) = future.poll(cx) {
        return Poll::Ready(Some(output));
    }
    Pin::new(cancelled).poll(cx).map(|()| None)
}

impl<F> fmt::Debug for RunUntilCancelled<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelled")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for RunUntilCancelledOwned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelledOwned")
            .finish_non_exhaustive()
    }
}
