//! What a filter asks of one operation beyond what it asks of all at once.

use super::selection::Selection;
use super::{Clock, Filter, Registry};
use crate::operation::{Below, OperationSnapshot, Record};
use std::ops::ControlFlow;

pub(super) struct Sieve<'a> {
    filter: &'a Filter,
    clock: Clock,
    below: Below,
    /// How many more may pass.
    left: usize,
}

impl<'a> Sieve<'a> {
    pub(super) fn of(filter: &'a Filter) -> Self {
        Self {
            filter,
            clock: Clock::default(),
            below: Below::default(),
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
            record.snapshot_among(record.deadline_above(None), now, Some(&mut self.below));
        // One that has ended since is in the history.
        if snapshot.status().is_closed() || !self.filter.passes(&snapshot) {
            return None;
        }
        self.left -= 1;
        Some(snapshot)
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
        let mut found = self.candidates(filter);
        if !filter.is_decided_at_once() {
            let mut sieve = Sieve::of(filter);
            found.retain(|record| sieve.pass(record).is_some());
        }
        found
    }
}
