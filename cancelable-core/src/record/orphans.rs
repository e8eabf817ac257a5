//! What a run that was dropped has left, as a part of the nearest operation above.
//!
//! A drop cannot wait, so what is open goes on as a task of the runtime (`scope/run/detached_teardown.rs`). That is
//! an *orphan*: it has lost the body that it was a part of. The nearest operation above that has not ended
//! adopts it, and joins it as it joins its children: before its own finalizers, and before it ends. So what
//! a finalizer undoes is not worked on any more, at any depth, whether one run is dropped or several at once.
//! What is deferred by a blocking call, or to a scope that is never run, is an orphan too.
//!
//! # Invariants
//!
//! 1. An orphan is listed by the one above from before its run has closed, and so has given back its hold
//!    on the body above, until it is settled. Its [`Adoption`] takes it off the list, on every way
//!    out, also where a runtime drops the task.
//! 2. While it has not ended, an operation adopts whatever comes: also one that is cancelled, is closed, or
//!    takes no more children. What comes to one that has ended goes to the next above, and where none is
//!    left it is a task like any other, for which nobody waits.
//! 3. An orphan is no child: it takes no place of `concurrency`, and nobody is cancelled for its failures, as its
//!    user has let go of it. They are not lost: its report goes to the operation that adopts it, before it leaves
//!    the list (`report.rs`).
//! 4. It is waited for without a bound, as a child is, but for those that it has itself. One that a finalizer
//!    leaves is a part of that: it is waited for before the next one begins, and within the cleanup budget.
//!    What runs then is named, and is nobody's from then on.
//!
//! # Order of drops
//!
//! A run that is dropped drops its body before it looks at its list and hands over (`scope/run/state_machine.rs`). A run in
//! that body is dropped meanwhile, and is adopted before that returns. So the list is complete when it is
//! looked at. Where the inner run is elsewhere, beside the outer one or in another task, and is dropped
//! later, invariant 2 has it adopted as long as the outer one has not ended, and no step of that begins
//! beside it which was not under way.
//!
//! # Wakes and locks
//!
//! Whoever leaves the list takes itself off it before it wakes, as a child does; see
//! [`Nursery::poll_joined`]. One that comes wakes nobody: who joins goes on to wait. Who waits for something
//! else, for a finalizer, looks at the list after that.
//!
//! Whether the operation has ended is a question of two locks, which are never held at once. The list is
//! marked as occupied under its own lock, and the seal is looked at under the record's after that; who seals
//! looks at the mark under the record's lock. Whoever comes second sees the other: either the seal fails and
//! the list is joined once more, or the orphan goes on to the next above.
//!
//! Nothing here waits in a circle: an orphan is a task of a runtime, which waits for what is below it, and
//! is waited for by what is above. It needs that runtime to be driven, as a child does.

use super::Record;
use super::children::Nursery;
use crate::cause::OperationId;
use crate::runtime::RuntimeHandle;
use std::sync::{Arc, Weak};

/// An orphan on the list of the operation that joins it.
pub(crate) struct Orphan {
    /// Weak: the record holds its parent's, and that one holds this list.
    record: Weak<Record>,
    /// What it goes on on.
    runtime: RuntimeHandle,
}

/// Held by an orphan until its operation is settled.
pub(crate) struct Adoption {
    owner: Arc<Record>,
    id: OperationId,
}

/// A drop, because a runtime that goes away just drops its tasks.
impl Drop for Adoption {
    fn drop(&mut self) {
        self.owner.nursery.let_go(self.id);
    }
}

impl Record {
    /// Has the nearest operation above that has not ended wait for what goes on of this one on `runtime`.
    ///
    /// To be called before a run closes this one; see invariant 1.
    pub(crate) fn be_adopted(self: &Arc<Self>, runtime: &RuntimeHandle) -> Option<Adoption> {
        let parent = self.parent.as_ref()?;
        // Given up with its call, whose end nobody waits for.
        if parent.nursery.is_abandoned(self.label.id()) {
            return None;
        }
        // Ends: every turn goes one ancestor up, and there is no cycle.
        let mut above = std::iter::successors(Some(parent), |record| record.parent.as_ref());
        above.find_map(|owner| owner.adopt(self, runtime))
    }

    fn adopt(self: &Arc<Self>, orphan: &Arc<Self>, runtime: &RuntimeHandle) -> Option<Adoption> {
        // Only to leave alone what has ended; what counts is the look below.
        if self.is_sealed() {
            return None;
        }
        let id = orphan.label.id();
        let entry = Orphan {
            record: Arc::downgrade(orphan),
            runtime: runtime.clone(),
        };
        self.nursery
            .occupy(|yard| drop(yard.orphans.insert(id, entry)));
        let adoption = Adoption {
            owner: Arc::clone(self),
            id,
        };
        match self.is_sealed() {
            true => None,
            false => Some(adoption),
        }
    }
}

impl Nursery {
    fn let_go(&self, id: OperationId) {
        let left = self.with_yard(|yard| (yard.orphans.remove(&id), yard.is_done()));
        // The entry goes after the lock: with it goes a handle of a runtime.
        if let Some((Some(_entry), true)) = left {
            self.wake_joiner();
        }
    }

    /// Takes the orphans off the list of a nursery that is shut. They are not waited for any more.
    pub(crate) fn give_up_orphans(&self) -> Vec<Arc<Record>> {
        let orphans = self.with_yard(|yard| std::mem::take(&mut yard.orphans));
        // One that has come meanwhile is still to be joined.
        self.shut_if_done();
        let records = orphans.unwrap_or_default().into_values();
        records
            .filter_map(|orphan| orphan.record.upgrade())
            .collect()
    }

    /// Whether a member or an orphan has not ended, or there is a guard.
    pub(crate) fn has_any(&self) -> bool {
        self.with_yard(|yard| {
            !(yard.members.is_empty() && yard.orphans.is_empty() && yard.guards.is_empty())
        })
        .unwrap_or(false)
    }

    pub(crate) fn orphan_count(&self) -> usize {
        self.with_yard(|yard| yard.orphans.len()).unwrap_or(0)
    }

    /// The orphans that have not ended, in the order in which their operations were opened.
    pub(crate) fn orphans(&self) -> Vec<Arc<Record>> {
        self.with_yard(|yard| {
            let orphans = yard.orphans.values();
            orphans
                .filter_map(|orphan| orphan.record.upgrade())
                .collect()
        })
        .unwrap_or_default()
    }

    /// A runtime on which an orphan goes on, if there is one.
    pub(crate) fn orphans_runtime(&self) -> Option<RuntimeHandle> {
        self.with_yard(|yard| {
            let first = yard.orphans.values().next();
            first.map(|orphan| orphan.runtime.clone())
        })?
    }
}
