//! Holds on the end of an operation: work on a thread or a pool of the user's, which is no task of the operation.
//!
//! A hold is in the table of the children, so that all that is said there of admission,
//! wakes and locks (`children.rs`, `permit.rs`) is true of it. It takes no permit, and has no failure.

use super::Record;
use std::panic::Location;
use std::sync::Arc;

/// An entry in the table, which is removed when this is dropped.
pub(crate) struct KeepOpen {
    owner: Arc<Record>,
    key: u64,
    taken_at: &'static Location<'static>,
}

/// Keeps the end of `record` waiting; none where it waits for nothing any more.
pub(crate) fn keep_open(
    record: &Arc<Record>,
    taken_at: &'static Location<'static>,
) -> Option<KeepOpen> {
    let key = record.children.insert_hold_if_open(taken_at)?;
    let hold = KeepOpen {
        owner: Arc::clone(record),
        key,
        taken_at,
    };
    // As for a child.
    (!record.is_settled()).then_some(hold)
}

impl KeepOpen {
    pub(crate) fn taken_at(&self) -> &'static Location<'static> {
        self.taken_at
    }
}

/// Another entry. It comes also where no more are taken: while this one is in the table, the operation waits.
impl Clone for KeepOpen {
    fn clone(&self) -> Self {
        Self {
            owner: Arc::clone(&self.owner),
            key: self.owner.children.insert_hold(self.taken_at),
            taken_at: self.taken_at,
        }
    }
}

impl Drop for KeepOpen {
    fn drop(&mut self) {
        self.owner.children.remove_hold(self.key);
    }
}
