//! A bound around work: its deadline and other sources, its place below other work, its end.
//!
//! A [`Scope`] is built, and then polls one future beside what may cancel it. It spawns nothing, so
//! nothing of it can outlive it. What becomes of the work is an [`Outcome`]; what is known of it
//! meanwhile is an [`Operation`], to which a scope dereferences.

mod attempt;
mod build_error;
mod builder;
mod children;
mod concurrent;
mod deadline_error;
mod flatten;
mod hold;
mod outcome;
mod registration;
mod run;
mod run_error;
mod timeout;

pub use attempt::Attempt;
pub use build_error::BuildError;
pub use builder::ScopeBuilder;
pub use children::{Child, ChildError, ChildReport, SpawnError};
pub(crate) use concurrent::{BUDGET, take};
pub use concurrent::{
    ByIterator, ByStream, ForEachConcurrent, Items, MapConcurrent, Pulled, ZeroConcurrency,
};
pub use deadline_error::DeadlineError;
pub use flatten::Flatten;
pub use hold::{HoldError, ScopeHold};
pub use outcome::Outcome;
pub use run::{Run, TryRun};
pub use run_error::{Refused, RunError, SourceFailed};
pub use timeout::Timeout;

use self::run::detached_teardown;
use crate::operation::Operation;
use crate::record::handle_count::HandleKind;
use crate::record::{Record, deadlines, handles, lifecycle};
use crate::source::Limit;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

/// A bound around one piece of work. Clones are handles to the same scope.
///
/// It dereferences to its [`Operation`], which says how the work stands and cancels it. Holding the
/// scope itself entitles to run the work, to move its deadline and to open scopes inside it.
///
/// A scope that is dropped without having been run ends as [`Status::Abandoned`](crate::Status::Abandoned), with a warning in
/// the log. Where something was [deferred](Operation::defer) before the run, the clones that were made before
/// that do not keep the scope open, since what was deferred may hold them. The handle that
/// [`build`](ScopeBuilder::build) gave does, and so do later clones, and runs. A finalizer that needs its own scope takes the
/// [`operation`](Self::operation).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use cancelable_core::Scope;
/// use cancelable_core::testing::ManualRuntime;
/// use std::future::pending;
/// use std::time::Duration;
///
/// let manual = ManualRuntime::new();
/// let error = manual.block_on(async {
///     let scope = Scope::builder("import")
///         .runtime(&manual.handle())
///         .timeout(Duration::from_secs(3))
///         .build()
///         .expect("it has a runtime for its timeout");
///     scope.run(|_| pending::<()>()).await.into_result().unwrap_err()
/// });
/// assert!(error.to_string().starts_with("import cancelled after 3 s: timed out (limit 3 s"));
/// # }
/// ```
pub struct Scope {
    operation: Operation,
    standing: HandleKind,
}

impl Scope {
    /// Starts to describe a scope. Unless said otherwise it will be a part of the operation that
    /// runs where it is built, if there is one.
    #[track_caller]
    pub fn builder(name: impl Into<Cow<'static, str>>) -> ScopeBuilder {
        ScopeBuilder::new(name.into())
    }

    /// Starts to describe a scope that is a part of this one.
    #[track_caller]
    pub fn child(&self, name: impl Into<Cow<'static, str>>) -> ScopeBuilder {
        ScopeBuilder::new(name.into()).parent(self)
    }

    /// The operation, for handing out a handle that can read, cancel, and add to the end (`defer`), but neither run
    /// nor extend.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Runs a body to its end, or until the scope is cancelled, which drops it.
    ///
    /// The body is polled where this future is polled: it need be neither `Send` nor `'static`. The
    /// scope is entered at the first poll, and its timeout counts from there. If it is cancelled
    /// already, or its time is up, or a source of it fires at once, the body is not started.
    /// Afterwards the body is polled before anything else, so that a value it has produced is never
    /// thrown away.
    ///
    /// After the body the children are joined, and what dropped runs of scopes inside have left, and then
    /// what was [deferred](Operation::defer) runs.
    ///
    /// A body that returns has completed, also if a cancel was asked for before that. What it waits for
    /// may hear of the cancel first: a body that only joins children or blocking calls is woken by
    /// their end, and returns. [`Outcome::cause`] has the request then. Where work that was cut short
    /// must not pass for whole, ask that, or end the body of [`try_run`](Self::try_run) with a
    /// [`check`](Operation::check).
    ///
    /// A panic of the body goes on to the caller after that. A scope runs once: another run
    /// of it is refused.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body and cancels the scope, with
    /// [`Reason::RunDropped`](crate::Reason::RunDropped) or what [`if_dropped`](Run::if_dropped) says. Its children end and its finalizers run on the
    /// runtime, and the scope that it is a part of waits for that before its own finalizers.
    ///
    /// # Fairness
    ///
    /// A body that never yields is not interrupted. It can ask [`check`](Operation::check).
    pub fn run<F, Fut>(&self, body: F) -> Run<F, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future,
    {
        Run::new(self.for_run(), body)
    }

