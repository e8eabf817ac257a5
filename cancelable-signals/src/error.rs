//! The error of watching signals.

use crate::Signal;
use std::error::Error;
use std::fmt;
use std::io;

/// Signals could not be watched.
#[derive(Debug)]
pub struct WatchError {
    /// What the system refused; none where no signal was named.
    refused: Option<(Signal, io::Error)>,
}

impl WatchError {
    pub(crate) fn nothing() -> Self {
        Self { refused: None }
    }

    pub(crate) fn refused(signal: Signal, error: io::Error) -> Self {
        Self {
            refused: Some((signal, error)),
        }
    }

    /// Whether there was no signal to watch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refused.is_none()
    }

    /// The signal that the system did not let this process watch.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        self.refused.as_ref().map(|(signal, _)| *signal)
    }
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.refused {
            Some((signal, error)) => write!(f, "cannot watch {signal}: {error}"),
            None => f.write_str("no signal was given to watch; name at least one"),
        }
    }
}

impl Error for WatchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.refused
            .as_ref()
            .map(|(_, error)| error as &(dyn Error + 'static))
    }
}
