//! The snapshots of many operations for one listing.

use crate::operation::OperationSnapshot;
use crate::progress::SubtreeTotals;
use crate::record::Record;
use crate::runtime::RuntimeHandle;
use std::time::Instant;

/// A cache for the snapshots of one listing: the time of a runtime and the progress of each subtree are read once.
#[derive(Default)]
pub(super) struct Snapshots {
    clock: Option<(RuntimeHandle, Instant)>,
    totals: SubtreeTotals,
}

impl Snapshots {
    /// Returns the snapshot of a record at `now`. The ancestors of the record have the deadline `above`.
    pub(super) fn take(
        &mut self,
        record: &Record,
        above: Option<Instant>,
        now: Option<Instant>,
    ) -> OperationSnapshot {
        OperationSnapshot::among(record, above, now, &mut self.totals)
    }

    /// Returns the time by the record's runtime; `None` without a runtime.
    pub(super) fn now(&mut self, record: &Record) -> Option<Instant> {
        let runtime = record.runtime.as_ref()?;
        if let Some((last, now)) = &self.clock {
            if last.is_same(runtime) {
                return Some(*now);
            }
        }
        let now = runtime.now();
        self.clock = Some((runtime.clone(), now));
        Some(now)
    }
}
