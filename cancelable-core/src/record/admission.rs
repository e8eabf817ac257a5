//! Admission to an operation that joins: of children and blocking calls, and of holds.
//!
//! A *hold* delays the end of an operation for work outside the tasks of the operation, such as work on a thread
//! pool of the user. A hold takes no permit and cannot fail.
//!
//! Each admission is an entry in the table of the owner (`children.rs`), and the guard here removes the entry. An
//! admission first marks the table as occupied, under the table's lock. Then it checks under the record's lock whether the
//! record is settled. A run that ends settles its record under that lock, and reads the mark there; it does not
//! lock a table that is unused. So either the run sees the mark, or the admission sees the end.

use super::Record;
use super::blocking_call::BlockingCall;
use crate::cause::OperationId;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The guard of a member's entry.
pub(crate) struct Admission {
    owner: Arc<Record>,
    id: OperationId,
}

/// Admits a child or a blocking call. Returns `None` if the table is closed or the operation has ended.
pub(crate) fn admit(
    owner: &Arc<Record>,
    record: &Arc<Record>,
    call: Option<Arc<BlockingCall>>,
) -> Option<Admission> {
    let id = record.label.id();
    if !owner.children.admit(id, Arc::downgrade(record), call) {
        return None;
    }
    let admission = Admission {
        owner: Arc::clone(owner),
        id,
    };
    (!owner.is_settled()).then_some(admission)
}

impl Admission {
    /// Returns the operation that joins the member.
    pub(crate) fn owner(&self) -> &Arc<Record> {
        &self.owner
    }

    /// Returns ready when the child may begin; see
    /// [`Children::poll_permit`](super::children::Children::poll_permit).
    pub(crate) fn poll_begin(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.owner.children.poll_permit(self.id, cx)
    }
}

/// Ends the admission in the drop, because a runtime that shuts down drops its tasks without a poll.
impl Drop for Admission {
    fn drop(&mut self) {
        self.owner.children.remove(self.id);
    }
}

/// The guard of a hold's entry.
pub(crate) struct HoldGuard {
    owner: Arc<Record>,
    key: u64,
    taken_at: &'static Location<'static>,
}

/// Takes a hold on the end of `owner`. Returns `None` if the table is closed or the operation has ended.
pub(crate) fn hold(owner: &Arc<Record>, taken_at: &'static Location<'static>) -> Option<HoldGuard> {
    let key = owner.children.insert_hold_if_open(taken_at)?;
    let hold = HoldGuard {
        owner: Arc::clone(owner),
        key,
        taken_at,
    };
    (!owner.is_settled()).then_some(hold)
}

impl HoldGuard {
    pub(crate) fn taken_at(&self) -> &'static Location<'static> {
        self.taken_at
    }
}

/// Adds an entry even if the table is closed: the operation has not ended while this entry is there.
impl Clone for HoldGuard {
    fn clone(&self) -> Self {
        Self {
            owner: Arc::clone(&self.owner),
            key: self.owner.children.insert_hold(self.taken_at),
            taken_at: self.taken_at,
        }
    }
}

impl Drop for HoldGuard {
    fn drop(&mut self) {
        self.owner.children.remove_hold(self.key);
    }
}
