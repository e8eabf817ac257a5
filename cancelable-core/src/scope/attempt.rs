//! One attempt of a retry loop, as a part of an operation.
//!
//! A retry library owns the loop: it calls a closure, waits and calls it again. It knows nothing of operations, so
//! the closure has to.

use super::RunError;
use crate::cause::ambient::Ambient;
use crate::operation::Operation;
use crate::record::deadlines;
use crate::sync::track_await;
use crate::token::WaitForCancellationFutureOwned;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

impl Operation {
    /// Wraps a closure for a retry loop: each future that it then makes runs inside this operation, is dropped when
    /// that is cancelled, and is not polled at all if it is cancelled already.
    ///
    /// The error of an attempt says whether it was the cancel, so that a loop does not go on after one: retry unless
    /// [`is_cancelled`](RunError::is_cancelled). A loop that is awaited inside the run of the operation's scope is
    /// dropped with the body, also in the middle of a pause. Elsewhere, end a pause by
    /// [`run_until_cancelled`](crate::CancellationToken::run_until_cancelled) around the loop.
    ///
    /// Inside the run of the scope a [shield](Self::shield) delays the end of an attempt as it does that of the body.
    ///
    /// # Cancel safety
    ///
    /// Dropping a future of the closure drops the one inside, nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::testing::ManualRuntime;
    /// use std::time::Duration;
    ///
    /// async fn connect() -> Result<(), &'static str> {
    ///     Err("refused")
    /// }
    ///
    /// let manual = ManualRuntime::new();
    /// let runtime = manual.handle();
    /// let builder = Scope::builder("connect").runtime(&runtime);
    /// let scope = builder.timeout(Duration::from_secs(5)).build().expect("it has a runtime");
    /// let outcome = manual.block_on(scope.run(async |op| {
    ///     let mut attempt = op.wrap(connect);
    ///     while attempt().await.is_err_and(|error| !error.is_cancelled()) {
    ///         runtime.sleep(Duration::from_secs(2)).await;
    ///     }
    /// }));
    /// // In the third pause.
    /// assert_eq!(outcome.elapsed(), Some(Duration::from_secs(5)));
    /// # }
    /// ```
    pub fn wrap<F, Fut, T, E>(
        &self,
        mut attempt: F,
    ) -> impl FnMut() -> Attempt<Fut> + use<F, Fut, T, E>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let operation = self.clone();
        move || Attempt::new(&operation, &mut attempt)
    }
}

pin_project! {
    /// One attempt, from the closure that [`Operation::wrap`] gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future inside, nothing else.
    #[must_use = "futures do nothing unless polled"]
    pub struct Attempt<Fut> {
        operation: Operation,
        // The entry for polls where the operation is not the current one.
        slot: Option<Ambient>,
        // `None` if the operation was cancelled before the future was made, and after the end.
        #[pin]
        future: Option<Fut>,
        cancelled: WaitForCancellationFutureOwned,
        polled: bool,
    }
}

impl<Fut> Attempt<Fut> {
    fn new(operation: &Operation, make: &mut impl FnMut() -> Fut) -> Self {
        let record = operation.record();
        let mut slot = None;
        let future = match (deadlines::is_cancelled_by_now(record), record.runs_here()) {
            (true, _) => None,
            (false, true) => Some(make()),
            // A closure may do a part of the work before it returns the future.
            (false, false) => {
                let _inside = record.enter_here(&mut slot);
                Some(make())
            }
        };
        Self {
            slot,
            future,
            cancelled: record.token().clone().cancelled_owned(),
            polled: false,
            operation: operation.clone(),
        }
    }
}

impl<Fut, T, E> Attempt<Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    /// Wakes: pending only after both the future and the wait for the cancel were polled, so both have the waker. An
    /// attempt that a shield delays is woken by the shielded future, if that is a part of it. Otherwise the run,
    /// which polls this, is woken as the shield ends.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, RunError<E>>> {
        let mut this = self.project();
        let too_late = !*this.polled && deadlines::is_cancelled_by_now(this.operation.record());
        *this.polled = true;
        if let (false, Some(future)) = (too_late, this.future.as_mut().as_pin_mut()) {
            let record = this.operation.record();
            let runs_here = record.runs_here();
            let polled = match runs_here {
                true => future.poll(cx),
                false => {
                    let _inside = record.enter_here(this.slot);
                    future.poll(cx)
                }
            };
            // Polled first: a value that was produced is never thrown away.
            if let Poll::Ready(result) = polled {
                this.future.set(None);
                return Poll::Ready(result.map_err(RunError::Failed));
            }
            if Pin::new(this.cancelled).poll(cx).is_pending()
                || (runs_here && record.shields.has_holds())
            {
                return Poll::Pending;
            }
        }
        this.future.set(None);
        match this.operation.look() {
            Err(cancelled) => Poll::Ready(Err(RunError::Cancelled(cancelled))),
            // Polled after its end: nothing is promised then.
            Ok(()) => Poll::Pending,
        }
    }
}

impl<Fut, T, E> Future for Attempt<Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<T, RunError<E>>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.advance(cx))
    }
}

impl<Fut> fmt::Debug for Attempt<Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("operation", self.operation.label())
            .field("ended", &self.future.is_none())
            .finish_non_exhaustive()
    }
}
