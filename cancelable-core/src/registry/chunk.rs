//! A part of a shard's list: up to 64 operations whose numbers follow each other there.
//!
//! A row has what a filter asks of an operation that never changes, so that a filter reads rows, which
//! lie one after the other, and goes on to the records of those that are left.
//!
//! A page is shared with those who read the list. Who changes it meanwhile changes a copy.

use super::name_prefix::{NamePrefix, WantedPrefix};
use crate::cause::OperationId;
use crate::operation::Record;
use std::sync::Arc;

/// How many rows a page may have: one for each bit of [`Slots`].
pub(super) const ROWS: u64 = Slots::BITS as u64;

/// The room for rows of a page that has few, and of one that has many.
const FEW: usize = 8;
const ALL: usize = ROWS as usize;

/// Some of the places of a page, one bit each.
pub(super) type Slots = u64;

#[derive(Clone, Default)]
pub(super) struct Chunk {
    /// Which places are taken. The rows are in their order.
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

    pub(super) fn is_part_of(&self, id: OperationId) -> bool {
        self.parent == Some(id)
    }

    pub(super) fn may_have_prefix(&self, wanted: &WantedPrefix) -> bool {
        wanted.may_be(&self.name)
    }
}

impl Chunk {
    pub(super) fn is_empty(&self) -> bool {
        self.taken == 0
    }

    pub(super) fn taken(&self) -> Slots {
        self.taken
    }

    /// The index of the row of a place, or where it would be.
    fn index(&self, slot: u32) -> usize {
        (self.taken & ((1 << slot) - 1)).count_ones() as usize
    }

    fn has(&self, slot: u32) -> bool {
        self.taken >> slot & 1 != 0
    }

    /// Enters a row. Each number comes once, so its place is free.
    pub(super) fn insert(&mut self, slot: u32, row: Row) {
        if self.rows.len() == self.rows.capacity() {
            // In two steps: each leaves a hole in memory, where what is opened in turn would lie in turn.
            let room = if self.rows.is_empty() { FEW } else { ALL };
            self.rows.reserve_exact(room - self.rows.len());
        }
        match self.taken >> slot {
            // Nearly always: it is the last one.
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

    /// Gives back all room that the rows do not need.
    pub(super) fn fit(&mut self) {
        self.rows.shrink_to_fit();
    }

    /// Gives room back where there is more than `slack` times what the rows need, by powers of two.
    pub(super) fn shrink(&mut self, slack: usize) {
        let needed = self.rows.len().next_power_of_two();
        if self.rows.capacity() > slack * needed {
            self.rows.shrink_to(needed);
        }
    }

    pub(super) fn record(&self, slot: u32) -> Option<&Arc<Record>> {
        let row = self.rows.get(self.index(slot))?;
        self.has(slot).then_some(&row.record)
    }

    /// Those of the places `among` whose row is meant.
    #[inline]
    pub(super) fn select(&self, among: Slots, is_meant: impl Fn(&Row) -> bool) -> Slots {
        let (mut left, mut selected) = (self.taken, 0);
        for row in &self.rows {
            let slot = left & left.wrapping_neg();
            left ^= slot;
            if among & slot != 0 && is_meant(row) {
                selected |= slot;
            }
        }
        selected
    }

    /// [`select`](Self::select) by the record. Each look is at memory of its own, which the processor
    /// fetches for many at once because none depends on another.
    #[inline]
    pub(super) fn select_records(&self, among: Slots, is_meant: impl Fn(&Record) -> bool) -> Slots {
        self.select(among, |row| is_meant(&row.record))
    }
}
