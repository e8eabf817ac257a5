//! A guard that keeps a scope from ending.

use crate::error::{Refusal, RefusalReason, Rejected};
use crate::operation::Operation;
use crate::record::admission::{self, HoldGuard};
use std::fmt;
use std::panic::Location;

/// A guard that keeps a scope from ending, from [`Scope::hold`](super::Scope::hold). Each clone does so too.
#[derive(Clone)]
#[must_use = "the hold ends when this is dropped"]
pub struct ScopeHold {
    operation: Operation,
    hold: HoldGuard,
}

impl ScopeHold {
    pub(super) fn of(
        operation: &Operation,
        taken_at: &'static Location<'static>,
    ) -> Result<Self, Rejected> {
        match admission::hold(operation.record(), taken_at) {
            Some(hold) => Ok(Self {
                operation: operation.clone(),
                hold,
            }),
            None => {
                let status = operation.status();
                let refusal = Refusal {
                    operation: operation.label().clone(),
                    request: "a hold",
                    reason: match status.is_terminal() {
                        true => RefusalReason::Ended(status.words()),
                        false => RefusalReason::Ending,
                    },
                };
                Err(refusal.with(()))
            }
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
