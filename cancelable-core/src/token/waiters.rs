//! Where a token keeps those who wait for it: stored, exchanged, and taken back.
//!
//! There are three places, and a wait goes to the first that will do:
//!
//! - **In the token's stead** in the parent's list, for the first wait on a token that is nothing
//!   else's member: one lock when it comes, one when it leaves, and whoever cancels the parent wakes it
//!   without a look at the token. Once that wait has left, the token has had its turn: the waits after it
//!   use the token's own lock, so that tokens of one parent that are waited on again and again share none.
//! - **In the token's own list.**
//! - **In the token's sharded_waiters**, once threads have met at that list.

use super::branch::OpenBranch;
use super::inline_list::{Key, NO_KEY};
use super::member::Member;
use super::node::{Inner, LINKED, NEVER, Node, ROOT, UNLINKED, WAITER_LINKED, WAITER_UNLINKED};
use super::sharded_waiters::{ShardKey, ShardedWaiters};
use crate::sync::{MutexGuard, Ordering, StoredWaker, drop_waker};
use std::sync::Arc;
use std::task::Waker;

/// How often a wait has to find the token's list locked before the waits go to a sharded_waiters. It takes room
/// for each token that has one, so it is not made for a chance meeting.
pub(super) const MAX_CONTENTIONS: u8 = if cfg!(cancelable_loom) { 1 } else { 16 };

/// Where a waiter is stored. Good until the token is cancelled (invariant 6).
#[derive(Clone, Copy, Debug)]
pub(super) enum WaiterKey {
    /// Nowhere: the token can't be cancelled.
    Nowhere,
    /// In the token's list. The key 0 also stands for the waiter in the parent's list, because that
    /// one gets this key when it moves to the token's own.
    List(Key),
    Sharded(ShardKey),
}

impl Node {
    /// Stores `waker`. None if the token is cancelled.
    ///
    /// Wakes: see "No lost wake-up" in the module's header.
    pub(super) fn insert_waiter(self: &Arc<Self>, waker: StoredWaker) -> Option<WaiterKey> {
        let mut waker = waker;
        // Relaxed: a hint. Each way looks again under its lock.
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
                let (mut inner, is_crowded) = self.lock_and_count();
                if self.is_marked_cancelled() {
                    return None;
                }
                let key = inner.waiters.insert(waker.take()?);
                drop(inner);
                if is_crowded {
                    self.shard_waiters();
                }
                return Some(WaiterKey::List(key));
            }
            _ => {}
        }
        let mut inner = self.open()?;
        Some(WaiterKey::List(inner.waiters.insert(waker.take()?)))
    }

    /// Stores the waker in the parent's list, in place of the node. Hands it back if the node is or was a
    /// member; `Ok(None)` if the token is cancelled.
    fn link_waiter(&self, waker: StoredWaker) -> Result<Option<WaiterKey>, StoredWaker> {
        let Some(parent) = self.parent() else {
            return Err(waker);
        };
        let Some(mut open) = parent.open() else {
            return Ok(None);
        };
        // Relaxed: changed from UNLINKED under the lock that is held here, by the token's own cancel as
        // well. With a branch of its own the node may have its home elsewhere (invariant 9).
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

    /// Does `change` while the node is linked_waiter, with the parent's list and the entry in it; None if the
    /// node is not linked_waiter (any more), so that its waiter, if it has not been taken, is in its own list.
    /// `Some(None)` if the waiter was taken by whoever cancelled the parent.
    fn with_linked_waiter<R>(
        &self,
        change: impl FnOnce(&mut OpenBranch<'_>, Key) -> R,
    ) -> Option<Option<R>> {
        let is_waiter_linked = || self.state.load(Ordering::Relaxed) == WAITER_LINKED;
        // Relaxed: a hint, looked at again below. A wait that was stored here has seen the state set.
        if !is_waiter_linked() {
            return None;
        }
        let parent = self.parent()?;
        let open = match parent.is_cancelled() {
            true => None,
            false => parent.open(),
        };
        // Relaxed: the state changes from WAITER_LINKED under the parent's lock only. It is held here, or was
        // after the branch had been cancelled, and then nothing changes it any more.
        if !is_waiter_linked() {
            return None;
        }
        Some(open.map(|mut open| change(&mut open, self.entry.load(Ordering::Relaxed))))
    }

    /// Exchanges the waker at `place`. False if the token is cancelled.
    pub(super) fn replace_waiter(&self, place: WaiterKey, waker: StoredWaker) -> bool {
        let mut waker = waker.take();
        // What is left in `waker`, or comes out, is dropped with no lock held.
        let replaced = match place {
            WaiterKey::Nowhere => waker.take(),
            WaiterKey::Sharded(key) => self.sharded_waiters().and_then(|sharded_waiters| {
                let waker = waker.take()?;
                sharded_waiters.replace(key, waker).ok()
            }),
            WaiterKey::List(key) => {
                let linked_waiter = self.with_linked_waiter(|open, entry| {
                    let stored = open.waiter_mut(entry)?;
                    Some(std::mem::replace(stored, waker.take()?))
                });
                match linked_waiter {
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

    /// Takes the waker at `place` back.
    pub(super) fn remove_waiter(&self, place: WaiterKey) {
        let removed = match place {
            WaiterKey::Nowhere => None,
            // A marked node's lists have been taken, or are about to be by a call that wakes them.
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

    /// Takes the waiter that stands in the parent's list for the node, if one does. The parent's list is
    /// `open`.
    pub(super) fn unlink_waiter(&self, open: &mut OpenBranch<'_>) -> Option<Waker> {
        // Relaxed: changed under the lock that is held here.
        if self.state.load(Ordering::Relaxed) != WAITER_LINKED {
            return None;
        }
        let waker = open.take_waiter(self.entry.load(Ordering::Relaxed));
        self.entry.store(NO_KEY, Ordering::Relaxed);
        self.state.store(WAITER_UNLINKED, Ordering::Relaxed);
        waker
    }

    /// The waiters of several threads, once there were.
    #[inline]
    pub(super) fn sharded_waiters(&self) -> Option<&ShardedWaiters> {
        self.branch()?.sharded_waiters()
    }

    /// Locks the node's lists for a wait. True if waits have found them locked too often.
    fn lock_and_count(&self) -> (MutexGuard<'_, Inner>, bool) {
        let (inner, is_met) = match self.try_lock() {
            Some(inner) => (inner, false),
            None => (self.lock(), true),
        };
        // loom does not have one thread try a lock while another holds it. A second waiter stands in for
        // that.
        #[cfg(cancelable_loom)]
        let is_met = is_met || !inner.waiters.is_empty();
        if !is_met {
            return (inner, false);
        }
        // Relaxed: only under the lock that is held here.
        let met = self.met.load(Ordering::Relaxed).saturating_add(1);
        self.met.store(met, Ordering::Relaxed);
        (inner, met >= MAX_CONTENTIONS)
    }

    /// Has the waits from now on go to a sharded_waiters. Those that are stored stay where they are.
    ///
    /// Whoever settles the node does it under the lock that is held here: it finds the sharded_waiters, or is found.
    fn shard_waiters(self: &Arc<Self>) {
        let branch = self.own_branch();
        let _locked = self.lock();
        if !self.is_marked_cancelled() {
            branch.shard_waiters();
        }
    }
}
