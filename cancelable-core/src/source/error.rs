//! The errors of sources.

use crate::sync::escaped;
use std::error::Error;
use std::fmt;

/// A source could not start.
#[derive(Debug)]
pub struct SourceError {
    error: Box<dyn Error + Send + Sync>,
}

impl SourceError {
    /// Returns an error with a text, or with the error that kept the source from starting.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
        }
    }

    /// The error of a source that was started without the runtime that it needs.
    pub(crate) fn no_runtime() -> Self {
        Self::new("it needs a runtime and was started without one")
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(&self.error).fmt(f)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The text of this error is already that of the inner one, so the chain goes on below it.
        self.error.source()
    }
}

// The error inside is only read.
impl std::panic::UnwindSafe for SourceError {}
impl std::panic::RefUnwindSafe for SourceError {}
