//! The exit of a body, the reading of its output, and the outcome.

use crate::cause::{Cause, Reason};
use crate::error::Cancelled;
use crate::operation::{ChildFailure, Status};
use crate::record::Record;
use crate::record::lifecycle::Ended;
use crate::scope::{AlreadyRun, Outcome, RunError, SourceFailed};
use crate::sync::{panic_text, raw_text};
use std::any::{Any, type_name};
use std::convert::Infallible;
use std::mem::needs_drop;
use std::panic::resume_unwind;
use std::time::Duration;

/// The reading of an output: as a value, or as a value or an error.
pub(super) trait OutputKind<O> {
    type Value;
    type Error;

    fn into_result(output: O) -> Result<Self::Value, Self::Error>;

    /// Returns whether the output is an error.
    fn is_error(output: &O) -> bool;

    /// Returns whether the output is an error that holds a [`Cancelled`] of this cancel. Requires that the body has been
    /// dropped, since the body too may hold such a `Cancelled`.
    fn holds_cancelled(output: &O, record: &Record) -> bool;
}

/// Returns whether an error of type `E` may hold a [`Cancelled`] of this cancel: the type has a destructor, and such a
/// `Cancelled` exists.
pub(crate) fn may_hold_cancelled<E>(record: &Record) -> bool {
    needs_drop::<E>() && record.has_live_mark()
}

/// The reading of an output for a body that cannot fail: every output is a value.
pub(super) enum Plain {}

impl<T> OutputKind<T> for Plain {
    type Value = T;
    type Error = Infallible;

    fn into_result(output: T) -> Result<T, Infallible> {
        Ok(output)
    }

    fn is_error(_: &T) -> bool {
        false
    }

    fn holds_cancelled(_: &T, _: &Record) -> bool {
        false
    }
}

/// The reading of an output for a body that may fail: the output is a `Result`.
pub(super) enum Fallible {}

impl<T, E> OutputKind<Result<T, E>> for Fallible {
    type Value = T;
    type Error = E;

    fn into_result(output: Result<T, E>) -> Result<T, E> {
        output
    }

    fn is_error(output: &Result<T, E>) -> bool {
        output.is_err()
    }

    fn holds_cancelled(output: &Result<T, E>, record: &Record) -> bool {
        output.is_err() && may_hold_cancelled::<E>(record)
    }
}

/// The exit of a body, before its output is read.
pub(super) enum Exit<O> {
    Output(O),
    /// An error that holds the [`Cancelled`] of the cancel.
    Stopped(O),
    Cancelled,
    Panicked(Box<dyn Any + Send>),
    /// A source has failed. Boxed, like `AlreadyRun`: both are rare, and an `Exit` is moved often.
    SourceFailed(Box<SourceFailed>),
    AlreadyRun(Box<AlreadyRun>),
}

impl<O> Exit<O> {
    /// Returns the exit after the drop of the body, which shows whether an error holds the cancel.
    pub(super) fn after_drop<R: OutputKind<O>>(self, record: &Record) -> Self {
        match self {
            Self::Output(output) if R::holds_cancelled(&output, record) => Self::Stopped(output),
            exit => exit,
        }
    }

    /// Returns whether the body failed, or could not be started.
    pub(super) fn is_failure<R: OutputKind<O>>(&self) -> bool {
        match self {
            Self::Output(output) => R::is_error(output),
            Self::Panicked(_) | Self::SourceFailed(_) | Self::AlreadyRun(_) => true,
            Self::Stopped(_) | Self::Cancelled => false,
        }
    }

    /// Returns the status with which the operation ends.
    pub(super) fn status<R: OutputKind<O>>(&self, record: &Record) -> Status {
        match self {
            _ if self.is_failure::<R>() => Status::Failed,
            Self::Stopped(_) | Self::Cancelled => match stopped_by_child(record) {
                Some(_) => Status::Failed,
                None => Status::Cancelled,
            },
            _ => match child_failure(record) {
                Some(_) => Status::Failed,
                None => Status::Completed,
            },
        }
    }

    /// Records the text of the failure.
    pub(super) fn note_failure<R: OutputKind<O>>(
        &self,
        record: &Record,
        describe: Option<fn(&O) -> String>,
    ) {
        let text = match self {
            Self::Output(output) | Self::Stopped(output) if R::is_error(output) => match describe {
                Some(describe) => describe(output),
                None => format!("an error of type {}", type_name::<R::Error>()),
            },
            Self::Panicked(panic) => format!("panicked: {}", panic_text(panic.as_ref())),
            Self::SourceFailed(failed) => raw_text(failed),
            Self::AlreadyRun(refused) => refused.to_string(),
            Self::Output(_) | Self::Stopped(_) | Self::Cancelled => match child_failure(record) {
                Some(failure) => raw_text(&failure),
                None => return,
            },
        };
        record.note_error(&text);
    }

