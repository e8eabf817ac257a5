//! A member's place in the nursery of its operation.

use super::Record;
use crate::cause::OperationId;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A member's entry on the list, which it leaves when this is dropped.
pub(crate) struct Place {
    owner: Arc<Record>,
    id: OperationId,
}

impl Place {
    pub(crate) fn new(owner: Arc<Record>, id: OperationId) -> Self {
        Self { owner, id }
    }

    /// The operation that joins the member.
    pub(crate) fn owner(&self) -> &Arc<Record> {
        &self.owner
    }

    /// Ready when the child may begin; see [`Nursery::poll_place`].
    pub(crate) fn poll_begin(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.owner.nursery.poll_place(self.id, cx)
    }
}

/// A drop, because a runtime that goes away just drops its tasks.
impl Drop for Place {
    fn drop(&mut self) {
        self.owner.nursery.leave(self.id);
    }
}
