//! What became of a run.

use super::RunError;
use crate::cause::Cause;
use crate::operation::Status;
use std::convert::Infallible;
use std::time::Duration;

/// What became of a run: how it ended, and why it was asked to stop, if it was.
///
/// Requested and delivered are two things. A body that finished although the scope was cancelled is
/// [`Status::Completed`], and the request's cause is on record.
#[derive(Debug)]
#[must_use = "an outcome may be an error"]
pub struct Outcome<T, E = Infallible> {
    status: Status,
    cause: Option<Cause>,
    elapsed: Option<Duration>,
    result: Result<T, RunError<E>>,
}

impl<T, E> Outcome<T, E> {
    pub(super) fn new(
        status: Status,
        cause: Option<Cause>,
        elapsed: Option<Duration>,
        result: Result<T, RunError<E>>,
    ) -> Self {
        Self {
            status,
            cause,
            elapsed,
            result,
        }
    }

    /// How the scope stood when the run ended. For a refused run it is what it was refused for.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Why the scope was asked to stop, if it was, whether or not it stopped for that.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// How long it ran; `None` if it did not, or has no runtime to tell the time.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        self.elapsed
    }

    /// Whether the body produced its value.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        self.result.is_ok()
    }

    /// Whether it stopped because the scope was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.result, Err(RunError::Cancelled(_)))
    }

    /// The value, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.result.as_ref().ok()
    }

    /// The error, if there is no value.
    #[must_use]
    pub fn error(&self) -> Option<&RunError<E>> {
        self.result.as_ref().err()
    }

    /// The value, if there is one.
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        self.result.ok()
    }

    /// The value, or why there is none.
    ///
    /// # Errors
    ///
    /// The body failed, the scope was cancelled before there was a value, a source of it did not
    /// start, or it had been run before.
    pub fn into_result(self) -> Result<T, RunError<E>> {
        self.result
    }
}
