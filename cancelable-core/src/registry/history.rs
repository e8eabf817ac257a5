//! The latest of the operations that have ended.
//!
//! Each that ends takes the next number, and with it a slot that nobody else writes to for as long
//! as the history is long. So ends on many threads meet at one counter and at no lock.

use crate::operation::OperationSnapshot;
use crate::sync::{AtomicU64, Mutex, Ordering};
use std::sync::OnceLock;

pub(super) struct History {
    bound: usize,
    next: AtomicU64,
    /// Made when the first operation ends.
    slots: OnceLock<Box<[Mutex<Option<Entry>>]>>,
}

struct Entry {
    number: u64,
    snapshot: OperationSnapshot,
}

impl History {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            next: AtomicU64::new(0),
            slots: OnceLock::new(),
        }
    }

    fn slots(&self) -> &[Mutex<Option<Entry>>] {
        self.slots
            .get_or_init(|| (0..self.bound).map(|_| Mutex::new(None)).collect())
    }

    /// Keeps what `take` gives, in the place of the oldest.
    pub(super) fn keep(&self, take: impl FnOnce() -> OperationSnapshot) {
        if self.bound == 0 {
            return;
        }
        let snapshot = take();
        // Relaxed: the numbers need to be different and nothing else.
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // The remainder is below the bound, so nothing is cut off.
        let place = (number % self.bound as u64) as usize;
        let Some(slot) = self.slots().get(place) else {
            return;
        };
        let mut entry = Some(Entry { number, snapshot });
        {
            let mut slot = slot.lock();
            // A thread that was held up for a whole round must not put the older one back.
            if slot.as_ref().is_none_or(|kept| kept.number < number) {
                std::mem::swap(&mut *slot, &mut entry);
            }
        }
        // What was there, whose cause may hold an error of a user.
        drop(entry);
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

    /// Removes those for which `which`, which is not a user's, and counts them.
    pub(super) fn remove(&self, which: impl Fn(&OperationSnapshot) -> bool) -> usize {
        let removed = self.made().filter_map(|slot| {
            let mut slot = slot.lock();
            slot.take_if(|entry| which(&entry.snapshot))
        });
        // Each is dropped with no lock held.
        removed.count()
    }

    fn made(&self) -> impl Iterator<Item = &Mutex<Option<Entry>>> {
        self.slots.get().into_iter().flat_map(|slots| slots.iter())
    }
}
