//! Cancelling by number and by filter: the registry as someone who holds the tokens.

use super::{Filter, Registry};
use crate::cause::{Cause, OperationId, Reason};
use crate::operation::Record;
use crate::sync::clock;
use std::sync::Arc;

impl Registry {
    /// Asks the operation with this number to stop. True if this call was what cancelled it.
    #[track_caller]
    pub fn cancel(&self, id: OperationId) -> bool {
        self.cancel_with(id, Cause::new(Reason::Requested))
    }

    /// [`cancel`](Self::cancel) that says why.
    #[track_caller]
    pub fn cancel_with(&self, id: OperationId, cause: impl Into<Cause>) -> bool {
        let cause = cause.into();
        self.get(id)
            .is_some_and(|operation| operation.cancel_with(cause))
    }

    /// Asks all that are open and pass `filter` to stop, and counts those that this call cancelled,
    /// among them those that it reached through an operation above.
    #[track_caller]
    pub fn cancel_all(&self, filter: &Filter) -> usize {
        self.cancel_all_with(filter, Cause::new(Reason::Requested))
    }

    /// [`cancel_all`](Self::cancel_all) that says why.
    #[track_caller]
    pub fn cancel_all_with(&self, filter: &Filter, cause: impl Into<Cause>) -> usize {
        let records = self.matching(filter);
        let Some(first) = records.first() else {
            return 0;
        };
        // Stamped once, so that what was reached through another one is known by its cause.
        let cause = first.stamp(cause.into()).stamped(clock::now);
        let open = records.iter().filter(|record| !record.status().is_closed());
        let reached = open.filter(|record| {
            record.cancel(cause.clone()) || record.cause().is_some_and(|own| own.is_same(&cause))
        });
        reached.count()
    }

    /// The records that pass. Snapshots are taken only where the filter looks at one.
    pub(super) fn matching(&self, filter: &Filter) -> Vec<Arc<Record>> {
        let candidates = self.candidates(filter);
        if filter.is_decided_at_once() {
            return candidates;
        }
        let mut found = Vec::new();
        Self::sift(filter, candidates, |record, _| found.push(record));
        found
    }
}
