//! The error of a child that has no value.

use crate::cause::{Cause, ChildName, HumanDuration, OperationLabel, ambient};
use crate::error::{Cancelled, debug_as_sentence};
use crate::record::Record;
use crate::runtime::JoinError;
use crate::sync::escaped;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// The error of a child or a blocking call that has no value: it failed, was cancelled, panicked, or was abandoned.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use std::error::Error;
///
/// let outcome = rt::block_on(async {
///     let parse = rt::scope("parse").collect_all().try_run(async |op: Scope| {
///         let port = op.child("port").try_spawn(async |_| "http".parse::<u16>())?;
///         Ok::<_, Box<dyn Error>>(port.await.map_err(|error| error.to_string()))
///     });
///     parse.await
/// });
/// let text = outcome.into_value().and_then(Result::err);
/// assert_eq!(text.as_deref(), Some("child port failed: invalid digit found in string"));
/// ```
pub struct ChildError {
    operation: OperationLabel,
    location: &'static Location<'static>,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Failed(Arc<dyn Error + Send + Sync>),
    /// Includes the error that the child returned, if it returned one. Boxed, so that other variants stay small.
    Cancelled(Box<Cancelled>, Option<Arc<dyn Error + Send + Sync>>),
    /// A panic, a loss, or a second join.
    Joined(JoinError),
    Abandoned(Duration),
}

impl ChildError {
    fn new(child: &Record, why: Why) -> Self {
        Self {
            operation: child.label.clone(),
            location: child.location,
            why,
        }
    }

    pub(super) fn failed(child: &Record, error: Arc<dyn Error + Send + Sync>) -> Self {
        let why = Why::Failed(error);
        Self::new(child, why)
    }

    pub(super) fn cancelled(child: &Record, cancelled: Cancelled) -> Self {
        let why = Why::Cancelled(Box::new(cancelled), None);
        Self::new(child, why)
    }

    pub(super) fn stopped(
        child: &Record,
        cancelled: Cancelled,
        error: Arc<dyn Error + Send + Sync>,
    ) -> Self {
        let why = Why::Cancelled(Box::new(cancelled), Some(error));
        Self::new(child, why)
    }

    /// Returns the error with the mark of the operation that awaits the child.
    pub(super) fn given_out(mut self) -> Self {
        if let Why::Cancelled(cancelled, error) = self.why {
            let cancelled = cancelled.or_marked(ambient::cancel_mark);
            self.why = Why::Cancelled(Box::new(cancelled), error);
        }
        self
    }

    pub(super) fn joined(child: &Record, error: JoinError) -> Self {
        let why = Why::Joined(error);
        Self::new(child, why)
    }

    pub(super) fn abandoned(child: &Record, limit: Duration) -> Self {
        let why = Why::Abandoned(limit);
        Self::new(child, why)
    }

    /// The child.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The error by which the child failed, if it returned one. The scope shares the error, so the error can be
    /// inspected, by `downcast_ref`, and not moved out.
    #[must_use]
    pub fn failure(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.why {
            Why::Failed(error) => Some(&**error),
            _ => None,
        }
    }

    /// The error that the child returned, as a failure or as its cancellation.
    #[must_use]
    pub fn returned(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.why {
            Why::Failed(error) | Why::Cancelled(_, Some(error)) => Some(&**error),
            _ => None,
        }
    }

    /// The cancellation, if the child was cancelled.
    #[must_use]
    pub fn cancellation(&self) -> Option<&Cancelled> {
        match &self.why {
            Why::Cancelled(cancelled, _) => Some(cancelled),
            _ => None,
        }
    }

    /// The cause of the cancel, if the child was cancelled.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cancellation().map(Cancelled::cause)
    }

    /// Returns whether the child was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.why, Why::Cancelled(..))
    }

    /// Returns whether the child was cancelled because time ran out, of the child or of an ancestor.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.cancellation().is_some_and(Cancelled::is_timeout)
    }

    /// Returns whether the child panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(&self.why, Why::Joined(error) if error.is_panic())
    }

    /// Returns whether the runtime refused the child, or dropped the child before its end.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(&self.why, Why::Joined(error) if error.is_lost())
    }

    /// Returns whether the child is a blocking call that was abandoned: it was cancelled, and its thread still runs after
    /// its [grace period](crate::scope::ScopeBuilder::grace).
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        matches!(self.why, Why::Abandoned(_))
    }

    /// Returns the payload of the panic, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Errors
    ///
    /// The child did not panic; the error is returned.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        let back = |why| Self { why, ..self };
        match self.why {
            Why::Joined(error) => error.into_panic().map_err(|error| back(Why::Joined(error))),
            why => Err(back(why)),
        }
    }
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let child = ChildName::new(&self.operation, self.location);
        match &self.why {
            Why::Failed(error) => write!(f, "{child} failed: {}", escaped(error)),
            Why::Cancelled(cancelled, _) => cancelled.fmt(f),
            Why::Joined(error) => write!(f, "{child} has no value: {error}"),
            Why::Abandoned(limit) => write!(
                f,
                "{} was abandoned: it has not ended {} after its cancel; let it check its token",
                child.of_blocking_call(),
                HumanDuration(*limit)
            ),
        }
    }
}

debug_as_sentence!(ChildError {
    operation,
    location,
    why
});

/// The text includes the inner error, so the chain continues with the source of that error.
impl Error for ChildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Why::Failed(error) => error.source(),
            Why::Cancelled(cancelled, _) => cancelled.source(),
            Why::Joined(_) | Why::Abandoned(_) => None,
        }
    }
}

// The error and the payload of a panic are only read or returned.
impl std::panic::UnwindSafe for ChildError {}
impl std::panic::RefUnwindSafe for ChildError {}
