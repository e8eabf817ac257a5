//! The error of watching signals.

use crate::Signal;
use std::error::Error;
use std::fmt;
use std::io;

/// Signals could not be watched.
#[derive(Debug)]
pub struct WatchError {
    why: Why,
}

#[derive(Debug)]
enum Why {
    /// No signal was named.
    Nothing,
    /// The system does not have the signals that are meant, in these words.
    Unsupported(String),
    Refused(Signal, io::Error),
}

impl WatchError {
    pub(crate) fn nothing() -> Self {
        Self { why: Why::Nothing }
    }

    pub(crate) fn unsupported(words: String) -> Self {
        Self {
            why: Why::Unsupported(words),
        }
    }

    pub(crate) fn refused(signal: Signal, error: io::Error) -> Self {
        Self {
            why: Why::Refused(signal, error),
        }
    }

    /// Whether there was no signal to watch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.why, Why::Nothing)
    }

    /// Whether this system has none of the signals that are meant.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.why, Why::Unsupported(_))
    }

    /// The signal that the system did not let this process watch.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        match &self.why {
            Why::Refused(signal, _) => Some(*signal),
            Why::Nothing | Why::Unsupported(_) => None,
        }
    }
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Refused(signal, error) => write!(f, "cannot watch {signal}: {error}"),
            Why::Unsupported(words) => f.write_str(words),
            Why::Nothing => f.write_str("no signal was given to watch; name at least one"),
        }
    }
}

impl Error for WatchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Why::Refused(_, error) => Some(error),
            Why::Nothing | Why::Unsupported(_) => None,
        }
    }
}
