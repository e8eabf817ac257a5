//! The error of a run, and the errors inside.

use super::BuildError;
use crate::cause::{Cause, Named, OperationLabel};
use crate::error::{Cancelled, debug_as_sentence};
use crate::operation::{ChildFailure, CleanupError, Status, Straggler};
use crate::source::SourceError;
use crate::sync::escaped;
use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;

/// The error of a run.
///
/// A `RunError<E>` implements [`Error`] if the error of the body does. `Box<dyn Error>` does not: if the body fails
/// with such a type, [`flatten`](Self::flatten) returns that type.
///
/// `{:?}` is the same sentence as `{}`, for a `main` that returns this error. The error of a body keeps its own `{:?}`.
/// `{:#?}` shows the fields.
///
/// # Examples
///
/// ```
/// use cancelable_core::scope::RunError;
///
/// let outcome = rt::block_on(rt::scope("parse").try_run(async |_| "seven".parse::<u32>()));
/// match outcome.complete() {
///     Ok(number) => println!("{number}"),
///     Err(error) if error.is_cancelled() => println!("stopped: {error}"),
///     Err(RunError::Failed(error)) => println!("not a number: {error}"),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[non_exhaustive]
pub enum RunError<E = Infallible> {
    /// The scope was cancelled before the body had a value.
    Cancelled(Cancelled),
    /// The body stopped because the scope was cancelled: its error holds the [`Cancelled`] that a
    /// [`check`](crate::Operation::check), a stream or a run inside gave to the body.
    Stopped {
        /// The error of the body.
        error: E,
        /// The cancellation of the scope.
        cancelled: Box<Cancelled>,
    },
    /// The body failed.
    Failed(E),
    /// A source of the scope did not start. The body was not started.
    SourceFailed(SourceFailed),
    /// A child of the scope failed, and the failure cancelled the scope. A value that the body produced nevertheless is
    /// in the [outcome](super::Outcome::into_value).
    ChildFailed(ChildFailure),
    /// The scope had been run before.
    AlreadyRun(AlreadyRun),
    /// There is a value, and a finalizer failed: the error of the first. Only
    /// [`Outcome::complete`](super::Outcome::complete) returns this variant.
    CleanupFailed(CleanupError),
    /// There is a value, and work inside was still running at the end of its time: the first straggler. Only
    /// [`Outcome::complete`](super::Outcome::complete) returns this variant.
    Unfinished(Box<Straggler>),
    /// The scope could not be built. The body was not started. Only the run of a
    /// [`ScopeBuilder`](super::ScopeBuilder) returns this variant.
    NotBuilt(BuildError),
}

impl<E> RunError<E> {
    /// Returns the cancellation, if the scope was cancelled.
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

    /// Returns whether the scope was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation().is_some()
    }

    /// Returns whether the scope was cancelled because time ran out, of the scope or of an ancestor.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.cancellation().is_some_and(Cancelled::is_timeout)
    }

    /// Returns the error of the body, also of a body that stopped for a cancel.
    ///
    /// # Errors
    ///
    /// `self`, if there is no error of the body.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::scope::RunError;
    ///
    /// let outcome = rt::block_on(rt::scope("parse").try_run(async |_| "seven".parse::<u32>()));
    /// let failed = outcome.into_result().map_err(RunError::into_failed);
    /// assert!(matches!(failed, Err(Ok(parse_error)) if parse_error.to_string().contains("invalid digit")));
    /// ```
    pub fn into_failed(self) -> Result<E, Self> {
        match self {
            Self::Failed(error) | Self::Stopped { error, .. } => Ok(error),
            other => Err(other),
        }
    }

    /// Returns the error of the body, or this error converted to the same type: for a function with one error type for
    /// all errors, such as `Box<dyn Error>`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::RunError;
    /// use std::error::Error;
    ///
    /// async fn parse(scope: &Scope, text: &str) -> Result<u32, Box<dyn Error>> {
    ///     let outcome = scope.try_run(async |_| Ok(text.parse()?)).await;
    ///     outcome.complete().map_err(RunError::flatten)
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// let scope = rt::scope("parse").build()?;
    /// assert_eq!(rt::block_on(parse(&scope, "7"))?, 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn flatten(self) -> E
    where
        E: Flatten,
    {
        self.split().unwrap_or_else(E::from_run_error)
    }

    /// Returns the error of the body, or `self` without its type parameter.
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