    /// Returns the outcome of a run that has closed.
    ///
    /// # Panics
    ///
    /// If the body did, with the same payload.
    #[inline]
    pub(super) fn outcome<R: OutputKind<O>>(
        self,
        record: &Record,
        ended: Ended,
    ) -> Outcome<R::Value, R::Error> {
        match self {
            // The common case: no cause, no failures of children, no partial result. Inlined, so that the outcome is
            // written in the caller's place.
            Self::Output(output) if !ended.has_partial && !may_have_failures(record) => {
                let result = R::into_result(output).map_err(RunError::Failed);
                Outcome::new(ended.status, ended.elapsed, result, ended.report)
            }
            exit => exit.whole_outcome::<R>(record, ended),
        }
    }

    fn whole_outcome<R: OutputKind<O>>(
        self,
        record: &Record,
        ended: Ended,
    ) -> Outcome<R::Value, R::Error> {
        let Ended {
            status,
            elapsed,
            report,
            has_partial,
        } = ended;
        let result = match self {
            Self::Panicked(panic) => resume_unwind(panic),
            Self::AlreadyRun(refused) => Err(RunError::AlreadyRun(*refused)),
            Self::SourceFailed(failed) => Err(RunError::SourceFailed(*failed)),
            Self::Output(output) => R::into_result(output).map_err(RunError::Failed),
            Self::Stopped(output) => {
                R::into_result(output).map_err(|error| match stopped_by_child(record) {
                    Some(_) => RunError::Failed(error),
                    None => RunError::Stopped {
                        error,
                        cancelled: Box::new(cancelled(record, elapsed)),
                    },
                })
            }
            Self::Cancelled => Err(match stopped_by_child(record) {
                Some(failure) => RunError::ChildFailed(failure),
                None => RunError::Cancelled(cancelled(record, elapsed)),
            }),
        };
        let mut outcome = Outcome::new(status, elapsed, result, report);
        // The outcome of a spawned child is discarded.
        if has_partial && !record.spawned {
            if let Some(partial) = record.take_partial() {
                outcome.add_partial(partial);
            }
        }
        if may_have_failures(record) {
            record.forward_mark();
            outcome.set_cause(record.cause(), &record.label);
            outcome.fail_by(|| child_failure(record));
            outcome.add_failures(record.children.take_failures());
        }
        outcome
    }

    /// Returns the outcome of a run that never entered.
    ///
    /// # Panics
    ///
    /// If dropping the body did, with the same payload.
    pub(super) fn refusal<R: OutputKind<O>>(self, record: &Record) -> Outcome<R::Value, R::Error> {
        let status = match &self {
            Self::AlreadyRun(refused) => refused.status(),
            _ => record.status(),
        };
        let ended = Ended {
            status,
            elapsed: None,
            report: None,
            has_partial: false,
        };
        self.outcome::<R>(record, ended)
    }
}

/// Returns whether there may be a cause or failures of children.
#[inline]
fn may_have_failures(record: &Record) -> bool {
    record.is_cancelled() || record.children.options().collect_all
}

/// Returns the failure of a child that has cancelled the scope. A collected failure does not cancel.
#[inline]
fn child_failure(record: &Record) -> Option<ChildFailure> {
    match record.is_cancelled() {
        true => record.children.failure(),
        false => None,
    }
}

/// Returns the failure of a child, if it is the cause of the cancel. A scope that was cancelled for another cause has not
/// failed, even if one of its children fails while it stops.
fn stopped_by_child(record: &Record) -> Option<ChildFailure> {
    let failure = child_failure(record)?;
    let cause = record.cause()?;
    let is_its_own = cause.operation() == Some(failure.operation());
    (is_its_own && *cause.reason() == Reason::ChildFailed).then_some(failure)
}

fn cancelled(record: &Record, elapsed: Option<Duration>) -> Cancelled {
    // A cancelled token has a cause. The default only spares a panic.
    let cause = record.cause();
    let cause = cause.unwrap_or_else(|| Cause::new(Reason::Requested));
    record.cancelled_for(cause, elapsed)
}
