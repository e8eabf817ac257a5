//! The error of an update that cannot be made.

use super::slot::Refusal;
use crate::cause::OperationLabel;
use std::any::type_name;
use std::error::Error;
use std::fmt;

/// A partial result was not updated: it is of another type, or in use by the code that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialError {
    operation: OperationLabel,
    asked: &'static str,
    /// None if it is in use.
    held: Option<&'static str>,
}

impl PartialError {
    pub(super) fn new<P>(operation: OperationLabel, refusal: &Refusal) -> Self {
        let held = match refusal {
            Refusal::OtherType(held) => Some(*held),
            Refusal::InUse | Refusal::Wait(_) => None,
        };
        Self {
            operation,
            asked: type_name::<P>(),
            held,
        }
    }

    pub(super) fn other_type<P>(operation: OperationLabel, held: &'static str) -> Self {
        Self::new::<P>(operation, &Refusal::OtherType(held))
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &OperationLabel {
        &self.operation
    }

    /// Whether the value is of another type than the update.
    #[must_use]
    pub fn is_other_type(&self) -> bool {
        self.held.is_some()
    }

    /// Whether the update was asked for inside another one of the same operation.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.held.is_none()
    }

    /// The name of the value's type, if that is what stood in the way.
    #[must_use]
    pub fn held_type(&self) -> Option<&'static str> {
        self.held
    }
}

impl fmt::Display for PartialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the partial result of {} ", self.operation)?;
        match self.held {
            Some(held) => write!(f, "is of type {held}, not {}", self.asked),
            None => f.write_str("is in use by the code that asks for it"),
        }
    }
}

impl Error for PartialError {}
