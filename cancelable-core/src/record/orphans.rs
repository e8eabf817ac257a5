//! Orphans: operations whose run was dropped while they had open children or finalizers.
//!
//! A drop cannot wait, so the teardown of the operation continues as a task of the runtime; the steps are in the
//! header of `scope/run/detached_teardown.rs`. The operation is an *orphan* then. Its nearest ancestor that has
//! not ended, the *owner*, adopts it: [`adopt`] lists it in the owner's table, and the [`OrphanGuard`] removes it
//! and wakes the owner's run. The report of the orphan moves to the owner (`child_reports.rs`).
//!
//! The owner joins an orphan as it joins its children: before its own finalizers, and before it ends. So no
//! descendant works on the state that a finalizer undoes, at any depth, whether one run is dropped or several at
//! once. There are three more kinds of orphans: a blocking call with finalizers, a scope with finalizers that is
//! never run, and a run that was taken over (`takeover.rs`).
//!
//! # Invariants
//!
//! 1. An orphan is listed by its owner from before its run is closed, and so before the end of its lease on the
//!    body around it, until it is settled. Its [`OrphanGuard`] removes it on every way out, also when a runtime
//!    drops the task.
//! 2. An operation that has not ended adopts every orphan, even if it is cancelled or its table is closed. If it
//!    has ended, the next ancestor adopts the orphan. Without such an ancestor the orphan is an ordinary task
//!    that is not joined.
//! 3. An orphan is not a child: it takes no permit, and its failures cancel no operation, since the user has
//!    dropped it. The failures are not lost: its report goes to the owner before the orphan leaves the table.
//! 4. An orphan is joined without a limit on time, as a child is, except for limits of its own. An orphan that a
//!    finalizer leaves belongs to that finalizer: it is joined before the next finalizer begins, and within the
//!    cleanup budget. At the end of the budget the orphans that still run are reported as stragglers, and are not
//!    joined any more.
//!
//! # Order of drops
//!
//! By steps 2 and 3 of the detached teardown the table is complete when the run reads it. An inner run may be
//! outside of the outer body, beside the outer run or in another task, and be dropped later. By invariant 2 the
//! outer operation adopts it as long as that has not ended, and begins no further step before the orphan has
//! ended.
//!
//! # Wakes and locks
//!
//! An orphan is removed from the table before its owner's run is woken, as a child is; see
//! [`abandon::poll_joined`](super::abandon::poll_joined). A new orphan needs no wake: a run that joins goes on
//! waiting, and a run that waits for a finalizer checks the table after that.
//!
//! Two locks decide whether the owner has ended, and they are never held at once. An orphan marks the table as
//! occupied under the lock of the table, and then checks under the record's lock whether the record is settled.
//! The end settles the record under that lock, unless it finds the mark. The second of the two sees the first:
//! either the end finds the mark and the table is joined once more, or the orphan moves to the next ancestor.
//!
//! There is no circular wait: an orphan is a task of a runtime that waits for its descendants, and its ancestors
//! wait for it. The runtime has to be driven, as for a child.

use super::Record;
use crate::cause::OperationId;
use crate::runtime::RuntimeHandle;
use std::sync::Arc;

/// The guard of an orphan's entry, until the orphan is settled.
pub(crate) struct OrphanGuard {
    owner: Arc<Record>,
    id: OperationId,
}

/// Removes the orphan in the drop, because a runtime that shuts down drops its tasks without a poll.
impl Drop for OrphanGuard {
    fn drop(&mut self) {
        self.owner.children.remove_orphan(self.id);
    }
}

/// Lists `record` with its nearest ancestor that has not ended. The teardown of `record` continues on `runtime`.
///
/// To be called before the run is closed; see invariant 1.
pub(crate) fn adopt(record: &Arc<Record>, runtime: &RuntimeHandle) -> Option<OrphanGuard> {
    let parent = record.parent.as_ref()?;
    // An abandoned call is not joined, and neither are its finalizers.
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
    // Only to skip an owner that has ended; the check below decides.
    if owner.is_settled() {
        return None;
    }
    let id = orphan.label.id();
    let handle = Arc::downgrade(orphan);
    owner.children.insert_orphan(id, handle, runtime.clone());
    let guard = OrphanGuard {
        owner: Arc::clone(owner),
        id,
    };
    (!owner.is_settled()).then_some(guard)
}
