//! The handle of a child: waits for its value, and cancels it.

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
use std::task::{Context, Poll};
use std::time::Duration;

/// The handle of a child of a scope, or of a blocking call, from [`Scope::spawn`](crate::scope::Scope::spawn) and its
/// like.
///
/// Awaiting it gives the child's value. It dereferences to the child's [`Operation`], which has its status and
/// cancels it. Dropping the handle changes nothing: the scope waits for the child in any case.
///
/// # Cancel safety
///
/// Awaiting it by reference and dropping that loses nothing.
pub struct ChildHandle<T> {
    operation: Operation,
    join: JoinHandle<Result<T, ChildError>>,
    /// Of a blocking call that may be abandoned.
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

    /// The child's operation, for a handle that outlives this one.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The errors of the child's finalizers, and those below it that nobody has taken, once the child has ended;
    /// empty after [`take_report`](Self::take_report).
    #[must_use]
    pub fn cleanup_errors(&self) -> Vec<CleanupError> {
        self.read_report(|report| report.cleanup_errors.clone())
    }

    /// The failures of its own children that the child has collected, and those that were collected below it.
    #[must_use]
    pub fn child_failures(&self) -> Vec<ChildFailure> {
        self.read_report(|report| report.child_failures.clone())
    }

    /// The stragglers that the child, or an operation below it, has ended without.
    #[must_use]
    pub fn stragglers(&self) -> Vec<Straggler> {
        self.read_report(|report| report.stragglers.clone())
    }

    fn read_report<V: Default>(&self, read: impl FnOnce(&Report) -> V) -> V {
        child_reports::read(self.operation.record(), read).unwrap_or_default()
    }

    /// Takes the report of all that went wrong in the child beside its own failure, once it has ended. A report that
    /// nobody takes is in the [outcome](crate::scope::Outcome) of the parent.
    ///
    /// The errors of a blocking call's finalizers are always there: the finalizers run after its end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::testing::ManualRuntime;
    ///
    /// let manual = ManualRuntime::new();
    /// let scope = Scope::builder("sync").runtime(&manual.handle()).build().expect("it is sound");
    /// let outcome = manual.block_on(scope.run(async |op: Scope| {
    ///     let fetch = op.child("fetch");
    ///     let mut fetch = op
    ///         .spawn_with(fetch, async |op: Scope| op.defer(async { Err("the disk is full") }).is_ok())
    ///         .expect("the scope is running");
    ///     let fetched = (&mut fetch).await;
    ///     let report = fetch.take_report();
    ///     assert_eq!(report.cleanup_errors().len(), 1);
    ///     fetched.is_ok()
    /// }));
    /// assert!(outcome.cleanup_errors().is_empty(), "it was taken");
    /// # }
    /// ```
    #[must_use = "what is taken is in no outcome"]
    pub fn take_report(&self) -> ChildReport {
        let report = child_reports::take(self.operation.record());
        ChildReport {
            report: report.unwrap_or_default(),
        }
    }

    /// Whether the child has ended, in any way. A blocking call that was abandoned has not.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.join.is_finished()
    }
}

/// The report of what went wrong in a child beside its own failure, from [`ChildHandle::take_report`].
#[derive(Debug)]
pub struct ChildReport {
    report: Box<Report>,
}

impl ChildReport {
    /// Whether nothing went wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.report.is_empty()
    }

    /// The errors of finalizers.
    #[must_use]
    pub fn cleanup_errors(&self) -> &[CleanupError] {
        &self.report.cleanup_errors
    }

    /// The failures of the child's own children that were collected.
    #[must_use]
    pub fn child_failures(&self) -> &[ChildFailure] {
        &self.report.child_failures
    }

    /// The stragglers that the child has ended without.
    #[must_use]
    pub fn stragglers(&self) -> &[Straggler] {
        &self.report.stragglers
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
    /// checked first, so a call that has ended is never said to be abandoned.
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

/// The timer of a blocking call's handle, which abandons the call when its time is up, also where the scope does not
/// join it yet because its body still runs.
pub(super) struct AbandonTimer {
    owner: Arc<Record>,
    id: OperationId,
    call: Arc<BlockingCall>,
    span: Duration,
    /// Made when the call is cancelled.
    sleep: Option<Sleep>,
}

impl AbandonTimer {
    /// `None` for a call that is never abandoned.
    pub(super) fn new(
        owner: &Arc<Record>,
        id: OperationId,
        call: &Arc<BlockingCall>,
    ) -> Option<Self> {
        Some(Self {
            owner: Arc::clone(owner),
            id,
            call: Arc::clone(call),
            span: call.abandon_after()?,
            sleep: None,
        })
    }

    /// Ready when the call is abandoned.
    ///
    /// Wakes: the waker is left before the call is checked a last time, and a change is made before the waker is
    /// taken. A call that is cancelled has a timer, which has the waker too.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        if self.check(cx).is_pending() {
            self.call.register(cx);
            return self.check(cx);
        }
        Poll::Ready(self.span)
    }

    fn check(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        if let Some(due) = self.call.due() {
            let runtime = self.call.runtime();
            let sleep = self.sleep.get_or_insert_with(|| runtime.sleep_until(due));
            if !self.call.is_abandoned() && Pin::new(sleep).poll(cx).is_ready() {
                // This changes nothing if the call has just ended: then its exit was reported.
                abandon::abandon_call(&self.owner, self.id);
            }
        }
        match self.call.is_abandoned() {
            true => Poll::Ready(self.span),
            false => Poll::Pending,
        }
    }
}

/// The call may go on for long after its handle.
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
