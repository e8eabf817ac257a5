//! A guard that the end of a scope waits for.

use super::Scope;
use crate::cause::OperationLabel;
use crate::operation::{Operation, Status};
use crate::record::keep_open::{self, KeepOpen};
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;

impl Scope {
    /// Keeps the scope from ending until the guard, and each clone of it, is dropped: for work that is no
    /// child of the scope, on a thread or a pool of your own.
    ///
    /// The run waits for it where it waits for its children: after the body, and before the finalizers,
    /// for as long as it is held. A cancel does not end a hold, so let whoever has it look at the
    /// [token](Operation::token); a body that fails cancels the scope, as for children. It can be taken
    /// from when the scope is built, and while it is cancelled. [Reports](Operation::why_not_stopped) name
    /// it by the place of this call. Where the run is dropped, what comes after it is on the runtime, and
    /// without one nobody waits.
    ///
    /// # Errors
    ///
    /// The scope has ended, or waits for nobody any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_core::Scope;
    /// use cancelable_core::scope::HoldError;
    /// use std::thread;
    ///
    /// fn flush(scope: &Scope) -> Result<(), HoldError> {
    ///     let hold = scope.hold()?;
    ///     thread::spawn(move || {
    ///         while !hold.operation().is_cancelled() {
    ///             thread::yield_now(); // or work
    ///         }
    ///         drop(hold); // Now the scope may end.
    ///     });
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn hold(&self) -> Result<ScopeHold, HoldError> {
        match keep_open::keep_open(self.record(), Location::caller()) {
            Some(hold) => Ok(ScopeHold {
                operation: self.operation().clone(),
                hold,
            }),
            None => Err(HoldError {
                operation: self.label().clone(),
                status: self.status(),
            }),
        }
    }
}

/// Keeps a scope from ending, from [`Scope::hold`]. Each clone does.
#[derive(Clone)]
#[must_use = "the hold ends when this is dropped"]
pub struct ScopeHold {
    operation: Operation,
    hold: KeepOpen,
}

impl ScopeHold {
    /// The operation that it keeps open.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Where in the source it was taken.
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

/// A scope has ended, or is about to and waits for nobody any more.
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
