//! The outcome of a run.

use super::{BuildError, RunError};
use crate::cause::{Cause, OperationLabel, Reason};
use crate::error::Cancelled;
use crate::report::{ChildFailure, CleanupError, Report, Status, Straggler, Value};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// The outcome of a run: its status, its value or its error, the cause of a cancel, and a report.
///
/// A cancel can be requested and not delivered. A body that finished although the scope was cancelled is
/// [`Status::Completed`], and the outcome has the cause of the request.
///
/// | call | result |
/// |---|---|
/// | [`complete`](Self::complete) | the value, or an error if any work was cut or failed |
/// | [`into_result`](Self::into_result) | the value of the body, even if the scope was cancelled, or an error |
/// | [`into_value`](Self::into_value) | the value of the body, even if a child failed after it |
///
/// # Examples
///
/// ```
/// use cancelable_core::{Cause, Scope, Status};
///
/// let outcome = rt::block_on(rt::scope("import").run(async |op: Scope| {
///     op.cancel_with("enough");
///     7
/// }));
/// assert_eq!(outcome.status(), Status::Completed);
/// assert_eq!(outcome.cause().and_then(Cause::message), Some("enough"));
/// assert_eq!(outcome.value(), Some(&7));
/// assert!(outcome.complete().is_err());
/// ```
#[derive(Debug)]
#[must_use = "an outcome may be an error"]
pub struct Outcome<T, E = Infallible> {
    status: Status,
    cause: Option<Cause>,
    elapsed: Option<Duration>,
    result: Result<T, RunError<E>>,
    /// The value of a body whose run failed by a child.
    late: Option<T>,
    /// The label of the scope, if it has a value although it was cancelled.
    cancelled_label: Option<Box<OperationLabel>>,
    /// The report; `None` if there is nothing to report.
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
            cancelled_label: None,
            report,
        }
    }

    /// Returns the outcome of a run whose scope could not be built.
    pub(super) fn not_built(error: BuildError) -> Self {
        let result = Err(RunError::NotBuilt(error));
        Self::new(Status::Failed, None, result, None)
    }

    /// Sets the cause of the cancel of the scope that `label` names.
    pub(super) fn set_cause(&mut self, cause: Option<Cause>, label: &OperationLabel) {
        // Without a value, the error has the label.
        let cancelled_label = cause.is_some() && self.result.is_ok();
        self.cancelled_label = cancelled_label.then(|| Box::new(label.clone()));
        self.cause = cause;
    }

    /// Replaces a value by the failure of a child, if there is one, and keeps the value as late.
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
            // The failures of the scope's own children come first, then the failures from scopes below.
            let all = &mut self.report.get_or_insert_default().child_failures;
            all.splice(0..0, failures);
        }
    }

    pub(super) fn add_partial(&mut self, partial: Value) {
        self.report.get_or_insert_default().partial = Some(partial);
    }

    /// Returns the status of the scope when the run ended. A refused run has the status that the scope had before. The
    /// status is [`Status::Failed`] if the scope could not be built.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Status;
    ///
    /// let outcome = rt::block_on(rt::scope("parse").try_run(async |_| "seven".parse::<u32>()));
    /// assert_eq!(outcome.status(), Status::Failed);
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns the cause of the cancel, if the scope was cancelled, even if the body finished nevertheless.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::{Cause, Scope};
    ///
    /// let outcome = rt::block_on(rt::scope("import").run(async |op: Scope| op.cancel_with("enough")));
    /// assert_eq!(outcome.cause().and_then(Cause::message), Some("enough"));
    /// ```
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// Returns the duration of the run. `None` if the scope did not run, or has no runtime and so no clock.
    ///
    /// # Examples
    ///
    /// ```
    /// let outcome = rt::block_on(async { rt::scope("sum").run(async |_| 1 + 2).await });
    /// assert!(outcome.elapsed().is_some());
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }

    /// Returns whether the body produced its value and no child failed for which the scope was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// let outcome = rt::block_on(rt::scope("sum").run(async |_| 1 + 2));
    /// assert!(outcome.is_completed());
    /// ```
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.result.is_ok()
    }

    /// Returns whether the body stopped because the scope was cancelled: the body was dropped for the cancel, or
    /// returned an error that holds it.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::future::pending;
    ///
    /// let outcome = rt::block_on(rt::scope("import").run(async |op: Scope| {
    ///     op.cancel();
    ///     pending::<()>().await
    /// }));
    /// assert!(outcome.is_cancelled());
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.error().is_some_and(RunError::is_cancelled)
    }

    /// Returns whether the body stopped because time ran out, of the scope or of an ancestor. A body that returned
    /// a value in spite of the cancel did not stop; [`cause`](Self::cause) reports the cancel.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// let outcome = rt::block_on(async {
    ///     rt::scope("import").timeout(Duration::from_millis(2)).run(async |_| pending::<()>().await).await
    /// });
    /// assert!(outcome.is_timeout());
    /// ```
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.error()
            .and_then(RunError::cancellation)
            .is_some_and(Cancelled::is_timeout)
    }

    /// Returns the value of the body, even if a child failed after it.
    ///
    /// # Examples
    ///
    /// ```
    /// let outcome = rt::block_on(rt::scope("sum").run(async |_| 1 + 2));
    /// assert_eq!(outcome.value(), Some(&3));
    /// ```
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.result.as_ref().ok().or(self.late.as_ref())
    }

    /// Returns the error of a run that did not complete.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::scope::RunError;
    ///
    /// let outcome = rt::block_on(rt::scope("parse").try_run(async |_| "seven".parse::<u32>()));
    /// assert!(matches!(outcome.error(), Some(RunError::Failed(_))));
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<&RunError<E>> {
        self.result.as_ref().err()
    }

    /// Returns the value of the body, even if a child failed after it.
    ///
    /// # Examples
    ///
    /// ```
    /// let outcome = rt::block_on(rt::scope("sum").run(async |_| 1 + 2));
    /// assert_eq!(outcome.into_value(), Some(3));
    /// ```
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        self.result.ok().or(self.late)
    }

    /// Returns the value of a scope whose work is whole: no part of it failed, and the scope was not cancelled.
    ///
    /// A body may give a value although its work was cut: its streams ended early, or it only joined children that
    /// were cancelled. [`into_result`](Self::into_result) returns such a value. This method drops it and returns an
    /// error; [`value`](Self::value) reads it before.
    ///
    /// # Errors
    ///
    /// As for [`into_result`](Self::into_result). Returns [`RunError::Cancelled`] also if the scope was cancelled
    /// and has a value; [`RunError::ChildFailed`] if a child failed, even where failures are collected;
    /// [`RunError::CleanupFailed`] if a finalizer failed; [`RunError::Unfinished`] if work inside was still running
    /// at the end of its time, also a blocking call that was abandoned.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "stream")] {
    /// use cancelable_core::Scope;
    /// use futures_util::{StreamExt, stream};
    ///
    /// let scope = rt::scope("sum").build()?;
    /// let outcome = rt::block_on(scope.run(async |op: Scope| {
    ///     // The cancel comes with the third number, and the stream ends there.
    ///     let numbers = stream::iter(1..).inspect(|number| {
    ///         if *number == 3 {
    ///             op.cancel();
    ///         }
    ///     });
    ///     op.stream(numbers).fold(0, async |sum, number| sum + number).await
    /// }));
    /// assert_eq!(outcome.value(), Some(&6));
    /// assert!(outcome.complete().is_err(), "6 is not the sum of all numbers");
    /// # }
    /// # Ok::<(), cancelable_core::scope::BuildError>(())
    /// ```
    pub fn complete(self) -> Result<T, RunError<E>> {
        let value = self.result?;
        if let Some(cause) = self.cause {
            let cancelled = Cancelled::new(cause);
            return Err(RunError::Cancelled(match self.cancelled_label {
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

    /// Returns the value of the body, even if the scope was cancelled, or the error of the run. For an error if any
    /// work was cut, call [`complete`](Self::complete).
    ///
    /// In a function with one error type for all errors, such as `Box<dyn Error>`, map the error by
    /// [`RunError::flatten`], which keeps the type of the body's error.
    ///
    /// # Errors
    ///
    /// The body failed or stopped, the scope was cancelled before there was a value, a child failed, a source did not
    /// start, the scope had been run before, or the scope could not be built.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let outcome = rt::block_on(rt::scope("sum").run(async |op: Scope| {
    ///     op.cancel();
    ///     1 + 2
    /// }));
    /// // The body had its value in spite of the cancel.
    /// assert_eq!(outcome.into_result()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_result(self) -> Result<T, RunError<E>> {
        self.result
    }

    /// Returns the bodies that were dropped at the end of their grace period, the finalizers that were dropped at the
    /// end of the cleanup budget, and the blocking calls that were abandoned, whose threads may still run.
    ///
    /// Stragglers of descendant scopes are included if this scope was cancelled too. Stragglers of spawned children
    /// and of dropped runs are always included. Of the blocking calls, the first 256 are kept. All stragglers are logged.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::operation::StragglerKind;
    /// use std::future::pending;
    /// use std::time::Duration;
    ///
    /// let outcome = rt::block_on(async {
    ///     let scope = rt::scope("import").grace(Duration::from_millis(2));
    ///     let run = scope.run(async |op: Scope| {
    ///         op.cancel();
    ///         pending::<()>().await
    ///     });
    ///     run.await
    /// });
    /// let kinds: Vec<_> = outcome.stragglers().iter().map(|straggler| straggler.kind()).collect();
    /// assert_eq!(kinds, [StragglerKind::Operation]);
    /// ```
    #[must_use]
    pub fn stragglers(&self) -> &[Straggler] {
        self.report
            .as_ref()
            .map_or(&[], |report| &report.stragglers)
    }

    /// Returns the errors of finalizers, in the order in which the finalizers ran.
    ///
    /// The errors of the scope's own finalizers come first. The errors of spawned children and of dropped runs
    /// inside follow, of which the first 256 are kept. All errors are logged.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// let outcome = rt::block_on(rt::scope("import").run(async |op: Scope| {
    ///     op.defer_named("flush", async { Err::<(), _>("the disk is full") }).is_ok()
    /// }));
    /// let names: Vec<_> = outcome.cleanup_errors().iter().map(|error| error.name()).collect();
    /// assert_eq!(names, ["flush"]);
    /// ```
    #[must_use]
    pub fn cleanup_errors(&self) -> &[CleanupError] {
        self.report
            .as_ref()
            .map_or(&[], |report| &report.cleanup_errors)
    }

    /// Returns the failures of children.
    ///
    /// The failures of the scope's own children come first: all of them if failures are
    /// [collected](super::ScopeBuilder::collect_all), and otherwise the first. Then come the failures from below, as for
    /// [`cleanup_errors`](Self::cleanup_errors).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// let outcome = rt::block_on(async {
    ///     let scope = rt::scope("import").collect_all();
    ///     let run = scope.run(async |op: Scope| {
    ///         for row in ["1", "two", "three"] {
    ///             drop(op.try_spawn(async move { row.parse::<u32>() }));
    ///         }
    ///     });
    ///     run.await
    /// });
    /// assert_eq!(outcome.child_failures().len(), 2);
    /// ```
    #[must_use]
    pub fn child_failures(&self) -> &[ChildFailure] {
        self.report
            .as_ref()
            .map_or(&[], |report| &report.child_failures)
    }

    /// Returns the [partial result](crate::Operation::partial) of the scope at the end of the run. `None` if there is
    /// no partial result, or it has [another type](Self::partial_type).
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use std::future::pending;
    ///
    /// let outcome = rt::block_on(rt::scope("import").run(async |op: Scope| {
    ///     op.partial().set(3_u32);
    ///     op.cancel();
    ///     pending::<()>().await
    /// }));
    /// assert_eq!(outcome.partial::<u32>(), Some(&3));
    /// ```
    #[must_use]
    pub fn partial<P: 'static>(&self) -> Option<&P> {
        self.report.as_ref()?.partial.as_ref()?.get()
    }

    /// Takes the [`partial`](Self::partial) result. A value of another type stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// let mut outcome = rt::block_on(rt::scope("import").run(async |op: Scope| {
    ///     op.partial().set(vec!["a", "b"]);
    /// }));
    /// let rows: Option<Vec<&str>> = outcome.take_partial();
    /// assert_eq!(rows.as_deref(), Some(&["a", "b"][..]));
    /// ```
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

    /// Returns the name of the type of the partial result, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    ///
    /// let outcome = rt::block_on(rt::scope("import").run(async |op: Scope| op.partial().set(3_u32)));
    /// assert_eq!(outcome.partial::<u64>(), None);
    /// assert_eq!(outcome.partial_type(), Some("u32"));
    /// ```
    #[must_use]
    pub fn partial_type(&self) -> Option<&'static str> {
        Some(self.report.as_ref()?.partial.as_ref()?.type_name())
    }
}

impl Outcome<(), ()> {
    /// Replaces the output of the body of a blocking run by the output of its closure. `None` is a closure that was not
    /// run.
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
                // The body is pending until there is an output. This arm only spares a panic.
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
            cancelled_label: self.cancelled_label,
            report: self.report,
        }
    }
}
