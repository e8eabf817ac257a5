//! The latest of the operations that have ended.
//!
//! Each that ends takes the next number, and with it a slot that nobody else writes to for as long
//! as the history is long. So ends on many threads meet at one counter and at no lock.
//!
//! The slots are made as they are needed, in blocks of which each is as large as all before it. So a
//! history takes what it holds and at most as much again, however large its bound is.
//!
//! A snapshot may have a text of any length: of an error, a partial result, metadata. So what is kept is
//! bounded in bytes too. Whoever goes over that bound takes the oldest out until it is kept.

use crate::cause::OperationId;
use crate::operation::OperationSnapshot;
use crate::sync::unmodelled::OnceLock;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};

pub(super) struct History {
    bound: usize,
    next: AtomicU64,
    most_bytes: usize,
    /// What is kept, by [`OperationSnapshot::bytes`]. Changed under the lock of the slot that is filled or emptied.
    bytes: AtomicUsize,
    /// None with a lower number is there any more, as far as whoever was over the bound has got.
    oldest: AtomicU64,
    /// How many were taken out for their size.
    evicted: AtomicU64,
    /// As many as the bound has; each is made when an operation ends that has its place there.
    blocks: Box<[OnceLock<Block>]>,
}

type Block = Box<[Mutex<Option<Entry>>]>;

/// How many slots the first block has, and the second one. A power of two.
const FIRST: usize = 64;

struct Entry {
    number: u64,
    bytes: usize,
    snapshot: OperationSnapshot,
}

impl History {
    pub(super) fn new(bound: usize, most_bytes: usize) -> Self {
        Self {
            bound,
            next: AtomicU64::new(0),
            most_bytes,
            bytes: AtomicUsize::new(0),
            oldest: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            blocks: match bound.checked_sub(1) {
                Some(last) => (0..=block_of(last)).map(|_| OnceLock::new()).collect(),
                None => Box::default(),
            },
        }
    }

    /// The slot of this place, which is below the bound. Its block is made if it is not there.
    fn slot(&self, place: usize) -> Option<&Mutex<Option<Entry>>> {
        let number = block_of(place);
        let start = start_of(number);
        let block = self.blocks.get(number)?.get_or_init(|| {
            let length = start.max(FIRST).min(self.bound - start);
            (0..length).map(|_| Mutex::new(None)).collect()
        });
        block.get(place - start)
    }

    /// Keeps what `take` gives, in the place of the oldest.
    pub(super) fn keep(&self, take: impl FnOnce() -> OperationSnapshot) {
        if self.bound == 0 {
            return;
        }
        let snapshot = take();
        let bytes = snapshot.bytes();
        if bytes > self.most_bytes {
            // It would take the place of all others, and then go itself.
            self.evicted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Relaxed: the numbers need to be different and nothing else.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // The remainder is below the bound, so nothing is cut off.
        let place = (number % self.bound as u64) as usize;
        let Some(slot) = self.slot(place) else {
            return;
        };
        let mut entry = Some(Entry {
            number,
            bytes,
            snapshot,
        });
        let kept = {
            let mut slot = slot.lock();
            // A thread that was held up for a whole round must not put the older one back.
            if slot.as_ref().is_none_or(|kept| kept.number < number) {
                std::mem::swap(&mut *slot, &mut entry);
                let replaced = entry.as_ref().map_or(0, |entry| entry.bytes);
                // Relaxed, both: a sum, and what it is of is under the locks of the slots.
                self.bytes.fetch_sub(replaced, Ordering::Relaxed);
                self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes
            } else {
                0
            }
        };
        // What was there, whose cause may hold an error of a user.
        drop(entry);
        if kept > self.most_bytes {
            self.evict();
        }
    }

    /// Takes the oldest out until the bytes are kept.
    ///
    /// Ends: each turn goes on to a higher number, and below the next one that is given out.
    #[cold]
    fn evict(&self) {
        let next = self.next.load(Ordering::Relaxed);
        // Those before have lost their places to others.
        let first = next.saturating_sub(self.bound as u64);
        self.oldest.fetch_max(first, Ordering::Relaxed);
        while self.bytes.load(Ordering::Relaxed) > self.most_bytes {
            let number = self.oldest.fetch_add(1, Ordering::Relaxed);
            if number >= next {
                // One that was not looked at has come meanwhile, and whoever brought it looks.
                self.oldest.fetch_min(number, Ordering::Relaxed);
                return;
            }
            let place = (number % self.bound as u64) as usize;
            let Some(slot) = self.slot(place) else {
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

    /// How many were taken out for their size.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    pub(super) fn latest_first(&self) -> Vec<OperationSnapshot> {
        let mut kept: Vec<_> = self
            .made()
            .filter_map(|slot| {
                let slot = slot.lock();
                slot.as_ref()
                    .map(|entry| (entry.number, entry.snapshot.clone()))
            })
            .collect();
        kept.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        kept.into_iter().map(|(_, snapshot)| snapshot).collect()
    }

    /// Whether the operation with this number is in it.
    pub(super) fn has(&self, id: OperationId) -> bool {
        let mut slots = self.made();
        slots.any(|slot| {
            let slot = slot.lock();
            slot.as_ref().is_some_and(|entry| entry.snapshot.id() == id)
        })
    }

    /// Removes those for which `which`, which is not a user's, and counts them.
    pub(super) fn remove(&self, which: impl Fn(&OperationSnapshot) -> bool) -> usize {
        let removed = self.made().filter_map(|slot| {
            let mut slot = slot.lock();
            let removed = slot.take_if(|entry| which(&entry.snapshot));
            let bytes = removed.as_ref().map_or(0, |entry| entry.bytes);
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            removed
        });
        // Each is dropped with no lock held.
        removed.count()
    }

    fn made(&self) -> impl Iterator<Item = &Mutex<Option<Entry>>> {
        let made = self.blocks.iter().filter_map(OnceLock::get);
        made.flat_map(|block| block.iter())
    }
}

/// In which block a place is: the first one ends at `FIRST`, and each other one at twice where the
/// one before it does.
fn block_of(place: usize) -> usize {
    match (place / FIRST).checked_ilog2() {
        Some(doublings) => doublings as usize + 1,
        None => 0,
    }
}

/// The first place in a block.
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
        for place in 0..20 * FIRST {
            if block_of(place) != block {
                block += 1;
                next = place;
            }
            assert_eq!((block_of(place), start_of(block)), (block, next), "{place}");
        }
        let last = block_of(usize::MAX);
        assert_eq!(block_of(start_of(last)), last);
        assert_eq!(block_of(start_of(last) - 1), last - 1);
    }
}
