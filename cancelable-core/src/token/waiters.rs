//! The storage of a token's waiters: insert, replace, remove.
//!
//! There are three places. A waiter is stored in the first place that is possible:
//!
//! - **The parent's list, in place of the node**, for the first waiter of a token that is not a member: one lock
//!   to insert, one to remove, and the parent's canceller wakes it without access to the token. A token uses
//!   this place once. Later waiters use the token's own lock, so that tokens of one parent that are waited on
//!   again and again share no lock.
//! - **The token's own list.**
//! - **The token's sharded waiters**, after contention for that list.

use super::branch::OpenBranch;
use super::inline_list::{Key, NO_KEY};
use super::member::Member;
use super::node::{Inner, LINKED, NEVER, Node, ROOT, UNLINKED, WAITER_LINKED, WAITER_UNLINKED};
use super::sharded_waiters::{ShardKey, ShardedWaiters};
use crate::sync::{MutexGuard, Ordering, StoredWaker, drop_waker};
use std::sync::Arc;
use std::task::Waker;

/// The number of times that a waiter has to find the token's list locked before waiters are sharded. Shards cost memory
/// for each such token, so one collision is not enough.
pub(super) const MAX_CONTENTIONS: u8 = if cfg!(cancelable_loom) { 1 } else { 16 };

/// The place of a stored waiter. Valid until the token is cancelled (invariant 6).
#[derive(Clone, Copy, Debug)]
pub(super) enum WaiterKey {
    /// Not stored: the token can't be cancelled.
    Nowhere,
    /// In the token's list. The key 0 is also that of the waiter in the parent's list, because that waiter gets
    /// the key 0 when it moves to the token's list.
    List(Key),
    Sharded(ShardKey),
}

impl Node {
    /// Stores `waker`. Returns `None` if the token is cancelled.
    ///
    /// Wakes: "No lost wake-up" in the module's header.
    pub(super) fn insert_waiter(self: &Arc<Self>, waker: StoredWaker) -> Option<WaiterKey> {
        let mut waker = waker;
        // Relaxed: a hint. Each branch reads the state again under its lock.
        match self.state.load(Ordering::Relaxed) {
            NEVER => return Some(WaiterKey::Nowhere),
            UNLINKED => match self.link_waiter(waker) {
                Ok(place) => return place,
                Err(back) => waker = back,
            },
            ROOT | LINKED => {
                if let Some(sharded_waiters) = self.sharded_waiters() {
                    let key = sharded_waiters.insert(waker, || self.is_marked_cancelled())?;
                    return Some(WaiterKey::Sharded(key));
                }
                let (mut inner, is_contended) = self.lock_and_count();
                if self.is_marked_cancelled() {
                    return None;
                }
                let key = inner.waiters.insert(waker.take()?);
                drop(inner);
                if is_contended {
                    self.shard_waiters();
                }
                return Some(WaiterKey::List(key));
            }
            _ => {}
        }
        let mut inner = self.open()?;
        Some(WaiterKey::List(inner.waiters.insert(waker.take()?)))
    }

    /// Stores the waker in the parent's list, in place of the node. Hands it back as `Err` if the node is a
    /// member or has had a waiter there; `Ok(None)` if the token is cancelled.
    fn link_waiter(&self, waker: StoredWaker) -> Result<Option<WaiterKey>, StoredWaker> {
        let Some(parent) = self.parent() else {
            return Err(waker);
        };
        let Some(mut open) = parent.open() else {
            return Ok(None);
        };
        // Relaxed: the state changes from UNLINKED only under the lock that is held here, also by the token's
        // own cancel. A node with a branch may have its home elsewhere (invariant 9).
        if self.state.load(Ordering::Relaxed) != UNLINKED || self.branch().is_some() {
            drop(open);
            return Err(waker);
        }
        let Some(waker) = waker.take() else {
            return Ok(None);
        };
        let entry = open.insert(Member::Waiter(waker));
        self.entry.store(entry, Ordering::Relaxed);
        self.state.store(WAITER_LINKED, Ordering::Relaxed);
        Ok(Some(WaiterKey::List(0)))
    }

