//! The list of one shard, in chunks.
//!
//! Nearly all operations enter the newest chunk, and most leave from there. So the newest chunk stays when it is
//! empty, and is not shared: a listing gets a copy of it. An older chunk exists while it has a row. Listings share
//! the older chunks. A shared chunk is copied to be changed. The old copy never holds the last reference to a
//! record, so its drop runs no user code.

use super::chunk::{Chunk, Row, SLOTS};
use crate::cause::OperationId;
use crate::record::Record;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The number of shards in a registry. A power of two, so that the remainder of a number is a mask.
#[cfg(not(cancelable_loom))]
pub(super) const SHARDS: usize = 32;
/// One shard: a model must behave the same in each run, and the numbers of operations differ between runs.
#[cfg(cancelable_loom)]
pub(super) const SHARDS: usize = 1;

/// The factor by which the memory of the newest chunk may exceed the need of its rows, because more rows follow.
const SLACK: usize = 8;

#[derive(Default)]
pub(super) struct List {
    len: usize,
    newest: Chunk,
    newest_number: u64,
    /// The older chunks by number. No chunk is empty.
    older: BTreeMap<u64, Arc<Chunk>>,
}

/// Returns the number of an operation's chunk in its shard, and its slot there.
pub(super) fn position(id: OperationId) -> (u64, u32) {
    let in_shard = id.get() / SHARDS as u64;
    // The remainder is below 64, so the cast loses nothing.
    (in_shard / SLOTS, (in_shard % SLOTS) as u32)
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, id: OperationId) -> Option<&Arc<Record>> {
        let (number, slot) = position(id);
        match number == self.newest_number {
            true => self.newest.record(slot),
            false => self.older.get(&number)?.record(slot),
        }
    }

    pub(super) fn insert(&mut self, id: OperationId, row: Row) {
        let (number, slot) = position(id);
        if number > self.newest_number {
            self.begin_chunk(number);
        }
        let chunk = match number == self.newest_number {
            true => &mut self.newest,
            // The operation took its number before another operation that was listed first.
            false => Arc::make_mut(self.older.entry(number).or_default()),
        };
        chunk.insert(slot, row);
        self.len += 1;
    }

    fn begin_chunk(&mut self, number: u64) {
        let before = std::mem::replace(&mut self.newest_number, number);
        if self.newest.is_empty() {
            return;
        }
        let mut chunk = std::mem::take(&mut self.newest);
        chunk.shrink_to_fit();
        self.older.insert(before, Arc::new(chunk));
    }

    /// Returns the removed row. The caller drops the row with no lock held.
    pub(super) fn remove(&mut self, id: OperationId) -> Option<Row> {
        let (number, slot) = position(id);
        let removed = match number == self.newest_number {
            true => {
                let removed = self.newest.remove(slot)?;
                self.newest.shrink(SLACK);
                removed
            }
            false => {
                let chunk = Arc::make_mut(self.older.get_mut(&number)?);
                let removed = chunk.remove(slot)?;
                match chunk.is_empty() {
                    true => drop(self.older.remove(&number)),
                    false => chunk.shrink(1),
                }
                removed
            }
        };
        self.len -= 1;
        Some(removed)
    }

    /// Returns the chunks with these numbers that have a row, in order.
    pub(super) fn chunks(&self, numbers: Range<u64>) -> impl Iterator<Item = (u64, Arc<Chunk>)> {
        let has_newest = !self.newest.is_empty() && numbers.contains(&self.newest_number);
        let newest = has_newest.then(|| (self.newest_number, Arc::new(self.newest.clone())));
        let older = self.older.range(numbers);
        older
            .map(|(number, chunk)| (*number, Arc::clone(chunk)))
            .chain(newest)
    }

    /// Returns the first number from `number` on whose chunk has a row.
    pub(super) fn next_chunk(&self, number: u64) -> Option<u64> {
        let older = self.older.range(number..).next().map(|(number, _)| *number);
        let is_newest = !self.newest.is_empty() && self.newest_number >= number;
        older.or(is_newest.then_some(self.newest_number))
    }
}
