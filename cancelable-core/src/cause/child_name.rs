//! The name of a child, for sentences.

use super::{Named, OperationLabel};
use std::fmt;
use std::panic::Location;

/// A child as the subject of a sentence: `child fetch`, or `child opened at src/main.rs:14` without a name.
#[derive(Clone, Copy)]
pub(crate) struct ChildName<'a> {
    kind: &'static str,
    operation: &'a OperationLabel,
    location: &'static Location<'static>,
}

impl<'a> ChildName<'a> {
    /// The default name of a child.
    pub(crate) const CHILD: &'static str = "child";
    /// The default name of a blocking call.
    pub(crate) const BLOCKING_CALL: &'static str = "blocking call";

    pub(crate) fn new(operation: &'a OperationLabel, location: &'static Location<'static>) -> Self {
        let kind = match operation.name() {
            Self::BLOCKING_CALL => Self::BLOCKING_CALL,
            _ => Self::CHILD,
        };
        Self {
            kind,
            operation,
            location,
        }
    }

    /// Returns the same name for a child that is a blocking call.
    pub(crate) fn of_blocking_call(self) -> Self {
        Self {
            kind: Self::BLOCKING_CALL,
            ..self
        }
    }
}

impl fmt::Display for ChildName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.operation.name();
        Named(self.kind, name).fmt(f)?;
        match name == self.kind {
            true => write!(
                f,
                " opened at {}:{}",
                self.location.file(),
                self.location.line()
            ),
            false => Ok(()),
        }
    }
}
