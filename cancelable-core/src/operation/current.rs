//! The operation that runs here.

use super::Operation;
use crate::record::Record;

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
    Record::current().map(Operation::new)
}
