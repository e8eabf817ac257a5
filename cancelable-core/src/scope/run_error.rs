//! The error of a run that has no value.

use super::BuildError;
use crate::cause::{Cause, Named, OperationLabel};
use crate::error::Cancelled;
use crate::operation::{ChildFailure, CleanupError, Status, Straggler};
use crate::source::SourceError;
use crate::sync::escaped;
use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;

/// The error of a run that has no value.
///
/// It implements [`Error`] if the error of the body does, which `Box<dyn Error>` does not. If the body fails with
/// such a type, [`flatten`](Self::flatten) gives that, or converts this error to it.
///
/// Its `{:?}` is the same sentence as its `{}`, since a `main` that returns it prints that; the error of a body keeps
/// its own `{:?}`. `{:#?}` has the parts.
#[non_exhaustive]
pub enum RunError<E = Infallible> {
    /// The scope was cancelled before the body had a value.
    Cancelled(Cancelled),
    /// The body has stopped because the scope was cancelled, and says so by an error of its own, which holds the
    /// [`Cancelled`] that a [`check`](crate::Operation::check), a stream or a run inside has given to the body.
    Stopped {
        /// The error of the body.
        error: E,
        /// The cancellation of the scope.
        cancelled: Box<Cancelled>,
    },
    /// The body failed.
    Failed(E),
    /// A source of the scope did not start, so the body was not started.
    SourceFailed(SourceFailed),
    /// A child of the scope failed, and the others were cancelled for that. A value that the body has produced
    /// nevertheless is in the [outcome](super::Outcome::into_value).
    ChildFailed(ChildFailure),
    /// The scope had been run before.
    AlreadyRun(AlreadyRun),
    /// There is a value, and a finalizer went wrong: the first that did. Only
    /// [`Outcome::complete`](super::Outcome::complete) returns this.
    CleanupFailed(CleanupError),
    /// There is a value, and something inside was still running at the end of its time: the first straggler. Only
    /// [`Outcome::complete`](super::Outcome::complete) returns this.
    Unfinished(Box<Straggler>),
    /// The scope could not be built, so the body was not started. Only the run of a
    /// [`ScopeBuilder`](super::ScopeBuilder) returns this.
    NotBuilt(BuildError),
}

impl<E> RunError<E> {
    /// The cancellation, if the scope was cancelled.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        match self {
            Self::Cancelled(cancelled) => Some(cancelled),
            Self::Stopped { cancelled, .. } => Some(cancelled),
            _ => None,
        }
    }

    /// Returns the cause of the cancel, if the scope was cancelled.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cancellation().map(Cancelled::cause)
    }

    /// Whether the scope was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation().is_some()
    }

    /// The error of the body, also of one that has stopped for a cancel.
    ///
    /// # Errors
    ///
    /// The error as it was, if it is not the body's.
    pub fn into_failed(self) -> Result<E, Self> {
        match self {
            Self::Failed(error) | Self::Stopped { error, .. } => Ok(error),
            other => Err(other),
        }
    }

    /// The error of the body, or else this as an error of the same type: for a function with one error type for
    /// everything, as in `outcome.complete().map_err(RunError::flatten)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    ///
    /// async fn parse(scope: &Scope, text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
    ///     let parsed = scope.try_run(async |_| Ok(text.parse()?)).await;
    ///     parsed.complete().map_err(RunError::flatten)
    /// }
    /// # let scope = Scope::builder("parse").build().expect("it is sound");
    /// # let parsed = futures_util::FutureExt::now_or_never(parse(&scope, "7"));
    /// # assert_eq!(parsed.and_then(Result::ok), Some(7));
    /// ```
    pub fn flatten(self) -> E
    where
        E: Flatten,
    {
        self.split().unwrap_or_else(E::from_run_error)
    }

    /// The error of the body, or else why there is none, as an error that has no such variant.
    pub(super) fn split(self) -> Result<E, RunError> {
        Err(match self {
            Self::Failed(error) | Self::Stopped { error, .. } => return Ok(error),
            Self::Cancelled(cancelled) => RunError::Cancelled(cancelled),
            Self::SourceFailed(failed) => RunError::SourceFailed(failed),
            Self::ChildFailed(failure) => RunError::ChildFailed(failure),
            Self::AlreadyRun(refused) => RunError::AlreadyRun(refused),
            Self::CleanupFailed(error) => RunError::CleanupFailed(error),
            Self::Unfinished(straggler) => RunError::Unfinished(straggler),
            Self::NotBuilt(error) => RunError::NotBuilt(error),
        })
    }
}

/// The errors that [`RunError::flatten`] can return: all that are `From<RunError>`.
///
/// `Box<dyn Error>`, [`io::Error`](std::io::Error) and [`RunError`] itself are. The trait exists for the message with
/// which the compiler refuses a type that is not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't say that the run was cancelled, because it is not `From<RunError>`",
    label = "no error that `flatten` could give",
    note = "where the body can't fail, as in `run`, the error of the outcome is `Infallible`: end with `.into_result()` there",
    note = "where the body fails with an error of your own, write `impl From<RunError> for {Self}`, or end with `.into_result()`"
)]
pub trait Flatten: Sized {
    /// The error for a run that has ended without an error of the body.
    fn from_run_error(error: RunError) -> Self;
}

