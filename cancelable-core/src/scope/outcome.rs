//! The outcome of a run.

use super::{BuildError, RunError};
use crate::cause::{Cause, OperationLabel, Reason};
use crate::error::Cancelled;
use crate::report::{ChildFailure, CleanupError, Report, Status, Straggler, Value};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// The outcome of a run: how it ended, and the cause of its cancel if there was one.
///
/// A cancel that is requested is not yet delivered. A body that finished although the scope was cancelled is
/// [`Status::Completed`], and the cause of the request is on record.
#[derive(Debug)]
#[must_use = "an outcome may be an error"]
pub struct Outcome<T, E = Infallible> {
    status: Status,
    cause: Option<Cause>,
    elapsed: Option<Duration>,
    result: Result<T, RunError<E>>,
    /// The value of a body whose run failed because a child did.
    late: Option<T>,
    /// The label of a scope that has a value although it was cancelled.
    asked: Option<Box<OperationLabel>>,
    /// `None` if there is nothing to report.
    report: Option<Box<Report>>,
}

impl<T, E> Outcome<T, E> {
    pub(super) fn new(
        status: Status,
        elapsed: Option<Duration>,
        result: Result<T, RunError<E>>,
        report: Option<Box<Report>>,
    ) -> Self {
        Self {
            status,
            cause: None,
            elapsed,
            result,
            late: None,
            asked: None,
            report,
        }
    }

    /// The outcome of a run whose scope could not be built.
    pub(super) fn not_built(error: BuildError) -> Self {
        let result = Err(RunError::NotBuilt(error));
        Self::new(Status::Failed, None, result, None)
    }

    /// Sets the cause of a cancel of the scope with this label.
    pub(super) fn set_cause(&mut self, cause: Option<Cause>, label: &OperationLabel) {
        // If there is no value, the error has the label.
        let asked = cause.is_some() && self.result.is_ok();
        self.asked = asked.then(|| Box::new(label.clone()));
        self.cause = cause;
    }

    /// Replaces the value by the failure, if there are both, and keeps the value as late.
    pub(super) fn fail_by(&mut self, failure: impl FnOnce() -> Option<ChildFailure>) {
        if self.result.is_err() {
            return;
        }
        if let Some(failure) = failure() {
            let error = Err(RunError::ChildFailed(failure));
            self.late = std::mem::replace(&mut self.result, error).ok();
        }
    }

    /// Adds the failures of children, if there are any.
    pub(super) fn add_failures(&mut self, failures: Vec<ChildFailure>) {
        if !failures.is_empty() {
            // Its own first, and then what came from below.
            let all = &mut self.report.get_or_insert_default().child_failures;
            all.splice(0..0, failures);
        }
    }

    pub(super) fn add_partial(&mut self, partial: Value) {
        self.report.get_or_insert_default().partial = Some(partial);
    }

    /// The status of the scope when the run ended. For a refused run it is the status that it was refused for, and
    /// [`Status::Failed`] if the scope could not be built.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// The cause of the cancel, if the scope was cancelled, whether or not it stopped for that.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// How long the scope ran; `None` if it did not run, or has no runtime to tell the time.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }

