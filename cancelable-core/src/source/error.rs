//! The error of a source that cannot start.

use crate::sync::escaped;
use std::error::Error;
use std::fmt;

/// The error of a source that cannot start, returned by [`Source::start`](super::Source::start).
///
/// # Examples
///
/// ```
/// use cancelable_core::source::SourceError;
///
/// let refused = std::io::Error::other("connection refused");
/// assert_eq!(SourceError::new(refused).to_string(), "connection refused");
/// assert_eq!(SourceError::new("the queue is closed").to_string(), "the queue is closed");
/// ```
#[derive(Debug)]
pub struct SourceError {
    error: Box<dyn Error + Send + Sync>,
}

impl SourceError {
    /// Returns an error with a text, or with the underlying error.
    #[must_use]
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
        }
    }

    /// The error of a source that was started without the runtime that it needs.
    pub(crate) fn no_runtime() -> Self {
        Self::new("the source needs a runtime: build the scope with one")
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(&self.error).fmt(f)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The text of the inner error is the text of this error, so the chain begins below the inner error.
        self.error.source()
    }
}

// The error inside is only read.
impl std::panic::UnwindSafe for SourceError {}
impl std::panic::RefUnwindSafe for SourceError {}
