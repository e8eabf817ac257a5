//! The criteria of a filter that need a snapshot of each operation.

use super::filter::Filter;
use super::listing::Listing;
use super::shards::Shards;
use super::snapshots::Snapshots;
use crate::operation::OperationSnapshot;
use crate::record::{Record, deadlines};
use std::ops::ControlFlow;

pub(super) struct SnapshotFilter<'a> {
    filter: &'a Filter,
    snapshots: Snapshots,
    /// The number of operations that may still pass.
    left: usize,
}

impl<'a> SnapshotFilter<'a> {
    pub(super) fn of(filter: &'a Filter) -> Self {
        Self {
            filter,
            snapshots: Snapshots::default(),
            left: filter.max(),
        }
    }

    /// Returns the snapshot of a candidate, if the candidate passes.
    pub(super) fn pass(&mut self, record: &Record) -> Option<OperationSnapshot> {
        if self.left == 0 || !self.filter.needs_snapshot_of(record) {
            return None;
        }
        let now = self.snapshots.now(record);
        let above = deadlines::inherited(record, None);
        let snapshot = self.snapshots.take(record, above, now);
        // An operation that has ended since the listing is in the history.
        if snapshot.status().is_terminal() || !self.filter.passes(&snapshot) {
            return None;
        }
        self.left -= 1;
        Some(snapshot)
    }

    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Breaks when no further operation may pass.
    pub(super) fn flow(&self) -> ControlFlow<()> {
        match self.left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Returns the open operations that pass. Snapshots are taken only if the filter needs them.
pub(super) fn matching(shards: &Shards, filter: &Filter) -> Listing {
    if filter.is_decided_by_rows() {
        return selected(shards, filter);
    }
    let (mut passing, mut found) = (SnapshotFilter::of(filter), Listing::default());
    candidates(shards, filter, |mut part| {
        part.retain(|record| passing.pass(record).is_some());
        found.append(part);
        passing.flow()
    });
    found
}

/// Returns the number of open operations that pass. Snapshots are taken only if the filter needs them.
pub(super) fn count(shards: &Shards, filter: &Filter) -> usize {
    if filter.reads_snapshots() {
        return matching(shards, filter).len();
    }
    let mut found = selected(shards, filter);
    if filter.reads_metadata() {
        found.retain(|record| filter.needs_snapshot_of(record));
    }
    found.len().min(filter.max())
}

/// Returns the open operations that match the criteria of the rows.
fn selected(shards: &Shards, filter: &Filter) -> Listing {
    Listing::of_from(shards, filter.first_chunk(), |chunk| filter.select(chunk))
}

/// Passes the open operations that may pass the filter to `each`: all at once, or in steps if the filter has a
/// limit.
pub(super) fn candidates(
    shards: &Shards,
    filter: &Filter,
    mut each: impl FnMut(Listing) -> ControlFlow<()>,
) {
    let select = |chunk: &_| filter.select(chunk);
    match filter.max() {
        0 => {}
        usize::MAX => {
            let _ = each(selected(shards, filter));
        }
        _ => Listing::in_steps(shards, filter.first_chunk(), select, each),
    }
}
