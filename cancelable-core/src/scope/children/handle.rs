//! The handle of a child or a blocking call, which waits for its value and cancels it.

use super::errors::ChildError;
use crate::cause::OperationId;
use crate::operation::Operation;
use crate::record::abandon;
use crate::record::blocking_call::BlockingCall;
use crate::record::{Record, child_reports};
use crate::report::{ChildFailure, CleanupError, Report, Straggler};
use crate::runtime::{JoinHandle, Sleep};
use crate::sync::track_await;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The handle of a child or of a blocking call, from [`Scope::spawn`](crate::scope::Scope::spawn) and
/// [`Scope::spawn_blocking`](crate::scope::Scope::spawn_blocking).
///
/// Awaiting the handle gives the value of the child. The handle dereferences to the child's [`Operation`], which has the
/// status and cancels the child. Dropping the handle changes nothing: the scope waits for the child in any case.
///
/// # Cancel safety
///
/// The value is not lost if `&mut handle` is awaited and that future is dropped.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::scope::RunError;
/// use std::error::Error;
/// use std::future::pending;
///
/// # fn main() -> Result<(), Box<dyn Error>> {
/// let sum = rt::block_on(async {
///     let outcome = rt::scope("sync").try_run(async |op: Scope| {
///         let sum = op.spawn(async { 1 + 2 })?;
///         let slow = op.spawn(pending::<()>())?;
///         slow.cancel_with("no longer needed");
///         assert!(slow.await.is_err_and(|error| error.is_cancelled()));
///         Ok::<_, Box<dyn Error>>(sum.await?)
///     });
///     outcome.await.complete().map_err(RunError::flatten)
/// })?;
/// assert_eq!(sum, 3);
/// # Ok(())
/// # }
/// ```
pub struct ChildHandle<T> {
    operation: Operation,
    join: JoinHandle<Result<T, ChildError>>,
    /// The wait for the abandonment; `None` for a child, and for a blocking call that is never abandoned.
    abandon_timer: Option<AbandonTimer>,
}

impl<T> ChildHandle<T> {
    pub(super) fn new(
        operation: Operation,
        join: JoinHandle<Result<T, ChildError>>,
        abandon_timer: Option<AbandonTimer>,
    ) -> Self {
        Self {
            operation,
            join,
            abandon_timer,
        }
    }

    /// The operation of the child. A clone of it outlives this handle.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The errors of finalizers of the child and of its descendants. The handle has the errors from the end of the
    /// child to the end of its parent. Then the errors are in the
    /// [outcome](crate::scope::Outcome::cleanup_errors) of the parent.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::error::Error;
    ///
    /// let outcome = rt::block_on(async {
    ///     let sync = rt::scope("sync").try_run(async |op: Scope| {
    ///         let mut fetch = op.child("fetch").spawn(async |op: Scope| {
    ///             op.defer(async { Err("the disk is full") }).is_ok()
    ///         })?;
    ///         (&mut fetch).await?;
    ///         assert_eq!(fetch.cleanup_errors().len(), 1);
    ///         Ok::<_, Box<dyn Error>>(())
    ///     });
    ///     sync.await
    /// });
    /// assert_eq!(outcome.cleanup_errors().len(), 1);
    /// ```
    #[must_use]
    pub fn cleanup_errors(&self) -> Vec<CleanupError> {
        self.read_report(|report| report.cleanup_errors.clone())
    }

    /// The failures that the child and its descendants have collected. The handle has them as long as the
    /// [`cleanup_errors`](Self::cleanup_errors).
    #[must_use]
    pub fn child_failures(&self) -> Vec<ChildFailure> {
        self.read_report(|report| report.child_failures.clone())
    }

    /// The stragglers of the child and of its descendants. The handle has them as long as the
    /// [`cleanup_errors`](Self::cleanup_errors).
    #[must_use]
    pub fn stragglers(&self) -> Vec<Straggler> {
        self.read_report(|report| report.stragglers.clone())
    }

    fn read_report<V: Default>(&self, read: impl FnOnce(&Report) -> V) -> V {
        child_reports::read(self.operation.record(), read).unwrap_or_default()
    }
}

impl<T> Deref for ChildHandle<T> {
    type Target = Operation;

    fn deref(&self) -> &Operation {
        &self.operation
    }
}

impl<T> ChildHandle<T> {
    /// Wakes: by the child's end, through the join handle; and by the abandonment of a blocking call. The end is
    /// checked first, so a call that has ended is never reported as abandoned.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, ChildError>> {
        let this = self.get_mut();
        if let Poll::Ready(joined) = Pin::new(&mut this.join).poll(cx) {
            let record = this.operation.record();
            let ended = joined.unwrap_or_else(|error| Err(ChildError::joined(record, error)));
            return Poll::Ready(ended.map_err(|error| {
                record.forward_mark();
                error.given_out()
            }));
        }
        let Some(timer) = &mut this.abandon_timer else {
            return Poll::Pending;
        };
        timer
            .poll(cx)
            .map(|span| Err(ChildError::abandoned(this.operation.record(), span)))
    }
}

/// The timer of a blocking call's handle, which abandons the call at the end of the call's grace period. The scope may
/// not join the call yet, because the body of the scope still runs.
pub(super) struct AbandonTimer {
    owner: Arc<Record>,
    id: OperationId,
    call: Arc<BlockingCall>,
    /// The timer of the grace period, made when the call is cancelled.
    sleep: Option<Sleep>,
}

impl AbandonTimer {
    /// Returns `None` for a call that is never abandoned.
    pub(super) fn new(
        owner: &Arc<Record>,
        id: OperationId,
        call: Arc<BlockingCall>,
    ) -> Option<Self> {
        call.grace()?;
        Some(Self {
            owner: Arc::clone(owner),
            id,
            call,
            sleep: None,
        })
    }

    /// Returns ready when the call is abandoned.
    ///
    /// Wakes: the waker is registered before the call is checked for the last time, and a change is made before the
    /// waker is taken. The timer of a cancelled call has the waker too.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        if self.check(cx).is_pending() {
            self.call.register(cx);
            ready!(self.check(cx));
        }
        Poll::Ready(self.call.waited())
    }

    fn check(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(due) = self.call.due() {
            let runtime = self.call.runtime();
            let sleep = self.sleep.get_or_insert_with(|| runtime.sleep_until(due));
            if sleep.deadline() != Some(due) {
                // A hard cancel has ended the grace period.
                sleep.reset(due);
            }
            if !self.call.is_abandoned() && Pin::new(sleep).poll(cx).is_ready() {
                // This changes nothing if the call has just ended, since its exit was reported then.
                abandon::abandon_call(&self.owner, self.id);
            }
        }
        match self.call.is_abandoned() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Removes the waker in the drop, because the call may outlive the handle and must not keep the waker.
impl Drop for AbandonTimer {
    fn drop(&mut self) {
        self.call.unregister();
    }
}

impl<T> Future for ChildHandle<T> {
    type Output = Result<T, ChildError>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.advance(cx))
    }
}

impl<T> fmt::Debug for ChildHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildHandle")
            .field("operation", &self.operation)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
