//! A selection of the operations that were listed at one moment, in the order of opening.
//!
//! A listing has the chunks of all shards, and for each chunk the selected slots. A listing takes one reference
//! count for each chunk, and none for an operation.

use super::chunk::{Chunk, Slots};
use super::shards::Shards;
use crate::record::Record;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Listing {
    /// The chunks in the order of numbers and shards, each with at least one selected slot.
    chunks: Vec<Selected>,
}

struct Selected {
    number: u64,
    shard: usize,
    chunk: Arc<Chunk>,
    slots: Slots,
}

impl Listing {
    /// Returns the operations that `select` selects in each chunk. `select` is called with no lock held.
    pub(super) fn of(shards: &Shards, select: impl Fn(&Chunk) -> Slots) -> Self {
        Self::of_numbers(shards, 0..u64::MAX, select)
    }

    /// [`of`](Self::of) without the chunks whose numbers are below `start`.
    pub(super) fn of_from(shards: &Shards, start: u64, select: impl Fn(&Chunk) -> Slots) -> Self {
        Self::of_numbers(shards, start..u64::MAX, select)
    }

    /// Passes the operations that `select` selects from chunk `start` on to `each`, in steps, for a caller that may
    /// need only the first few. The first step has the operations that were opened first. `each` breaks when it has enough.
    ///
    /// Ends: each step is twice as long as the step before, and the numbers of chunks have 64 bits.
    pub(super) fn in_steps(
        shards: &Shards,
        mut start: u64,
        select: impl Fn(&Chunk) -> Slots,
        mut each: impl FnMut(Self) -> ControlFlow<()>,
    ) {
        let mut length = 1_u64;
        loop {
            let next = shards.iter().filter_map(|shard| shard.next_chunk(start));
            let Some(first) = next.min() else {
                return;
            };
            let end = first.saturating_add(length);
            if each(Self::of_numbers(shards, first..end, &select)).is_break() {
                return;
            }
            start = end;
            length = length.saturating_mul(2);
        }
    }

    fn of_numbers(shards: &Shards, numbers: Range<u64>, select: impl Fn(&Chunk) -> Slots) -> Self {
        let mut chunks = Vec::new();
        for (shard, own) in shards.iter().enumerate() {
            own.chunks(numbers.clone(), |number, chunk| {
                chunks.push(Selected {
                    number,
                    shard,
                    chunk,
                    slots: 0,
                });
            });
        }
        // Fast, because the chunks of each shard are in order. Before the selection, because operations that were
        // opened one after another mostly lie one after another in memory.
        chunks.sort_by_key(|selected| (selected.number, selected.shard));
        chunks.retain_mut(|selected| {
            selected.slots = select(&selected.chunk);
            selected.slots != 0
        });
        Self { chunks }
    }

    pub(super) fn len(&self) -> usize {
        let counts = self
            .chunks
            .iter()
            .map(|own| own.slots.count_ones() as usize);
        counts.sum()
    }

    pub(super) fn first(&self) -> Option<&Arc<Record>> {
        let same_number = self.chunks.chunk_by(Selected::has_number_of).next()?;
        let first = same_number
            .iter()
            .min_by_key(|own| (own.slots.trailing_zeros(), own.shard))?;
        first.chunk.record(first.slots.trailing_zeros())
    }

    /// Adds a listing whose operations were all opened later.
    pub(super) fn append(&mut self, next: Self) {
        self.chunks.extend(next.chunks);
    }

    /// Visits each record, until `visit` breaks.
    pub(super) fn visit(
        self,
        mut visit: impl FnMut(&Arc<Record>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.visit_checked(|_| true, |record, _| visit(record))
    }

    /// Visits each record with the result of `check`, until `visit` breaks. `check` is called for the records of
    /// all chunks with one number before the first visit; see [`Chunk::select_records`].
    pub(super) fn visit_checked(
        self,
        check: impl Fn(&Record) -> bool,
        mut visit: impl FnMut(&Arc<Record>, bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut chunks = self.chunks.into_iter().peekable();
        let (mut same_number, mut checked) = (Vec::new(), Vec::new());
        while let Some(first) = chunks.next() {
            // Drops the visited chunks, so that a change of one needs no copy.
            same_number.clear();
            same_number.push(first);
            while let Some(next) = chunks.next_if(|next| same_number[0].has_number_of(next)) {
                same_number.push(next);
            }
            let answers = same_number
                .iter()
                .map(|own: &Selected| own.chunk.select_records(own.slots, &check));
            checked.clear();
            checked.extend(answers);
            in_order(&same_number, |index, bit, record| {
                visit(record, checked[index] & bit != 0)
            })?;
        }
        ControlFlow::Continue(())
    }

    /// Keeps the records for which `keep` returns true. `keep` may run user code.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Record) -> bool) {
        let mut kept = Vec::with_capacity(self.chunks.len());
        for same_number in self.chunks.chunk_by(Selected::has_number_of) {
            let first = kept.len();
            kept.extend(same_number.iter().map(|own| own.slots));
            let _ = in_order(same_number, |index, bit, record| {
                if !keep(record) {
                    kept[first + index] &= !bit;
                }
                ControlFlow::Continue(())
            });
        }
        let mut kept = kept.into_iter();
        self.chunks.retain_mut(|own| {
            own.slots = kept.next().unwrap_or(0);
            own.slots != 0
        });
    }

    pub(super) fn into_records(self) -> Vec<Arc<Record>> {
        let mut records = Vec::with_capacity(self.len());
        let _ = self.visit(|record| {
            records.push(Arc::clone(record));
            ControlFlow::Continue(())
        });
        records
    }
}

impl Selected {
    /// Returns whether both chunks have the same number, each in its shard. Then the numbers of their operations
    /// alternate: the first slot of each shard, then the second slot of each shard, and so on.
    fn has_number_of(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

/// Visits the selected records of chunks with one number, in the order of opening, each with the index of its
/// chunk and the bit of its slot.
fn in_order(
    same_number: &[Selected],
    mut visit: impl FnMut(usize, Slots, &Arc<Record>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut left = same_number.iter().fold(0, |all, own| all | own.slots);
    // Ends: each turn takes a bit.
    while left != 0 {
        let slot = left.trailing_zeros();
        let bit = 1 << slot;
        left ^= bit;
        for (index, own) in same_number.iter().enumerate() {
            if own.slots & bit != 0 {
                if let Some(record) = own.chunk.record(slot) {
                    visit(index, bit, record)?;
                }
            }
        }
    }
    ControlFlow::Continue(())
}
