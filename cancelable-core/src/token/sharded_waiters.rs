//! The waiters of a token on which several threads wait at once.
//!
//! A token's own list has one lock. Where threads have met at it often enough, the waits that come
//! from then on go to one of several lists, each with a lock of its own and by itself on its cache
//! lines: a wait writes to nothing that the waits of another thread write to.

use super::inline_list::{InlineList, Key};
use crate::sync::{Mutex, MutexGuard, StoredWaker, thread_number};
use std::task::Waker;

/// How many lists there are. Threads take them in turn, so that up to this many share none.
const LISTS: usize = if cfg!(cancelable_loom) { 2 } else { 16 };

/// The lists of one token.
#[derive(Debug)]
pub(super) struct ShardedWaiters {
    lists: Box<[List]>,
}

/// Two lines of 64 bytes, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct List(Mutex<InlineList<Waker>>);

/// A waiter's place in a sharded_waiters.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShardKey {
    list: u16,
    key: Key,
}

impl ShardedWaiters {
    pub(super) fn new() -> Self {
        Self {
            lists: (0..LISTS).map(|_| List::default()).collect(),
        }
    }

    /// The list of the thread that calls.
    fn own_list(&self) -> usize {
        thread_number() % self.lists.len()
    }

    /// Stores `waker` unless `is_marked_cancelled` says so under the list's lock.
    ///
    /// Wakes: whoever settles the node does so before it takes the lists. If that took this one
    /// before, its lock makes the marked state visible here; if not, it finds the waker.
    pub(super) fn insert(
        &self,
        waker: StoredWaker,
        is_marked_cancelled: impl FnOnce() -> bool,
    ) -> Option<ShardKey> {
        let list = self.own_list();
        let mut locked = self.lists[list].0.lock();
        if is_marked_cancelled() {
            return None;
        }
        let key = locked.insert(waker.take()?);
        // Fits: there are few lists.
        let list = list as u16;
        Some(ShardKey { list, key })
    }

    fn lock(&self, spot: ShardKey) -> MutexGuard<'_, InlineList<Waker>> {
        self.lists[usize::from(spot.list)].0.lock()
    }

    /// Exchanges the waker at `spot`. `Err` hands it back if the list was taken.
    pub(super) fn replace(&self, spot: ShardKey, waker: Waker) -> Result<Waker, Waker> {
        match self.lock(spot).get_mut(spot.key) {
            Some(stored) => Ok(std::mem::replace(stored, waker)),
            None => Err(waker),
        }
    }

    /// Takes the waker at `spot` out, unless the list was taken.
    pub(super) fn remove(&self, spot: ShardKey) -> Option<Waker> {
        self.lock(spot).remove(spot.key)
    }

    /// Takes all lists, for a node that is marked.
    pub(super) fn take(&self) -> impl Iterator<Item = InlineList<Waker>> {
        self.lists
            .iter()
            .map(|list| std::mem::take(&mut *list.0.lock()))
    }
}
