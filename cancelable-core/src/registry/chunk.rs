//! A chunk of a shard's list: up to 64 operations with consecutive numbers in the shard.
//!
//! A row has the values that a filter compares and that never change. A filter reads the rows, which lie side
//! by side in memory, and then the records of the rows that match.
//!
//! Listings share a chunk by reference count. A shared chunk is copied to be changed.

use super::name_prefix::{NamePrefix, WantedPrefix};
use crate::cause::OperationId;
use crate::record::Record;
use std::sync::Arc;

/// The number of slots in a chunk: one for each bit of [`Slots`].
pub(super) const SLOTS: u64 = Slots::BITS as u64;

/// The capacity of a chunk with few rows, and of a chunk with many.
const FEW: usize = 8;
const ALL: usize = SLOTS as usize;

/// A set of slots: a bit for each.
pub(super) type Slots = u64;

#[derive(Clone, Default)]
pub(super) struct Chunk {
    /// The slots with a row. The rows are in the order of their slots.
    taken: Slots,
    rows: Vec<Row>,
}

#[derive(Clone)]
pub(super) struct Row {
    record: Arc<Record>,
    parent: Option<OperationId>,
    name: NamePrefix,
}

impl Row {
    pub(super) fn of(record: &Arc<Record>) -> Self {
        Self {
            record: Arc::clone(record),
            parent: record.parent.as_ref().map(|parent| parent.label.id()),
            name: NamePrefix::of(record.label.name()),
        }
    }

    pub(super) fn has_parent(&self, id: OperationId) -> bool {
        self.parent == Some(id)
    }

    pub(super) fn may_have_prefix(&self, wanted: &WantedPrefix) -> bool {
        wanted.may_match(&self.name)
    }
}

impl Chunk {
    pub(super) fn is_empty(&self) -> bool {
        self.taken == 0
    }

    pub(super) fn taken(&self) -> Slots {
        self.taken
    }

    /// Returns the index of a slot's row, or of the place for that row.
    fn index(&self, slot: u32) -> usize {
        (self.taken & ((1 << slot) - 1)).count_ones() as usize
    }

    fn has(&self, slot: u32) -> bool {
        self.taken >> slot & 1 != 0
    }

    /// Adds a row. Requires that the slot is free, because numbers are unique.
    pub(super) fn insert(&mut self, slot: u32, row: Row) {
        if self.rows.len() == self.rows.capacity() {
            // In only two steps: each step leaves a hole in memory between operations that were opened one after
            // another.
            let capacity = if self.rows.is_empty() { FEW } else { ALL };
            self.rows.reserve_exact(capacity - self.rows.len());
        }
        match self.taken >> slot {
            // The common case: the row is the last.
            0 => self.rows.push(row),
            _ => self.rows.insert(self.index(slot), row),
        }
        self.taken |= 1 << slot;
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Row> {
        if !self.has(slot) {
            return None;
        }
        let row = self.rows.remove(self.index(slot));
        self.taken &= !(1 << slot);
        Some(row)
    }

    /// Frees memory if the capacity exceeds `slack` times the number of rows, rounded up to a power of two.
    pub(super) fn shrink(&mut self, slack: usize) {
        let needed = self.rows.len().next_power_of_two();
        if self.rows.capacity() > slack * needed {
            self.rows.shrink_to(needed);
        }
    }

    /// Frees all memory that the rows do not need.
    pub(super) fn shrink_to_fit(&mut self) {
        self.rows.shrink_to_fit();
    }

    pub(super) fn record(&self, slot: u32) -> Option<&Arc<Record>> {
        let row = self.rows.get(self.index(slot))?;
        self.has(slot).then_some(&row.record)
    }

    /// Returns the slots of `among` whose row matches.
    #[inline]
    pub(super) fn select(&self, among: Slots, matches: impl Fn(&Row) -> bool) -> Slots {
        let (mut left, mut selected) = (self.taken, 0);
        for row in &self.rows {
            let slot = left & left.wrapping_neg();
            left ^= slot;
            if among & slot != 0 && matches(row) {
                selected |= slot;
            }
        }
        selected
    }

    /// Returns the slots of `among` whose record matches. Each record has memory of its own. The processor
    /// fetches many records at once, because no read depends on the read before.
    #[inline]
    pub(super) fn select_records(&self, among: Slots, matches: impl Fn(&Record) -> bool) -> Slots {
        self.select(among, |row| matches(&row.record))
    }
}
