//! One thing that happened to an operation.

use crate::cause::{Cause, OperationLabel};
use crate::operation::Status;
use std::fmt;
use std::time::Duration;

/// What changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// The operation was opened, entered, or has ended.
    Status(Status),
    /// It was asked to stop, by itself or from above.
    CancelRequested(Cause),
}

/// One thing that happened to an operation, as a [`Recorder`](super::Recorder) saw it.
///
/// It reads as a sentence: "import is running", "import was asked to stop: timed out (limit 3 s, ..)".
#[derive(Clone, Debug)]
pub struct OperationEvent {
    pub(super) operation: OperationLabel,
    pub(super) change: Change,
    pub(super) at: Duration,
}

impl OperationEvent {
    /// Whom it happened to.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// What happened.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.change
    }

    /// When, on the runtime's clock, counted from the start of the record.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.at
    }
}

impl fmt::Display for OperationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.operation;
        match &self.change {
            Change::Status(status) => write!(f, "{name} is {status}"),
            Change::CancelRequested(cause) => write!(f, "{name} was asked to stop: {cause}"),
        }
    }
}
