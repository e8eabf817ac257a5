//! A cause as a phrase that a person understands.

use super::{Cause, OperationLabel, Reason};
use std::fmt::{self, Display};
use std::time::Duration;

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell(None, f)
    }
}

impl Cause {
    /// Writes the phrase. An operation that `about` is, the sentence names already.
    pub(crate) fn tell(
        &self,
        about: Option<&OperationLabel>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let place = self.location();
        let (file, line) = (place.file(), place.line());
        match self.reason() {
            Reason::Requested => f.write_str("cancel requested")?,
            Reason::GuardDropped => f.write_str("its drop guard went out of scope")?,
            Reason::TimedOut { .. } => f.write_str("timed out")?,
            Reason::DeadlineReached => f.write_str("deadline reached")?,
            Reason::Signal { name, .. } => write!(f, "{name} received")?,
            Reason::Condition => f.write_str("a watched condition came true")?,
            Reason::Source => f.write_str("a source fired")?,
            Reason::Resource => f.write_str("a resource went over its limit")?,
            Reason::File => f.write_str("a watched file changed")?,
            Reason::RunDropped => f.write_str("the future that ran it was dropped")?,
            Reason::ChildFailed => f.write_str("another part of it failed")?,
            Reason::ShuttingDown => f.write_str("shutting down")?,
            Reason::ScopeEnded => match self.operation() {
                Some(scope) => write!(f, "scope {scope} has ended")?,
                None => f.write_str("its scope has ended")?,
            },
        }
        if let Some(message) = self.message() {
            write!(f, ": {message}")?;
        }
        if let Some(error) = self.error() {
            write!(f, ": {error}")?;
        }
        match self.reason() {
            Reason::TimedOut { limit } => {
                write!(f, " (limit {}, set at {file}:{line}", Span(*limit))?;
            }
            Reason::Requested | Reason::GuardDropped | Reason::ShuttingDown => {
                write!(f, " (at {file}:{line}")?;
            }
            // Its operation is named above.
            Reason::ScopeEnded => return write!(f, " (opened at {file}:{line})"),
            _ => write!(f, " (set at {file}:{line}")?,
        }
        if let Some(operation) = self
            .operation()
            .filter(|operation| Some(*operation) != about)
        {
            write!(f, " by {operation}")?;
        }
        f.write_str(")")
    }
}

/// A span of time as people write it: `3 s`, `1.5 s`, `250 ms`, `2 min 5 s`.
pub(crate) struct Span(pub(crate) Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.0;
        let seconds = span.as_secs();
        if seconds >= 3600 {
            write!(f, "{} h {} min", seconds / 3600, seconds % 3600 / 60)
        } else if seconds >= 120 {
            write!(f, "{} min {} s", seconds / 60, seconds % 60)
        } else if seconds >= 1 {
            decimal(f, seconds, span.subsec_millis() / 100, "s")
        } else if span.as_millis() >= 1 {
            let micros = span.as_micros();
            decimal(
                f,
                span.as_millis() as u64,
                (micros % 1000 / 100) as u32,
                "ms",
            )
        } else if span.is_zero() {
            f.write_str("0 s")
        } else {
            let nanos = span.as_nanos();
            decimal(
                f,
                span.as_micros() as u64,
                (nanos % 1000 / 100) as u32,
                "us",
            )
        }
    }
}

/// `whole.tenth unit`, without a tenth of zero.
fn decimal(f: &mut fmt::Formatter<'_>, whole: u64, tenth: u32, unit: &str) -> fmt::Result {
    match tenth {
        0 => write!(f, "{whole} {unit}"),
        _ => write!(f, "{whole}.{tenth} {unit}"),
    }
}
