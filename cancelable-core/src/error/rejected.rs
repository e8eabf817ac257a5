//! The error of a request that an operation rejected, with the caller's value.

use super::Cancelled;
use crate::cause::OperationLabel;
use crate::sync::SyncWrapper;
use std::error::Error;
use std::fmt;
use std::io;

/// The error of a request that an operation rejected, because of the operation's state.
///
/// [`into_inner`](Self::into_inner) returns the caller's value. `T` is `()` if the request has no value. The
/// predicates tell the reasons apart:
///
/// | call | returned value | possible reasons |
/// |---|---|---|
/// | [`spawn`], [`spawn_blocking`] and their variants | the future or closure | [pending], [ended], [cancelled], [no runtime] |
/// | [`set_timeout`], [`set_deadline`] | none | [ended], [cancelled], [no runtime] |
/// | [`hold`] | none | [ended] |
/// | [`defer`] and its variants | the finalizer | [ended] |
/// | [`Shield::within`] | the shield | [no runtime] |
/// | [`on_progress_every`] | the hook | [no runtime] |
/// | [`update`], [`update_from`] | the closures | [in use], [other type] |
///
/// [`spawn`]: crate::Scope::spawn
/// [`spawn_blocking`]: crate::Scope::spawn_blocking
/// [`set_timeout`]: crate::Scope::set_timeout
/// [`set_deadline`]: crate::Scope::set_deadline
/// [`hold`]: crate::Scope::hold
/// [`defer`]: crate::Operation::defer
/// [`Shield::within`]: crate::operation::Shield::within
/// [`update`]: crate::operation::Partial::update
/// [`update_from`]: crate::operation::Partial::update_from
/// [`on_progress_every`]: crate::Operation::on_progress_every
/// [pending]: Self::is_pending
/// [ended]: Self::is_ended
/// [cancelled]: Self::is_cancelled
/// [no runtime]: Self::is_without_runtime
/// [in use]: Self::is_in_use
/// [other type]: Self::is_other_type
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// rt::block_on(async {
///     let scope = rt::scope("import").build()?;
///     let future = async { 7 };
///     let Err(rejected) = scope.spawn(future) else {
///         return Err("the scope has not started".into());
///     };
///     assert!(rejected.is_pending());
///     let text = "scope import rejected a child: it has not started; call this inside its run";
///     assert_eq!(rejected.to_string(), text);
///     assert_eq!(rejected.into_inner().await, 7);
///     Ok(())
/// })
/// # }
/// ```
pub struct Rejected<T = ()> {
    /// The refusal and the value in one box, so that a `Result` with this error stays small.
    inner: Box<(Refusal, SyncWrapper<T>)>,
}

/// The operation, the request and the reason of a rejection, without the value.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) operation: OperationLabel,
    /// The object of the sentence "scope import rejected ...", such as `a child`.
    pub(crate) request: &'static str,
    pub(crate) reason: RefusalReason,
}

/// The reason of a rejection.
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
    /// Another update of the partial result is in progress.
    InUse,
    /// The partial result is of type `held`, not of type `requested`.
    OtherType {
        held: &'static str,
        requested: &'static str,
    },
}

impl Refusal {
    /// Adds the value that the rejection returns.
    pub(crate) fn with<T>(self, value: T) -> Rejected<T> {
        Rejected {
            inner: Box::new((self, SyncWrapper::new(value))),
        }
    }
}

impl<T> Rejected<T> {
    /// Returns the label of the operation that rejected the request.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.inner.0.operation
    }

    /// Returns whether the operation has not started: its `run` has not been polled.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(self.inner.0.reason, RefusalReason::Pending)
    }

    /// Returns whether the operation has ended, or is about to end and accepts nothing more.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(
            self.inner.0.reason,
            RefusalReason::Ended(_) | RefusalReason::Ending
        )
    }

    /// Returns whether the operation is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation().is_some()
    }

    /// Returns whether the operation is cancelled because time ran out, of the operation or of an ancestor.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.cancellation().is_some_and(Cancelled::is_timeout)
    }

    /// Returns the cancellation of the operation, if that is the reason.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        match &self.inner.0.reason {
            RefusalReason::Cancelled(cancelled) => Some(cancelled),
            _ => None,
        }
    }

    /// Returns whether the request needs a runtime and the operation has none.
    #[must_use]
    pub fn is_without_runtime(&self) -> bool {
        matches!(self.inner.0.reason, RefusalReason::NoRuntime)
    }

    /// Returns whether another update of the [partial result](crate::operation::Partial) is in progress.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        matches!(self.inner.0.reason, RefusalReason::InUse)
    }

    /// Returns whether the [partial result](crate::operation::Partial) is of another type.
    #[must_use]
    pub fn is_other_type(&self) -> bool {
        matches!(self.inner.0.reason, RefusalReason::OtherType { .. })
    }

    /// Returns the value that the caller passed.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.inner.1.into_inner()
    }

    /// Drops the value that the caller passed, and returns the error without it: for an error type that keeps the
    /// rejection and cannot name the type of a closure.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::scope::Rejected;
    ///
    /// #[derive(Debug)]
    /// enum SyncError {
    ///     Rejected(Rejected),
    /// }
    ///
    /// impl<F> From<Rejected<F>> for SyncError {
    ///     fn from(error: Rejected<F>) -> Self {
    ///         Self::Rejected(error.without_value())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = rt::scope("sync").build()?;
    /// let SyncError::Rejected(rejected) = scope.spawn(async { 7 }).unwrap_err().into();
    /// assert!(rejected.is_pending());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn without_value(self) -> Rejected {
        let (refusal, value) = *self.inner;
        drop(value);
        refusal.with(())
    }
}

impl<T> fmt::Display for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal {
            operation,
            request,
            reason,
        } = &self.inner.0;
        write!(f, "scope {operation} rejected {request}: ")?;
        match reason {
            RefusalReason::Pending => f.write_str("it has not started; call this inside its run"),
            RefusalReason::Ended(status) => write!(f, "it has ended ({status})"),
            RefusalReason::Ending => f.write_str("its body and its children have ended"),
            RefusalReason::Cancelled(cancelled) => cancelled.fmt(f),
            RefusalReason::NoRuntime => f.write_str("it has no runtime; build it with one"),
            RefusalReason::InUse => f.write_str("another update is in progress"),
            RefusalReason::OtherType { held, requested } => {
                write!(f, "it is of type {held}, not {requested}")
            }
        }
    }
}

impl<T> fmt::Debug for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("Rejected")
            .field("operation", &self.inner.0.operation)
            .field("request", &self.inner.0.request)
            .field("reason", &self.inner.0.reason)
            .finish_non_exhaustive()
    }
}

/// No source: the text includes the reason.
impl<T> Error for Rejected<T> {}

/// The error holds the rejection with its value. The kind of a cancellation is that of [`Cancelled`]; any other
/// reason has the kind `Other`.
impl<T: Send + 'static> From<Rejected<T>> for io::Error {
    fn from(error: Rejected<T>) -> Self {
        let kind = match error.cancellation() {
            Some(cancelled) => Self::from(cancelled.clone()).kind(),
            None => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
