//! The error of a thread without a runtime.

use crate::error::debug_as_sentence;
use std::fmt;

/// The error of a thread without a runtime, from an adapter's `current()`.
///
/// # Examples
///
/// ```
/// let error = rt::current().unwrap_err();
/// assert_eq!(error.runtime(), "tokio");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NoRuntime {
    runtime: &'static str,
}

impl NoRuntime {
    /// Makes the error of the adapter for the runtime with this name.
    #[must_use]
    pub fn new(runtime: &'static str) -> Self {
        Self { runtime }
    }

    /// Returns the name of the runtime.
    #[must_use]
    pub fn runtime(&self) -> &'static str {
        self.runtime
    }
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no {} runtime on this thread; call this from a task of the runtime or inside `block_on`",
            self.runtime
        )
    }
}

debug_as_sentence!(NoRuntime { runtime });

impl std::error::Error for NoRuntime {}
