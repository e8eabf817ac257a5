//! A cancel that comes at the n-th poll of a future.

use crate::cause::{Cause, Reason};
use crate::token::CancellationToken;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A future that cancels a token at one of its polls, from [`cancel_at_poll`].
    #[must_use = "futures do nothing unless polled"]
    pub struct CancelAtPoll<F> {
        #[pin]
        future: F,
        token: CancellationToken,
        cause: Cause,
        // Polls before the one that cancels.
        before: usize,
        polled: usize,
    }
}

/// Cancels `token` just before the `n`-th poll of `future`, which then finds it cancelled.
///
/// Polls count from one, so poll `n + 1` is the one after the `n`-th await point; zero is taken for
/// one. The cause has the place of this call. A future that is ready earlier cancels nothing.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::testing::{ManualRuntime, cancel_at_poll};
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let runtime = manual.handle();
/// let token = CancellationToken::new();
/// let work = cancel_at_poll(2, &token, async {
///     assert!(!token.is_cancelled());
///     runtime.sleep(Duration::from_secs(1)).await;
///     assert!(token.is_cancelled());
/// });
/// manual.block_on(work);
/// ```
#[track_caller]
pub fn cancel_at_poll<F: Future>(
    n: usize,
    token: &CancellationToken,
    future: F,
) -> CancelAtPoll<F> {
    CancelAtPoll {
        future,
        token: token.clone(),
        cause: Cause::new(Reason::Requested),
        before: n.saturating_sub(1),
        polled: 0,
    }
}

impl<F: Future> Future for CancelAtPoll<F> {
    type Output = F::Output;

    /// Wakes: pending while the future inside is, which has the waker then.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.polled == this.before {
            this.token.cancel_with(this.cause.clone());
        }
        *this.polled += 1;
        this.future.poll(cx)
    }
}

impl<F> fmt::Debug for CancelAtPoll<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelAtPoll")
            .field("token", &self.token)
            .field("polled", &self.polled)
            .finish_non_exhaustive()
    }
}
