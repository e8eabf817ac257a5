//! The operation that runs here: what a run puts in place for as long as it polls.

use super::{Operation, Record};
use crate::cause::ambient::{self, Ambient};
use std::sync::Arc;

/// The innermost operation that the caller runs in, if there is one.
///
/// It follows the polls: wherever a task goes, on whichever runtime and thread, the code below a
/// scope's `run` finds that scope's operation here.
///
/// # Examples
///
/// ```
/// assert!(cancelable_core::current().is_none());
/// ```
#[must_use]
pub fn current() -> Option<Operation> {
    let handle = ambient::current()?.handle;
    // Nothing else than a record is ever put there.
    handle.downcast::<Record>().ok().map(Operation::new)
}

impl Record {
    /// The entry that makes this operation the current one.
    pub(crate) fn ambient(self: &Arc<Self>) -> Ambient {
        let record = Arc::clone(self);
        Ambient {
            label: self.label.clone(),
            handle: record,
        }
    }
}

/// While it lives, the entry from the slot is the thread's, and the slot keeps the one before.
pub(crate) struct Inside<'a>(&'a mut Option<Ambient>);

impl<'a> Inside<'a> {
    pub(crate) fn enter(slot: &'a mut Option<Ambient>) -> Self {
        ambient::swap(slot);
        Self(slot)
    }
}

/// In a drop, so that a panic puts back what was there, too.
impl Drop for Inside<'_> {
    fn drop(&mut self) {
        ambient::swap(self.0);
    }
}
