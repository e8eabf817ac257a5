//! Some of the operations that were listed at one look, in the order of opening.
//!
//! It has the pages of all shards, and for each page the rows that are meant. Taking it costs one
//! reference count for each page, not for each operation.

use super::chunk::{Chunk, Slots};
use super::{Filter, Registry};
use crate::operation::Record;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Listing {
    /// By number and shard, each with a row that is meant.
    pages: Vec<Selected>,
}

struct Selected {
    number: u64,
    shard: usize,
    page: Arc<Chunk>,
    /// Which of its rows are meant.
    slots: Slots,
}

impl Registry {
    /// The rows of each page that `select` gives, which is called with no lock held.
    pub(super) fn select(&self, select: impl Fn(&Chunk) -> Slots) -> Listing {
        self.select_in(0..u64::MAX, select)
    }

    /// [`select`](Self::select) in steps, for what may be content with the first of very many: `each` gets
    /// what was listed first, then what came next, and breaks off when it has enough. Each step is taken
    /// as the one before is done with.
    ///
    /// Ends: a step is twice as long as the one before, and the numbers of pages have 64 bits.
    pub(super) fn select_in_steps(
        &self,
        select: impl Fn(&Chunk) -> Slots,
        mut each: impl FnMut(Listing) -> ControlFlow<()>,
    ) {
        let (mut start, mut length) = (0, 1_u64);
        loop {
            let shards = self.root.shards.iter();
            let Some(first) = shards.filter_map(|own| own.next_page(start)).min() else {
                return;
            };
            let end = first.saturating_add(length);
            if each(self.select_in(first..end, &select)).is_break() {
                return;
            }
            start = end;
            length = length.saturating_mul(2);
        }
    }

    fn select_in(&self, numbers: Range<u64>, select: impl Fn(&Chunk) -> Slots) -> Listing {
        let mut pages = Vec::new();
        for (shard, own) in self.root.shards.iter().enumerate() {
            own.read(numbers.clone(), |number, page| {
                pages.push(Selected {
                    number,
                    shard,
                    page,
                    slots: 0,
                });
            });
        }
        // Each shard's are in order already, of which this sort makes use. First, as what was opened
        // in turn mostly lies in memory in turn.
        pages.sort_by_key(|selected| (selected.number, selected.shard));
        pages.retain_mut(|selected| {
            selected.slots = select(&selected.page);
            selected.slots != 0
        });
        Listing { pages }
    }

    /// What is open and may pass.
    pub(super) fn candidates(&self, filter: &Filter) -> Listing {
        self.select(|page| filter.select(page))
    }

    /// What is listed.
    pub(super) fn listed(&self) -> Listing {
        self.select(Chunk::taken)
    }
}

impl Listing {
    pub(super) fn len(&self) -> usize {
        let counts = self.pages.iter().map(|own| own.slots.count_ones() as usize);
        counts.sum()
    }

    /// The first one.
    pub(super) fn first(&self) -> Option<&Arc<Record>> {
        let abreast = self.pages.chunk_by(Selected::is_abreast).next()?;
        let first = abreast
            .iter()
            .min_by_key(|own| (own.slots.trailing_zeros(), own.shard))?;
        first.page.record(first.slots.trailing_zeros())
    }

    /// Visits each, until `visit` breaks it off.
    pub(super) fn visit(
        self,
        mut visit: impl FnMut(&Arc<Record>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.visit_seen(|_| true, |record, _| visit(record))
    }

    /// Adds what comes after all that is there.
    pub(super) fn append(&mut self, next: Self) {
        self.pages.extend(next.pages);
    }

    /// [`visit`](Self::visit) with what `glance` said of the record a little before. It is asked of many
    /// in a row; see [`Chunk::select_records`].
    pub(super) fn visit_seen(
        self,
        glance: impl Fn(&Record) -> bool,
        mut visit: impl FnMut(&Arc<Record>, bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut pages = self.pages.into_iter().peekable();
        let (mut abreast, mut seen) = (Vec::new(), Vec::new());
        while let Some(first) = pages.next() {
            // Those before are given back, so that who changes them need not copy them.
            abreast.clear();
            abreast.push(first);
            while let Some(next) = pages.next_if(|next| abreast[0].is_abreast(next)) {
                abreast.push(next);
            }
            let glances = abreast.iter().map(|own| own.select(&glance));
            seen.clear();
            seen.extend(glances);
            in_turn(&abreast, |index, bit, record| {
                visit(record, seen[index] & bit != 0)
            })?;
        }
        ControlFlow::Continue(())
    }

    /// Keeps those for which `keep`, which may run anything.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Record) -> bool) {
        let mut left = Vec::with_capacity(self.pages.len());
        for abreast in self.pages.chunk_by(Selected::is_abreast) {
            let first = left.len();
            left.extend(abreast.iter().map(|own| own.slots));
            let _ = in_turn(abreast, |index, bit, record| {
                if !keep(record) {
                    left[first + index] &= !bit;
                }
                ControlFlow::Continue(())
            });
        }
        let mut left = left.into_iter();
        self.pages.retain_mut(|own| {
            own.slots = left.next().unwrap_or(0);
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
    /// Whether both pages have the same number, each in its shard. Then the numbers of their operations
    /// alternate: the first place of each shard, then the second, and so on.
    fn is_abreast(&self, other: &Self) -> bool {
        self.number == other.number
    }

    /// Those of the rows that are meant for which `is_so`.
    fn select(&self, is_so: impl Fn(&Record) -> bool) -> Slots {
        self.page.select_records(self.slots, is_so)
    }
}

/// Visits what is meant of pages that are abreast, in the order of opening. Each comes with the index of
/// its page and the bit of its place.
fn in_turn(
    abreast: &[Selected],
    mut visit: impl FnMut(usize, Slots, &Arc<Record>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut left = abreast.iter().fold(0, |all, own| all | own.slots);
    // Ends: each turn takes a bit.
    while left != 0 {
        let slot = left.trailing_zeros();
        let bit = 1 << slot;
        left ^= bit;
        for (index, own) in abreast.iter().enumerate() {
            if own.slots & bit != 0 {
                if let Some(record) = own.page.record(slot) {
                    visit(index, bit, record)?;
                }
            }
        }
    }
    ControlFlow::Continue(())
}
