//! Why a finalizer was not taken.

use crate::cause::OperationLabel;
use crate::sync::SyncWrapper;
use std::error::Error;
use std::fmt;

/// The operation has ended and runs no finalizer any more. The future comes back.
pub struct DeferError<C> {
    operation: OperationLabel,
    future: SyncWrapper<C>,
}

impl<C> DeferError<C> {
    pub(super) fn new(operation: OperationLabel, future: C) -> Self {
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