    /// Whether the body produced its value, and no child failed that the scope is cancelled for.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.result.is_ok()
    }

    /// Whether the body stopped because the scope was cancelled: it was dropped for that, or has said so by an error
    /// of its own.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.error().is_some_and(RunError::is_cancelled)
    }

    /// Whether the body stopped because time ran out: that of the scope or of an ancestor. A body that gave its value
    /// all the same did not stop for that; the [`cause`](Self::cause) says whether time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.error()
            .and_then(RunError::cancellation)
            .is_some_and(Cancelled::is_timeout)
    }

    /// The value, if there is one, also where a child failed after it.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.result.as_ref().ok().or(self.late.as_ref())
    }

    /// The error, if the run did not complete.
    #[must_use]
    pub fn error(&self) -> Option<&RunError<E>> {
        self.result.as_ref().err()
    }

    /// The value, if there is one, also where a child failed after it.
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        self.result.ok().or(self.late)
    }

    /// The value of a scope whose work is whole: nothing of it failed, and it was not cancelled.
    ///
    /// A body may give a value although it was cut short: its streams have ended early, or it has only joined
    /// children that were cancelled. [`into_result`](Self::into_result) returns such a value, and this method returns
    /// an error and drops it; [`value`](Self::value) reads it before.
    ///
    /// # Errors
    ///
    /// As for [`into_result`](Self::into_result). And [`RunError::Cancelled`] if the scope was cancelled, even if it
    /// has a value; [`RunError::ChildFailed`] if a child failed, also where failures are collected;
    /// [`RunError::CleanupFailed`] if a finalizer went wrong; [`RunError::Unfinished`] if something inside was still
    /// running at the end of its time.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::Scope;
    /// use cancelable_core::testing::ManualRuntime;
    /// use futures_util::{StreamExt, stream};
    ///
    /// let manual = ManualRuntime::new();
    /// let scope = Scope::builder("sum").build().expect("it is sound");
    /// let outcome = manual.block_on(scope.run(async |op: Scope| {
    ///     // Cancelled while the third is on its way, so the stream ends there.
    ///     let numbers = stream::iter(1..).inspect(|number| {
    ///         if *number == 3 {
    ///             op.cancel();
    ///         }
    ///     });
    ///     op.stream(numbers).fold(0, async |sum, number| sum + number).await
    /// }));
    /// assert_eq!(outcome.value(), Some(&6));
    /// assert!(outcome.complete().is_err(), "it is not the sum of all numbers");
    /// # }
    /// ```
    pub fn complete(self) -> Result<T, RunError<E>> {
        let value = self.result?;
        if let Some(cause) = self.cause {
            let cancelled = Cancelled::new(cause);
            return Err(RunError::Cancelled(match self.asked {
                Some(label) => cancelled.of(*label, self.elapsed),
                None => cancelled,
            }));
        }
        let report = self.report.unwrap_or_default();
        if let Some(failure) = report.child_failures.into_iter().next() {
            return Err(RunError::ChildFailed(failure));
        }
        if let Some(error) = report.cleanup_errors.into_iter().next() {
            return Err(RunError::CleanupFailed(error));
        }
        match report.stragglers.into_iter().next() {
            Some(straggler) => Err(RunError::Unfinished(Box::new(straggler))),
            None => Ok(value),
        }
    }

    /// The value, or why the run did not complete. A value that the body gave counts even if the scope was cancelled.
    /// If work that was cut short must not pass for whole, call [`complete`](Self::complete).
    ///
    /// In a function with one error type for everything, such as `Box<dyn Error>`, map the error by
    /// [`RunError::flatten`], which keeps the type of the body's error.
    ///
    /// # Errors
    ///
    /// The body failed or stopped, the scope was cancelled before there was a value, a child failed, a source did not
    /// start, the scope had been run before, or it could not be built.
    pub fn into_result(self) -> Result<T, RunError<E>> {
        self.result
    }

    /// The bodies that were dropped at the end of their grace, and the finalizers that were dropped at the end of the
    /// cleanup budget. Those of scopes below are among them if this scope was cancelled too. Those of
    /// spawned children and of runs that were dropped are so in any case.
    #[must_use]
    pub fn stragglers(&self) -> &[Straggler] {
        self.report
            .as_ref()
            .map_or(&[], |report| &report.stragglers)
    }

    /// The errors of finalizers, in the order in which they ran: those of the scope, and then those of spawned children and
    /// of runs inside that were dropped. Of these the first 256 are kept, and all are logged.
    #[must_use]
    pub fn cleanup_errors(&self) -> &[CleanupError] {
        self.report
            .as_ref()
            .map_or(&[], |report| &report.cleanup_errors)
    }

    /// The children that failed: all of them if failures are collected, and otherwise the first. Then the failures
    /// that children have collected, and those of runs inside that were dropped, as for [`cleanup_errors`](Self::cleanup_errors).
    #[must_use]
    pub fn child_failures(&self) -> &[ChildFailure] {
        self.report
            .as_ref()
            .map_or(&[], |report| &report.child_failures)
    }

    /// The partial result of the scope when the run ended, in any way; see
    /// [`Operation::partial`](crate::Operation::partial). `None` if there is none, or it is of [another
    /// type](Self::partial_type).
    #[must_use]
    pub fn partial<P: 'static>(&self) -> Option<&P> {
        self.report.as_ref()?.partial.as_ref()?.get()
    }

    /// Takes the [`partial`](Self::partial) result. A value of another type stays.
    pub fn take_partial<P: Clone + Send + Sync + 'static>(&mut self) -> Option<P> {
        let partial = &mut self.report.as_mut()?.partial;
        match partial.take()?.downcast() {
            // Clones a value that a reader of the operation shares.
            Ok(value) => Some(Arc::unwrap_or_clone(value)),
            Err(other) => {
                *partial = Some(other);
                None
            }
        }
    }

    /// The name of the type of the partial result, if there is one.
    #[must_use]
    pub fn partial_type(&self) -> Option<&'static str> {
        Some(self.report.as_ref()?.partial.as_ref()?.type_name())
    }
}

impl Outcome<(), ()> {
    /// The outcome of a run whose body stood in for a closure, with the output of the closure instead of the body's.
    /// `None` is a closure that was not run.
    pub(super) fn filled<T, E>(self, answer: Option<Result<T, E>>) -> Outcome<T, E> {
        let mut late = None;
        let result = match (self.result, answer) {
            (Err(RunError::Stopped { cancelled, .. }), Some(answer)) => {
                answer.map_err(|error| RunError::Stopped { error, cancelled })
            }
            (Ok(()) | Err(RunError::Failed(())), Some(answer)) => answer.map_err(RunError::Failed),
            (Err(RunError::ChildFailed(failure)), answer) => {
                late = answer.and_then(Result::ok);
                Err(RunError::ChildFailed(failure))
            }
            (Err(RunError::Cancelled(cancelled)), _) => Err(RunError::Cancelled(cancelled)),
            (Err(RunError::Stopped { cancelled, .. }), None) => {
                Err(RunError::Cancelled(*cancelled))
            }
            (Err(RunError::SourceFailed(failed)), _) => Err(RunError::SourceFailed(failed)),
            (Err(RunError::AlreadyRun(refused)), _) => Err(RunError::AlreadyRun(refused)),
            (Err(RunError::NotBuilt(error)), _) => Err(RunError::NotBuilt(error)),
            (Err(RunError::CleanupFailed(error)), _) => Err(RunError::CleanupFailed(error)),
            (Err(RunError::Unfinished(straggler)), _) => Err(RunError::Unfinished(straggler)),
            (Ok(()) | Err(RunError::Failed(())), None) => {
                // The body is pending until there is an output; this only spares a panic.
                let cause = self.cause.clone();
                let cause = cause.unwrap_or_else(|| Cause::new(Reason::Requested));
                Err(RunError::Cancelled(Cancelled::new(cause)))
            }
        };
        Outcome {
            status: self.status,
            cause: self.cause,
            elapsed: self.elapsed,
            result,
            late,
            asked: self.asked,
            report: self.report,
        }
    }
}
