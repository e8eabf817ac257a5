//! A guard that keeps a scope from ending.

use crate::error::{Refusal, RefusalReason, Rejected};
use crate::operation::Operation;
use crate::record::admission::{self, HoldGuard};
use std::fmt;
use std::panic::Location;

/// A guard that keeps a scope from ending, from [`Scope::hold`](super::Scope::hold). Each clone keeps it too.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use std::error::Error;
///
/// # fn main() -> Result<(), Box<dyn Error>> {
/// let outcome = rt::block_on(async {
///     let flush = rt::scope("flush").try_run(async |op: Scope| {
///         let hold = op.hold()?;
///         let worker = std::thread::spawn(move || {
///             let name = hold.operation().name().to_owned();
///             drop(hold); // The scope may end now.
///             name
///         });
///         Ok::<_, Box<dyn Error>>(worker)
///     });
///     flush.await
/// });
/// let worker = outcome.into_value();
/// assert_eq!(worker.and_then(|worker| worker.join().ok()).as_deref(), Some("flush"));
/// # Ok(())
/// # }
/// ```
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

    /// The operation that the guard keeps open.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The location of the call that took the hold.
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
