//! The waiters of a token on which several threads wait at once, in shards.
//!
//! A token's own list has one lock. After enough contention for that lock, new waits go to one of several
//! shards. Each shard has its own lock and its own cache lines, so waits of two threads in different shards
//! write to no shared memory.

use super::inline_list::{InlineList, Key};
use crate::sync::{Mutex, MutexGuard, StoredWaker, thread_number};
use std::task::Waker;

/// The number of shards. Threads take them in turn, so up to this number of threads share no shard.
const SHARDS: usize = if cfg!(cancelable_loom) { 2 } else { 16 };

/// The shards of one token.
#[derive(Debug)]
pub(super) struct ShardedWaiters {
    shards: Box<[Shard]>,
}

/// A list with its lock, aligned to two cache lines of 64 bytes, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<InlineList<Waker>>);

/// The key of a waiter in the shards.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShardKey {
    shard: u16,
    key: Key,
}

impl ShardedWaiters {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
        }
    }

    /// Returns the index of the calling thread's shard.
    fn own_shard(&self) -> usize {
        thread_number() % self.shards.len()
    }

    /// Stores `waker`, unless `is_marked_cancelled` returns true under the shard's lock.
    ///
    /// Wakes: a canceller marks the node before it takes the shards. If the canceller has taken this shard, the shard's
    /// lock makes the mark visible here; if not, the canceller will find the waker.
    pub(super) fn insert(
        &self,
        waker: StoredWaker,
        is_marked_cancelled: impl FnOnce() -> bool,
    ) -> Option<ShardKey> {
        let shard = self.own_shard();
        let mut locked = self.shards[shard].0.lock();
        if is_marked_cancelled() {
            return None;
        }
        let key = locked.insert(waker.take()?);
        // Fits: there are few shards.
        let shard = shard as u16;
        Some(ShardKey { shard, key })
    }

    fn lock(&self, at: ShardKey) -> MutexGuard<'_, InlineList<Waker>> {
        self.shards[usize::from(at.shard)].0.lock()
    }

    /// Replaces the waker at `at`. Hands `waker` back as `Err` if the shard was taken.
    pub(super) fn replace(&self, at: ShardKey, waker: Waker) -> Result<Waker, Waker> {
        match self.lock(at).get_mut(at.key) {
            Some(stored) => Ok(std::mem::replace(stored, waker)),
            None => Err(waker),
        }
    }

    /// Removes the waker at `at`, unless the shard was taken.
    pub(super) fn remove(&self, at: ShardKey) -> Option<Waker> {
        self.lock(at).remove(at.key)
    }

    /// Takes the waiters of all shards. Requires that the node is marked as cancelled.
    pub(super) fn take(&self) -> impl Iterator<Item = InlineList<Waker>> {
        self.shards
            .iter()
            .map(|shard| std::mem::take(&mut *shard.0.lock()))
    }
}
