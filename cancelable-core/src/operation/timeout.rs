//! A time limit around one future, with the same error as a scope's.

use super::current;
use crate::cause::Cause;
use crate::error::Cancelled;
use crate::runtime::{RuntimeHandle, Sleep};
use crate::source::Limit;
use crate::sync::track_await;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

pin_project! {
    /// A future with a time limit, from [`RuntimeHandle::timeout`] or an adapter's `timeout`.
    ///
    /// The future is polled before the timer, so a value that is ready wins even when the time is up. At the limit the
    /// future is dropped, and the error is a [`Cancelled`] whose cause names the limit and where it was set. A timeout
    /// opens no scope: the future runs in the scope around it, which does not know this limit. For work that has
    /// children or finalizers use a [scope](crate::scope::ScopeBuilder::timeout), which waits for them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the timeout drops the future and does nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// let limit = Duration::from_millis(2);
    /// let in_time = rt::block_on(rt::timeout(limit, async { 7 }));
    /// assert!(in_time.is_ok_and(|value| value == 7));
    ///
    /// let late = rt::block_on(rt::timeout(limit, pending::<()>()));
    /// assert!(late.is_err_and(|cancelled| cancelled.is_timeout()));
    /// ```
    #[must_use = "a timeout does nothing unless it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        limit: Limit,
        runtime: RuntimeHandle,
        started: Instant,
    }
}

impl RuntimeHandle {
    /// Gives `future` at most `limit` from this call to complete.
    ///
    /// A limit that the clock cannot express never elapses. An adapter's `timeout` does the same on the runtime of the
    /// current operation.
    ///
    /// # Errors
    ///
    /// From the future: [`Cancelled`] at the limit, with the location of this call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future drops `future` and does nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let late = rt::block_on(async {
    ///     let runtime = rt::current()?;
    ///     let answer = runtime.timeout(Duration::from_millis(2), pending::<()>());
    ///     Ok::<_, Box<dyn std::error::Error>>(answer.await)
    /// })?;
    /// assert!(late.is_err_and(|cancelled| cancelled.is_timeout()));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn timeout<F: Future>(&self, limit: impl Into<Limit>, future: F) -> Timeout<F> {
        Timeout::on(self.clone(), limit.into(), future)
    }
}

impl<F> Timeout<F> {
    /// Gives `future` at most `limit` from this call to complete. The `timeout` of an adapter calls this.
    ///
    /// The runtime of the current operation keeps the time, or else `default_runtime`. An adapter returns there the
    /// runtime of this thread, or another runtime if there is none, so that a limit holds everywhere.
    #[track_caller]
    pub fn new(limit: impl Into<Limit>, future: F, default_runtime: fn() -> RuntimeHandle) -> Self {
        let runtime = current()
            .and_then(|operation| operation.runtime().cloned())
            .unwrap_or_else(default_runtime);
        Self::on(runtime, limit.into(), future)
    }

    fn on(runtime: RuntimeHandle, limit: Limit, future: F) -> Self {
        let started = runtime.now();
        Self {
            future,
            sleep: runtime.sleep_until(limit.due(started)),
            limit,
            runtime,
            started,
        }
    }

    /// Returns the future in its present state, without the limit.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Timeout<F> {
    /// Wakes: pending only after both were polled, so both hold the waker, and whichever is ready first wakes.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Cancelled>> {
        let this = self.project();
        if let Poll::Ready(value) = this.future.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(this.sleep).poll(cx).map(|()| {
            let now = this.runtime.now();
            let elapsed = now.saturating_duration_since(*this.started);
            let cause: Cause = this.limit.cause().stamped(|| now);
            Err(Cancelled::new(cause).after(elapsed))
        })
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Cancelled>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.advance(cx))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
