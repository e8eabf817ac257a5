//! The one timeout around a future, the same on every runtime.

use super::{RuntimeHandle, Sleep};
use crate::sync::track_await;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pin_project! {
    /// A future with a limit on its time, made by
    /// [`RuntimeHandle::timeout`](super::RuntimeHandle::timeout).
    #[derive(Debug)]
    #[must_use = "a timeout does nothing unless it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        limit: Duration,
    }
}

impl RuntimeHandle {
    /// Gives `future` no more than `limit` from this call to complete.
    ///
    /// The future is polled before the timer, so a value that is ready wins even when the time is
    /// up. A limit that the clock cannot express never elapses. To say who timed out and why, and
    /// to bound what runs inside, use a scope.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future, nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::testing::ManualRuntime;
    /// use std::future;
    /// use std::time::Duration;
    ///
    /// let manual = ManualRuntime::new();
    /// let runtime = manual.handle();
    /// let limit = Duration::from_secs(3);
    ///
    /// assert_eq!(manual.block_on(runtime.timeout(limit, async { 7 })), Ok(7));
    ///
    /// let elapsed = manual.block_on(runtime.timeout(limit, future::pending::<()>())).unwrap_err();
    /// assert_eq!(elapsed.to_string(), "not completed within 3s");
    /// # }
    /// ```
    pub fn timeout<F: Future>(&self, limit: Duration, future: F) -> Timeout<F> {
        Timeout::new(future, self.sleep(limit), limit)
    }
}

impl<F> Timeout<F> {
    fn new(future: F, sleep: Sleep, limit: Duration) -> Self {
        Self {
            future,
            sleep,
            limit,
        }
    }

    /// The future as far as it got, without the limit.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Timeout<F> {
    /// Wakes: pending only after both were polled, so both hold the waker, and whichever is ready
    /// first wakes. The future comes first: a value that was produced is never thrown away.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Elapsed>> {
        let this = self.project();
        if let Poll::Ready(value) = this.future.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(this.sleep)
            .poll(cx)
            .map(|()| Err(Elapsed { limit: *this.limit }))
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.advance(cx))
    }
}

/// A future was not complete when its time was up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elapsed {
    limit: Duration,
}

impl Elapsed {
    /// The limit that was exceeded.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not completed within {:?}", self.limit)
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(io::ErrorKind::TimedOut, elapsed)
    }
}
