//! Running a future until it is ready or a token is cancelled.
//!
//! The future is dropped as soon as its run is over. A finished run may be kept, as by a `join` of several runs. It
//! must not keep what its future holds, such as a lock or the end of a channel.

use super::handle::CancellationToken;
use super::wait::{WaitForCancellationFuture, WaitForCancellationFutureOwned};
use crate::sync::track_await;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The progress of a run: the token is checked before the first poll of the future.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    New,
    Polled,
}

pin_project! {
    /// A future that is ready with the output of another future, or with `None` once its token is cancelled. From
    /// [`CancellationToken::run_until_cancelled`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::future::pending;
    ///
    /// let token = CancellationToken::new();
    /// let run = token.run_until_cancelled(pending::<u32>());
    /// token.cancel();
    /// assert_eq!(rt::block_on(run), None);
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct RunUntilCancelled<'a, F> {
        // None once the run is over.
        #[pin]
        future: Option<F>,
        token: &'a CancellationToken,
        cancelled: WaitForCancellationFuture<'a>,
        stage: Stage,
    }
}

impl<'a, F> RunUntilCancelled<'a, F> {
    pub(super) fn new(token: &'a CancellationToken, future: F) -> Self {
        Self {
            future: Some(future),
            token,
            cancelled: token.cancelled(),
            stage: Stage::New,
        }
    }

    /// Creates a run that checks the token now instead of at its first poll.
    pub(super) fn checked_now(token: &'a CancellationToken, future: F) -> Self {
        Self {
            future: unless_cancelled(token, future),
            token,
            cancelled: token.cancelled(),
            stage: Stage::Polled,
        }
    }
}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Option<F::Output>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let cancelled_before = *this.stage == Stage::New && this.token.node().is_cancelled_by_now();
        *this.stage = Stage::Polled;
        track_await(poll(cancelled_before, this.future, this.cancelled, cx))
    }
}

pin_project! {
    /// A [`RunUntilCancelled`] that owns its token, from
    /// [`CancellationToken::run_until_cancelled_owned`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use std::future::ready;
    ///
    /// let run = CancellationToken::new().run_until_cancelled_owned(ready(7));
    /// assert_eq!(rt::block_on(run), Some(7));
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct RunUntilCancelledOwned<F> {
        // None once the run is over.
        #[pin]
        future: Option<F>,
        cancelled: WaitForCancellationFutureOwned,
        stage: Stage,
    }
}

impl<F> RunUntilCancelledOwned<F> {
    pub(super) fn new(token: CancellationToken, future: F) -> Self {
        Self {
            future: Some(future),
            cancelled: token.cancelled_owned(),
            stage: Stage::New,
        }
    }

    /// Creates a run that checks the token now instead of at its first poll.
    pub(super) fn checked_now(token: CancellationToken, future: F) -> Self {
        Self {
            future: unless_cancelled(&token, future),
            cancelled: token.cancelled_owned(),
            stage: Stage::Polled,
        }
    }
}

impl<F: Future> Future for RunUntilCancelledOwned<F> {
    type Output = Option<F::Output>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let cancelled_before =
            *this.stage == Stage::New && this.cancelled.token().node().is_cancelled_by_now();
        *this.stage = Stage::Polled;
        track_await(poll(cancelled_before, this.future, this.cancelled, cx))
    }
}

/// Returns the future if the token is not cancelled.
fn unless_cancelled<F>(token: &CancellationToken, future: F) -> Option<F> {
    (!token.node().is_cancelled_by_now()).then_some(future)
}

/// Polls the future first, so that its output wins; then the token, which stores the waker.
///
/// Wakes: both are polled with `cx`, so a change of either wakes the task. Without a future the run is over,
/// and the result only shows whether the token is cancelled.
fn poll<F: Future, W: Future<Output = ()> + Unpin>(
    cancelled_before: bool,
    mut future: Pin<&mut Option<F>>,
    cancelled: &mut W,
    cx: &mut Context<'_>,
) -> Poll<Option<F::Output>> {
    if !cancelled_before {
        if let Some(work) = future.as_mut().as_pin_mut() {
            if let Poll::Ready(output) = work.poll(cx) {
                future.set(None);
                return Poll::Ready(Some(output));
            }
        }
        ready!(Pin::new(cancelled).poll(cx));
    }
    future.set(None);
    Poll::Ready(None)
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
