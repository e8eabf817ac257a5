//! The history of a registry: snapshots of the operations that ended last.
//!
//! Each end takes the next number, which selects a slot. No other thread writes that slot until as many ends have
//! followed as the history has slots. So ends on many threads contend for one counter and for no lock.
//!
//! Slots are allocated on demand, in blocks. Each block is as large as all blocks before it together, so a history
//! takes at most twice the memory that it needs, whatever its bound is.
//!
//! A snapshot may have texts of any length: an error, a partial result, metadata. So the history is bounded in
//! bytes too. The thread whose snapshot exceeds that bound evicts the oldest snapshots until the bound holds.

use crate::cause::OperationId;
use crate::operation::OperationSnapshot;
use crate::sync::unmodelled::OnceLock;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};

pub(super) struct History {
    bound: usize,
    next: AtomicU64,
    max_bytes: usize,
    /// The sum of [`OperationSnapshot::bytes`]. Changed under the lock of the changed slot.
    bytes: AtomicUsize,
    /// The lowest number whose slot evictions have not emptied.
    oldest: AtomicU64,
    /// The number of snapshots that were evicted for their size.
    evicted: AtomicU64,
    /// The blocks, as many as the bound needs. The first end with a slot in a block allocates the block.
    blocks: Box<[OnceLock<Block>]>,
}

type Block = Box<[Mutex<Option<Entry>>]>;

/// The length of the first block and of the second. A power of two.
const FIRST: usize = 64;

struct Entry {
    number: u64,
    bytes: usize,
    snapshot: OperationSnapshot,
}

impl History {
    pub(super) fn new(bound: usize, max_bytes: usize) -> Self {
        Self {
            bound,
            next: AtomicU64::new(0),
            max_bytes,
            bytes: AtomicUsize::new(0),
            oldest: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            blocks: match bound.checked_sub(1) {
                Some(last) => (0..=block_of(last)).map(|_| OnceLock::new()).collect(),
                None => Box::default(),
            },
        }
    }

    /// Returns the slot for a number, and allocates its block if necessary.
    fn slot(&self, number: u64) -> Option<&Mutex<Option<Entry>>> {
        // The remainder is below the bound, so the cast loses nothing.
        let index = (number % self.bound as u64) as usize;
        let number = block_of(index);
        let start = start_of(number);
        let block = self.blocks.get(number)?.get_or_init(|| {
            let length = start.max(FIRST).min(self.bound - start);
            (0..length).map(|_| Mutex::new(None)).collect()
        });
        block.get(index - start)
    }

    /// Stores the snapshot in the slot of the oldest snapshot.
    pub(super) fn keep(&self, take: impl FnOnce() -> OperationSnapshot) {
        if self.bound == 0 {
            return;
        }
        let snapshot = take();
        let bytes = snapshot.bytes();
        if bytes > self.max_bytes {
            // The snapshot would evict all others, and then itself.
            self.evicted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Relaxed: the numbers must be different, and no other access depends on them.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(slot) = self.slot(number) else {
            return;
        };
        let mut entry = Some(Entry {
            number,
            bytes,
            snapshot,
        });
        let kept = {
            let mut slot = slot.lock();
            // A thread that was delayed for a whole round must not replace a newer snapshot.
            if slot.as_ref().is_none_or(|kept| kept.number < number) {
                std::mem::swap(&mut *slot, &mut entry);
                let replaced = entry.as_ref().map_or(0, |entry| entry.bytes);
                // Relaxed, both: the sum changes under the lock of the slot.
                self.bytes.fetch_sub(replaced, Ordering::Relaxed);
                self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes
            } else {
                0
            }
        };
        // With no lock held: the cause in a replaced snapshot may hold a user's error.
        drop(entry);
        if kept > self.max_bytes {
            self.evict();
        }
    }

    /// Evicts the oldest snapshots until the bound in bytes holds.
    ///
    /// Ends: each turn takes a higher number, and stops at `next`.
    #[cold]
    fn evict(&self) {
        let next = self.next.load(Ordering::Relaxed);
        // The slots of lower numbers have newer snapshots.
        let first = next.saturating_sub(self.bound as u64);
        self.oldest.fetch_max(first, Ordering::Relaxed);
        while self.bytes.load(Ordering::Relaxed) > self.max_bytes {
            let number = self.oldest.fetch_add(1, Ordering::Relaxed);
            if number >= next {
                // A newer snapshot was stored after the load of `next`. Its own thread checks the bound.
                self.oldest.fetch_min(number, Ordering::Relaxed);
                return;
            }
            let Some(slot) = self.slot(number) else {
                return;
            };
            let evicted = {
                let mut slot = slot.lock();
                let evicted = slot.take_if(|entry| entry.number <= number);
                let bytes = evicted.as_ref().map_or(0, |entry| entry.bytes);
                self.bytes.fetch_sub(bytes, Ordering::Relaxed);
                evicted
            };
            if evicted.is_some() {
                self.evicted.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Returns the number of snapshots that were evicted for their size.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    pub(super) fn latest_first(&self) -> Vec<OperationSnapshot> {
        let mut kept: Vec<_> = self
            .slots()
            .filter_map(|slot| {
                let slot = slot.lock();
                slot.as_ref()
                    .map(|entry| (entry.number, entry.snapshot.clone()))
            })
            .collect();
        kept.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        kept.into_iter().map(|(_, snapshot)| snapshot).collect()
    }

    pub(super) fn has(&self, id: OperationId) -> bool {
        let mut slots = self.slots();
        slots.any(|slot| {
            let slot = slot.lock();
            slot.as_ref().is_some_and(|entry| entry.snapshot.id() == id)
        })
    }

    /// Removes the matching snapshots, and returns their number. Requires that `matches` runs no user code,
    /// because it is called under a lock.
    pub(super) fn remove(&self, matches: impl Fn(&OperationSnapshot) -> bool) -> usize {
        let removed = self.slots().filter_map(|slot| {
            let mut slot = slot.lock();
            let removed = slot.take_if(|entry| matches(&entry.snapshot));
            let bytes = removed.as_ref().map_or(0, |entry| entry.bytes);
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            removed
        });
        // The count drops each with no lock held.
        removed.count()
    }

    fn slots(&self) -> impl Iterator<Item = &Mutex<Option<Entry>>> {
        let blocks = self.blocks.iter().filter_map(OnceLock::get);
        blocks.flat_map(|block| block.iter())
    }
}

/// Returns the number of the block with this index. The first block ends at `FIRST`. Each later block ends at
/// twice the end of the block before it.
fn block_of(index: usize) -> usize {
    match (index / FIRST).checked_ilog2() {
        Some(doublings) => doublings as usize + 1,
        None => 0,
    }
}

/// Returns the first index in a block.
fn start_of(block: usize) -> usize {
    match block.checked_sub(1) {
        Some(doublings) => FIRST << doublings,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, block_of, start_of};

    #[test]
    fn r36_blocks_follow_each_other_without_a_gap() {
        let (mut block, mut next) = (0, 0);
        for index in 0..20 * FIRST {
            if block_of(index) != block {
                block += 1;
                next = index;
            }
            assert_eq!((block_of(index), start_of(block)), (block, next), "{index}");
        }
        let last = block_of(usize::MAX);
        assert_eq!(block_of(start_of(last)), last);
        assert_eq!(block_of(start_of(last) - 1), last - 1);
    }
}
