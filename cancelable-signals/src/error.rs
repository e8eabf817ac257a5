//! The error of watching signals.

use crate::Signal;
use cancelable_core::error::InvalidArgument;
use std::error::Error;
use std::fmt;
use std::io;

/// Signals cannot be watched.
///
/// # Examples
///
/// ```
/// use cancelable_core::CancellationToken;
/// use cancelable_signals::cancel_on_signal;
///
/// let error = cancel_on_signal(&CancellationToken::new(), []).unwrap_err();
/// assert!(error.is_empty());
/// assert_eq!(error.to_string(), "the argument `signals` is empty: give at least one");
/// ```
pub struct WatchError {
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Empty,
    /// The system has none of the signals. The text names them.
    Unsupported(String),
    Refused(Signal, io::Error),
}

/// The error for an empty list of signals.
pub(crate) const EMPTY: InvalidArgument =
    InvalidArgument::new("signals", "is empty: give at least one");

impl WatchError {
    pub(crate) fn empty() -> Self {
        let problem = Problem::Empty;
        Self { problem }
    }

    pub(crate) fn unsupported(text: String) -> Self {
        let problem = Problem::Unsupported(text);
        Self { problem }
    }

    pub(crate) fn refused(signal: Signal, error: io::Error) -> Self {
        let problem = Problem::Refused(signal, error);
        Self { problem }
    }

    /// Returns whether no signal was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.problem, Problem::Empty)
    }

    /// Returns whether this system has none of the signals.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.problem, Problem::Unsupported(_))
    }

    /// The signal that the system does not let this process watch.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        match &self.problem {
            Problem::Refused(signal, _) => Some(*signal),
            Problem::Empty | Problem::Unsupported(_) => None,
        }
    }
}

impl fmt::Display for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Refused(signal, error) => write!(f, "cannot watch {signal}: {error}"),
            Problem::Unsupported(text) => f.write_str(text),
            Problem::Empty => EMPTY.fmt(f),
        }
    }
}

/// `{:?}` is the sentence of `{}`, because a `main` that returns the error prints `{:?}`. `{:#?}` shows the fields.
impl fmt::Debug for WatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("WatchError")
            .field("problem", &self.problem)
            .finish()
    }
}

impl Error for WatchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Refused(_, error) => Some(error),
            Problem::Empty | Problem::Unsupported(_) => None,
        }
    }
}
