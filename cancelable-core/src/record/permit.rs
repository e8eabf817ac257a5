//! Admission of a child or a blocking call to the operation that joins it.
//!
//! A run that ends does not lock the table of its children if that is unused. It reads the phase of the table under
//! the lock of its record while it settles that, and an admission stores the phase before it asks under the same lock
//! whether the record is settled. So either the run sees that the table is used, or the admission sees the end.

use super::Record;
use super::blocking_call::BlockingCall;
use crate::cause::OperationId;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A member's entry in the table of its owner, which is removed when this is dropped.
pub(crate) struct Permit {
    owner: Arc<Record>,
    id: OperationId,
}

/// Admits a member; none if the table is closed, or the operation has ended.
pub(crate) fn admit(
    owner: &Arc<Record>,
    record: &Arc<Record>,
    call: Option<Arc<BlockingCall>>,
) -> Option<Permit> {
    let id = record.label.id();
    if !owner.children.admit(id, Arc::downgrade(record), call) {
        return None;
    }
    let permit = Permit {
        owner: Arc::clone(owner),
        id,
    };
    (!owner.is_settled()).then_some(permit)
}

impl Permit {
    /// The operation that joins the member.
    pub(crate) fn owner(&self) -> &Arc<Record> {
        &self.owner
    }

    /// Ready when the child may begin; see [`Children::poll_permit`](super::children::Children::poll_permit).
    pub(crate) fn poll_begin(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.owner.children.poll_permit(self.id, cx)
    }
}

/// A drop, because a runtime that goes away just drops its tasks.
impl Drop for Permit {
    fn drop(&mut self) {
        self.owner.children.remove(self.id);
    }
}