    /// Calls `change` while the node's waiter is in the parent's list, with that list and the waiter's key.
    /// Returns `None` if the waiter is not there: unless it was taken, it is in the node's own list. Returns
    /// `Some(None)` if the parent's canceller took the waiter.
    fn with_linked_waiter<R>(
        &self,
        change: impl FnOnce(&mut OpenBranch<'_>, Key) -> R,
    ) -> Option<Option<R>> {
        let is_waiter_linked = || self.state.load(Ordering::Relaxed) == WAITER_LINKED;
        // Relaxed: a hint, checked again below. A wait whose waiter was stored here has seen this state.
        if !is_waiter_linked() {
            return None;
        }
        let parent = self.parent()?;
        let open = match parent.is_cancelled() {
            true => None,
            false => parent.open(),
        };
        // Relaxed: the state changes from WAITER_LINKED only under the parent's lock. The lock is held here, or
        // was held after the branch had been cancelled, and then the state is final.
        if !is_waiter_linked() {
            return None;
        }
        Some(open.map(|mut open| change(&mut open, self.entry.load(Ordering::Relaxed))))
    }

    /// Replaces the waker at `place`. Returns false if the token is cancelled.
    pub(super) fn replace_waiter(&self, place: WaiterKey, waker: StoredWaker) -> bool {
        let mut waker = waker.take();
        // Both the unused waker and the replaced one are dropped with no lock held.
        let replaced = match place {
            WaiterKey::Nowhere => waker.take(),
            WaiterKey::Sharded(key) => self.sharded_waiters().and_then(|sharded_waiters| {
                let waker = waker.take()?;
                sharded_waiters.replace(key, waker).ok()
            }),
            WaiterKey::List(key) => {
                let replaced = self.with_linked_waiter(|open, entry| {
                    let stored = open.waiter_mut(entry)?;
                    Some(std::mem::replace(stored, waker.take()?))
                });
                match replaced {
                    Some(replaced) => replaced.flatten(),
                    None => {
                        let mut inner = self.lock();
                        let stored = inner.waiters.get_mut(key);
                        stored.and_then(|stored| Some(std::mem::replace(stored, waker.take()?)))
                    }
                }
            }
        };
        let is_stored = replaced.is_some();
        drop_waker(waker);
        drop_waker(replaced);
        is_stored
    }

    /// Removes the waker at `place`.
    pub(super) fn remove_waiter(&self, place: WaiterKey) {
        let removed = match place {
            WaiterKey::Nowhere => None,
            // A marked node's lists have been taken, or are about to be taken by the call that wakes their
            // waiters.
            WaiterKey::Sharded(_) | WaiterKey::List(_) if self.is_marked_cancelled() => None,
            WaiterKey::Sharded(key) => self
                .sharded_waiters()
                .and_then(|sharded_waiters| sharded_waiters.remove(key)),
            WaiterKey::List(key) => {
                match self.with_linked_waiter(|open, _| self.unlink_waiter(open)) {
                    Some(removed) => removed.flatten(),
                    None => {
                        let mut inner = self.lock();
                        inner.waiters.remove(key)
                    }
                }
            }
        };
        drop_waker(removed);
    }

    /// Removes the node's waiter from the parent's list, if there is one. `open` is the parent's list.
    pub(super) fn unlink_waiter(&self, open: &mut OpenBranch<'_>) -> Option<Waker> {
        // Relaxed: changed only under the lock that is held here.
        if self.state.load(Ordering::Relaxed) != WAITER_LINKED {
            return None;
        }
        let waker = open.take_waiter(self.entry.load(Ordering::Relaxed));
        self.entry.store(NO_KEY, Ordering::Relaxed);
        self.state.store(WAITER_UNLINKED, Ordering::Relaxed);
        waker
    }

    /// Returns the sharded waiters, if there are any.
    #[inline]
    pub(super) fn sharded_waiters(&self) -> Option<&ShardedWaiters> {
        self.branch()?.sharded_waiters()
    }

    /// Locks the node's lists for a waiter. Also returns whether waiters have found the lists locked too often.
    fn lock_and_count(&self) -> (MutexGuard<'_, Inner>, bool) {
        let (inner, is_locked) = match self.try_lock() {
            Some(inner) => (inner, false),
            None => (self.lock(), true),
        };
        // loom never lets `try_lock` fail while another thread holds the lock. So under loom a list with a waiter
        // counts as locked.
        #[cfg(cancelable_loom)]
        let is_locked = is_locked || !inner.waiters.is_empty();
        if !is_locked {
            return (inner, false);
        }
        // Relaxed: accessed only under the lock that is held here.
        let contentions = self.contentions.load(Ordering::Relaxed).saturating_add(1);
        self.contentions.store(contentions, Ordering::Relaxed);
        (inner, contentions >= MAX_CONTENTIONS)
    }

    /// Makes the sharded waiters, to which later waiters go. Stored waiters stay where they are.
    ///
    /// A canceller marks the node under the lock that is held here: it finds the shards, or this finds the
    /// mark.
    fn shard_waiters(self: &Arc<Self>) {
        let branch = self.own_branch();
        let _locked = self.lock();
        if !self.is_marked_cancelled() {
            branch.shard_waiters();
        }
    }
}
