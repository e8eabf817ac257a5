//! A guard that keeps a scope from ending.

use crate::cause::OperationLabel;
use crate::operation::{Operation, Status};
use crate::record::keep_open::{self, KeepOpen};
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;

/// A guard that keeps a scope from ending, from [`Scope::hold`](super::Scope::hold). Each clone does so too.
#[derive(Clone)]
#[must_use = "the hold ends when this is dropped"]
pub struct ScopeHold {
    operation: Operation,
    hold: KeepOpen,
}

impl ScopeHold {
    pub(super) fn of(
        operation: &Operation,
        taken_at: &'static Location<'static>,
    ) -> Result<Self, HoldError> {
        match keep_open::keep_open(operation.record(), taken_at) {
            Some(hold) => Ok(Self {
                operation: operation.clone(),
                hold,
            }),
            None => Err(HoldError {
                operation: operation.label().clone(),
                status: operation.status(),
            }),
        }
    }

    /// The operation that it keeps open.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Where in the source the hold was taken.
    #[must_use]
    pub fn taken_at(&self) -> &'static Location<'static> {
        self.hold.taken_at()
    }
}

impl fmt::Debug for ScopeHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeHold")
            .field("operation", self.operation.label())
            .field("taken_at", &format_args!("{}", self.taken_at()))
            .finish()
    }
}

/// The scope has ended, or is about to end and no longer waits.
#[derive(Clone, Debug)]
pub struct HoldError {
    operation: OperationLabel,
    status: Status,
}

impl HoldError {
    /// The scope.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }
}

impl fmt::Display for HoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scope {} can't be held: ", self.operation)?;
        match self.status.is_closed() {
            true => write!(f, "it is {}", self.status),
            false => f.write_str("it waits for nobody any more"),
        }
    }
}

impl Error for HoldError {}

impl From<HoldError> for io::Error {
    fn from(error: HoldError) -> Self {
        Self::other(error)
    }
}
