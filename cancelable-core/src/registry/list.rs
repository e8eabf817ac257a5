//! The list of one shard, as pages.
//!
//! A page is there for as long as a row of it is. New operations nearly always come to the newest one,
//! and most go from there. So that one is at hand, stays when it is empty, and is nobody else's: who
//! reads the list has a copy of it. The older ones are shared with who reads, and copied by who changes
//! one meanwhile; the page before goes then with no record whose last reference it had, so nothing of a
//! user's is dropped.

use super::chunk::{Chunk, ROWS, Row};
use super::shard::SHARDS;
use crate::cause::OperationId;
use crate::operation::Record;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// How many times the room that its rows need the newest page may keep: it is about to get more.
const SLACK: usize = 8;

#[derive(Default)]
pub(super) struct List {
    live: usize,
    newest: Chunk,
    newest_number: u64,
    /// By number, none of them empty.
    older: BTreeMap<u64, Arc<Chunk>>,
}

/// The number of the page of an operation in its shard, and its place there.
fn place(id: OperationId) -> (u64, u32) {
    let in_shard = id.get() / SHARDS as u64;
    // The remainder is below 64, so nothing is cut off.
    (in_shard / ROWS, (in_shard % ROWS) as u32)
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn get(&self, id: OperationId) -> Option<&Arc<Record>> {
        let (number, slot) = place(id);
        match number == self.newest_number {
            true => self.newest.record(slot),
            false => self.older.get(&number)?.record(slot),
        }
    }

    pub(super) fn insert(&mut self, id: OperationId, row: Row) {
        let (number, slot) = place(id);
        if number > self.newest_number {
            self.turn_to(number);
        }
        let page = match number == self.newest_number {
            true => &mut self.newest,
            // Its number was taken before that of one which came before it.
            false => Arc::make_mut(self.older.entry(number).or_default()),
        };
        page.insert(slot, row);
        self.live += 1;
    }

    fn turn_to(&mut self, number: u64) {
        let before = std::mem::replace(&mut self.newest_number, number);
        if self.newest.is_empty() {
            return;
        }
        let mut page = std::mem::take(&mut self.newest);
        page.fit();
        self.older.insert(before, Arc::new(page));
    }

    /// The row of one that leaves, to be dropped with no lock held.
    pub(super) fn remove(&mut self, id: OperationId) -> Option<Row> {
        let (number, slot) = place(id);
        let removed = match number == self.newest_number {
            true => {
                let removed = self.newest.remove(slot)?;
                self.newest.shrink(SLACK);
                removed
            }
            false => {
                let page = Arc::make_mut(self.older.get_mut(&number)?);
                let removed = page.remove(slot)?;
                match page.is_empty() {
                    true => drop(self.older.remove(&number)),
                    false => page.shrink(1),
                }
                removed
            }
        };
        self.live -= 1;
        Some(removed)
    }

    /// The pages of these numbers that have a row, in order.
    pub(super) fn read(&self, numbers: Range<u64>) -> impl Iterator<Item = (u64, Arc<Chunk>)> {
        let has_newest = !self.newest.is_empty() && numbers.contains(&self.newest_number);
        let newest = has_newest.then(|| Arc::new(self.newest.clone()));
        let older = self.older.range(numbers);
        older
            .map(|(number, page)| (*number, Arc::clone(page)))
            .chain(newest.map(|page| (self.newest_number, page)))
    }

    /// The first number from this one on whose page has a row.
    pub(super) fn next_from(&self, number: u64) -> Option<u64> {
        let older = self.older.range(number..).next().map(|(number, _)| *number);
        let is_newest = !self.newest.is_empty() && self.newest_number >= number;
        older.or(is_newest.then_some(self.newest_number))
    }
}
