//! What went wrong in a finalizer.

use crate::cause::{Named, OperationLabel};
use crate::sync::{SyncWrapper, escape, escaped};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A finalizer did not do its work: it failed, it panicked, its time was up, or no runtime took it. Cloning is
/// cheap.
#[derive(Clone, Debug)]
pub struct CleanupError {
    name: Cow<'static, str>,
    deferred_at: &'static Location<'static>,
    why: Why,
}

#[derive(Clone, Debug)]
enum Why {
    Error(Arc<dyn Error + Send + Sync>),
    Panic(Arc<str>),
    OverBudget,
    Lost,
}

impl CleanupError {
    pub(crate) fn failed(
        name: Cow<'static, str>,
        deferred_at: &'static Location<'static>,
        error: Box<dyn Error + Send + Sync>,
    ) -> Self {
        let why = Why::Error(error.into());
        Self {
            name,
            deferred_at,
            why,
        }
    }

    pub(crate) fn panicked(
        name: Cow<'static, str>,
        deferred_at: &'static Location<'static>,
        text: &str,
    ) -> Self {
        let why = Why::Panic(text.into());
        Self {
            name,
            deferred_at,
            why,
        }
    }

    pub(crate) fn over_budget(
        name: Cow<'static, str>,
        deferred_at: &'static Location<'static>,
    ) -> Self {
        Self {
            name,
            deferred_at,
            why: Why::OverBudget,
        }
    }

    pub(crate) fn lost(name: Cow<'static, str>, deferred_at: &'static Location<'static>) -> Self {
        Self {
            name,
            deferred_at,
            why: Why::Lost,
        }
    }

    /// The name of the finalizer.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where in the source it was deferred.
    #[must_use]
    pub fn deferred_at(&self) -> &'static Location<'static> {
        self.deferred_at
    }

    /// Whether it panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.why, Why::Panic(_))
    }

    /// Whether it was dropped because the cleanup budget was spent.
    #[must_use]
    pub fn is_over_budget(&self) -> bool {
        matches!(self.why, Why::OverBudget)
    }

    /// Whether it did not run to its end because no runtime runs it: its run was dropped, and the scope has no
    /// runtime, or has one that has gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.why, Why::Lost)
    }

    /// The error it returned, if that is what went wrong.
    #[must_use]
    pub fn inner(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.why {
            Why::Error(error) => Some(&**error),
            Why::Panic(_) | Why::OverBudget | Why::Lost => None,
        }
    }
}

impl fmt::Display for CleanupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.deferred_at;
        write!(
            f,
            "{}, deferred at {}:{}, ",
            Named("finalizer", &self.name),
            place.file(),
            place.line()
        )?;
        match &self.why {
            Why::Error(error) => write!(f, "failed: {}", escaped(error)),
            Why::Panic(text) => write!(f, "panicked: {}", escape(text)),
            Why::OverBudget => f.write_str("was dropped unfinished: the cleanup budget was spent"),
            Why::Lost => f.write_str("is lost, because no runtime runs it"),
        }
    }
}

/// It speaks for the finalizer's error, so the chain goes on below that.
impl Error for CleanupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Why::Error(error) => error.source(),
            Why::Panic(_) | Why::OverBudget | Why::Lost => None,
        }
    }
}

// An error that is kept is only read, and nothing here changes it.
impl std::panic::UnwindSafe for CleanupError {}
impl std::panic::RefUnwindSafe for CleanupError {}

/// The operation has ended and runs no finalizer any more. The future comes back.
pub struct DeferError<C> {
    operation: OperationLabel,
    future: SyncWrapper<C>,
}

impl<C> DeferError<C> {
    pub(crate) fn new(operation: OperationLabel, future: C) -> Self {
        Self {
            operation,
            future: SyncWrapper::new(future),
        }
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The future that was not taken.
    pub fn into_inner(self) -> C {
        self.future.into_inner()
    }
}

impl<C> fmt::Debug for DeferError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeferError")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Display for DeferError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "scope {} has ended and runs no finalizer any more: run the one that comes back",
            self.operation
        )
    }
}

impl<C> Error for DeferError<C> {}
