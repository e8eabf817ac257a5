//! A fallible future that runs inside an operation until a cancel.

use super::RunError;
use crate::cause::ambient::Ambient;
use crate::operation::Operation;
use crate::record::deadlines;
use crate::sync::track_await;
use crate::token::WaitForCancellationFutureOwned;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

impl Operation {
    /// Runs `future` inside this operation until it is ready or the operation is cancelled. A future that is ready
    /// wins over a cancel in the same poll.
    ///
    /// The cancel drops `future` and gives [`RunError::Cancelled`], which names the operation. If the operation is
    /// cancelled or its time is up at the first poll, `future` is not polled. An error of `future` is
    /// [`RunError::Failed`]. A retry library calls this in its closure and retries unless the error
    /// [`is_cancelled`](RunError::is_cancelled).
    ///
    /// While the future is polled, [`current`](crate::current) is this operation, or a scope inside it. In the run of
    /// the operation's scope, a [shield](Self::shield) in `future` delays the cancel as it does for the body.
    ///
    /// For a future that cannot fail, or that need not run inside the operation, use
    /// [`token().run_until_cancelled(..)`](crate::CancellationToken::run_until_cancelled).
    ///
    /// # Errors
    ///
    /// From the future: [`RunError::Failed`] or [`RunError::Cancelled`], and no other.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future drops `future` and does nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::time::Duration;
    ///
    /// async fn connect() -> Result<(), &'static str> {
    ///     Err("refused")
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let outcome = rt::block_on(async {
    ///     let runtime = rt::current()?;
    ///     let scope = rt::scope("connect").timeout(Duration::from_millis(5)).build()?;
    ///     let outcome = scope.try_run(async |op: Scope| {
    ///         loop {
    ///             match op.try_run_until_cancelled(connect()).await {
    ///                 Err(error) if !error.is_cancelled() => runtime.sleep(Duration::from_millis(1)).await,
    ///                 connected => return connected,
    ///             }
    ///         }
    ///     });
    ///     Ok::<_, Box<dyn std::error::Error>>(outcome.await)
    /// })?;
    /// assert!(outcome.is_timeout());
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_run_until_cancelled<F, T, E>(
        &self,
        future: F,
    ) -> impl Future<Output = Result<T, RunError<E>>> + use<F, T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        TryRunUntilCancelled {
            operation: self.clone(),
            slot: None,
            future: Some(future),
            cancelled: self.record().token().clone().cancelled_owned(),
            polled: false,
        }
    }
}

pin_project! {
    /// The future of [`Operation::try_run_until_cancelled`].
    struct TryRunUntilCancelled<F> {
        operation: Operation,
        // The entry for polls where the operation is not the current one.
        slot: Option<Ambient>,
        // `None` after the end.
        #[pin]
        future: Option<F>,
        cancelled: WaitForCancellationFutureOwned,
        polled: bool,
    }
}

impl<F, T, E> TryRunUntilCancelled<F>
where
    F: Future<Output = Result<T, E>>,
{
    /// Wakes: pending only after both the future and the wait for the cancel were polled, so both have the waker. A
    /// future that a shield delays is woken by the shielded future, if that is inside it. Otherwise the run, which
    /// polls this future, is woken as the shield ends.
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
            // Polled before the cancel is read: a value that was produced is never thrown away.
            if let Poll::Ready(result) = polled {
                this.future.set(None);
                return Poll::Ready(result.map_err(RunError::Failed));
            }
            if Pin::new(this.cancelled).poll(cx).is_pending()
                || (runs_here && record.shields.has_leases())
            {
                return Poll::Pending;
            }
        }
        this.future.set(None);
        match this.operation.check_quietly() {
            Err(cancelled) => Poll::Ready(Err(RunError::Cancelled(cancelled))),
            // Polled after its end: in that case nothing is promised.
            Ok(()) => Poll::Pending,
        }
    }
}

impl<F, T, E> Future for TryRunUntilCancelled<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, RunError<E>>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.advance(cx))
    }
}
