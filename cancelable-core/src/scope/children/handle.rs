//! The handle to a child: waiting for its value, and asking it to stop.

use super::abandon_timer::Patience;
use crate::operation::Operation;
use crate::report::{ChildFailure, CleanupError, Report, Straggler};
use crate::runtime::JoinHandle;
use crate::scope::ChildError;
use crate::sync::track_await;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A child of a scope, or a blocking call in it, from [`Scope::spawn`](crate::scope::Scope::spawn) and its
/// like.
///
/// Awaiting it gives its value. It dereferences to the child's [`Operation`], which says how it
/// stands and cancels it. Dropping the handle changes nothing: the scope waits for the child in any
/// case.
///
/// # Cancel safety
///
/// Awaiting it by reference and dropping that loses nothing.
pub struct Child<T> {
    operation: Operation,
    join: JoinHandle<Result<T, ChildError>>,
    /// What a blocking call has that may be given up.
    patience: Option<Patience>,
}

impl<T> Child<T> {
    pub(super) fn new(
        operation: Operation,
        join: JoinHandle<Result<T, ChildError>>,
        patience: Option<Patience>,
    ) -> Self {
        Self {
            operation,
            join,
            patience,
        }
    }

    /// The child's operation, for a handle that outlives this one.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// What went wrong in its finalizers and, where nobody was told of that, in those below it, once it has
    /// ended; empty after [`take_report`](Self::take_report).
    #[must_use]
    pub fn cleanup_errors(&self) -> Vec<CleanupError> {
        self.look(|report| report.cleanup_errors.clone())
    }

    /// The failures that it has collected of its own children, and those that were collected below it.
    #[must_use]
    pub fn child_failures(&self) -> Vec<ChildFailure> {
        self.look(|report| report.child_failures.clone())
    }

    /// What it, or something below it, has ended without.
    #[must_use]
    pub fn stragglers(&self) -> Vec<Straggler> {
        self.look(|report| report.stragglers.clone())
    }

    fn look<V: Default>(&self, look: impl FnOnce(&Report) -> V) -> V {
        self.operation.record().on_report(look).unwrap_or_default()
    }

    /// Takes all that went wrong in it beside its own failure, once it has ended. What nobody takes is in
    /// the [outcome](crate::scope::Outcome) of the scope that it is a child of.
    ///
    /// What the finalizers of a blocking call do wrong is always there: they run after its end.
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
        let report = self.operation.record().take_report();
        ChildReport {
            report: report.unwrap_or_default(),
        }
    }

    /// Whether it has ended, in whichever way. A blocking call that was abandoned has not.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.join.is_finished()
    }
}

/// What went wrong in a child beside its own failure, from [`Child::take_report`].
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

    /// What went wrong in finalizers.
    #[must_use]
    pub fn cleanup_errors(&self) -> &[CleanupError] {
        &self.report.cleanup_errors
    }

    /// The failures of its own children that were collected.
    #[must_use]
    pub fn child_failures(&self) -> &[ChildFailure] {
        &self.report.child_failures
    }

    /// What it has ended without.
    #[must_use]
    pub fn stragglers(&self) -> &[Straggler] {
        &self.report.stragglers
    }
}

impl<T> Deref for Child<T> {
    type Target = Operation;

    fn deref(&self) -> &Operation {
        &self.operation
    }
}

impl<T> Child<T> {
    /// Wakes: by the child's end, by the handle below; and by what gives a blocking call up. The end
    /// is looked at first, so a call that has ended is never said to be abandoned.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, ChildError>> {
        let this = self.get_mut();
        if let Poll::Ready(joined) = Pin::new(&mut this.join).poll(cx) {
            let record = this.operation.record();
            let ended = joined.unwrap_or_else(|error| Err(ChildError::joined(record, error)));
            return Poll::Ready(ended.map_err(|error| {
                record.hand_on();
                error.given_out()
            }));
        }
        let Some(patience) = &mut this.patience else {
            return Poll::Pending;
        };
        patience
            .poll(cx)
            .map(|span| Err(ChildError::abandoned(this.operation.record(), span)))
    }
}

impl<T> Future for Child<T> {
    type Output = Result<T, ChildError>;

    #[cfg_attr(feature = "testing", track_caller)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        track_await(self.advance(cx))
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("operation", &self.operation)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