// Without this the compiler names the bound of this impl instead of the message above.
#[diagnostic::do_not_recommend]
impl<E: From<RunError>> Flatten for E {
    fn from_run_error(error: RunError) -> Self {
        Self::from(error)
    }
}

impl<E> From<BuildError> for RunError<E> {
    fn from(error: BuildError) -> Self {
        Self::NotBuilt(error)
    }
}

/// The kind is `TimedOut` when time ran out, `InvalidInput` for a scope that could not be built, and `Other` else, as
/// for [`Cancelled`] and [`BuildError`].
impl From<RunError> for io::Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Cancelled(cancelled) => cancelled.into(),
            RunError::Stopped { error, .. } => match error {},
            RunError::NotBuilt(error) => error.into(),
            error => Self::other(error),
        }
    }
}

impl<E: fmt::Display> fmt::Display for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(cancelled) => cancelled.fmt(f),
            Self::Failed(error) | Self::Stopped { error, .. } => escaped(error).fmt(f),
            Self::SourceFailed(failed) => failed.fmt(f),
            Self::ChildFailed(failure) => failure.fmt(f),
            Self::AlreadyRun(refused) => refused.fmt(f),
            Self::CleanupFailed(error) => error.fmt(f),
            Self::Unfinished(straggler) => write_unfinished(straggler, f),
            Self::NotBuilt(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for RunError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, sentence, parts): (_, &dyn fmt::Display, &dyn fmt::Debug) = match self {
            Self::Failed(error) if f.alternate() => {
                return f.debug_tuple("Failed").field(error).finish();
            }
            Self::Stopped { error, cancelled } if f.alternate() => {
                let mut parts = f.debug_struct("Stopped");
                return parts
                    .field("error", error)
                    .field("cancelled", cancelled)
                    .finish();
            }
            Self::Failed(error) | Self::Stopped { error, .. } => return error.fmt(f),
            Self::Cancelled(cancelled) => ("Cancelled", cancelled, cancelled),
            Self::SourceFailed(failed) => ("SourceFailed", failed, failed),
            Self::ChildFailed(failure) => ("ChildFailed", failure, failure),
            Self::AlreadyRun(refused) => ("AlreadyRun", refused, refused),
            Self::CleanupFailed(error) => ("CleanupFailed", error, error),
            Self::Unfinished(straggler) if !f.alternate() => return write_unfinished(straggler, f),
            Self::Unfinished(straggler) => ("Unfinished", straggler, straggler),
            Self::NotBuilt(error) => ("NotBuilt", error, error),
        };
        match f.alternate() {
            true => f.debug_tuple(name).field(parts).finish(),
            false => sentence.fmt(f),
        }
    }
}

fn write_unfinished(straggler: &Straggler, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the scope ended without {straggler}")
}

/// Each variant displays what it holds, so the chain goes on below that; this requires no `'static` of the body's
/// error.
impl<E: Error> Error for RunError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Cancelled(cancelled) => cancelled.source(),
            Self::Failed(error) | Self::Stopped { error, .. } => error.source(),
            Self::SourceFailed(failed) => failed.source(),
            Self::ChildFailed(failure) => failure.source(),
            Self::AlreadyRun(refused) => refused.source(),
            Self::CleanupFailed(error) => error.source(),
            Self::Unfinished(_) => None,
            Self::NotBuilt(error) => error.source(),
        }
    }
}

/// A source of a scope did not start.
#[derive(Debug)]
pub struct SourceFailed {
    operation: OperationLabel,
    source: Cow<'static, str>,
    error: SourceError,
}

impl SourceFailed {
    pub(super) fn new(
        operation: OperationLabel,
        source: Cow<'static, str>,
        error: SourceError,
    ) -> Self {
        Self {
            operation,
            source,
            error,
        }
    }

    /// The scope.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The name of the source.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for SourceFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            source,
            error,
        } = self;
        write!(
            f,
            "scope {operation} did not start because its {} did not: {error}",
            Named("source", source)
        )
    }
}

impl Error for SourceFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// A scope was run that had been run before.
#[derive(Clone, Debug)]
pub struct AlreadyRun {
    operation: OperationLabel,
    status: Status,
}

impl AlreadyRun {
    pub(super) fn new(operation: OperationLabel, status: Status) -> Self {
        Self { operation, status }
    }

    /// The scope.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The status of the scope when it was to be run again.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
}

impl fmt::Display for AlreadyRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, status } = self;
        write!(
            f,
            "scope {operation} runs once and is {status}: build another one for each run"
        )
    }
}

impl Error for AlreadyRun {}

// The error inside is only read.
impl std::panic::UnwindSafe for SourceFailed {}
impl std::panic::RefUnwindSafe for SourceFailed {}
