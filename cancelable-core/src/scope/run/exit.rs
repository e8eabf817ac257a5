//! How a body ended, and what becomes of that.

use super::output::Reading;
use crate::cause::{Cause, Reason};
use crate::error::Cancelled;
use crate::operation::{ChildFailure, Closing, Record, Status};
use crate::scope::{Outcome, Refused, RunError, SourceFailed};
use crate::sync::{panic_text, raw_text};
use std::any::{Any, type_name};
use std::panic::resume_unwind;
use std::time::Duration;

/// How a body ended, before its output is read as a value or an error.
pub(super) enum End<O> {
    Output(O),
    /// An error by which the body says that it has stopped for the cancel.
    Stopped(O),
    Cancelled,
    Panicked(Box<dyn Any + Send>),
    /// As the next, kept apart because an end is moved, and hardly any is one of these.
    SourceFailed(Box<SourceFailed>),
    Refused(Box<Refused>),
}

impl<O> End<O> {
    /// The same, where the body is gone: an error tells only then whether it is the cancel.
    pub(super) fn judged<R: Reading<O>>(self, record: &Record) -> Self {
        match self {
            Self::Output(output) if R::is_stop(&output, record) => Self::Stopped(output),
            end => end,
        }
    }

    /// Whether the body failed, or could not be started.
    pub(super) fn is_failure<R: Reading<O>>(&self) -> bool {
        match self {
            Self::Output(output) => R::is_failure(output),
            Self::Panicked(_) | Self::SourceFailed(_) | Self::Refused(_) => true,
            Self::Stopped(_) | Self::Cancelled => false,
        }
    }

    /// How the operation ends for it.
    pub(super) fn status<R: Reading<O>>(&self, record: &Record) -> Status {
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

    /// Notes why the operation fails, in words.
    pub(super) fn note_failure<R: Reading<O>>(
        &self,
        record: &Record,
        describe: Option<fn(&O) -> String>,
    ) {
        let text = match self {
            Self::Output(output) | Self::Stopped(output) if R::is_failure(output) => match describe
            {
                Some(describe) => describe(output),
                None => format!("an error of type {}", type_name::<R::Error>()),
            },
            Self::Panicked(panic) => format!("panicked: {}", panic_text(panic.as_ref())),
            Self::SourceFailed(failed) => raw_text(failed),
            Self::Refused(refused) => refused.to_string(),
            Self::Output(_) | Self::Stopped(_) | Self::Cancelled => match child_failure(record) {
                Some(failure) => raw_text(&failure),
                None => return,
            },
        };
        record.note_error(&text);
    }

    /// The outcome of a run that closed with it.
    ///
    /// # Panics
    ///
    /// If the body did, with the same payload.
    #[inline]
    pub(super) fn outcome<R: Reading<O>>(
        self,
        record: &Record,
        closing: Closing,
    ) -> Outcome<R::Value, R::Error> {
        match self {
            // Most scopes have neither a cause, nor failures of children, nor a partial result, and
            // most outcomes are written where the caller wants them.
            Self::Output(output) if !closing.has_partial && !may_have_failures(record) => {
                let result = R::read(output).map_err(RunError::Failed);
                Outcome::new(closing.status, closing.elapsed, result, closing.report)
            }
            end => end.whole_outcome::<R>(record, closing),
        }
    }

    fn whole_outcome<R: Reading<O>>(
        self,
        record: &Record,
        closing: Closing,
    ) -> Outcome<R::Value, R::Error> {
        let Closing {
            status,
            elapsed,
            report,
            has_partial,
        } = closing;
        let result = match self {
            Self::Panicked(panic) => resume_unwind(panic),
            Self::Refused(refused) => Err(RunError::Refused(*refused)),
            Self::SourceFailed(failed) => Err(RunError::SourceFailed(*failed)),
            Self::Output(output) => R::read(output).map_err(RunError::Failed),
            Self::Stopped(output) => {
                R::read(output).map_err(|error| match stopped_by_child(record) {
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
        // A spawned child has no outcome that anyone sees.
        if has_partial && !record.spawned {
            if let Some(partial) = record.take_partial() {
                outcome.add_partial(partial);
            }
        }
        if may_have_failures(record) {
            record.hand_on();
            outcome.set_cause(record.cause(), &record.label);
            outcome.fail_by(|| child_failure(record));
            outcome.add_failures(record.nursery.take_failures());
        }
        outcome
    }

    /// The outcome of a run that never entered.
    ///
    /// # Panics
    ///
    /// If dropping the body did, with the same payload.
    pub(super) fn refusal<R: Reading<O>>(self, record: &Record) -> Outcome<R::Value, R::Error> {
        let status = match &self {
            Self::Refused(refused) => refused.status(),
            _ => record.status(),
        };
        let closing = Closing {
            status,
            elapsed: None,
            report: None,
            has_partial: false,
        };
        self.outcome::<R>(record, closing)
    }
}

/// Whether there may be a cause or failures of children.
#[inline]
fn may_have_failures(record: &Record) -> bool {
    record.is_cancelled() || record.nursery.terms().collect_all
}

/// The failure of a child that counts. A failure that counts has cancelled the scope, so a scope
/// that is not cancelled is not asked.
#[inline]
fn child_failure(record: &Record) -> Option<ChildFailure> {
    match record.is_cancelled() {
        true => record.nursery.failure(),
        false => None,
    }
}

/// The failure of a child, if that is what the scope was cancelled for. A scope that is cancelled
/// because something failed beside it has not failed, even if a child of it does so on its way out.
fn stopped_by_child(record: &Record) -> Option<ChildFailure> {
    let failure = child_failure(record)?;
    let cause = record.cause()?;
    let is_its_own = cause.operation() == Some(failure.operation());
    (is_its_own && *cause.reason() == Reason::ChildFailed).then_some(failure)
}

fn cancelled(record: &Record, elapsed: Option<Duration>) -> Cancelled {
    // A cancelled token has a cause; the other arm only spares a panic.
    let cause = record.cause();
    let cause = cause.unwrap_or_else(|| Cause::new(Reason::Requested));
    record.cancelled_for(cause, elapsed)
}
