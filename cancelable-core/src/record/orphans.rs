//! Orphans: what a dropped run has left, as a part of the nearest ancestor that has not ended.
//!
//! A drop cannot wait, so what is open goes on as a task of the runtime; the steps are in the header of
//! `scope/run/detached_teardown.rs`. The operation is an *orphan* then, as it has lost the body that it was a
//! part of. The nearest operation above that has not ended, its *owner*, adopts it: [`adopt`] lists it there, and
//! the [`OrphanGuard`] removes it and wakes the owner's run. Its report goes to the owner (`child_reports.rs`).
//!
//! The owner joins an orphan as it joins its children: before its own finalizers, and before it ends. So what
//! a finalizer undoes is not worked on any more, at any depth, whether one run is dropped or several at once.
//! What is deferred by a blocking call, or to a scope that is never run, is an orphan too, and so is what is taken
//! over of a run that nobody polls (`takeover.rs`).
//!
//! # Invariants
//!
//! 1. An orphan is listed by its owner from before its run has closed, and so has given back its hold
//!    on the body above, until it is settled. Its [`OrphanGuard`] removes it, on every way
//!    out, also where a runtime drops the task.
//! 2. While it has not ended, an operation adopts whatever comes: also one that is cancelled, is closed, or
//!    takes no more children. What comes to one that has ended goes to the next above, and where none is
//!    left it is a task like any other, for which nobody waits.
//! 3. An orphan is no child: it takes no permit, and nobody is cancelled for its failures, as its
//!    user has let go of it. They are not lost: its report goes to the operation that adopts it, before it leaves
//!    the table.
//! 4. It is waited for without a bound, as a child is, but for those that it has itself. One that a finalizer
//!    leaves is a part of that: it is waited for before the next one begins, and within the cleanup budget.
//!    What runs then is named, and is nobody's from then on.
//!
//! # Order of drops
//!
//! By steps 2 and 3 there the table is complete when the run looks at it. Where the inner run is elsewhere, beside
//! the outer one or in another task, and is dropped later, invariant 2 has it adopted as long as the outer one has
//! not ended, and no step of that begins beside it which was not under way.
//!
//! # Wakes and locks
//!
//! An orphan is removed from the table before its owner's run is woken, as a child is; see
//! [`abandon::poll_joined`](super::abandon::poll_joined). An orphan that comes wakes nobody: a run that joins
//! goes on to wait, and a run that waits for a finalizer looks at the table after that.
//!
//! Whether the operation has ended is a question of two locks, which are never held at once. An orphan marks the
//! table as occupied under the lock of the table, and after that asks under the record's lock whether the record
//! is settled. The end settles the record under that lock, unless it finds the mark. The second of the two sees
//! the first: either the end finds the mark and the table is joined once more, or the orphan goes on to the next
//! operation above.
//!
//! Nothing waits in a circle: an orphan is a task of a runtime, which waits for what is below it, and
//! is waited for by what is above. It needs that runtime to be driven, as a child does.

use super::Record;
use crate::cause::OperationId;
use crate::runtime::RuntimeHandle;
use std::sync::Arc;

/// Held by an orphan until its operation is settled.
pub(crate) struct OrphanGuard {
    owner: Arc<Record>,
    id: OperationId,
}

/// A drop, because a runtime that goes away just drops its tasks.
impl Drop for OrphanGuard {
    fn drop(&mut self) {
        self.owner.children.remove_orphan(self.id);
    }
}

/// Has the nearest operation above that has not ended wait for what goes on of `record` on `runtime`.
///
/// To be called before a run closes it; see invariant 1.
pub(crate) fn adopt(record: &Arc<Record>, runtime: &RuntimeHandle) -> Option<OrphanGuard> {
    let parent = record.parent.as_ref()?;
    // Given up with its call, whose end nobody waits for.
    if parent.children.is_abandoned(record.label.id()) {
        return None;
    }
    let mut ancestors = record.ancestors();
    ancestors.find_map(|owner| adopt_by(owner, record, runtime))
}

fn adopt_by(
    owner: &Arc<Record>,
    orphan: &Arc<Record>,
    runtime: &RuntimeHandle,
) -> Option<OrphanGuard> {
    // Only to leave alone what has ended; what counts is the look below.
    if owner.is_settled() {
        return None;
    }
    let id = orphan.label.id();
    let handle = Arc::downgrade(orphan);
    owner.children.insert_orphan(id, handle, runtime.clone());
    let adoption = OrphanGuard {
        owner: Arc::clone(owner),
        id,
    };
    (!owner.is_settled()).then_some(adoption)
}
