//! What keeps the end of an operation waiting although it is no task of it: work on a thread or a pool of the
//! user's.
//!
//! A hold is on the list of the nursery, beside the children, so that all that is said there of admission,
//! wakes and locks (`children.rs`) holds for it. It takes no place of `concurrency`, and has no failure.

use super::Record;
use super::children::Nursery;
use std::panic::Location;
use std::sync::Arc;

/// An entry on the list, which it leaves when this is dropped.
pub(crate) struct KeepOpen {
    owner: Arc<Record>,
    key: u64,
    taken_at: &'static Location<'static>,
}

impl KeepOpen {
    pub(crate) fn taken_at(&self) -> &'static Location<'static> {
        self.taken_at
    }
}

/// Another entry. It comes also where no more are taken: while this one is on the list, the operation waits.
impl Clone for KeepOpen {
    fn clone(&self) -> Self {
        let key = self.owner.nursery.occupy(|yard| yard.guard(self.taken_at));
        Self {
            owner: Arc::clone(&self.owner),
            key,
            taken_at: self.taken_at,
        }
    }
}

impl Drop for KeepOpen {
    fn drop(&mut self) {
        self.owner.nursery.release(self.key);
    }
}

impl Record {
    /// Keeps the end waiting; none where it does not wait for anybody any more.
    pub(crate) fn keep_open(
        self: &Arc<Self>,
        taken_at: &'static Location<'static>,
    ) -> Option<KeepOpen> {
        let key = self.nursery.occupy_open(|yard| yard.guard(taken_at))?;
        let guard = KeepOpen {
            owner: Arc::clone(self),
            key,
            taken_at,
        };
        // As for a child.
        match self.is_sealed() {
            true => None,
            false => Some(guard),
        }
    }
}

impl Nursery {
    fn release(&self, key: u64) {
        let done = self.with_yard(|yard| {
            yard.guards.remove(&key);
            yard.is_done()
        });
        if done == Some(true) {
            self.wake_joiner();
        }
    }

    pub(crate) fn guard_count(&self) -> usize {
        self.with_yard(|yard| yard.guards.len()).unwrap_or(0)
    }

    /// Where each hold was taken, in the order of taking.
    pub(crate) fn guards(&self) -> Vec<&'static Location<'static>> {
        self.with_yard(|yard| yard.guards.values().copied().collect())
            .unwrap_or_default()
    }
}
