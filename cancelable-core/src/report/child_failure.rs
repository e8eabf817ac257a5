//! How a child failed, for the scope that it belongs to.

use crate::cause::{Cause, ChildName, OperationLabel, Reason};
use crate::sync::{escape, escaped};
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A child or a blocking call of a scope failed: by an error, by a panic, or because the runtime
/// lost it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct ChildFailure {
    operation: OperationLabel,
    opened_at: &'static Location<'static>,
    why: Why,
}

#[derive(Clone, Debug)]
enum Why {
    Error(Arc<dyn Error + Send + Sync>),
    Panic(Arc<str>),
    Lost,
}

impl ChildFailure {
    fn new(operation: OperationLabel, opened_at: &'static Location<'static>, why: Why) -> Self {
        Self {
            operation,
            opened_at,
            why,
        }
    }

    pub(crate) fn error(
        operation: OperationLabel,
        opened_at: &'static Location<'static>,
        error: Arc<dyn Error + Send + Sync>,
    ) -> Self {
        Self::new(operation, opened_at, Why::Error(error))
    }

    pub(crate) fn panic(
        operation: OperationLabel,
        opened_at: &'static Location<'static>,
        text: &str,
    ) -> Self {
        Self::new(operation, opened_at, Why::Panic(text.into()))
    }

    pub(crate) fn lost(operation: OperationLabel, opened_at: &'static Location<'static>) -> Self {
        Self::new(operation, opened_at, Why::Lost)
    }

    /// The child.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// Where in the source the child was opened.
    #[must_use]
    pub fn opened_at(&self) -> &'static Location<'static> {
        self.opened_at
    }

    /// Whether it panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.why, Why::Panic(_))
    }

    /// Whether the runtime dropped it before its end.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.why, Why::Lost)
    }

    /// The child's error, if that is how it failed.
    #[must_use]
    pub fn inner(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.why {
            Why::Error(error) => Some(&**error),
            Why::Panic(_) | Why::Lost => None,
        }
    }

    /// Why the other children are cancelled.
    pub(crate) fn cause(&self) -> Cause {
        Cause::new(Reason::ChildFailed)
            .with_location(self.opened_at)
            .with_operation(self.operation.clone())
            .with_error(Arc::new(self.clone()))
    }
}

impl fmt::Display for ChildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ChildName::new(&self.operation, self.opened_at).fmt(f)?;
        f.write_str(" ")?;
        match &self.why {
            Why::Error(error) => write!(f, "failed: {}", escaped(error)),
            Why::Panic(text) => write!(f, "panicked: {}", escape(text)),
            Why::Lost => f.write_str("was lost: its runtime dropped it before its end"),
        }
    }
}

/// It speaks for the child's error, so the chain goes on below that.
impl Error for ChildFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Why::Error(error) => error.source(),
            Why::Panic(_) | Why::Lost => None,
        }
    }
}

// An error that is kept is only read, and nothing here changes it.
impl std::panic::UnwindSafe for ChildFailure {}
impl std::panic::RefUnwindSafe for ChildFailure {}
