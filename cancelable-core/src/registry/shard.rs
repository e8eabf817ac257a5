//! One shard of a registry: the open operations whose numbers select it, and counts.

use super::chunk::{Chunk, Row};
use super::counts::{Counts, End};
use super::list::List;
use crate::cause::OperationId;
use crate::record::Record;
use crate::sync::{AtomicU64, Mutex, Ordering};
use std::ops::Range;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Shard {
    state: Mutex<State>,
    /// The number of operations that were ever entered, minus those that `forget_ended` has forgotten. Raised
    /// before the end of such an operation is counted under the lock. So under the lock this number is at least the
    /// number of ends.
    entered: AtomicU64,
}

#[derive(Default)]
struct State {
    list: List,
    counts: Counts,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.state.lock().list.len()
    }

    pub(super) fn get(&self, id: OperationId) -> Option<Arc<Record>> {
        self.state.lock().list.get(id).cloned()
    }

    pub(super) fn insert(&self, record: &Arc<Record>) {
        let row = Row::of(record);
        let mut state = self.state.lock();
        state.list.insert(record.label.id(), row);
        state.counts.opened += 1;
    }

    pub(super) fn count_entered(&self) {
        // Relaxed: see the field.
        self.entered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove(&self, id: OperationId, end: &End) {
        let removed = {
            let mut state = self.state.lock();
            state.counts.add_end(end);
            state.list.remove(id)
        };
        drop(removed);
    }

    /// Passes the chunks with these numbers that have a row to `give`, which is called under the lock.
    pub(super) fn chunks(&self, numbers: Range<u64>, mut give: impl FnMut(u64, Arc<Chunk>)) {
        let state = self.state.lock();
        let chunks = state.list.chunks(numbers);
        chunks.for_each(|(number, chunk)| give(number, chunk));
    }

    /// Returns the first number from `number` on whose chunk has a row.
    pub(super) fn next_chunk(&self, number: u64) -> Option<u64> {
        self.state.lock().list.next_chunk(number)
    }

    /// Returns the counts, and the number of operations that were entered.
    pub(super) fn counts(&self) -> (Counts, u64) {
        let state = self.state.lock();
        // Relaxed: see the field.
        (state.counts.clone(), self.entered.load(Ordering::Relaxed))
    }

    pub(super) fn forget_ended(&self) {
        let forgotten = {
            let mut state = self.state.lock();
            let (open, ended) = (state.counts.open(), state.counts.entered_and_ended());
            self.entered.fetch_sub(ended, Ordering::Relaxed);
            std::mem::replace(&mut state.counts, Counts::of_open(open))
        };
        drop(forgotten);
    }
}
