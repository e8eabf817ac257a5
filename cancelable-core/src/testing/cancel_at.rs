//! Cancellation at a set time of the manual runtime, or before a set poll of a future.

use super::ManualRuntime;
use crate::cause::{Cause, Reason};
use crate::token::CancellationToken;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// A waker that cancels a token.
struct CancelWaker {
    token: CancellationToken,
    cause: Cause,
}

impl Wake for CancelWaker {
    fn wake(self: Arc<Self>) {
        self.token.cancel_with(self.cause.clone());
    }
}

/// Cancels `token` when the clock of `manual` reaches `at`; at once, if that time has passed.
///
/// The cause has the location of this call and the time `at`. The cancel comes while the time moves, before a task runs
/// that a timer of the same time wakes. Until then, [`ManualRuntime::pending_timers`] counts the cancel as a timer.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::testing::{ManualRuntime, cancel_at};
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let token = CancellationToken::new();
/// let at = manual.now() + Duration::from_secs(3);
/// cancel_at(&manual, &token, at);
/// manual.block_on(token.cancelled());
/// assert_eq!(manual.now(), at);
/// ```
#[track_caller]
pub fn cancel_at(manual: &ManualRuntime, token: &CancellationToken, at: Instant) {
    let cause = Cause::new(Reason::Requested).with_time(at);
    if manual.now() >= at {
        token.cancel_with(cause);
        return;
    }
    let token = token.clone();
    manual.alarm(at, Waker::from(Arc::new(CancelWaker { token, cause })));
}

/// Cancels `token` after the time `after`, as [`cancel_at`] does. If the clock cannot express that time, the
/// token is never cancelled.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_core::testing::{ManualRuntime, cancel_in};
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let token = CancellationToken::new();
/// cancel_in(&manual, &token, Duration::from_secs(3));
/// manual.advance(Duration::from_secs(2));
/// assert!(!token.is_cancelled());
/// manual.advance(Duration::from_secs(1));
/// assert!(token.is_cancelled());
/// ```
#[track_caller]
pub fn cancel_in(manual: &ManualRuntime, token: &CancellationToken, after: Duration) {
    if let Some(at) = manual.now().checked_add(after) {
        cancel_at(manual, token, at);
    }
}

pin_project! {
    /// A future that cancels a token before one of its polls, from [`cancel_at_poll`].
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::CancellationToken;
    /// use cancelable_core::testing::{CancelAtPoll, ManualRuntime, cancel_at_poll};
    /// use std::future::Ready;
    ///
    /// let token = CancellationToken::new();
    /// let work: CancelAtPoll<Ready<u32>> = cancel_at_poll(1, &token, std::future::ready(7));
    /// assert_eq!(ManualRuntime::new().block_on(work), 7);
    /// assert!(token.is_cancelled());
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct CancelAtPoll<F> {
        #[pin]
        future: F,
        token: CancellationToken,
        cause: Cause,
        // The number of polls before the cancel.
        before: usize,
        polled: usize,
    }
}

/// Cancels `token` before the `n`-th poll of `future`.
///
/// Polls count from one, so poll `n + 1` follows the `n`-th await point. Zero means one. The cause has the location of
/// this call. If `future` is ready after fewer polls, the token is not cancelled.
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

    /// Wakes: pending only while the inner future is pending, which has the waker.
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
