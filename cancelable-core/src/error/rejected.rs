//! The refusal of a request to an operation, with the value that was handed over.

use super::Cancelled;
use crate::cause::OperationLabel;
use crate::sync::SyncWrapper;
use std::error::Error;
use std::fmt;
use std::io;

/// An operation refused a request. The value that was handed over comes back by [`into_inner`](Self::into_inner).
///
/// The predicates tell the reasons apart: [`is_pending`](Self::is_pending), [`is_ended`](Self::is_ended),
/// [`is_cancelled`](Self::is_cancelled), [`is_without_runtime`](Self::is_without_runtime).
pub struct Rejected<T = ()> {
    /// Boxed: an error is moved with the value that success would have given.
    refusal: Box<Refusal>,
    value: SyncWrapper<T>,
}

/// The operation, the request and the reason of a refusal, without the value.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) operation: OperationLabel,
    /// The rest of the sentence "scope import ...", such as `took no child`.
    pub(crate) request: &'static str,
    pub(crate) reason: RefusalReason,
}

/// The reason of a refusal.
#[derive(Clone, Debug)]
pub(crate) enum RefusalReason {
    /// The operation has not been entered.
    Pending,
    /// The operation has ended, with this status.
    Ended(&'static str),
    /// The operation is about to end: its body and its children have ended.
    Ending,
    Cancelled(Cancelled),
    NoRuntime,
    /// The new scope needs a runtime, and there is none: the text of that error.
    BuiltWithoutRuntime(Box<str>),
}

impl Refusal {
    /// Adds the value that comes back.
    pub(crate) fn with<T>(self, value: T) -> Rejected<T> {
        Rejected {
            refusal: Box::new(self),
            value: SyncWrapper::new(value),
        }
    }
}

impl<T> Rejected<T> {
    /// The operation that refused.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.refusal.operation
    }

    /// Returns whether the operation has not started: its `run` has not been polled.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(self.refusal.reason, RefusalReason::Pending)
    }

    /// Returns whether the operation has ended, or is about to end and accepts nothing more.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(
            self.refusal.reason,
            RefusalReason::Ended(_) | RefusalReason::Ending
        )
    }

    /// Returns whether the operation is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation().is_some()
    }

    /// The cancellation of the operation, if that is the reason.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        match &self.refusal.reason {
            RefusalReason::Cancelled(cancelled) => Some(cancelled),
            _ => None,
        }
    }

    /// Returns whether the request needs a runtime and the operation has none.
    #[must_use]
    pub fn is_without_runtime(&self) -> bool {
        matches!(
            self.refusal.reason,
            RefusalReason::NoRuntime | RefusalReason::BuiltWithoutRuntime(_)
        )
    }

    /// Returns the value that was handed over.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T> fmt::Display for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal {
            operation,
            request,
            reason,
        } = &*self.refusal;
        write!(f, "scope {operation} {request}: ")?;
        match reason {
            RefusalReason::Pending => {
                f.write_str("it is not running yet, call this inside its run")
            }
            RefusalReason::Ended(status) => write!(f, "it has ended ({status})"),
            RefusalReason::Ending => f.write_str("its body and its children have ended"),
            RefusalReason::Cancelled(cancelled) => cancelled.fmt(f),
            RefusalReason::NoRuntime => f.write_str("it has no runtime, build it with one"),
            RefusalReason::BuiltWithoutRuntime(error) => f.write_str(error),
        }
    }
}

impl<T> fmt::Debug for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("operation", &self.refusal.operation)
            .field("request", &self.refusal.request)
            .field("reason", &self.refusal.reason)
            .finish_non_exhaustive()
    }
}

/// Its text includes the reason, so the chain ends here.
impl<T> Error for Rejected<T> {}

/// The error goes in whole, with its value. A cancellation has the kind of [`Cancelled`], the rest is `Other`.
impl<T: Send + 'static> From<Rejected<T>> for io::Error {
    fn from(error: Rejected<T>) -> Self {
        let kind = match error.cancellation() {
            Some(cancelled) => Self::from(cancelled.clone()).kind(),
            None => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
