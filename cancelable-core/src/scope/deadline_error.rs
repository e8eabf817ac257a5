//! The error of a deadline that was not moved.

use crate::cause::OperationLabel;
use crate::operation::Status;
use std::error::Error;
use std::fmt;

/// The deadline of a scope was not moved.
#[derive(Clone, Debug)]
pub struct DeadlineError {
    operation: OperationLabel,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Closed(Status),
    Cancelled,
    NoRuntime,
}

impl DeadlineError {
    pub(super) fn closed(operation: OperationLabel, status: Status) -> Self {
        Self {
            operation,
            kind: Kind::Closed(status),
        }
    }

    pub(super) fn cancelled(operation: OperationLabel) -> Self {
        Self {
            operation,
            kind: Kind::Cancelled,
        }
    }

    pub(super) fn no_runtime(operation: OperationLabel) -> Self {
        Self {
            operation,
            kind: Kind::NoRuntime,
        }
    }

    /// The scope.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// Whether the scope has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.kind, Kind::Closed(_))
    }

    /// Whether the scope was cancelled, so that more time would not help.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, Kind::Cancelled)
    }

    /// Whether the scope has no runtime to keep its time.
    #[must_use]
    pub fn is_without_runtime(&self) -> bool {
        matches!(self.kind, Kind::NoRuntime)
    }
}

impl fmt::Display for DeadlineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the deadline of scope {} was not moved: ",
            self.operation
        )?;
        match self.kind {
            Kind::Closed(status) => write!(f, "it has ended ({status})"),
            Kind::Cancelled => f.write_str("it is cancelled already"),
            Kind::NoRuntime => f.write_str("it has no runtime to keep its time, build it with one"),
        }
    }
}

impl Error for DeadlineError {}
