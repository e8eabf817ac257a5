//! What a filter asks of one operation beyond what it asks of all at once.

use super::selection::Selection;
use super::{Clock, Filter, Registry};
use crate::operation::{OperationSnapshot, Record};
use crate::progress::SubtreeTotals;
use std::ops::ControlFlow;

pub(super) struct Sieve<'a> {
    filter: &'a Filter,
    clock: Clock,
    totals: SubtreeTotals,
    /// How many more may pass.
    left: usize,
}

impl<'a> Sieve<'a> {
    pub(super) fn of(filter: &'a Filter) -> Self {
        Self {
            filter,
            clock: Clock::default(),
            totals: SubtreeTotals::default(),
            left: filter.most(),
        }
    }

    /// The snapshot of a candidate that passes.
    pub(super) fn pass(&mut self, record: &Record) -> Option<OperationSnapshot> {
        if self.left == 0 || !self.filter.needs_snapshot_of(record) {
            return None;
        }
        let now = self.clock.read(record);
        let snapshot =
            OperationSnapshot::among(record, record.deadline_above(None), now, &mut self.totals);
        // One that has ended since is in the history.
        if snapshot.status().is_closed() || !self.filter.passes(&snapshot) {
            return None;
        }
        self.left -= 1;
        Some(snapshot)
    }

    /// How many more may pass.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Whether more may pass.
    pub(super) fn flow(&self) -> ControlFlow<()> {
        match self.left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Registry {
    /// What is open and passes. Snapshots are taken only where the filter looks at one.
    pub(super) fn matching(&self, filter: &Filter) -> Selection {
        if filter.is_decided_at_once() {
            return self.candidates(filter);
        }
        let (mut sieve, mut found) = (Sieve::of(filter), Selection::default());
        self.sift(filter, |mut part| {
            part.retain(|record| sieve.pass(record).is_some());
            found.append(part);
            sieve.flow()
        });
        found
    }

    /// What is open and may pass: all at once, or in steps where the filter has enough with few.
    pub(super) fn sift(&self, filter: &Filter, mut each: impl FnMut(Selection) -> ControlFlow<()>) {
        match filter.most() {
            0 => {}
            usize::MAX => {
                let _ = each(self.candidates(filter));
            }
            _ => self.select_in_steps(|page| filter.select(page), each),
        }
    }
}