    /// [`run`](Self::run) for a body that may fail: an error ends the scope as
    /// [`Status::Failed`](crate::Status::Failed).
    ///
    /// An error that holds the [`Cancelled`](crate::Cancelled) of this cancel, which a `check()?` or a
    /// stream gave the body, is no failure: the scope ends as [`Status::Cancelled`](crate::Status::Cancelled), and the error is in
    /// [`RunError::Stopped`]. It may hold it in a box, in an `io::Error` or in a variant of its own. One
    /// that comes while the scope is cancelled and holds none is a failure.
    ///
    /// A body that joins others may be woken by their end before it is dropped for the cancel that
    /// ended them. Let it [`check`](Operation::check) before it answers that all is done.
    ///
    /// Where the body's error is one for all, as `Box<dyn Error>` is, ask the outcome for its value by
    /// [`flatten`](Outcome::flatten).
    ///
    /// # Cancel safety
    ///
    /// As for [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use cancelable_core::testing::ManualRuntime;
    /// use cancelable_core::{Cancelled, Scope};
    ///
    /// let manual = ManualRuntime::with_threads();
    /// let scope = Scope::builder("hash").runtime(&manual.handle()).build().expect("it is sound");
    /// let outcome = manual.block_on(scope.try_run(|op| async move {
    ///     // It stops at the cancel, and its handle gives what it has until then.
    ///     let worker = op.spawn_blocking(|token| token.is_cancelled());
    ///     let worker = worker.expect("the scope is running");
    ///     op.cancel();
    ///     let _ = worker.await;
    ///     op.check()?;
    ///     Ok::<_, Cancelled>("all of it")
    /// }));
    /// assert!(outcome.is_cancelled());
    /// # }
    /// ```
    pub fn try_run<F, Fut, T, E>(&self, body: F) -> TryRun<F, Fut>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        TryRun::new(self.for_run(), body)
    }

    /// Sets the scope's own time limit to `limit` from now, or from entry if it is not entered yet,
    /// in place of every limit it was built with. One too long for the clock is none. A cause that comes
    /// of it names the new limit, and from when on it counts:
    /// `import cancelled after 3 s: timed out (limit 2 s counted from 1 s on, set at src/main.rs:14)`.
    ///
    /// It may extend the scope's own deadline. The deadlines above it still hold. Zero cancels at
    /// once.
    ///
    /// A nearer deadline reaches the scopes inside this one through the run of this one, whose timer
    /// it moves. Where that run is held and not polled, a scope inside it that another task polls has
    /// the new [`deadline`](Operation::deadline) and sees it by [`check`](Operation::check), and is
    /// woken only when its time was up before the move.
    ///
    /// # Errors
    ///
    /// The scope has ended, is cancelled, or has no runtime.
    #[track_caller]
    pub fn set_timeout(&self, limit: impl Into<Limit>) -> Result<(), DeadlineError> {
        self.move_deadline(limit.into())
    }

    /// Sets the scope's own deadline to `point` on the clock of its runtime, in place of every limit
    /// it was built with. One that has passed cancels at once.
    ///
    /// # Errors
    ///
    /// As for [`set_timeout`](Self::set_timeout).
    #[track_caller]
    pub fn set_deadline(&self, point: Instant) -> Result<(), DeadlineError> {
        self.move_deadline(Limit::at(point))
    }

    fn move_deadline(&self, limit: Limit) -> Result<(), DeadlineError> {
        let record = self.record();
        let status = record.status();
        if status.is_closed() {
            return Err(DeadlineError::closed(record.label.clone(), status));
        }
        if record.is_cancelled() {
            return Err(DeadlineError::cancelled(record.label.clone()));
        }
        let now = record
            .now()
            .ok_or_else(|| DeadlineError::no_runtime(record.label.clone()))?;
        deadlines::set(record, limit, now);
        Ok(())
    }

    /// The one handle of a record that was just opened.
    fn opened(record: Arc<Record>) -> Self {
        Self {
            operation: Operation::new(record),
            standing: HandleKind::Lasting,
        }
    }

    /// A handle for a run, which keeps the scope open until it begins.
    fn for_run(&self) -> Self {
        Self {
            standing: handles::add_lasting(self.record()),
            operation: self.operation.clone(),
        }
    }

    fn record(&self) -> &Arc<Record> {
        self.operation.record()
    }
}

impl Deref for Scope {
    type Target = Operation;

    fn deref(&self) -> &Operation {
        &self.operation
    }
}

impl Clone for Scope {
    fn clone(&self) -> Self {
        Self {
            standing: handles::add_clone(self.record()),
            operation: self.operation.clone(),
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let record = self.record();
        if handles::remove(record, self.standing) && lifecycle::abandon(record) {
            detached_teardown::settle(record);
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.operation).finish()
    }
}
