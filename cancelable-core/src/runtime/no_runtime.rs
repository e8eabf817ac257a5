//! The error of asking for the current runtime where there is none.

use std::fmt;

/// There is no runtime on this thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRuntime {
    runtime: &'static str,
}

impl NoRuntime {
    /// An adapter for the runtime with this name found none.
    #[must_use]
    pub fn new(runtime: &'static str) -> Self {
        Self { runtime }
    }

    /// The name of the runtime that was asked for.
    #[must_use]
    pub fn runtime(&self) -> &'static str {
        self.runtime
    }
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no {} runtime on this thread; call this from a task of one or below `block_on`",
            self.runtime
        )
    }
}

impl std::error::Error for NoRuntime {}
