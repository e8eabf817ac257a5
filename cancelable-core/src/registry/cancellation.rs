//! What became of a request to cancel one operation.

use crate::cause::Cause;
use std::fmt;

/// What became of [`Registry::cancel`](super::Registry::cancel).
#[derive(Clone, Debug)]
pub enum Cancellation {
    /// This call was what cancelled it.
    Cancelled,
    /// It was cancelled before, for this cause, and has not ended.
    Already(Cause),
    /// It has ended.
    Ended,
    /// No such operation is listed, nor in the history, which forgets the oldest.
    Unknown,
}

impl Cancellation {
    /// Whether this call was what cancelled it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// The earlier cause, where it was cancelled before.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Already(cause) => Some(cause),
            _ => None,
        }
    }
}

/// A phrase for people, such as `cancelled already: shutting down (at src/main.rs:14)`.
impl fmt::Display for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Already(cause) => write!(f, "cancelled already: {cause}"),
            Self::Ended => f.write_str("ended before"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
