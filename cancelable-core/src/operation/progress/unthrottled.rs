//! The error of a throttle that nothing tells the time to.

use crate::cause::OperationLabel;
use crate::sync::SyncWrapper;
use std::error::Error;
use std::fmt;

/// A hook was to be called once in an interval, and its operation has no runtime to tell the time.
pub struct ThrottleWithoutRuntime<H> {
    operation: OperationLabel,
    hook: SyncWrapper<H>,
}

impl<H> ThrottleWithoutRuntime<H> {
    pub(super) fn new(operation: OperationLabel, hook: H) -> Self {
        Self {
            operation,
            hook: SyncWrapper::new(hook),
        }
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// The hook, which was not registered.
    pub fn into_inner(self) -> H {
        self.hook.into_inner()
    }
}

impl<H> fmt::Debug for ThrottleWithoutRuntime<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrottleWithoutRuntime")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl<H> fmt::Display for ThrottleWithoutRuntime<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a progress hook of scope {} has no runtime for its interval: build the scope with one",
            self.operation
        )
    }
}

impl<H> Error for ThrottleWithoutRuntime<H> {}