/// An error type that [`RunError::flatten`] can return: any type that is `From<RunError>`.
///
/// `Box<dyn Error>`, [`io::Error`](std::io::Error) and [`RunError`] itself are. The trait exists for the message of the
/// compiler about a type that is not.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::scope::RunError;
///
/// #[derive(Debug)]
/// enum AppError {
///     Cancelled,
///     Io(std::io::Error),
/// }
///
/// impl From<RunError> for AppError {
///     fn from(_: RunError) -> Self {
///         Self::Cancelled
///     }
/// }
///
/// let outcome = rt::block_on(rt::scope("read").try_run(async |op: Scope| {
///     op.cancel();
///     op.check().map_err(std::io::Error::from).map_err(AppError::Io)
/// }));
/// let result: Result<(), AppError> = outcome.complete().map_err(RunError::flatten);
/// assert!(result.is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't say that the run was cancelled, because it is not `From<RunError>`",
    label = "no error that `flatten` could return",
    note = "if the body can't fail, as in `run`, the error of the body is `Infallible`: leave out `flatten`",
    note = "if the body fails with an error of your own, write `impl From<RunError> for {Self}`, or leave out `flatten`"
)]
pub trait Flatten: Sized {
    /// Converts the error of a run whose body did not fail.
    fn from_run_error(error: RunError) -> Self;
}

// Without this attribute the compiler names the bound of this impl instead of the message above.
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

/// The kind is `TimedOut` if time ran out, `InvalidInput` for a scope that could not be built, and `Other` otherwise,
/// as for [`Cancelled`] and [`BuildError`].
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
    write!(f, "the scope ended with open work: {straggler}")
}

/// The source is the source of the error inside, because each variant displays the error inside. So the body's error
/// need not be `'static`.
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

/// The error of a scope whose source did not start.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::scope::RunError;
/// use cancelable_core::source::{Source, SourceContext, SourceError, SourceFuture};
/// use std::borrow::Cow;
///
/// struct Broken;
///
/// impl Source for Broken {
///     fn name(&self) -> Cow<'static, str> {
///         "broken".into()
///     }
///
///     fn start(self: Box<Self>, _: &SourceContext) -> Result<SourceFuture, SourceError> {
///         Err(SourceError::new("no such file"))
///     }
/// }
///
/// let outcome = rt::block_on(Scope::builder("import").source(Broken).run(async |_| ()));
/// let Some(RunError::SourceFailed(failed)) = outcome.error() else {
///     return;
/// };
/// assert_eq!(failed.source_name(), "broken");
/// ```
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

    /// Returns the label of the scope.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// Returns the name of the source.
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
            "scope {operation} did not start, because its {} failed to start: {error}",
            Named("source", source)
        )
    }
}

debug_as_sentence!(SourceFailed {
    operation,
    source,
    error
});

impl Error for SourceFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The error of a second run of a scope.
///
/// # Examples
///
/// ```
/// use cancelable_core::scope::RunError;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = rt::scope("once").build()?;
/// rt::block_on(scope.run(async |_| ())).complete()?;
/// let again = rt::block_on(scope.run(async |_| ()));
/// assert!(matches!(again.error(), Some(RunError::AlreadyRun(_))));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AlreadyRun {
    operation: OperationLabel,
    status: Status,
}

impl AlreadyRun {
    pub(super) fn new(operation: OperationLabel, status: Status) -> Self {
        Self { operation, status }
    }

    /// Returns the label of the scope.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// Returns the status of the scope at the second run.
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
            "scope {operation} has already run ({status}): a scope runs once, build a new one for each run"
        )
    }
}

debug_as_sentence!(AlreadyRun { operation, status });

impl Error for AlreadyRun {}

// The error inside is read and never changed.
impl std::panic::UnwindSafe for SourceFailed {}
impl std::panic::RefUnwindSafe for SourceFailed {}
